"""Runs a program's code in a task of its own, so that its end is always known: a result or an `Exception`.

A tool may end in anything: it may raise `CancelledError` though nobody cancelled it, cancel its own task, raise
`GeneratorExit` or call `sys.exit()`. None of that may take along the task that has to answer the model's call:

- what is no `Exception` arrives as a `ToolAbortedError` that names it;
- so do `StopIteration` and `StopAsyncIteration`, which would be taken for the end of somebody's loop;
- `KeyboardInterrupt` is for the person at the keyboard: it is passed on, and whoever has to answer does so first;
- code that ignores its cancellation at a timeout is left to itself after `GIVEN_UP_WITHIN_S`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from speakerd.realtime.agents.tool_errors import ToolAbortedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

_log = logging.getLogger(__name__)

GIVEN_UP_WITHIN_S = 2.0
"""How long cancelled code, at its timeout or as a session closes, may take to end."""


async def run_apart(name: str, call: Callable[[], Awaitable[Any]], timeout_s: float | None = None) -> Any:
    """Await `call()` in a task of its own and return its result. When cancelled, cancel it and wait for its end.

    Raises:
        TimeoutRanOut: the time is up.
        ToolAbortedError: it ended in something that is no `Exception`.
        Exception: it raised that.
    """
    task = asyncio.create_task(_outcome(call), name=f"speakerd {name}")
    try:
        await asyncio.wait({task}, timeout=timeout_s)
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait({task})
        raise
    if not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=GIVEN_UP_WITHIN_S)
        if not task.done():
            _log.warning("%s does not end although its time is up; it is left to itself", name)
        raise TimeoutRanOut
    # A task that cancels itself and then returns counts as cancelled.
    result, error = (None, asyncio.CancelledError()) if task.cancelled() else task.result()
    if error is not None:
        raise as_exception(name, error)
    return result


async def all_apart(name: str, calls: Iterable[Callable[[], Awaitable[Any]]]) -> list[Any]:
    """Await several calls at a time, each as `run_apart` does, and return their results in order.

    Raises:
        Exception: the first that one of them raised, in their order, after all have ended.
    """
    results = await asyncio.gather(*(run_apart(name, call) for call in calls), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def as_exception(name: str, error: BaseException) -> BaseException:
    """Return `error` if it may be raised again, else a `ToolAbortedError` that names it."""
    if isinstance(error, KeyboardInterrupt):
        return error
    if isinstance(error, Exception) and not isinstance(error, StopIteration | StopAsyncIteration):
        return error
    aborted = ToolAbortedError(name, error)
    aborted.__cause__ = error
    return aborted


class TimeoutRanOut(Exception):  # noqa: N818  # not an error of anybody: it is always caught and worded by the caller
    """The code did not end within its time."""


async def _outcome(call: Callable[[], Awaitable[Any]]) -> tuple[Any, BaseException | None]:
    try:
        return await call(), None
    except BaseException as error:  # noqa: BLE001  # whatever it is, the caller gets it
        return None, error
