"""Texts from a server or a library, made fit for an error: without the secrets of the handshake, on one line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

MASK: Final = "********"

LONGEST: Final = 300
"""Characters of such a text that are kept."""

_SHORTEST_SECRET = 6
"""A shorter one is not searched for: it would eat ordinary words."""

_NO_SECRETS = frozenset({"model", "call_id", "deployment", "api-version", "language"})
"""Parameters of the address that an error has to be able to name."""

_LIKE_A_KEY = re.compile(r"\b[se]k[-_][A-Za-z0-9_-]{12,}|(?<=\bBearer )[^\s\"']{6,}", re.IGNORECASE)
"""What looks like a key, whoever wrote it: also where a program's own function failed with the key in its words."""


class SafeText:
    """Replaces what is sent to one server as its secrets, wherever a text repeats it.

    Args:
        url: Secrets in it are those of its user and of its parameters.
    """

    def __init__(self, url: str = "") -> None:
        self._secrets: tuple[str, ...] = ()
        parts = urlsplit(url)
        user, _, password = parts.netloc.rpartition("@")[0].partition(":")
        self._add(unquote(user), unquote(password), password)
        self._add(*(value for name, value in parse_qsl(parts.query) if name.lower() not in _NO_SECRETS))

    def add_headers(self, headers: Mapping[str, str]) -> None:
        """Replace the values of these headers from now on, and each word of them."""
        for value in headers.values():
            self._add(value.strip(), *value.split())

    def __call__(self, text: str) -> str:
        """Return the text without secrets, on one line, with nothing that a terminal obeys, at most `LONGEST`."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        text = _LIKE_A_KEY.sub(MASK, text)
        line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
        return line[:LONGEST]

    def _add(self, *secrets: str) -> None:
        new = {secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}
        # The longest first, so that one that contains another is replaced whole.
        self._secrets = tuple(sorted({*self._secrets, *new}, key=len, reverse=True))
