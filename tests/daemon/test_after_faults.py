"""What is left after a fault of the server or of the network: no task, a light that says so, and a speaker that stops."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from speakerd.dialogue.events import Ask
from speakerd.dialogue.requests import STOP
from speakerd.realtime.testing.server_events import error, response_created
from tests.daemon.bench import GO_FORWARD, Household, household, tone_response
from tests.simulation.virtual_loop import VirtualLoop, in_virtual_time

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from speakerd.realtime.testing.loopback import LoopbackConnection
    from tests.simulation.network import Network

STOPPED_WITHIN_S = 2.0


def network() -> Network:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    assert loop.network is not None
    return loop.network


def cut_off() -> None:
    """There is no route any more, and nothing says so: what is sent is lost."""
    network().down = True
    for link in network().open_links:
        link.black_hole = True


def tasks() -> Counter[str]:
    """The tasks of the speaker that are alive, by what they do."""
    names = (task.get_coro().__qualname__ for task in asyncio.all_tasks() if not task.done())  # type: ignore[union-attr]  # every coroutine has a name
    # The server's own end of a connection ends when it notices; that is not the speaker's.
    return Counter(name for name in names if "Loopback" not in name and not name.startswith("serve."))


async def refuse(connection: LoopbackConnection) -> None:
    await connection.close(4000, "superseded")


async def drop(connection: LoopbackConnection) -> None:
    connection.drop()


async def close(connection: LoopbackConnection) -> None:
    await connection.close(1011, "internal error")


async def no_money(connection: LoopbackConnection) -> None:
    await connection.send(error("insufficient_quota"))
    await connection.close(1000)


async def nonsense(connection: LoopbackConnection) -> None:
    await connection.send_raw("{")


async def mute(_connection: LoopbackConnection) -> None:
    """Sends nothing more, and answers pings."""


async def black_hole(_connection: LoopbackConnection) -> None:
    cut_off()


FAULTS: dict[str, Callable[[LoopbackConnection], Awaitable[None]]] = {
    "fatal close code": refuse,
    "drop": drop,
    "close": close,
    "no money": no_money,
    "nonsense": nonsense,
    "mute": mute,
    "black hole": black_hole,
}


class FaultyServer:
    """Answers until it is told to fail: on its first connection only, in the phase that the test has waited for."""

    def __init__(self, fault: str, phase: str) -> None:
        self.fault, self.phase = fault, phase
        self.fail = asyncio.Event()

    async def __call__(self, connection: LoopbackConnection) -> None:
        if connection.number:
            await connection.expect("response.create", within_s=600)
            for event in tone_response("resp_b", "item_b", "Certainly.", 300):
                await connection.send(event)
            await asyncio.sleep(3600)
        if self.phase in {"thinking", "speaking"}:
            await connection.expect("response.create", within_s=60)
            if self.phase == "thinking":
                await connection.send(response_created("resp_a"))
            else:
                for event in tone_response("resp_a", "item_a", "Half of it", 3_000)[:12]:
                    await connection.send(event)
        await self.fail.wait()
        await FAULTS[self.fault](connection)
        await asyncio.sleep(3600)


async def reach(house: Household, phase: str) -> None:
    if phase in {"thinking", "speaking"}:
        house.assembly.speaker.handle(Ask("hello"))
    elif phase == "listening":
        house.panel.tap()
    else:
        await house.until(lambda: bool(house.server.connections))
    await house.phase(phase)


TALKING = ("listening", "thinking", "speaking")
PLACES = [
    ("idle", "warm"),  # on_wake there is no connection then that could fail
    *product(TALKING, ("on_wake", "warm")),
]


def cells(*axes: Iterable[Any]) -> list[Any]:
    """All combinations; those that are not on the diagonal, which has every value of each axis, are exhaustive."""
    values = [tuple(axis) for axis in axes]
    diagonal = {
        tuple(axis[row % len(axis)] for axis in values) for row in range(max(len(axis) for axis in values))
    }
    return [
        pytest.param(
            *cell,
            id="-".join(
                str(word) for value in cell for word in (value if isinstance(value, tuple) else (value,))
            ),
            marks=() if cell in diagonal else pytest.mark.exhaustive,
        )
        for cell in product(*values)
    ]


@pytest.mark.parametrize(("fault", "place"), cells(FAULTS, PLACES))
@in_virtual_time
async def test_after_a_fault_no_task_is_left_the_next_question_is_answered_and_it_stops_at_once(
    fault: str, place: tuple[str, str]
) -> None:
    phase, connection = place
    settings: dict[str, Any] = {"model": {"connection": connection}}
    server = FaultyServer(fault, phase)
    async with household(server, settings=settings) as house:
        speaker = house.assembly.speaker
        if connection == "warm":
            await house.until(lambda: speaker.link.connected)
        before = tasks()
        await reach(house, phase)
        server.fail.set()
        slow = fault in {"black hole", "mute"}
        await asyncio.sleep(25 if slow else 5)
        network().down = False
        await asyncio.sleep(35 if slow else 5)
        speaker.handle(STOP)
        await house.phase("idle")
        await asyncio.sleep(5)
        assert not tasks() - before, "tasks are left"
        spoken = house.phases.count("speaking")
        speaker.handle(Ask("hello again"))
        await house.until(lambda: house.phases.count("speaking") > spoken, within_s=30)
        await house.phase("idle")


@pytest.mark.parametrize(
    ("fault", "after_s", "phase", "connection"),
    cells(FAULTS, [0.0, 0.001, 4.0], TALKING, ["on_wake", "warm"]),
)
@in_virtual_time
async def test_it_stops_within_two_seconds_whatever_has_failed(
    fault: str, after_s: float, phase: str, connection: str
) -> None:
    server = FaultyServer(fault, phase)
    async with household(server, settings={"model": {"connection": connection}}) as house:
        await reach(house, phase)
        server.fail.set()
        await asyncio.sleep(after_s)
        begin = asyncio.get_running_loop().time()
        house.assembly.speaker.stop()
        await house.running
        assert asyncio.get_running_loop().time() - begin <= STOPPED_WITHIN_S
        await asyncio.sleep(5)
        left = {name for name in tasks() if "speakerd" in name or "Session" in name or "WebSocket" in name}
        assert not left


@pytest.mark.parametrize(
    "phase", ["listening", *(pytest.param(phase, marks=pytest.mark.exhaustive) for phase in TALKING[1:])]
)
@in_virtual_time
async def test_a_dead_network_is_seen_within_seconds_and_until_it_lives_again(phase: str) -> None:
    server = FaultyServer("black hole", phase)
    async with household(server) as house:
        await reach(house, phase)
        if phase == "listening":
            house.device.say(GO_FORWARD)
        server.fail.set()
        await house.light("offline", within_s=20)
        await house.phase("idle", within_s=30)
        await asyncio.sleep(120)
        assert house.lights[-1] == "offline"
        network().down = False
        await house.light("idle", within_s=35)
        assert not house.assembly.speaker.link.connected
