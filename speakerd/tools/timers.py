"""The timer book: which timers run, and which ring. Pure.

Timers run on the monotonic clock, since the wall clock of a Pi without a battery jumps when it is set from the
network. To survive a restart they are stored by the wall clock, and restored with two precautions: a timer never
has more time left than when it was stored (the clock may have been set back), and one that ended meanwhile rings at
once if that was not long ago, and is reported as missed otherwise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from speakerd.tools.errors import TimerRefusedError, TimerUnknownError
from speakerd.tools.words import duration_in_words

if TYPE_CHECKING:
    from collections.abc import Mapping

RINGS_LATE_S: Final = 1800.0
"""A timer that ended during a restart still rings if that was at most this long ago."""
LONGEST_NAME: Final = 60
_UNNAMED: Final = "timer"
_VERSION: Final = 1
"""Of the form in which timers are stored."""


@dataclass(frozen=True, slots=True)
class Timer:
    """One timer; `ends_at` is monotonic seconds."""

    name: str
    duration_s: float
    ends_at: float


class TimerBook:
    """Keeps the timers that run and ring. Not thread-safe. Names are unique among both."""

    def __init__(self, *, most: int, longest_s: float) -> None:
        """At most `most` timers, none of them longer than `longest_s`."""
        self.most = most
        self.longest_s = longest_s
        self._running: list[Timer] = []
        self._ringing: list[Timer] = []

    @property
    def running(self) -> tuple[Timer, ...]:
        """The timers that run, the next one first."""
        return tuple(self._running)

    @property
    def ringing(self) -> tuple[str, ...]:
        """Names of the timers that ring: they have ended, and the user has not heard them yet."""
        return tuple(timer.name for timer in self._ringing)

    @property
    def deadline(self) -> float | None:
        """When the next timer ends; None if none runs."""
        return self._running[0].ends_at if self._running else None

    def set(self, seconds: float, name: str | None, now: float) -> Timer:
        """Start a timer and return it. Raises TimerRefusedError."""
        if not seconds >= 1:  # also for NaN
            raise TimerRefusedError("it must be at least one second long")
        if seconds > self.longest_s:
            raise TimerRefusedError(f"it may be {duration_in_words(self.longest_s)} long at most")
        if len(self._running) + len(self._ringing) >= self.most:
            raise TimerRefusedError(f"there are {self.most} already")
        timer = Timer(self._free_name(name), float(seconds), now + seconds)
        self._add(timer)
        return timer

    def cancel(self, name: str | None) -> tuple[Timer, ...]:
        """Cancel the timer with this name or a part of it, running or ringing; None: the only one there is.

        "all" cancels all. Returns the cancelled timers. Raises TimerUnknownError.
        """
        every = (*self._ringing, *self._running)
        meant = self._meant(name, every)
        self._running = [timer for timer in self._running if timer not in meant]
        self._ringing = [timer for timer in self._ringing if timer not in meant]
        return meant

    def heard(self, name: str) -> bool:
        """Stop the ringing timer of this name. Return False if there is none."""
        before = len(self._ringing)
        self._ringing = [timer for timer in self._ringing if timer.name != name]
        return len(self._ringing) < before

    def due(self, now: float) -> tuple[Timer, ...]:
        """Return the timers that have ended by `now`, each once; they ring from now on."""
        due = tuple(timer for timer in self._running if timer.ends_at <= now)
        self._running = [timer for timer in self._running if timer.ends_at > now]
        self._ringing.extend(due)
        return due

    def to_data(self, now: float, wall: float) -> dict[str, Any]:
        """Return all timers, ringing ones included, as JSON-safe data to be stored."""
        return {
            "version": _VERSION,
            "written_at": wall,
            "timers": [
                {"name": timer.name, "duration_s": timer.duration_s, "ends_at": wall + timer.ends_at - now}
                for timer in (*self._ringing, *self._running)
            ],
        }

    def restore(self, data: Mapping[str, Any], now: float, wall: float) -> tuple[str, ...]:
        """Restore stored timers; return the names of those that were missed.

        Raises ValueError if `data` was not made by `to_data` of this version; then nothing was restored.
        """
        missed: list[str] = []
        if data.get("version") != _VERSION:
            raise ValueError(f"not a list of timers of version {_VERSION}: {data.get('version')!r:.20}")
        try:
            written_at = float(data["written_at"])
            entries = [
                (str(entry["name"]), float(entry["duration_s"]), float(entry["ends_at"]))
                for entry in data["timers"]
            ]
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ValueError("not a list of timers: an entry is incomplete") from error
        if not all(
            math.isfinite(number)
            for number in (written_at, *(time for entry in entries for time in entry[1:]))
        ):
            raise ValueError("not a list of timers: a time is no number")
        for name, duration_s, ends_at in entries[: self.most]:
            left = min(ends_at - wall, ends_at - written_at)
            if left < -RINGS_LATE_S:
                missed.append(name)
            else:
                self._add(Timer(self._free_name(name), duration_s, now + left))
        return tuple(missed)

    # -- from here on, inside ------------------------------------------------------------------------------

    def _add(self, timer: Timer) -> None:
        self._running.append(timer)
        self._running.sort(key=lambda other: other.ends_at)

    def _free_name(self, wanted: str | None) -> str:
        base = " ".join((wanted or "").split())[:LONGEST_NAME].strip() or _UNNAMED
        taken = {timer.name.casefold() for timer in (*self._running, *self._ringing)}
        name, number = base, 1
        while name.casefold() in taken:
            number += 1
            name = f"{base} {number}"
        return name

    def _meant(self, name: str | None, every: tuple[Timer, ...]) -> tuple[Timer, ...]:
        wanted = " ".join((name or "").split()).casefold()
        if not every:
            raise TimerUnknownError(name, ())
        if wanted == "all" or (not wanted and len(every) == 1):
            return every
        exact = tuple(timer for timer in every if timer.name.casefold() == wanted)
        part = tuple(timer for timer in every if wanted and wanted in timer.name.casefold())
        meant = exact or part
        if len(meant) != 1:
            raise TimerUnknownError(name or None, tuple(timer.name for timer in every))
        return meant
