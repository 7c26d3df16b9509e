"""What every log record passes before it is written: repeats are held back, secrets are replaced. Pure."""

import re
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

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
    """Replaces secrets in log lines, whoever wrote them: those it was told of, and whatever looks like a key."""

    def __init__(self) -> None:
        self._known: tuple[str, ...] = ()

    def add(self, secret: Secret) -> None:
        """Replace this secret from now on. Adding it twice does no harm."""
        text = secret.reveal()
        if len(text) >= _SHORTEST and text not in self._known:
            # The longest first, so that one that contains another is replaced whole.
            self._known = tuple(sorted((*self._known, text), key=len, reverse=True))

    def __call__(self, text: str) -> str:
        """Return the text with all secrets replaced."""
        for secret in self._known:
            text = text.replace(secret, MASK)
        for pattern in _PATTERNS:
            text = pattern.sub(lambda match: match[1] + MASK, text)
        return text


_MOST_KINDS = 256
"""Kinds remembered at a time; the one unseen for longest is forgotten first."""


@dataclass(slots=True)
class _Kind:
    since: float
    passed: int = 0
    held: int = 0


class RepeatLimit:
    """Lets `burst` entries of a kind pass in each window of `window_s` seconds.

    The rest are counted, and the next one that passes says how many there were: a device that fails ten times a
    second must not fill the journal of a machine that lives on an SD card.
    """

    def __init__(self, burst: int, window_s: float) -> None:
        self.burst = burst
        self.window_s = window_s
        self._kinds: OrderedDict[Hashable, _Kind] = OrderedDict()

    def admit(self, kind: Hashable, now: float) -> int | None:
        """Whether an entry may pass.

        Returns:
            None to hold it back; else how many of its kind were held back since the last that passed.
        """
        entry = self._kinds.pop(kind, None)
        if entry is None:
            entry = _Kind(now)
            if len(self._kinds) >= _MOST_KINDS:
                self._kinds.popitem(last=False)
        elif now - entry.since >= self.window_s:
            entry.since, entry.passed = now, 0
        self._kinds[kind] = entry
        if entry.passed >= self.burst:
            entry.held += 1
            return None
        entry.passed += 1
        held, entry.held = entry.held, 0
        return held
