"""What in a configuration may be a secret, and how it is shown.

The API key is not allowed in the file: people paste the file into bug reports and keep it in git. Other secrets
(headers, a password in a URL) are masked wherever settings are shown.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

MASK = "********"
CURE = (
    "The key does not belong in this file. Remove the line and put it where only the service can read it:\n"
    "    `sudo scripts/install --key` asks for it; or write it alone into a file that only its owner can read\n"
    "    (chmod 600), and name that file in model.api_key_file. If this file was ever shared, revoke the key."
)

_NAME = re.compile(r"(^|[-_])(api[-_]?key|key|token|secret|password|passwd|authorization)$", re.IGNORECASE)
_VALUE = re.compile(r"\b(sk|ek)[-_][A-Za-z0-9_-]{16,}|\bBearer\s+\S{8,}", re.IGNORECASE)
_HARMLESS_QUERY = frozenset({"model", "deployment", "api-version", "intent"})
_AUTH_HEADERS = frozenset({"authorization", "api-key"})


def secret_name(name: str) -> bool:
    """Return whether a key of this name holds a secret."""
    return _NAME.search(name) is not None


def secret_value(value: object) -> bool:
    """Return whether a value looks like an API key or a bearer token."""
    return isinstance(value, str) and _VALUE.search(value) is not None


def refused(path: tuple[str, ...], text: str) -> bool:
    """Return whether a line with this key and text holds a secret that has no place in the file."""
    return secret_value(text) or any(map(secret_name, path[-1:]))


def auth_header(name: str) -> bool:
    """Return whether this header carries the API key, and is therefore made from `model.auth` and the key file."""
    return name.lower() in _AUTH_HEADERS


def masked(path: tuple[str, ...], value: Any) -> Any:
    """Return the value as it may be shown: `value` itself unless it is, or contains, a secret. Never raises."""
    if secret_name(path[-1]) or secret_value(value) or "headers" in path[:-1]:
        return MASK if value else value
    if isinstance(value, Mapping):
        if path[-1] == "headers":
            return dict.fromkeys(value, MASK)
        return {name: masked((*path, str(name)), item) for name, item in value.items()}
    if isinstance(value, str) and "://" in value:
        return _masked_url(value)
    return value


def masked_text(text: str) -> str:
    """Return a text in which API keys and bearer tokens are masked."""
    return _VALUE.sub(MASK, text)


def hidden(line: str, *, whole: bool = False) -> str:
    """Return the part of a line that `masked_line` does not show, and what follows it; empty if it shows all."""
    shown = masked_line(line, whole=whole)
    if shown == line:
        return ""
    return line[
        next((at for at, (a, b) in enumerate(zip(line, shown, strict=False)) if a != b), len(shown)) :
    ]


def masked_line(line: str, *, whole: bool = False) -> str:
    """Return a line of a file, which need not be TOML, with what may be a secret masked.

    Args:
        line: the line.
        whole: mask all that comes after the name, whatever it is.
    """
    name = re.match(r"[\s\"']*([\w.-]*)[\"']?\s*[=:]?\s*", line)
    if whole and line.strip() and not re.search("[=:]", line):
        return MASK
    if name and (whole or secret_name(name[1])):
        return line[: name.end()] + MASK if line[name.end() :].strip() else line
    if headers := re.search(r"headers[^={:]*[={:]\s*", line):
        return line[: headers.end()] + MASK if line[headers.end() :].strip("[]{}'\", ") else line
    line = _VALUE.sub(MASK, line)
    return re.sub(r"\b[a-z]{2,10}://[^\s\"']+", lambda url: _masked_url(url[0]), line)


def _masked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:  # not a URL; it may be anything, so nothing of it is shown
        return MASK
    host = parts.netloc.rpartition("@")
    place = f"{MASK}@{host[2]}" if host[1] else parts.netloc
    query = [
        (name, item if name in _HARMLESS_QUERY else MASK)
        for name, item in parse_qsl(parts.query, keep_blank_values=True)
    ]
    return urlunsplit(parts._replace(netloc=place, query=urlencode(query, safe="*")))
