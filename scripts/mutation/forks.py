"""Child processes that each do one thing and say how it went by their exit status."""

import contextlib
import math
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Generic, NoReturn, TypeVar

T = TypeVar("T")

_MEMORY = 4 << 30
"""Bytes that a child may take: a fault in a loop's end must not take the machine's memory."""


class Outcome(Enum):
    """How a child ended. The values are its exit statuses."""

    LIVED = 0
    KILLED = 1
    TIMED_OUT = 2
    NOT_TRIED = 3


def each(
    tasks: Iterable[T],
    act: Callable[[T], Outcome],
    limit: Callable[[T], float],
    jobs: int,
    until: float = math.inf,
) -> Iterator[tuple[T, Outcome]]:
    """Fork a child for each task, at most `jobs` at a time, and yield each task with its outcome.

    The outcome is what `act` returns; KILLED if it raises or the child crashes; TIMED_OUT if it takes longer
    than `limit` seconds. What a child has started ends with it. No child is begun after `until`, by the
    monotonic clock.
    """
    waiting = iter(tasks)
    running: dict[int, _Running[T]] = {}
    poll = select.poll()
    exhausted = False
    try:
        while running or not exhausted:
            while not exhausted and len(running) < jobs:
                task = next(waiting, None) if time.monotonic() < until else None
                if task is None:
                    exhausted = True
                    break
                child = _begin(task, act, time.monotonic() + limit(task))
                running[child.handle] = child
                poll.register(child.handle, select.POLLIN)
            nearest = min((child.deadline for child in running.values()), default=time.monotonic())
            ended = {handle for handle, _ in poll.poll(max(0.0, nearest - time.monotonic()) * 1000 + 1)}
            for handle, child in list(running.items()):
                late = time.monotonic() >= child.deadline and handle not in ended
                if late or handle in ended:
                    poll.unregister(handle)
                    status = _end(running.pop(handle))
                    yield child.task, Outcome.TIMED_OUT if late else _outcome(status)
    finally:
        for child in running.values():
            _end(child)


@dataclass(frozen=True)
class _Running(Generic[T]):
    """A child; `handle` is its pidfd, `folder` what it has for temporary files."""

    pid: int
    handle: int
    task: T
    deadline: float
    folder: Path


def _begin(task: T, act: Callable[[T], Outcome], deadline: float) -> _Running[T]:
    folder = Path(tempfile.mkdtemp(prefix="m-"))
    folder.chmod(0o755)  # as the system's own: tests become other users
    pid = os.fork()
    if not pid:
        _child(task, act, folder)
    return _Running(pid, os.pidfd_open(pid), task, deadline, folder)


def _end(child: _Running[T]) -> int:
    """Its status, once nothing is left of it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    _, status = os.waitpid(child.pid, 0)
    os.close(child.handle)
    shutil.rmtree(child.folder, ignore_errors=True)
    return status


def _outcome(status: int) -> Outcome:
    return Outcome(os.WEXITSTATUS(status)) if os.WIFEXITED(status) else Outcome.KILLED


def _child(task: T, act: Callable[[T], Outcome], folder: Path) -> NoReturn:
    outcome = Outcome.KILLED
    try:
        os.setpgid(0, 0)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
        os.environ |= {"TMPDIR": str(folder), "PYTEST_DEBUG_TEMPROOT": str(folder)}
        tempfile.tempdir = str(folder)
        outcome = act(task)
    except BaseException:  # noqa: BLE001  # whatever it was: the child ends here
        traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(outcome.value)


_STDERR = os.dup(2)


def complain(message: str) -> None:
    """Say something on the standard error, from a quiet process too."""
    os.write(_STDERR, f"{message}\n".encode())


def quiet() -> None:
    """Send this process's output to nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
