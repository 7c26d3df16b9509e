"""When systemd's watchdog may be fed: only while every part that must move does.

Three things can hang: the event loop, the capture callback, the playback callback. The loop proves itself
by coming here at all. The callbacks count their blocks, and a count that stands still for longer than the
limit means that the sound device hangs inside C, where no exception reaches us: then the watchdog starves,
and systemd restarts the daemon. A device that is known to be lost, and is being reopened, does not count
blocks and is no reason to starve.

Pure: counts and times go in, a verdict comes out.
"""

from collections.abc import Mapping
from dataclasses import dataclass

FEEDS_PER_INTERVAL = 3
"""So often within systemd's interval: one lost moment of a busy board must not cost a restart."""


@dataclass(frozen=True, slots=True)
class WatchdogDecision:
    """Whether to feed, and which parts stand still, each with the seconds for which it has."""

    feed: bool
    stuck: Mapping[str, float]


class Watchdog:
    """The policy.

    Args:
        limit_s: how long a part may stand still.
        interval_s: systemd's interval (`Notifier.watchdog_interval_s`); None where nobody watches.
    """

    def __init__(self, limit_s: float, interval_s: float | None = None) -> None:
        self._limit_s = limit_s
        self._moved: dict[str, tuple[int, float]] = {}
        self.period_s = min(limit_s, interval_s or limit_s) / FEEDS_PER_INTERVAL
        """Seconds from one `check` to the next."""

    def check(self, beats: Mapping[str, int | None], now: float) -> WatchdogDecision:
        """Judge the parts.

        Args:
            beats: each part's count of blocks; None for one that is not expected to move now. A part that
            is new, or
                expected again, has the whole limit before it must have moved.
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
