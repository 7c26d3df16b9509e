"""Runs the timers: connects the timer book with the clock and the file. All methods belong to one event loop.

A thread writes the file, one list at a time and only the newest; `close` writes the last one itself.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from speakerd.tools.errors import TimerStoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from speakerd.tools.timer_store import TimerStore
    from speakerd.tools.timers import Timer, TimerBook

log = logging.getLogger(__name__)

_LONGEST_SLEEP_S = 3600.0
"""Longest wait: the clock of the event loop need not be exact for days."""


class TimerService:
    """Rings the timers of a book, and stores them. `start` once, `close` any number of times."""

    def __init__(
        self,
        book: TimerBook,
        *,
        on_ring: Callable[[str], None],
        on_silenced: Callable[[str], None],
        store: TimerStore | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Nothing runs yet.

        Args:
            book: The timers; empty.
            on_ring: Called in the loop with the name of each timer that runs out.
            on_silenced: Called with the name of a ringing timer that was cancelled.
            store: Keeps them over restarts; None for no store.
            monotonic: Seconds that never jump.
            wall: Seconds since 1970, for the store only.
        """
        self._book = book
        self._on_ring = on_ring
        self._on_silenced = on_silenced
        self._store = store
        self._monotonic = monotonic
        self._wall = wall
        self._handle: asyncio.TimerHandle | None = None
        self._serial = 0
        self._saving: asyncio.Task[None] | None = None
        self._dirty = False
        self._open = False

    def start(self) -> None:
        """Load the stored timers; those that are due ring. What cannot be used is set aside, with a warning."""
        self._open = True
        if self._store is not None:
            missed = self._store.load(lambda data: self._book.restore(data, self._monotonic(), self._wall()))
            for name in missed or ():
                log.warning("the timer %r ran out while nobody was here", name)
        self._run()

    def close(self) -> None:
        """Stop, and store the timers. Idempotent."""
        if not self._open:
            return
        self._open = False
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if self._dirty or self._saving is not None:
            self._write(*self._snapshot())

    def set(self, seconds: float, name: str | None = None) -> Timer:
        """Start a timer and return it. Raises TimerRefusedError."""
        timer = self._book.set(seconds, name, self._monotonic())
        self._changed()
        return timer

    def cancel(self, name: str | None = None) -> tuple[Timer, ...]:
        """Cancel timers, running or ringing, as `TimerBook.cancel` does; return them. Raises TimerUnknownError."""
        ringing = self._book.ringing
        ended = self._book.cancel(name)
        self._changed()
        for timer in ended:
            if timer.name in ringing:
                self._on_silenced(timer.name)
        return ended

    def heard(self, name: str) -> None:
        """The user has heard the ringing timer of this name. Unknown names are ignored."""
        if self._book.heard(name):
            self._changed()

    def left(self) -> tuple[tuple[str, float], ...]:
        """Return names and seconds left of all timers, the next one first; 0 for those that ring."""
        now = self._monotonic()
        ringing = ((name, 0.0) for name in self._book.ringing)
        return (*ringing, *((timer.name, max(0.0, timer.ends_at - now)) for timer in self._book.running))

    @property
    def problem(self) -> str | None:
        """Why the stored timers could not be read, or are not stored; None while all is well."""
        return None if self._store is None else self._store.problem

    # -- from here on, inside ------------------------------------------------------------------------------

    def _run(self) -> None:
        if not self._open:
            return
        for timer in self._book.due(self._monotonic()):
            self._on_ring(timer.name)
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        deadline = self._book.deadline
        if deadline is not None:
            wait = min(max(0.0, deadline - self._monotonic()), _LONGEST_SLEEP_S)
            self._handle = asyncio.get_running_loop().call_later(wait, self._run)

    def _changed(self) -> None:
        self._run()
        if self._store is None:
            return
        self._dirty = True
        if self._saving is None and self._open:
            self._saving = asyncio.get_running_loop().create_task(self._save(), name="timer store")

    async def _save(self) -> None:
        try:
            while self._dirty and self._open:
                await asyncio.to_thread(self._write, *self._snapshot())
        finally:
            self._saving = None

    def _snapshot(self) -> tuple[dict[str, object], int]:
        self._dirty = False
        self._serial += 1
        return self._book.to_data(self._monotonic(), self._wall()), self._serial

    def _write(self, data: dict[str, object], serial: int) -> None:
        if self._store is None:
            return
        try:
            self._store.save(data, serial)
        except TimerStoreError as error:
            log.warning("%s", error)
