"""Decides when systemd's watchdog is fed: only while every part that should run does. Pure.

Three things can hang: the event loop, the capture callback, the playback callback. The event loop runs if it gets
here at all. The callbacks count their blocks; a count that does not change for longer than the limit means that the
sound device hangs inside C code, where no exception is raised. Then the watchdog is not fed, and systemd restarts
the daemon. A device that is known to be lost, and is being reopened, does not count blocks and is ignored.
"""

from collections.abc import Mapping
from dataclasses import dataclass

FEEDS_PER_INTERVAL = 3
"""Feeds within systemd's interval: one delay of a busy board must not cost a restart."""


@dataclass(frozen=True, slots=True)
class WatchdogDecision:
    """Whether to feed, and the parts that hang, each with the seconds since its last change."""

    feed: bool
    stuck: Mapping[str, float]


class Watchdog:
    """Decides whether to feed systemd's watchdog.

    Args:
        limit_s: how long a count may stay unchanged.
        interval_s: systemd's interval (`Notifier.watchdog_interval_s`); None if systemd does not watch.
    """

    def __init__(self, limit_s: float, interval_s: float | None = None) -> None:
        self._limit_s = limit_s
        self._moved: dict[str, tuple[int, float]] = {}
        self.period_s = min(limit_s, interval_s or limit_s) / FEEDS_PER_INTERVAL
        """Seconds from one `check` to the next."""

    def check(self, beats: Mapping[str, int | None], now: float) -> WatchdogDecision:
        """Decide by the parts' counts.

        Args:
            beats: each part's count of blocks; None for one that is not expected to run now. A part that is new, or
                expected again, has the whole limit until its count must change.
            now: monotonic seconds, never smaller than before.
        """
        moved: dict[str, tuple[int, float]] = {}
        for part, count in beats.items():
            if count is None:
                continue
            before = self._moved.get(part)
            moved[part] = before if before and before[0] == count else (count, now)
        self._moved = moved
        stuck = {part: now - since for part, (_, since) in moved.items() if now - since > self._limit_s}
        return WatchdogDecision(not stuck, stuck)
