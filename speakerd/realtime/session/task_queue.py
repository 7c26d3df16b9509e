"""Runs asynchronous jobs one after the other, in a task of their own."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeAlias

from speakerd.realtime.agents import GIVEN_UP_WITHIN_S, run_apart

Work: TypeAlias = Callable[[], Awaitable[None]]

EndingTasks: TypeAlias = set[asyncio.Task[Any]]
"""Tasks that were cancelled, for `until_ended`."""

MAX_WAITING = 64
"""The most that may wait for code of the program, where nothing else is said."""

_log = logging.getLogger(__name__)


def cancel_all(tasks: Iterable[asyncio.Task[Any]]) -> EndingTasks:
    """Cancel all but the current task; return those that are ending."""
    current = asyncio.current_task()
    others = {task for task in tasks if task is not current and not task.done()}
    for task in others:
        task.cancel()
    return others


async def until_ended(tasks: EndingTasks) -> None:
    """Wait a limited time for cancelled tasks to end; log those that do not."""
    if tasks:
        _, left = await asyncio.wait(tasks, timeout=GIVEN_UP_WITHIN_S)
        for task in left:
            _log.warning("%s does not end although it was cancelled; it is left to itself", task.get_name())


class SerialQueue:
    """A bounded queue of jobs and the task that runs them; the task exists only while there are jobs.

    Args:
        on_error: Called with an exception of a job and the job's name.
        limit: The most jobs that may wait; one more drops the oldest.
    """

    def __init__(
        self, on_error: Callable[[Exception, str], Awaitable[None]], limit: int = MAX_WAITING
    ) -> None:
        self._on_error = on_error
        self._limit = limit
        self._waiting: deque[tuple[Work, str]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def add(self, work: Work, name: str) -> bool:
        """Queue a job. Return False if the oldest waiting one was dropped for it."""
        if self._closed:
            return True
        fits = len(self._waiting) < self._limit
        if not fits:
            self._waiting.popleft()
        self._waiting.append((work, name))
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"speakerd {name}")
        return fits

    def stop(self) -> EndingTasks:
        """Cancel the job that runs, and drop those that wait; return the task that is ending."""
        self._closed = True
        self._waiting.clear()
        task, self._task = self._task, None
        return set() if task is None else cancel_all({task})

    async def _run(self) -> None:
        while self._waiting:
            work, name = self._waiting.popleft()
            try:
                await run_apart(name, work)
            except Exception as error:  # noqa: BLE001  # the user's code: reported, and the next job runs
                await self._on_error(error, name)
        self._task = None
