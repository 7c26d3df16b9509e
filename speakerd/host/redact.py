"""Keeping secrets out of log lines, whoever wrote them: a library with its headers, a traceback, a URL. Pure."""

import re

from speakerd.host.secret import MASK, Secret

_PATTERNS = (
    re.compile(r"\b((?:sk|ek)[-_])[A-Za-z0-9_-]{12,}"),
    re.compile(
        r"(\b(?:authorization|api-key|x-api-key)\b[\"']?\s*[:=,]\s*[\"']?(?:bearer\s+)?)[^\s\"',;)]+",
        re.IGNORECASE,
    ),
    re.compile(r"(\bbearer\s+)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE),
    re.compile(r"(://[^/\s:@]*:)[^/\s@]+(?=@)"),
)
_SHORTEST = 6
"""A shorter secret is not searched for: it would eat ordinary words."""


class Redactor:
    """Replaces the secrets it was told of, and whatever looks like a key."""

    def __init__(self) -> None:
        self._known: tuple[str, ...] = ()

    def add(self, secret: Secret) -> None:
        """Never let this one through again. Adding it twice does no harm."""
        text = secret.reveal()
        if len(text) >= _SHORTEST and text not in self._known:
            # The longest first, so that one that contains another is replaced whole.
            self._known = tuple(sorted((*self._known, text), key=len, reverse=True))

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._known:
            text = text.replace(secret, MASK)
        for pattern in _PATTERNS:
            text = pattern.sub(lambda match: match[1] + MASK, text)
        return text
