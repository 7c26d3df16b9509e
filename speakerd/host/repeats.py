"""Holding back what is said over and over. Pure.

A device that fails ten times a second must not fill the journal of a machine that lives on an SD card. Of
each kind of entry, a burst passes per window; the rest are counted, and the next one that passes says how
many there were.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

_MOST_KINDS = 256
"""Kinds remembered at a time; the one unseen for longest is forgotten first."""


@dataclass(slots=True)
class _Kind:
    since: float
    passed: int = 0
    held: int = 0


class RepeatLimit:
    """Lets `burst` entries of a kind pass in each window of `window_s` seconds."""

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
