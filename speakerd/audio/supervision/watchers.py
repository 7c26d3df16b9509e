"""Watchers of a running device: a microphone that gives only digital zeros, and xruns. Pure."""

from typing import Final

from speakerd.audio.events import CaptureSilent, Direction, Xruns

XRUN_PERIOD_S: Final = 60.0
"""After the first, xruns are reported at most this often."""


class SilenceWatch:
    """Notices a microphone that gives nothing but digital zeros, which no real room does."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._since: float | None = None
        self._told = False

    def block(self, pcm: bytes, now: float) -> CaptureSilent | None:
        """Look at a captured block; the event comes once per silence."""
        if pcm.count(0) != len(pcm):
            self._since = None
            self._told = False
            return None
        if self._since is None:
            self._since = now
        if self._told or now - self._since < self._limit_s:
            return None
        self._told = True
        return CaptureSilent(now - self._since, now)


class XrunReporter:
    """Turns one direction's xrun count into reports: the first at once, then one a minute if there are more."""

    def __init__(self, direction: Direction) -> None:
        self._direction = direction
        self._told = 0
        self._next = float("-inf")

    def update(self, count: int, now: float) -> Xruns | None:
        """Look at the count; the event carries how many are new since the last."""
        if count == self._told or now < self._next:
            return None
        new, self._told = count - self._told, count
        self._next = now + XRUN_PERIOD_S
        return Xruns(self._direction, new, now)
