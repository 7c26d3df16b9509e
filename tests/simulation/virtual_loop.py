"""An event loop on virtual time: when nothing is left to do, the clock jumps to the next timer.

An hour of waiting costs nothing, and a run is the same each time: there is one thread, no real socket and no real
clock. What would run in a thread (`asyncio.to_thread`, and a tool that is a plain function) runs at once, in the
loop's own thread: beside a real thread the clock would run away. Connections are made in memory, by
`network.Network`. A child process is real: the clock stands still for as long as one lives.

With a source of chance, tasks are resumed in an order that is drawn from it: a task that could go on may be overtaken
by others, at every await. Whatever relies on who comes first fails with some seed, and fails each time with that one.

The real self-pipe of asyncio stays registered and is looked at without waiting.
"""

from __future__ import annotations

import asyncio
import functools
import selectors
import types
from typing import TYPE_CHECKING, Any, Final, ParamSpec
from unittest import mock

from speakerd.realtime.session.thread_pool import ToolThreadPool
from tests.simulation.network import Network

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Coroutine, Generator
    from concurrent.futures import Executor

    from tests.simulation.network import MemoryServer, MemoryTransport

P = ParamSpec("P")

START_S: Final = 1000.0
"""Not 0, so that a time that was never set is seen."""

OVERTAKEN: Final = (0, 0, 0, 1, 2, 5)
"""How many times a task that could go on lets all others go first; each is as likely."""

LOOK_S: Final = 0.05
"""Real seconds between two looks whether a child process has ended."""


class NothingToWaitForError(RuntimeError):
    """All tasks wait, and no timer is set: in real time this would hang for ever."""

    def __init__(self, tasks: set[asyncio.Task[Any]]) -> None:
        names = sorted(f"{task.get_name()}: {task.get_coro()!r}" for task in tasks)
        super().__init__("nothing will ever happen again; these wait:\n  " + "\n  ".join(names))


class _JumpingSelector(selectors.SelectSelector):
    """Never waits: reports what is ready now, or lets the loop's clock jump by the time it would have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.loop: VirtualLoop | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert self.loop is not None
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if self.loop.has_children:
            return super().select(LOOK_S)
        self.loop.jump(timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """`time()` is virtual seconds. `network` makes its connections, `chance` changes the order of tasks."""

    def __init__(self, network: Network | None = None, chance: random.Random | None = None) -> None:
        selector = _JumpingSelector()
        super().__init__(selector)
        selector.loop = self
        self._now = START_S
        self._clock_resolution = 1e-7  # what adding up many small steps may be off
        self.network = network
        self._children: list[asyncio.SubprocessTransport] = []
        if network is not None:
            network.attach(self)
        if chance is not None:
            self.set_task_factory(functools.partial(_overtaken_task, chance))

    def time(self) -> float:
        return self._now

    def jump(self, seconds: float | None) -> None:
        """Let so much time pass at once; `None`: the loop has no timer at all.

        Raises:
            NothingToWaitForError: with `None`.
        """
        if seconds is None:
            raise NothingToWaitForError(asyncio.all_tasks(self))
        self._now += seconds

    @property
    def has_children(self) -> bool:
        """Whether a child process is at work."""
        self._children = [child for child in self._children if child.get_returncode() is None]
        return bool(self._children)

    async def subprocess_exec(self, *args: Any, **kwargs: Any) -> Any:
        """Start it, and let the clock stand still until it has ended."""
        transport, protocol = await super().subprocess_exec(*args, **kwargs)
        self._children.append(transport)
        return transport, protocol

    def run_in_executor(  # type: ignore[override]  # the result is a done future of this loop
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Run it now. A result or an error comes as from a thread; nothing can be cancelled in between."""
        future: asyncio.Future[Any] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001  # as a thread would hand it over
            future.set_exception(error)
        return future

    async def create_connection(
        self, protocol_factory: Callable[[], Any], host: str | None = None, port: int | None = None, **_: Any
    ) -> tuple[MemoryTransport, Any]:
        assert self.network is not None, "this loop has no network"
        return await self.network.connect(protocol_factory, str(host), int(port or 0))

    async def create_server(  # type: ignore[override]  # likewise
        self, protocol_factory: Callable[[], Any], host: Any = None, port: int | None = None, **_: Any
    ) -> MemoryServer:
        assert self.network is not None, "this loop has no network"
        return self.network.serve(protocol_factory, str(host), int(port or 0))


def in_virtual_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run an async test in such a loop, with a network whose bytes arrive at once."""

    @functools.wraps(test)
    def run(*arguments: P.args, **named: P.kwargs) -> None:
        simulate(test(*arguments, **named), Network(delay_s=0.0))

    return run


def network_of_the_loop() -> Network:
    """The network that the running loop makes its connections by."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    assert loop.network is not None
    return loop.network


def simulate(
    work: Coroutine[Any, Any, None], network: Network | None = None, chance: random.Random | None = None
) -> None:
    """Run `work` in such a loop to its end, in no time."""
    with (
        mock.patch.object(ToolThreadPool, "run", _run_at_once),
        asyncio.Runner(loop_factory=lambda: VirtualLoop(network, chance)) as runner,
    ):
        runner.run(work)


async def _run_at_once(_pool: ToolThreadPool, call: Callable[[], Any]) -> Any:
    return await asyncio.to_thread(call)


def _overtaken_task(
    chance: random.Random, loop: asyncio.AbstractEventLoop, coroutine: Any, **named: Any
) -> asyncio.Task[Any]:
    steps: Any = _steps(chance, coroutine)
    # So that a task is still named after what it does.
    for name in ("__name__", "__qualname__"):
        setattr(steps, name, getattr(coroutine, name, type(coroutine).__name__))
    task = asyncio.Task(steps, loop=loop, **named)
    # Also of one that was cancelled before its first step.
    task.add_done_callback(lambda _task: coroutine.close())
    return task


async def _steps(chance: random.Random, coroutine: Coroutine[Any, Any, Any]) -> Any:
    return await _overtaken(chance, coroutine)


@types.coroutine
def _overtaken(chance: random.Random, coroutine: Coroutine[Any, Any, Any]) -> Generator[Any, None, Any]:
    """Run the coroutine; whenever it could go on, let others go first now and then."""
    error: BaseException | None = None
    while True:
        for _ in range(chance.choice(OVERTAKEN)):
            try:
                yield
            except BaseException as thrown:  # noqa: BLE001  # as a cancel that came meanwhile: the coroutine gets it
                error = thrown
        try:
            awaited = coroutine.send(None) if error is None else coroutine.throw(error)
        except StopIteration as done:
            return done.value
        error = None
        try:
            yield awaited
        except BaseException as thrown:  # noqa: BLE001  # likewise
            error = thrown
