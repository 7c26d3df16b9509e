"""One cell of the matrix: a household in which one thing goes wrong, and what has to hold of it afterwards.

A stage has a scene: what the person does so that the stage comes about, and what the model is to answer. After the
scene the person waits, presses again, asks anew, and the speaker is stopped.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import random
import threading
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from speakerd.realtime.wire.due import DUE, MAX_ASKED
from tests.simulation.faults import Cell, FaultyWire, HonestWire, cells
from tests.simulation.model_server import ModelServer
from tests.simulation.network import Network
from tests.simulation.virtual_loop import simulate
from tests.simulation.watched import (
    TOLD_WITHIN_S,
    Run,
    in_a_minute,
    kinds_of_tasks,
    network_of_the_loop,
    now,
    watched,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.daemon.bench import Household
    from tests.simulation.model_server import Answer, Stage

PRESS_HEARD_WITHIN_S: Final = 2.0
ANSWERED_WITHIN_S: Final = 10.0
"""The new question, which a sound server answers."""
IDLE_WITHIN_S: Final = 80.0
"""Until the conversation is over by itself: a hosted tool may take 60 s."""
STOPPED_WITHIN_S: Final = 2.0
REQUESTS_A_MINUTE: Final = 6
"""The most `response.create` of a cell in any minute: two questions, a tool's result, and what is asked again."""
CONNECTIONS_A_MINUTE: Final = 5


@dataclass(frozen=True)
class Scene:
    """What leads to a stage."""

    play: Callable[[Run], Awaitable[None]]
    plan: tuple[Answer, ...] = ()
    model: tuple[tuple[str, Any], ...] = ()


# -- scenes ----------------------------------------------------------------------------------------------------


async def _by_voice(run: Run) -> None:
    await run.ask_aloud()


async def _by_text(run: Run) -> None:
    await run.ask()


async def _approve(run: Run) -> None:
    await run.ask()
    if await run.wait_for(lambda: run.house.lights[-1:] == ["approval"], 10.0):
        await asyncio.sleep(0.5)
        await run.press()


async def _follow_up(run: Run) -> None:
    await run.ask_aloud()
    if await run.reach("speaking", 10.0) and await run.reach("listening", 10.0):
        run.server.enter("follow_up")


async def _interrupt(run: Run) -> None:
    await run.ask()
    if await run.reach("speaking", 10.0):
        await asyncio.sleep(0.5)
        await run.press()
        run.questions.clear()


async def _idle(run: Run) -> None:
    await run.wait_for(
        lambda: run.server.talk is not None and run.house.assembly.speaker.link.connected, 10.0
    )
    run.server.enter("idle")


SCENES: Final[dict[Stage, Scene]] = {
    "idle": Scene(_idle, model=(("connection", "warm"),)),
    "connecting": Scene(_by_voice),
    "listening": Scene(_by_voice),
    "committed": Scene(_by_voice),
    "server_turn": Scene(_by_voice, model=(("turn_detection", "server_vad"),)),
    "thinking": Scene(_by_text),
    "speaking": Scene(_by_text),
    "tool": Scene(_by_text, ("call", "speak")),
    "hosted": Scene(_by_text, ("hosted", "speak")),
    "approval": Scene(_approve, ("ask_first", "speak")),
    "interrupted": Scene(_interrupt, ("talk",)),
    "follow_up": Scene(_follow_up),
}


# -- a run -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What came of a cell."""

    problems: tuple[str, ...]
    trace: tuple[Any, ...]
    """All that was seen, with its time: the same for the same cell."""
    carried: tuple[tuple[Stage, str], ...]
    history: tuple[str, ...] = ()
    """The same, for a reader."""


@functools.cache
def honest(stage: Stage) -> Outcome:
    """The scene of a stage with nothing wrong in it."""
    return _run(stage, HonestWire(), TOLD_WITHIN_S)


def occurrences(stage: Stage, event: str) -> int:
    """How often the stage has that event of itself."""
    return honest(stage).carried.count((stage, event))


def natural(stage: Stage) -> frozenset[str]:
    """The events that the stage has of itself."""
    return frozenset(kind for at, kind in honest(stage).carried if at == stage)


def play(cell: Cell) -> Outcome:
    """Play a cell."""
    wire = FaultyWire(cell, occurrences(cell.stage, cell.event))
    # What looks like a hosted tool at work is given the time of one.
    hosted_s = DUE["hosted_call"].within_s if cell.event.startswith("response.mcp_call") else 0.0
    outcome = _run(cell.stage, wire, TOLD_WITHIN_S + hosted_s)
    if not wire.happened:
        return replace(outcome, problems=(*outcome.problems, "the fault never happened"))
    return outcome


def play_all(task: tuple[Stage, str, int]) -> list[tuple[str, tuple[str, ...]]]:
    """Play all cells of an event in a stage, with a seed; return their names, and what is wrong with each."""
    stage, event, seed = task
    return [(str(cell), play(cell).problems) for cell in cells(stage, event, natural(stage), seed)]


def _run(stage: Stage, wire: HonestWire, told_within_s: float) -> Outcome:
    problems: list[str] = []
    runs: list[Run] = []
    random.seed(str(stage))
    with patch("secrets.token_hex", return_value="0123abcd"):
        simulate(_live(stage, wire, told_within_s, problems, runs), Network(delay_s=0.005))
    return Outcome(tuple(problems), runs[0].trace(), tuple(wire.carried), runs[0].history())


async def _live(
    stage: Stage, wire: HonestWire, told_within_s: float, problems: list[str], runs: list[Run]
) -> None:
    scene = SCENES[stage]
    model = dict(scene.model)
    server = ModelServer(scene.plan, wire, detects_turns=model.get("turn_detection") == "server_vad")
    threads = set(threading.enumerate())
    async with watched(server, wire, model) as run:
        runs.append(run)
        problems += [problem async for problem in _judged(run, scene, told_within_s)]
    await asyncio.sleep(0.1)
    if left := set(threading.enumerate()) - threads:
        problems.append(f"threads are left: {left}")
    if tasks := asyncio.all_tasks() - {asyncio.current_task()}:
        problems.append(f"tasks are left after the stop: {tasks}")


async def _judged(run: Run, scene: Scene, told_within_s: float) -> AsyncIterator[str]:
    """Play the scene, go on living, and tell what is not as it must be."""
    house = run.house
    speaker = house.assembly.speaker
    warm = dict(scene.model).get("connection") == "warm"
    if warm:
        await run.wait_for(lambda: speaker.link.connected, 5.0)
    before = kinds_of_tasks()
    begun = now()
    await scene.play(run)
    # A person hears or sees what is the case.
    for at in run.questions:
        if not await run.wait_for(partial(_heard_or_told, run, at, begun), told_within_s):
            yield f"nothing was heard or seen within {told_within_s:g} s; {run.story()}"
        elif not run.heard_since(at) and not run.causes_since(begun):
            yield f"the journal does not say why there was no answer; {run.story()}"
    if not await run.reach("idle", IDLE_WITHIN_S):
        yield f"not idle within {IDLE_WITHIN_S:g} s; {run.story()}"
    # Something may still be said late; the network may still be probed.
    await asyncio.sleep(13.0)
    # The next press works.
    run.wire.over = True
    asked = now()
    await run.press()
    if not await run.wait_for(
        lambda: bool({"listening", "connecting"} & _phases_since(house, asked)), PRESS_HEARD_WITHIN_S
    ):
        yield f"a press is not answered; {run.story()}"
    await asyncio.sleep(0.5)
    asked = now()
    await run.ask()
    if not await run.wait_for(lambda: run.heard_since(asked), ANSWERED_WITHIN_S):
        yield f"the next question is not answered; {run.story()}"
    if not await run.reach("idle", IDLE_WITHIN_S):
        yield f"not idle after the next question; {run.story()}"
    await asyncio.sleep(3.0)
    # Nothing is left.
    if left := kinds_of_tasks() - before:
        yield f"tasks are left: {dict(left)}"
    links = len(network_of_the_loop().open_links)
    if links > int(warm):
        yield f"{links} connections are left"
    # Nothing was asked for twice.
    asked_for = len(run.questions) + sum(run.tools.values()) + run.server.hosted_calls
    asked_for += scene.plan == ("talk",)
    again = len(run.server.requested) - asked_for
    if again > (MAX_ASKED - 1):
        yield f"asked {again} times more than there were questions; {run.story()}"
    if any(times > 1 for times in run.tools.values()):
        yield f"a tool was called twice: {dict(run.tools)}"
    for what, times, most in (
        ("requests", [at for at, _ in run.server.requested], REQUESTS_A_MINUTE),
        ("connections", run.server.connected, CONNECTIONS_A_MINUTE),
    ):
        if (worst := in_a_minute(times)) > most:
            yield f"{worst} {what} in a minute, and {most} are allowed; {run.story()}"
    for _, record in run.journal:
        if record.exc_info or record.levelno >= logging.CRITICAL or "internal error" in record.getMessage():
            yield f"an error of our own: {record.getMessage()}: {record.exc_text or record.exc_info}"
            break
    begin = now()
    speaker.stop()
    await house.running
    if now() - begin > STOPPED_WITHIN_S:
        yield f"it stopped after {now() - begin:.1f} s"


def _heard_or_told(run: Run, asked: float, begun: float) -> bool:
    return run.heard_since(asked) or run.told_since(begun)


def _phases_since(house: Household, at: float) -> set[str]:
    return {entry["phase"] for entry in house.entries if entry["event"] == "state" and entry["at"] >= at}
