"""When a device counts as lost, when it is tried again, and when only a new process helps. Pure.

The speaker must recover from every fault without being restarted by hand. One `RecoveryState` watches one device,
by its block counts alone: they can be read while a thread hangs inside the driver, and they are right whatever
the driver reports.

States, and what moves between them:

    opening ──opened──▶ proving ──both directions beat──▶ running
       ▲  │                │ standstill                     │ standstill, failure
       │  └──not opened──┐ ▼                                ▼
       └───retry due─── waiting ◀──────────────────────── (reported as lost)

- A *standstill* is a direction that has given no block for `STANDSTILL_S`; in `proving`, for half of
  `heartbeat_limit_s`, since some cards take their time.
- The waits between attempts double from `reopen_first_s` to `reopen_longest_s`; they begin anew once the device
  has run for `STEADY_S`, so that a loose plug does not make it flap.
- A change among the kernel's cards (`cards_changed`) ends a long wait: a plug put back works within a second or so.
- Both directions are closed and opened together, but a loss is told of the one that failed: once, and again
  when its reason changes. The return of every one told of is reported when blocks really run.
- *Stuck*, reported once, for the process to end and systemd to start a new one: an attempt that has not come
  back within `heartbeat_limit_s` (PortAudio can hang inside C on an unplugged card); or `FRUITLESS` attempts in
  a row that opened a device whose blocks then stood still for that long (the driver's state is beyond us). A
  device that is merely absent is never stuck: it is waited for, for ever.
"""

from dataclasses import dataclass
from typing import Final, Literal

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
"""A device that has run for so long is well again."""
FRUITLESS: Final = 2
"""Reopenings without a single block after which the fault is taken to be the process's own."""

_BOTH: Final[tuple[Direction, Direction]] = ("capture", "playback")

State = Literal["opening", "proving", "running", "waiting"]


@dataclass(slots=True)
class _Pulse:
    """One direction's last count, and when it last changed."""

    count: int = 0
    since: float = 0.0

    def feel(self, count: int, now: float) -> float:
        """Seconds for which the count has stood still."""
        if count != self.count:
            self.count = count
            self.since = now
        return now - self.since


class RecoveryState:
    """See the module. Every method returns what there is to report; `wants_reopening` asks for an attempt."""

    def __init__(self, *, reopen_first_s: float, reopen_longest_s: float, heartbeat_limit_s: float) -> None:
        self._first_s = reopen_first_s
        self._longest_s = max(reopen_first_s, reopen_longest_s)
        self._limit_s = heartbeat_limit_s
        self._state: State = "waiting"
        self._since = 0.0  # of the state
        self._retry_at = 0.0
        self._backoff_s = reopen_first_s
        self._pulses = {direction: _Pulse() for direction in _BOTH}
        self._healthy_at: float | None = None
        self._opened_at: tuple[int, int] = (0, 0)  # counts when it was opened
        self._fruitless = 0
        self._reported: dict[Direction, str] = {}
        self._stuck = False

    @property
    def state(self) -> State:
        """Where it stands."""
        return self._state

    @property
    def lost(self) -> bool:
        """A loss has been reported, and no return yet."""
        return bool(self._reported)

    def wants_reopening(self, now: float) -> bool:
        """Whether an attempt is due; the caller says `opening` when it begins."""
        return self._state == "waiting" and now >= self._retry_at and not self._stuck

    def opening(self, now: float) -> None:
        """An attempt (close, then open) has begun."""
        self._enter("opening", now)

    def opened(self, beats: BlockCounts, now: float) -> None:
        """The attempt succeeded; blocks must now begin to run."""
        self._enter("proving", now)
        self._opened_at = (beats.capture, beats.playback)
        for direction, pulse in self._pulses.items():
            pulse.count = getattr(beats, direction)
            pulse.since = now
        if self._healthy_at is None:
            self._healthy_at = now

    def not_opened(self, direction: Direction, reason: str, now: float) -> list[AudioEvent]:
        """The attempt failed."""
        self._fruitless = 0
        self._healthy_at = now
        return self._lose(direction, reason, now)

    def reopen(self, direction: Direction, reason: str, now: float) -> list[AudioEvent]:
        """Someone else found a running device useless."""
        return self._lose(direction, reason, now) if self._state in {"proving", "running"} else []

    def cards_changed(self, now: float) -> None:
        """A card was plugged in or out: if an attempt is being waited for, make it soon, and the next ones too."""
        if self._state == "waiting":
            self._backoff_s = self._first_s
            self._retry_at = min(self._retry_at, now + self._first_s)

    def watch(self, beats: BlockCounts, failure: DeviceFailure | None, now: float) -> list[AudioEvent]:
        """Look at the counts; call ten times a second or so, whatever the state."""
        if self._state == "opening":
            if now - self._since >= self._limit_s:
                return self._give_up(
                    f"an attempt to open the sound card has not returned for {self._limit_s:g} s", now
                )
            return []
        if self._state == "waiting":
            return []
        if failure is not None:
            return self._lose(failure.direction, failure.reason, now)
        still = {d: self._pulses[d].feel(getattr(beats, d), now) for d in _BOTH}
        patience = STANDSTILL_S if self._state == "running" else self._limit_s / 2
        for direction in _BOTH:
            if still[direction] >= patience:
                return self._standstill(direction, still[direction], now)
        if self._state == "proving":
            if beats.capture > self._opened_at[0] and beats.playback > self._opened_at[1]:
                return self._returned(now)
        else:
            self._healthy_at = now
            if now - self._since >= STEADY_S:
                self._backoff_s = self._first_s
        return []

    def _standstill(self, direction: Direction, still_s: float, now: float) -> list[AudioEvent]:
        if self._state == "proving":
            self._fruitless += 1
        events = self._lose(direction, f"no block for {still_s:.1f} s", now)
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

    def _enter(self, state: State, now: float) -> None:
        self._state = state
        self._since = now
