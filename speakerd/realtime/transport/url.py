"""The URL and the headers of the handshake, from a model configuration.

A key never appears in a message: `url_without_secrets()` leaves the query out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, parse_qs, quote, urljoin, urlsplit, urlunsplit

from speakerd.realtime.errors import UserError
from speakerd.realtime.model import DEFAULT_URL

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_MODEL: Final = "gpt-realtime-2.1"

_HEADER_NAME = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_KEY = re.compile(r"[\x20-\x7e]+")
_DEFAULT_PORTS = {"ws": 80, "wss": 443}
_WEBSOCKET_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


def model_url(url: str | None, model_name: str | None, call_id: str | None) -> str:
    """Return the URL to connect to; one that is given is used unchanged.

    Raises:
        UserError: the given URL is not a WebSocket's.
    """
    if url is None:
        if call_id is not None:
            return f"{DEFAULT_URL}?call_id={quote(call_id, safe='')}"
        return f"{DEFAULT_URL}?model={quote(model_name or DEFAULT_MODEL, safe='')}"
    parts = _split(url)
    if parts is None:
        raise UserError(
            f"{url_without_secrets(url)!r} is no address: its host or its port cannot be; "
            "expected one such as wss://api.example.com/v1/realtime or ws://[::1]:8000/v1/realtime"
        )
    if parts.scheme not in ("ws", "wss") or not parts.netloc:
        raise UserError(
            f"a model's url begins with ws:// or wss:// and names a host, found {url_without_secrets(url)!r}"
        )
    if call_id is not None and "call_id" not in parse_qs(parts.query):
        return f"{url}{'&' if parts.query else '?'}call_id={quote(call_id, safe='')}"
    return url


def names_the_model(url: str) -> bool:
    """Return whether the URL names the model or the call, so that the settings need not."""
    query = parse_qs(urlsplit(url).query)
    return "model" in query or "call_id" in query or "deployment" in query


def handshake_headers(url: str, given: Mapping[str, str] | None, api_key: str | None) -> dict[str, str]:
    """Return the headers of the handshake. Given ones, even none, are used unchanged, without an `Authorization`.

    Raises:
        UserError: the URL is the hosted service's, and there is no key; or a header or the key has a character
            that no header may have. The message shows neither.
    """
    if given is not None:
        return _checked(given)
    if api_key:
        if not _KEY.fullmatch(api_key):
            raise UserError(
                f"the API key cannot be sent: it contains {_what_is_odd(api_key, _KEY)}; give the key alone, in "
                "printable ASCII characters"
            )
        return {"Authorization": f"Bearer {api_key}"}
    if url.startswith(DEFAULT_URL):
        raise UserError(
            "an API key is required: set OPENAI_API_KEY, or give api_key in the model configuration"
        )
    return {}


def _checked(given: Mapping[str, str]) -> dict[str, str]:
    headers: dict[Any, Any] = dict(given)
    for name, value in headers.items():
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            raise UserError(
                f"headers: {ascii(name)[:40]} is no name of a header; expected letters, digits and hyphens"
            )
        if not isinstance(value, str):
            raise UserError(f"headers: the value of {name} is of type {type(value).__name__}; expected a str")
        if not _HEADER_VALUE.fullmatch(value):
            raise UserError(
                f"headers: the value of {name} cannot be sent: it contains {_what_is_odd(value, _HEADER_VALUE)}; "
                "expected printable characters on one line"
            )
    return headers


def _what_is_odd(value: str, allowed: re.Pattern[str]) -> str:
    """Return which character may not be there, and where, but nothing of what is around it."""
    at = next(at for at, char in enumerate(value) if not allowed.fullmatch(char))
    what = {"\n": "a line break", "\r": "a line break", " ": "a space", "\t": "a tab"}.get(value[at])
    where = "at its end" if at == len(value) - 1 else f"at position {at + 1}"
    return f"{what or f'the character U+{ord(value[at]):04X}'} {where}"


def redirected(url: str, location: str) -> str | None:
    """Return the address that a redirect leads to, as a WebSocket's; None where it leads to another server.

    A server that redirects says where it is to be found on itself; elsewhere the key is not sent. `http` in a
    redirect stands for `ws`, `https` for `wss`.
    """
    old, new = _split(url), _split(where_to(url, location))
    if old is None or new is None or new.scheme not in _WEBSOCKET_SCHEMES:
        return None
    new = new._replace(scheme=_WEBSOCKET_SCHEMES[new.scheme])
    if _origin(new) != _origin(old):
        return None
    return urlunsplit(new._replace(netloc=old.netloc, fragment=""))


def where_to(url: str, location: str) -> str:
    """Return the address that a redirect from `url` leads to, as it names it."""
    try:
        return urljoin(url, location)
    except ValueError:
        return location


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)


def _split(url: str) -> SplitResult | None:
    """Return the parts of an address; None where it is none."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # it raises where the port is no number, or too large
    except ValueError:
        return None
    return parts


def url_without_secrets(url: str) -> str:
    """Return the URL for messages: without its query and user, where people put keys."""
    try:
        parts = urlsplit(url)
    except ValueError:  # An IPv6 address without its end.
        return url.partition("?")[0].rpartition("@")[2]
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"
