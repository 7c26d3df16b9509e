"""Threads for tools that are plain functions: a few, none of which keeps the process from ending.

A thread cannot be stopped. When a call is abandoned, by a timeout or because the session closes, its thread runs on
and another may take its place, up to as many again; after that, plain tools fail at once with an error.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import queue
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from speakerd.realtime.agents import ToolAbortedError, ToolThreadsExhaustedError, as_exception

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Job:
    call: Callable[[], Any]
    context: contextvars.Context
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    started: bool = False
    given_up: bool = False
    counted: bool = False
    """Whether it is counted among the hanging calls."""


class ToolThreadPool:
    """At most `limit` working threads, made when they are needed. For one event loop."""

    def __init__(self, limit: int = 4) -> None:
        self._limit = limit
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._threads = 0
        self._unfinished = 0
        self._hanging = 0
        """How many abandoned calls still run."""
        self._closed = False

    async def run(self, call: Callable[[], Any]) -> Any:
        """Run `call` in a thread, in the caller's context variables. When cancelled, the thread runs on.

        Raises:
            ToolThreadsExhaustedError: too many calls hang.
        """
        if self._hanging >= self._limit:
            raise ToolThreadsExhaustedError(
                f"{self._hanging} tools hang in their threads. Give them timeouts of their own, or make them async"
            )
        loop = asyncio.get_running_loop()
        job = _Job(call, contextvars.copy_context(), loop, loop.create_future())
        self._unfinished += 1
        if self._unfinished > self._threads and self._threads < self._limit + self._hanging:
            self._threads += 1
            threading.Thread(target=self._work, name=f"tool-{self._threads}", daemon=True).start()
        self._jobs.put(job)
        try:
            return await job.future
        except asyncio.CancelledError:
            job.given_up = True
            job.counted = job.started
            self._hanging += job.counted
            raise

    def close(self) -> None:
        """Let idle threads end. Idempotent; calls that still run are logged and run on."""
        if self._closed:
            return
        self._closed = True
        if self._unfinished:
            _log.warning("%d tool call(s) still run in threads and are left to themselves", self._unfinished)
        for _ in range(self._threads):
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job.started = True
            result: Any = None
            error: BaseException | None = None
            if not job.given_up:
                try:
                    result = job.context.run(job.call)
                except BaseException as raised:  # noqa: BLE001  # whatever it is belongs to the caller
                    error = raised
            try:
                job.loop.call_soon_threadsafe(self._finished, job, result, error)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return

    def _finished(self, job: _Job, result: Any, error: BaseException | None) -> None:
        self._unfinished -= 1
        self._hanging -= job.counted
        if job.future.done():
            return
        if error is None:
            job.future.set_result(result)
        else:
            # A KeyboardInterrupt in a thread is no person's: Ctrl-C reaches the main thread only.
            ended = ToolAbortedError("a tool", error) if isinstance(error, KeyboardInterrupt) else error
            job.future.set_exception(as_exception("a tool", ended))
