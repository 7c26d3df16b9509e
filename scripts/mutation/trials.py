"""Tries mutants: each in a forked child, by the tests that can notice it, until the first that fails.

A fault in a function is put into a process that has imported and collected everything already: the function's code
object is exchanged, which takes milliseconds. A fault that acts at import needs a process that has imported nothing
of ours yet.
"""

import contextlib
import gc
import importlib
import importlib.abc
import importlib.machinery
import os
import signal
import sys
import tempfile
import time
import types
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Final

import pytest

from scripts.mutation.cores import modules
from scripts.mutation.forks import Outcome, complain, each, quiet
from scripts.mutation.operators import Mutant
from scripts.mutation.rooms import OPTIONS, NoShrinking, Room, test_files

LEAST_TIME_S: Final = 3.0
"""What any test gets. A test that takes ten times as long as it did, and longer than this, hangs."""
_SCHEDSTAT: Final = Path("/proc/thread-self/schedstat")


@dataclass(frozen=True)
class Trial:
    """A mutant, and the tests to try it by, in this order.

    Attributes:
        mutant: None for the program as it is.
        tests: Their pytest ids.
        seconds: How long they took together.
        report: Where the ids of tests that fail are written, one a line; None to end at the first.
    """

    mutant: Mutant | None
    tests: tuple[str, ...]
    seconds: float
    report: int | None = None

    @property
    def limit(self) -> float:
        """Seconds by the clock after which it is given up, should the limit of each test not have ended it."""
        return 600 + 60 * self.seconds


@dataclass(frozen=True)
class Pace:
    """How many children at once, and the monotonic time after which none is begun."""

    jobs: int
    until: float


class _RunInOrder(NoShrinking):
    """A pytest plugin: runs the tests of a trial in their order, until one fails."""

    def __init__(self, room: Room, trial: Trial) -> None:
        self._room = room
        self._trial = trial
        self.outcome = Outcome.KILLED  # as it remains if pytest does not get as far as the first test

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """In place of pytest's own loop."""
        self.outcome = _outcome(session, self._room, self._trial)
        return True


def _outcome(session: pytest.Session, room: Room, trial: Trial) -> Outcome:
    items = {item.nodeid: item for item in session.items}
    chosen = [items[test] for test in trial.tests]
    for item, following in zip(chosen, [*chosen[1:], None], strict=True):
        # Twice, since a busy machine makes tests fail that run by the clock.
        if _fails(item, following, room) and _fails(item, following, room):
            if trial.report is None:
                return Outcome.KILLED
            os.write(trial.report, f"{item.nodeid}\n".encode())
    return Outcome.LIVED


def _fails(item: pytest.Item, following: pytest.Item | None, room: Room) -> bool:
    if isinstance(item, pytest.Function):
        item._initrequest()  # noqa: SLF001  # what lets pytest run a test again, as pytest-rerunfailures does it
    before = item.session.testsfailed
    _end_in(max(LEAST_TIME_S, 10 * room.seconds[item.nodeid]))
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    signal.setitimer(signal.ITIMER_REAL, 0)
    return item.session.testsfailed > before


def _each(
    room: Room, trials: Sequence[Trial], attempt: Callable[[Trial], Outcome], pace: Pace
) -> Iterator[tuple[Trial, Outcome]]:
    """Try them all, but first the program as it is: a test that fails then is not asked about faults."""
    tests = sorted({test for trial in trials for test in trial.tests})
    with tempfile.TemporaryFile() as report:
        as_it_is = [
            trial_of(room, None, tests[part :: pace.jobs], report.fileno()) for part in range(pace.jobs)
        ]
        for _, outcome in each(as_it_is, attempt, lambda trial: trial.limit, pace.jobs):
            if outcome is not Outcome.LIVED:
                complain(f"tests/{room.name} ends or hangs without any fault, so that it tells nothing")
                return
        report.seek(0)
        failing = set(report.read().decode().splitlines())
    for test in sorted(failing):
        complain(f"fails without any fault, and so is left out: {test}")
    trusted = [
        trial_of(room, trial.mutant, [test for test in trial.tests if test not in failing])
        for trial in trials
    ]
    yield from each(trusted, attempt, lambda trial: trial.limit, pace.jobs, pace.until)


def trial_of(room: Room, mutant: Mutant | None, tests: Sequence[str], report: int | None = None) -> Trial:
    """A trial by these tests of the room."""
    return Trial(mutant, tuple(tests), sum(room.seconds[test] for test in tests), report)


def _own_time() -> float:
    """Seconds that this thread has run or slept: those in which it waited for a core do not count."""
    waited_ns = int(_SCHEDSTAT.read_text().split()[1]) if _SCHEDSTAT.exists() else 0
    return time.monotonic() - waited_ns / 1e9


def _end_in(seconds: float) -> None:
    """End this process after so much time of its own; on a busy machine that may be much later by the clock."""
    end = _own_time() + seconds

    def ring(*_: object) -> None:
        if (left := end - _own_time()) <= 0:
            os._exit(Outcome.TIMED_OUT.value)
        signal.setitimer(signal.ITIMER_REAL, left)

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)


# -- faults that act at import -------------------------------------------------------------------------------


class _MutatedLoader(importlib.machinery.SourceFileLoader):
    """Loads one module with a fault in it."""

    def __init__(self, mutant: Mutant, path: str) -> None:
        super().__init__(mutant.module, path)
        self._mutant = mutant

    def get_code(self, fullname: str) -> types.CodeType:  # noqa: ARG002  # the base class's signature
        source = Path(self.path).read_text()
        return compile(self._mutant.applied_to(source), self.path, "exec", dont_inherit=True)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the one module that is to have a fault."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._mutant.module:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = _MutatedLoader(self._mutant, spec.origin)
        return spec


def by_import(room: Room, trials: Sequence[Trial], pace: Pace) -> Iterator[tuple[Trial, Outcome]]:
    """Try faults that act at import, from a process that holds what the tests need but for our own modules."""

    def attempt(trial: Trial) -> Outcome:
        quiet()
        if trial.mutant is not None:
            sys.meta_path.insert(0, _Finder(trial.mutant))
        plugin = _RunInOrder(room, trial)
        pytest.main([*OPTIONS, *test_files(trial.tests)], plugins=[plugin])
        return plugin.outcome

    def serve(sender: Connection) -> None:
        warnings.simplefilter("ignore")
        for name in room.loads:
            try:
                importlib.import_module(name)
            except Exception:  # noqa: BLE001  # a module that is no file, or one with demands: loaded in the child
                continue
        for result in _each(room, trials, attempt, pace):
            sender.send(result)

    return _from_a_process(serve)


def _from_a_process(serve: Callable[[Connection], None]) -> Iterator[tuple[Trial, Outcome]]:
    """What `serve` sends, from a process of its own."""
    receiver, sender = Pipe(duplex=False)
    pid = os.fork()
    if not pid:
        try:
            receiver.close()
            serve(sender)
            os._exit(0)
        except BaseException as error:  # noqa: BLE001  # whatever it was: this process must not go on as the other
            if not isinstance(error, KeyboardInterrupt):
                complain(repr(error))
            os._exit(1)
    sender.close()
    try:
        while True:
            yield receiver.recv()
    except EOFError:
        return
    finally:
        receiver.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)


# -- faults in functions -------------------------------------------------------------------------------------

_Place = tuple[str, int]
"""A code object's qualified name and first line."""


def _nested(code: types.CodeType) -> list[types.CodeType]:
    return [part for part in code.co_consts if isinstance(part, types.CodeType)]


def _changed(old: types.CodeType, new: types.CodeType) -> Iterator[tuple[types.CodeType, types.CodeType]]:
    """Pairs of functions, before and after. ValueError if the two programs do not have the same functions."""
    for before, after in zip(_nested(old), _nested(new), strict=True):
        if before != after:
            if before.co_qualname != after.co_qualname or before.co_freevars != after.co_freevars:
                raise ValueError("other functions, or other variables shared between them")
            yield before, after
            yield from _changed(before, after)


class _Functions:
    """The live functions of each module, by their code's place."""

    def __init__(self, names: set[str]) -> None:
        self._of: dict[str, dict[_Place, list[types.FunctionType]]] = {}
        files = {str(modules()[name]): name for name in names}
        found: dict[str, dict[_Place, list[types.FunctionType]]] = {name: defaultdict(list) for name in names}
        for thing in gc.get_objects():
            if isinstance(thing, types.FunctionType) and (name := files.get(thing.__code__.co_filename)):
                place = (thing.__code__.co_qualname, thing.__code__.co_firstlineno)
                found[name][place].append(thing)
        self._of = found

    def exchange(self, mutant: Mutant) -> bool:
        """Put the fault into the functions that live in this process; False if it can only be imported."""
        path = modules()[mutant.module]
        source = path.read_text()
        old = compile(source, str(path), "exec", dont_inherit=True)
        new = compile(mutant.applied_to(source), str(path), "exec", dont_inherit=True)
        try:
            pairs = list(_changed(old, new))
        except ValueError:
            return False
        exchanged = False
        for before, after in pairs:
            for function in self._of[mutant.module].get((before.co_qualname, before.co_firstlineno), ()):
                if function.__code__ != before:
                    return False  # two lambdas in one line
                function.__code__ = after
                exchanged = True
        return exchanged


class _Server(NoShrinking):
    """A pytest plugin: once all tests are collected, forks a child for each mutant."""

    def __init__(self, room: Room, trials: Sequence[Trial], pace: Pace, sender: Connection) -> None:
        self._room = room
        self._trials = trials
        self._pace = pace
        self._sender = sender

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """In place of pytest's own loop."""
        functions = _Functions({trial.mutant.module for trial in self._trials if trial.mutant})
        gc.freeze()

        def attempt(trial: Trial) -> Outcome:
            if trial.mutant is not None and not functions.exchange(trial.mutant):
                return Outcome.NOT_TRIED
            return _outcome(session, self._room, trial)

        for result in _each(self._room, self._trials, attempt, self._pace):
            self._sender.send(result)
        return True


def by_exchange(room: Room, trials: Sequence[Trial], pace: Pace) -> Iterator[tuple[Trial, Outcome]]:
    """Try faults in functions. NOT_TRIED is the outcome of one that changes which functions there are."""

    def serve(sender: Connection) -> None:
        quiet()
        pytest.main([*OPTIONS, f"tests/{room.name}"], plugins=[_Server(room, trials, pace, sender)])

    return _from_a_process(serve)
