"""Watchers of a running device: a microphone that gives only digital zeros, and xruns. Pure."""

from typing import Final

from speakerd.audio.events import CaptureSilent, Direction, Xruns

XRUN_PERIOD_S: Final = 60.0
"""After the first, xruns are reported at most this often."""


class SilenceWatch:
    """Detects a microphone that delivers only digital zeros, which no real room does."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._since: float | None = None
        self._reported = False

    def block(self, pcm: bytes, now: float) -> CaptureSilent | None:
        """Check a captured block. Returns the event once per silence, when it has lasted for the limit."""
        if pcm.count(0) != len(pcm):
            self._since = None
            self._reported = False
            return None
        if self._since is None:
            self._since = now
        if self._reported or now - self._since < self._limit_s:
            return None
        self._reported = True
        return CaptureSilent(now - self._since, now)


class XrunReporter:
    """Reports one direction's xruns: the first at once, then at most once a minute."""

    def __init__(self, direction: Direction) -> None:
        self._direction = direction
        self._reported = 0
        self._next = float("-inf")

    def update(self, count: int, now: float) -> Xruns | None:
        """Take the present count. Returns an event with the number of new xruns, if one is due."""
        if count == self._reported or now < self._next:
            return None
        new, self._reported = count - self._reported, count
        self._next = now + XRUN_PERIOD_S
        return Xruns(self._direction, new, now)
