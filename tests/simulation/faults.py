"""One fault of a server, in one stage of a turn, drawn from a seed; and the wire that commits it.

A cell is a stage, a server event, and a fault. Where the stage has that event of itself, one of its occurrences is
spoiled; where it has not, the event is sent there without a reason. Everything that a cell leaves open (which
occurrence, how late, which field, which error) is drawn from its seed, so that a cell is the same each time.
"""

from __future__ import annotations

import asyncio
import copy
import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

from speakerd.realtime import event_names as names
from speakerd.realtime.testing import server_events as events
from tests.simulation.model_server import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.simulation.model_server import Conversation

Fault: TypeAlias = Literal[
    "omitted",
    "delayed",  # it alone: what comes after it overtakes it
    "stalled",  # it, and all that comes after it
    "doubled",
    "refused",  # an error in its place
    "wrong_types",
    "fields_missing",
    "not_json",
    "out_of_order",  # after the next one; of a foreign event: sent without a reason
]
STAGES: Final[tuple[Stage, ...]] = get_args(Stage)
FAULTS: Final[tuple[Fault, ...]] = get_args(Fault)
FOREIGN_FAULTS: Final[tuple[Fault, ...]] = ("out_of_order", "doubled", "wrong_types", "fields_missing")
"""Of an event that the stage has not of itself. The others are void: there is nothing to be left out, and an error or
a frame that is no JSON in the place of nothing is the same whatever event it stands for, and is covered by the natural ones."""

DELAYS_S: Final = (0.5, 2.0, 5.0, 12.0)
ERRORS: Final = (
    ("server_error", "server_error"),
    ("invalid_request_error", "invalid_value"),
    ("rate_limit_error", "rate_limit_exceeded"),
    ("server_error", None),
    ("invalid_request_error", "session_expired"),
    ("invalid_request_error", "insufficient_quota"),
    ("odd", "nobody_knows_this_one"),
)
"""Type and code."""
_REFUSED_PARAMETERS: Final = ("session.audio.output.voice", "session.tools", None)
_NOTHING_FOLLOWS_S: Final = 2.0


@dataclass(frozen=True)
class Cell:
    """One cell of the matrix, with the seed of what it leaves open."""

    stage: Stage
    event: str
    fault: Fault
    seed: int = 0

    def __str__(self) -> str:
        return f"{self.stage}/{self.event}/{self.fault}/{self.seed}"

    @classmethod
    def parse(cls, name: str) -> Cell:
        """Read what `str` has written. Raises ValueError."""
        stage, event, fault, seed = name.split("/")
        if stage not in STAGES or fault not in FAULTS or event not in names.SERVER_EVENTS:
            raise ValueError(f"no cell: {name!r}; expected STAGE/EVENT/FAULT/SEED")
        return cls(stage, event, fault, int(seed))  # type: ignore[arg-type]  # checked above


def cells(stage: Stage, event: str, natural: frozenset[str], seed: int = 0) -> Iterator[Cell]:
    """All cells of that event in that stage, given which events the stage has of itself."""
    for fault in FAULTS if event in natural else FOREIGN_FAULTS:
        yield Cell(stage, event, fault, seed)


class HonestWire:
    """Brings everything as it is, and notes it."""

    def __init__(self) -> None:
        self.carried: list[tuple[Stage, str]] = []
        """What was brought in the scene."""
        self.over = False
        """The scene is over: no fault happens any more."""

    def entered(self, talk: Conversation, stage: Stage) -> None:
        """Nothing."""

    async def carry(self, talk: Conversation, stage: Stage, event: Mapping[str, Any]) -> None:
        """Send it."""
        if not self.over:
            self.carried.append((stage, event["type"]))
        await talk.connection.send(event)


class FaultyWire(HonestWire):
    """Commits the fault of a cell, once.

    Args:
        cell: Which.
        occurrences: How often the stage has the event of itself.
    """

    def __init__(self, cell: Cell, occurrences: int) -> None:
        super().__init__()
        self.happened = False
        self._cell = cell
        self._chance = random.Random(str(cell))
        self._natural = occurrences > 0
        self._nth = self._chance.randrange(occurrences) if occurrences else 0
        self._seen = 0
        self._held: tuple[Conversation, Mapping[str, Any]] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def entered(self, talk: Conversation, stage: Stage) -> None:
        if stage == self._cell.stage and not (self._natural or self.happened or self.over):
            self.happened = True
            self._spawn(self._send_unasked(talk, self._chance.choice((0.0, 0.1, 0.3))))

    async def carry(self, talk: Conversation, stage: Stage, event: Mapping[str, Any]) -> None:
        held, self._held = self._held, None
        here = (stage, event["type"]) == (self._cell.stage, self._cell.event)
        if here and self._natural and not (self.happened or self.over):
            self._seen += 1
            if self._seen > self._nth:
                self.happened = True
                await self._spoil(talk, event)
                return
        await super().carry(talk, stage, event)
        if held is not None:
            await held[0].connection.send(held[1])

    async def _spoil(self, talk: Conversation, event: Mapping[str, Any]) -> None:
        send = talk.connection.send
        match self._cell.fault:
            case "omitted":
                pass
            case "delayed":
                self._spawn(self._send_later(talk, event, self._chance.choice(DELAYS_S)))
            case "stalled":
                await asyncio.sleep(self._chance.choice(DELAYS_S))
                await send(event)
            case "doubled":
                event = {"event_id": "event_twice", **event}
                await send(event)
                await send(event)
            case "refused":
                await self._refuse(talk, event)
            case "wrong_types" | "fields_missing":
                await talk.connection.send_raw(json.dumps(self._malformed(event)))
            case "not_json":
                await talk.connection.send_raw(self._nonsense(event))
            case "out_of_order":
                self._held = (talk, event)
                self._spawn(self._send_held(talk, event))

    async def _send_unasked(self, talk: Conversation, after_s: float) -> None:
        await asyncio.sleep(after_s)
        event = talk.example(self._cell.event, known=self._chance.random() < 0.7)
        if self._cell.fault in ("wrong_types", "fields_missing"):
            await talk.connection.send_raw(json.dumps(self._malformed(event)))
            return
        if self._cell.event != names.DTMF_RECEIVED:  # the only one that is published without an id
            event = {"event_id": "event_unasked", **event}
        for _ in range(2 if self._cell.fault == "doubled" else 1):
            await talk.connection.send_raw(json.dumps(event))

    async def _send_later(self, talk: Conversation, event: Mapping[str, Any], after_s: float) -> None:
        await asyncio.sleep(after_s)
        await talk.connection.send(event)

    async def _send_held(self, talk: Conversation, event: Mapping[str, Any]) -> None:
        await asyncio.sleep(_NOTHING_FOLLOWS_S)
        if self._held is not None and self._held[1] is event:
            self._held = None
            await talk.connection.send(event)

    async def _refuse(self, talk: Conversation, event: Mapping[str, Any]) -> None:
        kind, code = self._chance.choice(ERRORS)
        cause = self._chance.choice((talk.cause, None))
        refusal = events.error(code, "refused by the test", event_id=cause, kind=kind)
        if event["type"] == names.SESSION_UPDATED:
            refusal["error"]["param"] = self._chance.choice(_REFUSED_PARAMETERS)
        if event["type"] == names.RESPONSE_CREATED:
            talk.refuse_response()
        await talk.connection.send(refusal)

    def _malformed(self, event: Mapping[str, Any]) -> dict[str, Any]:
        spoilt: dict[str, Any] = copy.deepcopy({"event_id": "event_spoilt", **event})
        for _ in range(self._chance.choice((1, 1, 2, 4))):
            places = list(_places(spoilt))
            if not places:
                break
            table, key = self._chance.choice(places)
            if self._cell.fault == "fields_missing":
                del table[key]
            else:
                table[key] = copy.deepcopy(self._chance.choice(_ODD_VALUES))
        return spoilt

    def _nonsense(self, event: Mapping[str, Any]) -> str:
        frame = json.dumps(event)
        return self._chance.choice(
            (frame[: self._chance.randrange(1, len(frame))], "", "null", "[1]", '"text"', "[" * 5_000, frame * 2)
        )

    def _spawn(self, coroutine: Any) -> None:
        self._tasks.add(asyncio.create_task(_quietly(coroutine)))

    async def close(self) -> None:
        """Send nothing more. Raises whatever went wrong with the fault itself."""
        for task in self._tasks:
            if task.done():
                task.result()
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


_ODD_VALUES: Final[tuple[Any, ...]] = (None, 17, -1, 1e308, True, "x", "", "\ud83d", [], [[]], {}, {"id": 3}, "a" * 300)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """All tables and lists within, each with one of its keys."""
    keys = list(value) if isinstance(value, dict) else range(len(value))
    for key in keys:
        if key != "event_id":
            yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


async def _quietly(coroutine: Any) -> None:
    from websockets.exceptions import ConnectionClosed

    try:
        await coroutine
    except ConnectionClosed:
        pass  # the client went meanwhile
