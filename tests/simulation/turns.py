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
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from speakerd.audio.engine import AudioEngine
from speakerd.dialogue.events import Ask
from speakerd.realtime import function_tool
from speakerd.realtime.testing.loopback import LoopbackConnection
from speakerd.realtime.wire.due import DUE, MAX_ASKED
from tests.audio.recordings import load
from tests.daemon.bench import Household, household
from tests.simulation.faults import Cell, FaultyWire, HonestWire
from tests.simulation.model_server import ModelServer
from tests.simulation.network import Network
from tests.simulation.virtual_loop import VirtualLoop, simulate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from speakerd.daemon.core import Assembly
    from tests.simulation.model_server import Answer, Stage

TOLD_WITHIN_S: Final = 25.0
"""From what a person has done to an answer, or to a sound and a light that say that there is none. The longest way:
nothing comes for 10 s, the session is replaced, the question is asked once more, and nothing comes for 10 s."""
PRESS_HEARD_WITHIN_S: Final = 2.0
ANSWERED_WITHIN_S: Final = 10.0
"""The new question, which a sound server answers."""
IDLE_WITHIN_S: Final = 80.0
"""Until the conversation is over by itself: a hosted tool may take 60 s."""
STOPPED_WITHIN_S: Final = 2.0
REQUESTS_A_MINUTE: Final = 6
"""The most `response.create` of a cell in any minute: two questions, a tool's result, and what is asked again."""
CONNECTIONS_A_MINUTE: Final = 5

CAUSES: Final = frozenset(
    {"no_answer", "answer_timeout", "connection_lost", "session_error", "account_fault", "setting_refused"}
)
"""Lines of the journal that say why there is no answer."""
TOLD: Final = frozenset({"error", "offline"})
"""Sounds and lights that say so."""

_SETTINGS: Final[dict[str, Any]] = {"audio": {"gate": {"silero": "off"}, "silent_capture_s": 3600}}
_TOOL_S: Final = 2.0


@dataclass(frozen=True)
class Scene:
    """What leads to a stage."""

    play: Callable[[Run], Awaitable[None]]
    plan: tuple[Answer, ...] = ()
    model: tuple[tuple[str, Any], ...] = ()


@dataclass
class Run:
    """One household, with what is noted of it."""

    house: Household
    server: ModelServer
    wire: HonestWire
    questions: list[float] = field(default_factory=list)
    """When the person asked something, and waits for the answer."""
    sounds: list[tuple[float, str]] = field(default_factory=list)
    journal: list[tuple[float, logging.LogRecord]] = field(default_factory=list)
    tools: Counter[str] = field(default_factory=Counter)

    async def press(self) -> None:
        self.house.panel.tap()

    async def ask(self) -> None:
        """Type a question."""
        self.questions.append(_now())
        self.house.assembly.speaker.handle(Ask("hello"))

    async def ask_aloud(self) -> None:
        """Press and say it."""
        await self.press()
        utterance = self.house.device.say(_question(), after_s=0.1)
        await self.house.said(utterance)
        self.questions.append(_now())

    async def reach(self, phase: str, within_s: float) -> bool:
        """Wait until the speaker is in that phase; return whether it came to be."""
        return await self.wait_for(lambda: self.house.phases[-1:] == [phase], within_s)

    async def wait_for(self, condition: Callable[[], bool], within_s: float) -> bool:
        """Wait for it; return whether it came about."""
        until = _now() + within_s
        while not condition():
            if _now() >= until:
                return False
            await asyncio.sleep(0.05)
        return True

    def heard_since(self, at: float) -> bool:
        """Whether an answer has begun to sound."""
        return any(
            entry["event"] == "state" and entry["phase"] == "speaking" and entry["at"] >= at
            for entry in self.house.entries
        )

    def told_since(self, at: float) -> bool:
        """Whether a sound or the light has said that there is none."""
        lights = {
            entry["light"] for entry in self.house.entries if entry["event"] == "state" and entry["at"] >= at
        }
        return bool(TOLD & (lights | {name for when, name in self.sounds if when >= at}))

    def causes_since(self, at: float) -> set[str]:
        """The events in the journal that say why."""
        return CAUSES & {getattr(record, "SPEAKERD_EVENT", "") for when, record in self.journal if when >= at}


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
    await run.wait_for(lambda: run.server.talk is not None and run.house.assembly.speaker.link.connected, 10.0)
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
        return Outcome((*outcome.problems, "the fault never happened"), outcome.trace, outcome.carried)
    return outcome


def _run(stage: Stage, wire: HonestWire, told_within_s: float) -> Outcome:
    problems: list[str] = []
    traces: list[tuple[Any, ...]] = []
    random.seed(str(stage))
    with patch("secrets.token_hex", return_value="0123abcd"):
        simulate(_live(stage, wire, told_within_s, problems, traces), Network(delay_s=0.005))
    return Outcome(tuple(problems), traces[0] if traces else (), tuple(wire.carried))


async def _live(
    stage: Stage, wire: HonestWire, told_within_s: float, problems: list[str], traces: list[tuple[Any, ...]]
) -> None:
    scene = SCENES[stage]
    model = dict(scene.model)
    server = ModelServer(scene.plan, wire, detects_turns=model.get("turn_detection") == "server_vad")
    runs: list[Run] = []

    def arrange(assembly: Assembly) -> None:
        @function_tool
        async def wait() -> str:
            """Wait."""
            runs[0].tools["wait"] += 1
            await asyncio.sleep(_TOOL_S)
            return "done"

        @function_tool(needs_approval=True)
        async def open() -> str:  # noqa: A001  # what a tool is called
            """Open the door."""
            runs[0].tools["open"] += 1
            return "it is open"

        assembly.speaker.tools.tools = (wait, open)

    play_earcon = AudioEngine.play_earcon

    def note_earcon(engine: AudioEngine, name: Any) -> None:
        if runs:
            runs[0].sounds.append((_now(), name))
        play_earcon(engine, name)

    handler = _Journal()
    root = logging.getLogger("speakerd")
    level = root.level
    root.setLevel(logging.INFO)
    root.addHandler(handler)
    threads = set(threading.enumerate())
    try:
        with patch.object(AudioEngine, "play_earcon", note_earcon):
            async with household(
                server,
                settings={**_SETTINGS, "model": model},
                noise_dbfs=None,
                confirm=False,
                greet=False,
                lapse=True,
                arrange=arrange,
            ) as house:
                run = Run(house, server, wire, journal=handler.records)
                runs.append(run)
                try:
                    problems += [problem async for problem in _judged(run, scene, told_within_s)]
                finally:
                    if isinstance(wire, FaultyWire):
                        await wire.close()
                traces.append(_trace(run))
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    await asyncio.sleep(0.1)
    if left := set(threading.enumerate()) - threads:
        problems.append(f"threads are left: {left}")
    if left := asyncio.all_tasks() - {asyncio.current_task()}:  # type: ignore[assignment]  # another kind of what is left
        problems.append(f"tasks are left after the stop: {left}")


async def _judged(run: Run, scene: Scene, told_within_s: float) -> Any:
    """Play the scene, go on living, and tell what is not as it must be."""
    house = run.house
    speaker = house.assembly.speaker
    warm = dict(scene.model).get("connection") == "warm"
    if warm:
        await run.wait_for(lambda: speaker.link.connected, 5.0)
    before = _tasks()
    begun = _now()
    await scene.play(run)
    # A person hears or sees what is the case.
    for at in run.questions:
        if not await run.wait_for(
            lambda at=at: run.heard_since(at) or run.told_since(begun), told_within_s
        ):
            yield f"nothing was heard or seen within {told_within_s:g} s; {_story(run)}"
        elif not run.heard_since(at) and not run.causes_since(begun):
            yield f"the journal does not say why there was no answer; {_story(run)}"
    if not await run.reach("idle", IDLE_WITHIN_S):
        yield f"not idle within {IDLE_WITHIN_S:g} s; {_story(run)}"
    # Something may still be said late; the network may still be probed.
    await asyncio.sleep(13.0)
    # The next press works.
    run.wire.over = True
    asked = _now()
    await run.press()
    if not await run.wait_for(
        lambda: bool({"listening", "connecting"} & _phases_since(house, asked)), PRESS_HEARD_WITHIN_S
    ):
        yield f"a press is not answered; {_story(run)}"
    await asyncio.sleep(0.5)
    asked = _now()
    await run.ask()
    if not await run.wait_for(lambda: run.heard_since(asked), ANSWERED_WITHIN_S):
        yield f"the next question is not answered; {_story(run)}"
    if not await run.reach("idle", IDLE_WITHIN_S):
        yield f"not idle after the next question; {_story(run)}"
    await asyncio.sleep(3.0)
    # Nothing is left.
    if left := _tasks() - before:
        yield f"tasks are left: {dict(left)}"
    links = len(_network().open_links)
    if links > int(warm):
        yield f"{links} connections are left"
    # Nothing was asked for twice.
    asked_for = len(run.questions) + sum(run.tools.values()) + run.server.hosted_calls
    asked_for += scene.plan == ("talk",)
    again = len(run.server.requested) - asked_for
    if again > (MAX_ASKED - 1):
        yield f"asked {again} times more than there were questions; {_story(run)}"
    if any(times > 1 for times in run.tools.values()):
        yield f"a tool was called twice: {dict(run.tools)}"
    for what, times, most in (
        ("requests", [at for at, _ in run.server.requested], REQUESTS_A_MINUTE),
        ("connections", run.server.connected, CONNECTIONS_A_MINUTE),
    ):
        if (worst := in_a_minute(times)) > most:
            yield f"{worst} {what} in a minute, and {most} are allowed; {_story(run)}"
    for _, record in run.journal:
        if record.exc_info or record.levelno >= logging.CRITICAL or "internal error" in record.getMessage():
            yield f"an error of our own: {record.getMessage()}: {record.exc_text or record.exc_info}"
            break
    begin = _now()
    speaker.stop()
    await house.running
    if _now() - begin > STOPPED_WITHIN_S:
        yield f"it stopped after {_now() - begin:.1f} s"


def in_a_minute(times: list[float]) -> int:
    """The most of them within sixty seconds."""
    return max((sum(1 for at in times if 0 <= at - begin < 60.0) for begin in times), default=0)


def _phases_since(house: Household, at: float) -> set[str]:
    return {entry["phase"] for entry in house.entries if entry["event"] == "state" and entry["at"] >= at}


def _trace(run: Run) -> tuple[Any, ...]:
    return (
        tuple(_plain(event) for event in run.server.talk.connection._server.received)  # noqa: SLF001
        if run.server.talk is not None
        else (),
        tuple(str(sorted(entry.items(), key=str)) for entry in run.house.entries),
        tuple((round(at, 4), record.getMessage()) for at, record in run.journal),
        tuple(run.sounds),
    )


def _plain(event: Any) -> str:
    return str(event)


def _story(run: Run) -> str:
    phases = " ".join(
        f"{entry['at'] - 1000:.1f}:{entry['phase']}({entry['light']})"
        for entry in run.house.entries
        if entry["event"] == "state"
    )
    lines = "; ".join(f"{at - 1000:.1f} {record.getMessage()}" for at, record in run.journal)
    return f"phases {phases}; sounds {run.sounds}; requests {run.server.requested}; journal {lines}"


def _tasks() -> Counter[str]:
    names = (task.get_coro().__qualname__ for task in asyncio.all_tasks() if not task.done())  # type: ignore[union-attr]  # every coroutine has a name
    return Counter(
        name
        for name in names
        if not name.startswith(("Loopback", "serve.", "Conversation", "_quietly", "ServerConnection"))
    )


def _network() -> Network:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    assert loop.network is not None
    return loop.network


@functools.cache
def _question() -> bytes:
    return load("goforward").pcm[16_000:44_000]


def _now() -> float:
    return asyncio.get_running_loop().time()


class _Journal(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.records: list[tuple[float, logging.LogRecord]] = []

    def emit(self, record: logging.LogRecord) -> None:
        try:
            at = _now()
        except RuntimeError:
            at = 0.0
        self.records.append((at, record))


_ = LoopbackConnection
