"""What a room's tests do, recorded once: which lines each test runs, and how long it takes."""

import ast
import functools
import math
import os
import sys
import time
from collections import defaultdict
from collections.abc import Collection, Generator, Iterable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Final

import coverage
import grimp
import hypothesis
import pytest

from scripts.mutation.cores import ROOT, modules
from scripts.mutation.forks import quiet
from scripts.mutation.operators import Mutant

OPTIONS: Final = (
    "-q", "--assert=plain", "--tb=no", "--capture=sys", "--timeout=0", "-p", "no:cacheprovider",
    "-m", "not rig and not container and not realtime_clock",
)  # fmt: skip
"""A test that fails is asked nothing further, so no explanation is prepared; `each` looks after the time."""


@dataclass
class Room:
    """A room of `speakerd` and its tests.

    Attributes:
        name: The folder's name.
        seconds: Each test that passes, by its pytest id, and its duration.
        runs: For each file and line, the tests that run it. Tests named "" stand for import and collection.
        loads: The modules that the tests load and that are neither the daemon's nor the tests' own.
    """

    name: str
    seconds: dict[str, float] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    runs: dict[Path, dict[int, set[str]]] = field(default_factory=dict)
    loads: list[str] = field(default_factory=list)

    def acts_at_import(self, mutant: Mutant) -> bool:
        """Whether the fault can matter before the first test begins."""
        return not mutant.in_function or "" in self._tests_of_lines(mutant)

    def tests_for(self, mutant: Mutant, longest_s: float) -> list[str]:
        """The tests that can notice a fault, the quickest first.

        For one in a function these are the tests that run its line. A fault that acts at import may show wherever
        the module's names are used: first come the tests whose file imports the module and those that run
        anything of it, then the quick ones among those that run anything of what imports it, since that may be
        nearly all there are.
        """
        if self.acts_at_import(mutant):
            own = {test for test in self.seconds if mutant.module in _imported(test.partition("::")[0])}
            own |= self._tests_of_modules([mutant.module])
            using = _GRAPH.find_downstream_modules(mutant.module)
            others = self._tests_of_modules(using) - own
            return [*self._quickest_first(own, longest_s), *self._quickest_first(others, longest_s / 10)]
        return self._quickest_first(self._tests_of_lines(mutant), longest_s)

    def _tests_of_lines(self, mutant: Mutant) -> set[str]:
        lines = self.runs.get(_MODULES[mutant.module], {})
        first, last = mutant.lines
        here = range(mutant.start[0], mutant.end[0] + 1)
        found = {test for line in here for test in lines.get(line, ())}
        return found or {test for line in range(first, last + 1) for test in lines.get(line, ())}

    def _tests_of_modules(self, names: Iterable[str]) -> set[str]:
        files = [self.runs.get(_MODULES[name], {}) for name in names]
        return {test for lines in files for tests in lines.values() for test in tests} - {""}

    def _quickest_first(self, tests: Collection[str], longest_s: float) -> list[str]:
        quick = [test for test in tests if self.seconds.get(test, math.inf) <= longest_s]
        return sorted(quick, key=lambda test: (self.seconds[test], test))


_MODULES: Final = modules()
_GRAPH: Final = grimp.build_graph("speakerd")


@functools.cache
def _imported(file: str) -> frozenset[str]:
    """Every dotted name that a test file imports, and those that it may import by `from`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


class NoShrinking:
    """A pytest plugin: a property that fails is not asked for its smallest counterexample."""

    def pytest_collection(self) -> None:
        """After conftest.py has chosen hypothesis's settings, before a test module has copied them."""
        phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
        hypothesis.settings.register_profile(
            "mutation", hypothesis.settings(), phases=phases, database=None, report_multiple_bugs=False
        )
        hypothesis.settings.load_profile("mutation")


class _Recorder(NoShrinking):
    """A pytest plugin that tells coverage which test runs, and times it."""

    def __init__(self, room: Room, recording: coverage.Coverage) -> None:
        self._room = room
        self._recording = recording

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """One test, with its fixtures."""
        failed_before = item.session.testsfailed
        self._recording.switch_context(item.nodeid)
        begun = time.perf_counter()
        try:
            return (yield)
        finally:
            took = time.perf_counter() - begun
            self._recording.switch_context("")
            if item.session.testsfailed == failed_before:
                self._room.seconds[item.nodeid] = took
            else:
                self._room.failed.append(item.nodeid)


def record(name: str) -> Room:
    """Run the room's tests once, in a process of their own."""
    receiver, sender = Pipe(duplex=False)
    pid = os.fork()
    if not pid:
        _record(Room(name), sender)
        os._exit(0)
    sender.close()
    try:
        room: Room = receiver.recv()
    except EOFError:
        sys.exit(f"pytest did not get through tests/{name}; run it by itself to see why")
    finally:
        os.waitpid(pid, 0)
    return room


def _record(room: Room, sender: Connection) -> None:
    before = set(sys.modules)
    recording = coverage.Coverage(data_file=None, config_file=False, source=["speakerd"])
    recording.start()
    quiet()
    pytest.main([*OPTIONS, f"tests/{room.name}"], plugins=[_Recorder(room, recording)])
    recording.stop()
    data = recording.get_data()
    for file in data.measured_files():
        lines = data.contexts_by_lineno(file)
        room.runs[Path(file)] = defaultdict(set, {line: set(tests) for line, tests in lines.items()})
    ours = {"speakerd", "tests", "scripts", "conftest"}
    room.loads = [name for name in sys.modules if name not in before and name.split(".")[0] not in ours]
    sender.send(room)


def test_files(tests: Iterable[str]) -> list[str]:
    """The files that these tests are in."""
    return list(dict.fromkeys(str(ROOT / test.partition("::")[0]) for test in tests))
