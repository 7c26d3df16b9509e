"""A household of which all is noted that a person could hear and see, that the journal says, and that is asked for."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from speakerd.audio.engine import AudioEngine
from speakerd.dialogue.events import Ask
from speakerd.realtime import function_tool
from tests.audio.recordings import load
from tests.daemon.bench import Household, household
from tests.simulation.faults import SpoilingWire
from tests.simulation.model_server import ALOUD
from tests.simulation.virtual_loop import START_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

    from speakerd.daemon.core import Assembly
    from tests.simulation.faults import HonestWire
    from tests.simulation.model_server import ModelServer

CAUSES: Final = frozenset(
    {"no_answer", "answer_timeout", "connection_lost", "session_error", "account_fault", "setting_refused"}
)
"""Lines of the journal that say why there is no answer."""
TOLD: Final = frozenset({"error", "offline"})
"""Sounds and lights that say so."""

TOLD_WITHIN_S: Final = 25.0
"""From what a person has done to an answer, or to a sound and a light that say that there is none. The longest way:
nothing comes for 10 s, the session is replaced, the question is asked once more, and nothing comes for 10 s."""

_TOOL_S: Final = 2.0

PRESSES_APART_S: Final = 1.0

EARLY_S: Final = 2.0
"""A server that detects turns may answer before the last word has been said, which is when a question counts as asked."""


@dataclass(frozen=True)
class Question:
    """What a person has asked, and when."""

    at: float
    text: str


@dataclass
class Run:
    """One household, with what is noted of it."""

    house: Household
    server: ModelServer
    wire: HonestWire
    questions: list[Question] = field(default_factory=list)
    """What the person has asked, and waits for the answer to."""
    sounds: list[tuple[float, str]] = field(default_factory=list)
    journal: list[tuple[float, logging.LogRecord]] = field(default_factory=list)
    tools: Counter[str] = field(default_factory=Counter)
    pressed_at: float = 0.0
    asked: int = 0
    """How many questions were typed."""

    async def press(self) -> None:
        """A short press; never so soon after the one before that the two are a gesture of their own."""
        await asyncio.sleep(max(0.0, self.pressed_at + PRESSES_APART_S - now()))
        self.pressed_at = now()
        self.house.wake()
        self.house.panel.tap()

    async def ask(self, words: str = "hello") -> None:
        """Type a question, which is like no other; `model_server.ANSWERS` says what answers it."""
        self.house.wake()
        self.asked += 1
        question = Question(now(), f"{words} {self.asked}")
        self.questions.append(question)
        self.house.assembly.speaker.handle(Ask(question.text))

    async def ask_aloud(self) -> None:
        """Press and say it."""
        await self.press()
        utterance = self.house.device.say(_question(), after_s=0.1)
        await self.house.said(utterance)
        self.questions.append(Question(now(), ALOUD))

    async def reach(self, phase: str, within_s: float) -> bool:
        """Wait until the speaker is in that phase; return whether it came to be."""
        return await self.wait_for(lambda: self.house.phases[-1:] == [phase], within_s)

    async def wait_for(self, condition: Callable[[], bool], within_s: float) -> bool:
        """Wait for it; return whether it came about."""
        until = now() + within_s
        while not condition():
            if now() >= until:
                return False
            await asyncio.sleep(0.05)
        return True

    def heard_since(self, at: float) -> bool:
        """Whether an answer has begun to sound."""
        return any(
            entry["event"] == "state" and entry["phase"] == "speaking" and entry["at"] >= at
            for entry in self.house.entries
        )

    def heard(self, question: Question) -> bool:
        """Whether an answer to that question has begun to sound."""
        begun = [
            at
            for at, text, answer in self.server.generated
            if text == question.text and at >= question.at - EARLY_S and answer in ("speak", "talk", "reply")
        ]
        return bool(begun) and self.heard_since(begun[0])

    def generated(self) -> Counter[tuple[str, str]]:
        """How often the server has answered each question, by each kind of answer."""
        return Counter((text, answer) for _, text, answer in self.server.generated)

    def turns_since(self, at: float) -> frozenset[str]:
        """What came of the turns that ended since then, as the journal says."""
        return frozenset(
            record.SPEAKERD_OUTCOME  # type: ignore[attr-defined]  # a field of the journal
            for when, record in self.journal
            if when >= at and getattr(record, "SPEAKERD_EVENT", "") == "turn"
        )

    def told_since(self, at: float) -> bool:
        """Whether a sound or the light has said that there is none."""
        lights = {
            entry["light"] for entry in self.house.entries if entry["event"] == "state" and entry["at"] >= at
        }
        return bool(TOLD & (lights | {name for when, name in self.sounds if when >= at}))

    def trace(self) -> tuple[Any, ...]:
        """All that was seen, with its time."""
        return (
            tuple(str(event) for event in self.house.server.received),
            tuple(str(sorted(entry.items())) for entry in self.house.entries),
            tuple((round(at, 4), record.getMessage()) for at, record in self.journal),
            tuple(self.sounds),
        )

    def history(self) -> tuple[str, ...]:
        """All that happened, line by line, in order; what repeats itself is counted."""
        seen = [
            *self.server.history,
            *((at, f"sound: {name}") for at, name in self.sounds),
            *((at, f"journal: {record.levelname} {record.getMessage()}") for at, record in self.journal),
            *(
                (entry["at"], f"phase: {entry['phase']}, light: {entry['light']}")
                for entry in self.house.entries
                if entry["event"] == "state"
            ),
        ]
        lines: list[str] = []
        for what, alike in groupby(sorted(seen, key=itemgetter(0)), itemgetter(1)):
            times = [at - START_S for at, _ in alike]
            lines.append(f"{times[0]:9.3f} {what}" + (f" x {len(times)}" if len(times) > 1 else ""))
        return tuple(lines)

    def story(self) -> str:
        """What happened, in short."""
        phases = " ".join(
            f"{entry['at'] - 1000:.1f}:{entry['phase']}({entry['light']})"
            for entry in self.house.entries
            if entry["event"] == "state"
        )
        lines = "; ".join(
            f"{at - 1000:.1f} {record.getMessage()}"
            for at, record in self.journal
            if getattr(record, "SPEAKERD_EVENT", "") != "phase"
        )
        return f"phases {phases}; sounds {self.sounds}; requests {self.server.requested}; journal {lines}"

    def causes_since(self, at: float) -> frozenset[str]:
        """The events in the journal that say why."""
        return CAUSES & {getattr(record, "SPEAKERD_EVENT", "") for when, record in self.journal if when >= at}


@asynccontextmanager
async def watched(
    server: ModelServer,
    wire: HonestWire,
    model: Mapping[str, Any],
    *,
    noise_dbfs: float | None = None,
    record_s: float = 60.0,
) -> AsyncIterator[Run]:
    """A running speaker in a time lapse, of which everything is noted. It has a slow tool, and one that needs a yes."""
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
            runs[0].sounds.append((now(), name))
        play_earcon(engine, name)

    journal = _Journal()
    root = logging.getLogger("speakerd")
    level = root.level
    root.setLevel(logging.INFO)
    root.addHandler(journal)
    settings = {"audio": {"gate": {"silero": "off"}, "silent_capture_s": 3600}, "model": dict(model)}
    try:
        with patch.object(AudioEngine, "play_earcon", note_earcon):
            async with household(
                server,
                settings=settings,
                noise_dbfs=noise_dbfs,
                confirm=False,
                greet=False,
                lapse=True,
                record_s=record_s,
                arrange=arrange,
            ) as house:
                runs.append(Run(house, server, wire, journal=journal.records))
                try:
                    yield runs[0]
                finally:
                    if isinstance(wire, SpoilingWire):
                        await wire.close()
    finally:
        root.removeHandler(journal)
        root.setLevel(level)


def now() -> float:
    """The loop's time."""
    return asyncio.get_running_loop().time()


def in_a_minute(times: Iterable[float]) -> int:
    """The most of these, which are in order, within sixty seconds."""
    window: list[float] = []
    most = 0
    for at in times:
        window = [*(before for before in window if at - before < 60.0), at]
        most = max(most, len(window))
    return most


def kinds_of_tasks() -> Counter[str]:
    """The speaker's tasks that are alive, by what they do."""
    kinds = (task.get_coro().__qualname__ for task in asyncio.all_tasks() if not task.done())  # type: ignore[union-attr]  # every coroutine has a name
    others = ("Loopback", "serve.", "Conversation", "_quietly", "ServerConnection")
    return Counter(kind for kind in kinds if not kind.startswith(others))


@functools.cache
def _question() -> bytes:
    return load("goforward").pcm[16_000:44_000]


class _Journal(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.records: list[tuple[float, logging.LogRecord]] = []

    def emit(self, record: logging.LogRecord) -> None:
        try:
            at = now()
        except RuntimeError:
            at = 0.0
        self.records.append((at, record))
