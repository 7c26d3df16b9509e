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
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from speakerd.realtime.wire.due import DUE, MAX_ASKED
from tests.simulation.faults import ANY, CONNECTIONS, LATE, Cell, FaultyWire, HonestWire, cells
from tests.simulation.model_server import ALOUD, ModelServer
from tests.simulation.network import Network
from tests.simulation.virtual_loop import network_of_the_loop, simulate
from tests.simulation.watched import (
    EARLY_S,
    TOLD_WITHIN_S,
    Run,
    in_a_minute,
    kinds_of_tasks,
    now,
    watched,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tests.daemon.bench import Household
    from tests.simulation.faults import Connection
    from tests.simulation.model_server import Stage
    from tests.simulation.watched import Question

PRESS_HEARD_WITHIN_S: Final = 2.0
ANSWERED_WITHIN_S: Final = 10.0
"""The new question, which a sound server answers."""
SCENE_S: Final = 60.0
"""A stage has come about by then."""
IDLE_WITHIN_S: Final = 80.0
"""Until the conversation is over by itself: a hosted tool may take 60 s."""
STOPPED_WITHIN_S: Final = 2.0
REQUESTS_A_MINUTE: Final = 6
"""The most `response.create` of a cell in any minute: two questions, a tool's result, and what is asked again."""
CONNECTIONS_A_MINUTE: Final = 5


OF_A_CONNECTION: Final = (
    "SessionLink._read",
    "SessionLink._send_uplink",
    "OpenAIRealtimeWebSocketModel._keep_time",
    "OpenAIRealtimeWebSocketModel._read",
    "OpenAIRealtimeWebSocketModel._run",
)
"""The tasks of one."""


@dataclass(frozen=True)
class Scene:
    """What leads to a stage."""

    play: Callable[[Run], Coroutine[Any, Any, None]]
    model: tuple[tuple[str, Any], ...] = ()


# -- scenes ----------------------------------------------------------------------------------------------------


async def _by_voice(run: Run) -> None:
    await run.ask_aloud()


async def _by_text(run: Run) -> None:
    await run.ask()


async def _wait(run: Run) -> None:
    await run.ask("wait")


async def _look(run: Run) -> None:
    await run.ask("look")


async def _approve(run: Run) -> None:
    await run.ask("open")
    if await run.wait_for(lambda: run.house.lights[-1:] == ["approval"], 10.0):
        await asyncio.sleep(0.5)
        await run.press()


async def _follow_up(run: Run) -> None:
    await run.ask_aloud()
    if await run.reach("speaking", 10.0) and await run.reach("listening", 10.0):
        run.server.enter("follow_up")


async def _interrupt(run: Run) -> None:
    await run.ask("tell")
    if await run.reach("speaking", 10.0):
        await asyncio.sleep(0.5)
        await run.press()
        # And goes on as if all were well.
        await asyncio.sleep(1.0)
        await run.ask()


async def _idle(run: Run) -> None:
    await run.wait_for(
        lambda: run.server.talk is not None and run.house.assembly.speaker.link.connected, 10.0
    )
    run.server.enter("idle")


SCENES: Final[dict[Stage, Scene]] = {
    "idle": Scene(_idle),
    "connecting": Scene(_by_voice),
    "listening": Scene(_by_voice),
    "committed": Scene(_by_voice),
    "server_turn": Scene(_by_voice, model=(("turn_detection", "server_vad"),)),
    "thinking": Scene(_by_text),
    "speaking": Scene(_by_text),
    "tool": Scene(_wait),
    "hosted": Scene(_look),
    "approval": Scene(_approve),
    "reply": Scene(_wait),
    "interrupted": Scene(_interrupt),
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
    history: tuple[str, ...]
    """The same, for a reader."""
    generated: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often the server began to answer each question, by each kind of answer."""
    void: bool = False
    """The client was gone before what was held back could be sent."""


@functools.cache
def honest(stage: Stage, connection: Connection) -> Outcome:
    """The scene of a stage with nothing wrong in it."""
    return _run(Cell(stage, ANY, "omitted", connection), HonestWire(), TOLD_WITHIN_S)


def occurrences(stage: Stage, event: str, connection: Connection) -> int:
    """How often the stage has that event of itself."""
    return honest(stage, connection).carried.count((stage, event))


def natural(stage: Stage) -> frozenset[str]:
    """The events that the stage has of itself, however the speaker is connected."""
    return frozenset(kind for at, kind in honest(stage, CONNECTIONS[-1]).carried if at == stage)


def play(cell: Cell) -> Outcome:
    """Play a cell."""
    wire = FaultyWire(cell, occurrences(cell.stage, cell.event, cell.connection))
    # What looks like a hosted tool at work is given the time of one.
    hosted_s = DUE["hosted_call"].within_s if cell.event.startswith("response.mcp_call") else 0.0
    outcome = _run(cell, wire, TOLD_WITHIN_S + hosted_s)
    if wire.happened:
        return outcome
    if wire.struck_at is not None and cell.fault in LATE:
        return replace(outcome, void=True)
    return replace(outcome, problems=(*outcome.problems, "the fault never happened"))


def play_all(task: tuple[Stage, str, int]) -> list[tuple[str, Outcome]]:
    """Play all cells of an event in a stage, with a seed; return what came of each, without its trace."""
    stage, event, seed = task
    return [
        (str(cell), replace(play(cell), trace=(), carried=(), history=()))
        for cell in cells(stage, event, natural(stage), seed)
    ]


def _run(cell: Cell, wire: HonestWire, told_within_s: float) -> Outcome:
    problems: list[str] = []
    runs: list[Run] = []
    random.seed(str(cell.stage))
    order = random.Random(f"order {cell}") if isinstance(wire, FaultyWire) else None
    with patch("secrets.token_hex", return_value="0123abcd"):
        simulate(_live(cell, wire, told_within_s, problems, runs), Network(delay_s=0.005), order)
    return Outcome(
        tuple(problems), runs[0].trace(), tuple(wire.carried), runs[0].history(), runs[0].generated()
    )


async def _live(
    cell: Cell, wire: HonestWire, told_within_s: float, problems: list[str], runs: list[Run]
) -> None:
    model = {**dict(SCENES[cell.stage].model), "connection": cell.connection}
    detects_turns = model.get("turn_detection") == "server_vad"
    server = ModelServer(wire, detects_turns=detects_turns, warm=cell.connection == "warm")
    threads = set(threading.enumerate())
    async with watched(server, wire, model) as run:
        runs.append(run)
        judge = _Judge(run, cell, told_within_s, problems)
        await judge.judge()
    problems += [f"the harness failed: {error!r}" for error in (*server.failures, *wire.failures)]
    await asyncio.sleep(0.1)
    if left := set(threading.enumerate()) - threads:
        problems.append(f"threads are left: {left}")
    if tasks := asyncio.all_tasks() - {asyncio.current_task()}:
        problems.append(f"tasks are left after the stop: {tasks}")


class _Judge:
    """Plays a cell, and notes what is not as it must be."""

    def __init__(self, run: Run, cell: Cell, told_within_s: float, problems: list[str]) -> None:
        self.run = run
        self.cell = cell
        self.told_within_s = told_within_s
        self.problems = problems
        self.chance = random.Random(f"person {cell}")
        self.warm = cell.connection == "warm"

    async def judge(self) -> None:
        """Play the scene, go on living, stop."""
        run, speaker = self.run, self.run.house.assembly.speaker
        if self.warm and self.cell.stage != "connecting":
            await run.wait_for(lambda: speaker.link.connected, 5.0)
        # Of a warm connection there may be these, also where it had not been made yet.
        before = kinds_of_tasks() | (Counter(OF_A_CONNECTION) if self.warm else Counter())
        begun = now()
        scene = asyncio.create_task(SCENES[self.cell.stage].play(run))
        match self.cell.then if isinstance(run.wire, FaultyWire) else "wait":
            case "press":
                await self.break_off(scene, self.chance.uniform(0.05, 0.9))
                run.questions.clear()  # nobody waits for them any more
                await self.press()
                begun = now()
                await run.ask()
            case "stop":
                await self.break_off(scene, self.chance.choice((0.0, 0.1, 0.5, 2.0, 5.0, 9.0)))
                await self.stop()
                return
            case _:
                await scene
        for question in tuple(run.questions):
            await self.heard_or_told(question, begun)
        await self.until_idle("")
        if not isinstance(run.wire, FaultyWire):
            self.nothing_was_told(begun)
        # Something may still be said late; the network may still be probed.
        await asyncio.sleep(13.0)
        await self.next_question()
        await asyncio.sleep(3.0)
        if left := kinds_of_tasks() - before:
            self.problem(f"tasks are left: {dict(left)}")
        if (links := len(network_of_the_loop().open_links)) > int(self.warm):
            self.problem(f"{links} connections are left")
        self.nothing_was_asked_twice()
        await self.stop()

    def problem(self, what: str) -> None:
        """Note it, with what happened."""
        self.problems.append(f"{what}; {self.run.story()}")

    async def break_off(self, scene: asyncio.Task[None], after_s: float) -> None:
        """The person does something else, so long after the fault."""
        wire = self.run.wire
        assert isinstance(wire, FaultyWire)
        await self.run.wait_for(lambda: wire.struck_at is not None, SCENE_S)
        await asyncio.sleep(after_s)
        if scene.done():
            scene.result()
        scene.cancel()
        await asyncio.gather(scene, return_exceptions=True)

    async def press(self) -> None:
        """Whatever a press does in that phase, something is seen or heard of it at once."""
        run, asked = self.run, now()
        states = len(run.house.entries)
        await run.press()
        if not await run.wait_for(
            lambda: (
                any(entry["event"] == "state" for entry in run.house.entries[states:])
                or any(at >= asked for at, _ in run.sounds)
            ),
            PRESS_HEARD_WITHIN_S,
        ):
            self.problem("a press is not answered")
        # By then it is told from the first half of another gesture, and has done what it does.
        await asyncio.sleep(0.8)

    async def heard_or_told(self, question: Question, begun: float) -> None:
        """A person hears or sees what is the case, and the journal says why it is not as it was asked."""
        run = self.run
        if not await run.wait_for(lambda: run.heard(question) or run.told_since(begun), self.told_within_s):
            self.problem(f"nothing was heard or seen within {self.told_within_s:g} s")
            return
        if not run.heard(question) and not run.causes_since(begun):
            self.problem("the journal does not say why there was no answer")

    async def until_idle(self, when: str) -> None:
        """The conversation is over by itself, and each answer that was begun has a line in the journal."""
        run = self.run
        if not await run.reach("idle", IDLE_WITHIN_S):
            self.problem(f"not idle within {IDLE_WITHIN_S:g} s{when}")
        for question in run.questions:
            outcomes = run.turns_since(question.at - EARLY_S)
            told = run.causes_since(question.at - EARLY_S)
            # Of a long story the person has had enough.
            heard = "heard" in outcomes or ("interrupted" in outcomes and question.text.startswith("tell"))
            if not (heard or told):
                self.problem(f"the journal does not say what came of {question.text!r}: {set(outcomes)}")

    def nothing_was_told(self, begun: float) -> None:
        """Where nothing is wrong nothing is said to be."""
        run = self.run
        if run.told_since(begun) or run.causes_since(begun):
            self.problem("something is said to be wrong, and nothing is")
        for question in run.questions:
            if not run.heard(question):
                self.problem(f"no answer to {question.text!r} was heard")
        for (text, answer), times in run.generated().items():
            if times > 1 and text != ALOUD:
                self.problem(f"{text!r} was answered {times} times by {answer}")

    async def next_question(self) -> None:
        """The next press works, and the next question, with a server that does nothing wrong any more."""
        run, house = self.run, self.run.house
        run.wire.over = True
        asked = now()
        await run.press()
        if not await run.wait_for(
            lambda: bool({"listening", "connecting"} & _phases_since(house, asked)), PRESS_HEARD_WITHIN_S
        ):
            self.problem("the next press is not answered")
        await asyncio.sleep(0.5)
        await run.ask()
        question = run.questions[-1]
        # That a server is mute from which nothing is due nobody can know before something is.
        unknown = self.cell.event == ANY
        within_s = TOLD_WITHIN_S if unknown else ANSWERED_WITHIN_S
        if not await run.wait_for(lambda: run.heard(question), within_s):
            self.problem("the next question is not answered")
        await self.until_idle(" after the next question")

    def nothing_was_asked_twice(self) -> None:
        """No fault costs more than it must."""
        run, server = self.run, self.run.server
        faulty = isinstance(run.wire, FaultyWire)
        usual = honest(self.cell.stage, self.cell.connection).generated if faulty else {}
        for question, generated in run.generated().items():
            # What is said into a server that takes turns by itself may be several.
            if generated > usual.get(question, 1) + (MAX_ASKED - 1):
                self.problem(f"{question} was generated {generated} times")
        if server.refused > MAX_ASKED - 1:
            self.problem(f"asked {server.refused} times while a response ran")
        if any(times > 1 for times in run.tools.values()):
            self.problem(f"a tool was called twice: {dict(run.tools)}")
        if server.hosted_again:
            self.problem("a hosted tool was called again of which the speaker knew")
        for what, times, most in (
            ("requests", [at for at, _ in server.requested], REQUESTS_A_MINUTE),
            ("connections", server.connected, CONNECTIONS_A_MINUTE),
        ):
            if (worst := in_a_minute(times)) > most:
                self.problem(f"{worst} {what} in a minute, and {most} are allowed")

    async def stop(self) -> None:
        """It ends at once, whatever it is at, and without an error of our own."""
        begin = now()
        self.run.house.assembly.speaker.stop()
        await self.run.house.running
        if now() - begin > STOPPED_WITHIN_S:
            self.problem(f"it stopped after {now() - begin:.1f} s")
        for _, record in self.run.journal:
            if (
                record.exc_info
                or record.levelno >= logging.CRITICAL
                or "internal error" in record.getMessage()
            ):
                cause = record.exc_text or record.exc_info
                self.problem(f"an error of our own: {record.getMessage()}: {cause}")
                break


def _phases_since(house: Household, at: float) -> set[str]:
    return {entry["phase"] for entry in house.entries if entry["event"] == "state" and entry["at"] >= at}
