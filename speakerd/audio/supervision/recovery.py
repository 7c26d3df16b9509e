"""When a device is lost, when it is reopened, and when only a new process helps. Pure.

The speaker must recover from every fault without being restarted by hand. One `RecoveryState` watches one device,
by its block counts alone: they can be read while a thread hangs inside the driver, and they are right whatever
the driver reports.

States, and what moves between them:

    opening ──opened──▶ proving ──blocks in both directions──▶ running
       ▲  │                │ standstill                          │ standstill, failure
       │  └──not opened──┐ ▼                                     ▼
       └───retry due─── waiting ◀───────────────────────────── (reported as lost)

- *Standstill*: a direction has delivered no block for `STANDSTILL_S`; in `proving`, for half of
  `heartbeat_limit_s`, since some cards start slowly.
- The waits between attempts double from `reopen_first_s` to `reopen_longest_s`. They start at the first again only
  once the device has run for `STEADY_S`, so that a loose plug does not cause one attempt after another.
- A change among the kernel's cards (`cards_changed`) ends a long wait: a plug put back works within about a second.
- Both directions are closed and opened together, but only the one that failed is reported as lost: once, and again
  when the reason changes. Each one reported is reported as returned when blocks really arrive.
- *Stuck*, reported once, so that the process ends and systemd starts a new one: an attempt has not returned
  within `heartbeat_limit_s` (PortAudio can hang inside C on an unplugged card); or `FRUITLESS` attempts in a row
  opened the device, but no block arrived for that long (the driver's state cannot be repaired from here). A
  device that is only absent is never stuck: it is retried for ever.
"""

from dataclasses import dataclass
from typing import Final, Literal, assert_never

from speakerd.audio.device import BlockCounts, DeviceFailure
from speakerd.audio.events import (
    AudioEvent,
    DeviceLost,
    DeviceReturned,
    DeviceStuck,
    Direction,
)

STANDSTILL_S: Final = 1.0
"""Thirteen times the longest gap that three busy Python threads could make."""
STEADY_S: Final = 10.0
"""A device that has run for this long has recovered: the waits start at the first again."""
FRUITLESS: Final = 2
"""Reopenings without a single block after which the fault is assumed to be in this process."""

_BOTH: Final[tuple[Direction, Direction]] = ("capture", "playback")

RecoveryStage = Literal["opening", "proving", "running", "waiting"]


@dataclass(slots=True)
class _BlockCounter:
    """One direction's last block count, and when it last changed."""

    count: int = 0
    since: float = 0.0

    def idle_s(self, count: int, now: float) -> float:
        """Take the present count; return for how many seconds it has not changed."""
        if count != self.count:
            self.count = count
            self.since = now
        return now - self.since


class RecoveryState:
    """The state of one device between losses and reopenings. Methods return the events to report."""

    def __init__(self, *, reopen_first_s: float, reopen_longest_s: float, heartbeat_limit_s: float) -> None:
        self._first_s = reopen_first_s
        self._longest_s = max(reopen_first_s, reopen_longest_s)
        self._limit_s = heartbeat_limit_s
        self._state: RecoveryStage = "waiting"
        self._since = 0.0  # when the state was entered
        self._retry_at = 0.0
        self._backoff_s = reopen_first_s
        self._counters = {direction: _BlockCounter() for direction in _BOTH}
        self._healthy_at: float | None = None
        self._counts_at_opening = BlockCounts()
        self._fruitless = 0
        self._reported: dict[Direction, str] = {}
        self._stuck = False

    @property
    def state(self) -> RecoveryStage:
        """Where the recovery of the device is: running, waiting for the next attempt, opening, or proving."""
        return self._state

    @property
    def lost(self) -> bool:
        """Whether a loss has been reported and the device has not returned yet."""
        return bool(self._reported)

    def wants_reopening(self, now: float) -> bool:
        """Return whether an attempt is due; the caller calls `opening` when it begins."""
        return self._state == "waiting" and now >= self._retry_at and not self._stuck

    def opening(self, now: float) -> None:
        """Note that an attempt has begun: close, then open."""
        self._enter("opening", now)

    def opened(self, counts: BlockCounts, now: float) -> None:
        """Note that the attempt succeeded; blocks must now arrive."""
        self._enter("proving", now)
        self._counts_at_opening = counts
        for direction, counter in self._counters.items():
            counter.count = getattr(counts, direction)
            counter.since = now
        if self._healthy_at is None:
            self._healthy_at = now

    def not_opened(self, direction: Direction, reason: str, now: float) -> list[AudioEvent]:
        """Note that the attempt to open failed; return the report of the loss, if it is a new one."""
        self._fruitless = 0
        self._healthy_at = now
        return self._lose(direction, reason, now)

    def reopen(self, direction: Direction, reason: str, now: float) -> list[AudioEvent]:
        """Note that a running device delivers nothing useful, as another part found, and must be reopened."""
        return self._lose(direction, reason, now) if self._state in {"proving", "running"} else []

    def cards_changed(self, now: float) -> None:
        """A card was plugged in or out: while waiting, retry soon, and start the waits at the first again."""
        if self._state == "waiting":
            self._backoff_s = self._first_s
            self._retry_at = min(self._retry_at, now + self._first_s)

    def watch(self, counts: BlockCounts, failure: DeviceFailure | None, now: float) -> list[AudioEvent]:
        """Check the counts and the device's failure. Call it about ten times a second, in every state."""
        match self._state:
            case "opening":
                late = now - self._since >= self._limit_s
                reason = f"an attempt to open the sound card has not returned for {self._limit_s:g} s"
                return self._give_up(reason, now) if late else []
            case "waiting":
                return []
            case "proving":
                patience = self._limit_s / 2
            case "running":
                patience = STANDSTILL_S
            case _:
                assert_never(self._state)
        if failure is not None:
            return self._lose(failure.direction, failure.reason, now)
        idle_s = {d: self._counters[d].idle_s(getattr(counts, d), now) for d in _BOTH}
        for direction in _BOTH:
            if idle_s[direction] >= patience:
                return self._standstill(direction, idle_s[direction], now)
        if self._state == "proving":
            before = self._counts_at_opening
            if counts.capture > before.capture and counts.playback > before.playback:
                return self._returned(now)
        else:
            self._healthy_at = now
            if now - self._since >= STEADY_S:
                self._backoff_s = self._first_s
        return []

    def _standstill(self, direction: Direction, idle_s: float, now: float) -> list[AudioEvent]:
        if self._state == "proving":
            self._fruitless += 1
        events = self._lose(direction, f"no block for {idle_s:.1f} s", now)
        healthy_at = now if self._healthy_at is None else self._healthy_at
        if self._fruitless >= FRUITLESS and now - healthy_at >= self._limit_s:
            events += self._give_up(f"reopened {self._fruitless} times, and still no block comes", now)
        return events

    def _returned(self, now: float) -> list[AudioEvent]:
        self._enter("running", now)
        self._fruitless = 0
        returned: list[AudioEvent] = [DeviceReturned(direction, now) for direction in self._reported]
        self._reported.clear()
        return returned

    def _lose(self, direction: Direction, reason: str, now: float) -> list[AudioEvent]:
        self._enter("waiting", now)
        self._retry_at = now + self._backoff_s
        self._backoff_s = min(2 * self._backoff_s, self._longest_s)
        if self._reported.get(direction) == reason:
            return []
        self._reported[direction] = reason
        return [DeviceLost(direction, reason, now)]

    def _give_up(self, reason: str, now: float) -> list[AudioEvent]:
        if self._stuck:
            return []
        self._stuck = True
        return [DeviceStuck(reason, now)]

    def _enter(self, state: RecoveryStage, now: float) -> None:
        self._state = state
        self._since = now
