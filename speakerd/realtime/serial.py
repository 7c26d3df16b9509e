"""Runs pieces of work one after the other, beside whoever asks for them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeAlias

Work: TypeAlias = Callable[[], Awaitable[None]]


class Serial:
    """A worker with a bounded list of things to do. A task exists only while there is something.

    Args:
        on_error: Told what a piece of work raised, and what it was called.
        limit: So many may wait; when one more comes, the oldest goes.
    """

    def __init__(self, on_error: Callable[[Exception, str], Awaitable[None]], limit: int) -> None:
        self._on_error = on_error
        self._limit = limit
        self._waiting: deque[tuple[Work, str]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def add(self, work: Work, name: str) -> bool:
        """Do this next. False: the oldest waiting one was given up for it."""
        if self._closed:
            return True
        fits = len(self._waiting) < self._limit
        if not fits:
            self._waiting.popleft()
        self._waiting.append((work, name))
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"speakerd {name}")
        return fits

    async def close(self) -> None:
        """Give up what runs and what waits. Idempotent."""
        self._closed = True
        self._waiting.clear()
        task, self._task = self._task, None
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        while self._waiting:
            work, name = self._waiting.popleft()
            try:
                await work()
            except Exception as error:  # noqa: BLE001  # the user's code: reported, and the next one gets its turn
                await self._on_error(error, name)
        self._task = None
