"""One fault of a server, in one stage of a turn, drawn from a seed; and the wire that commits it.

A cell is a stage, a server event, a fault, how the speaker is connected, and what the person does next. Where the stage
has that event of itself, one of its occurrences is spoiled; where it has not, the event is sent there without a
reason. Everything that a cell leaves open (which occurrence, how late, which field, which error, in which order tasks
go on) is drawn from its seed, so that a cell is the same each time.
"""

from __future__ import annotations

import asyncio
import copy
import json
import random
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args
from zlib import crc32

from websockets.exceptions import ConnectionClosed

from speakerd.realtime import event_names as names
from speakerd.realtime.testing import server_events as events
from tests.simulation.model_server import Stage
from tests.simulation.virtual_loop import network_of_the_loop

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
    "mute",  # nothing comes on this connection from here on, for good; pings are answered
    "gone",  # nothing arrives at either end of it any more, and nobody is told: a black hole
]
Connection: TypeAlias = Literal["on_wake", "warm"]
Then: TypeAlias = Literal[
    "wait",  # until it is idle again
    "press",  # within a second of the fault, and ask something else
    "stop",  # the speaker, soon after the fault
]
STAGES: Final[tuple[Stage, ...]] = get_args(Stage)
FAULTS: Final[tuple[Fault, ...]] = get_args(Fault)
SPOILING: Final[tuple[Fault, ...]] = tuple(fault for fault in FAULTS if fault != "gone")
"""What can be done to an event."""
CONNECTIONS: Final[tuple[Connection, ...]] = get_args(Connection)
THEN: Final[tuple[Then, ...]] = get_args(Then)
ANY: Final = "any"
"""In place of an event: the stage itself. Its connection can be gone, and where it has nothing to send, it can go mute."""
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
CALLING: Final[frozenset[Stage]] = frozenset({"tool", "hosted", "approval"})
"""In these something is done that must not be done twice: each event may also be the last that would have come."""
LATE: Final[frozenset[Fault]] = frozenset({"delayed", "stalled", "out_of_order"})
"""Of these what is to be sent is sent later, and the client may have gone by then: such a cell is void."""


@dataclass(frozen=True)
class Cell:
    """One cell of the matrix, with the seed of what it leaves open."""

    stage: Stage
    event: str
    fault: Fault
    connection: Connection = "on_wake"
    then: Then = "wait"
    seed: int = 0

    def __str__(self) -> str:
        return f"{self.stage}/{self.event}/{self.fault}/{self.connection}/{self.then}/{self.seed}"

    @classmethod
    def parse(cls, name: str) -> Cell:
        """Read what `str` has written. Raises ValueError."""
        stage, event, fault, connection, then, seed = (*name.split("/"), *[""] * 6)[:6]
        if (
            stage not in STAGES
            or event not in {ANY, *names.SERVER_EVENTS}
            or fault not in FAULTS
            or connection not in CONNECTIONS
            or then not in THEN
            or not seed.isdecimal()
        ):
            raise ValueError(f"no cell: {name!r}; expected STAGE/EVENT/FAULT/CONNECTION/THEN/SEED")
        return cls(stage, event, fault, connection, then, int(seed))


def cells(stage: Stage, event: str, natural: frozenset[str], seed: int = 0) -> Iterator[Cell]:
    """The cells of that event in that stage, given which events the stage has of itself: one for each fault.

    Six seeds in a row give each fault with both ways to be connected and with each of what the person does next.
    """
    if event == ANY:
        faults: tuple[Fault, ...] = ("gone",) if natural else ("gone", "mute")
    else:
        faults = SPOILING if event in natural else FOREIGN_FAULTS
        if event in natural and stage in CALLING:
            faults = FAULTS
    # Asleep there is no connection but a warm one.
    ways = list(product(CONNECTIONS if stage != "idle" else CONNECTIONS[1:], THEN))
    for fault in faults:
        connection, then = ways[(crc32(f"{stage}/{event}/{fault}".encode()) + seed) % len(ways)]
        yield Cell(stage, event, fault, connection, then, seed)


class HonestWire:
    """Brings everything as it is, and notes it."""

    def __init__(self) -> None:
        self.failures: list[BaseException] = []
        """What went wrong with a fault itself; nothing may."""
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
        await talk.send(event)


class SpoilingWire(HonestWire, ABC):
    """Can spoil an event in each of the ways there are; when it does is up to the subclass."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance
        self._held: tuple[Conversation, Mapping[str, Any]] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def carry(self, talk: Conversation, stage: Stage, event: Mapping[str, Any]) -> None:
        """Send it, or spoil it; and send what was to come after it."""
        held, self._held = self._held, None
        fault = self._fault_of(stage, event)
        if fault is None:
            await super().carry(talk, stage, event)
        else:
            await self._spoil(talk, event, fault)
        if held is not None:
            await held[0].send(held[1])
            self.delivered()

    def delivered(self) -> None:
        """A fault has happened as it was meant: it is called after what had to be sent for it was sent."""

    @abstractmethod
    def _fault_of(self, stage: Stage, event: Mapping[str, Any]) -> Fault | None:
        """Return what happens to an event; None: nothing."""

    async def _spoil(self, talk: Conversation, event: Mapping[str, Any], fault: Fault) -> None:
        send = talk.send
        match fault:
            case "omitted":
                self.delivered()
            case "gone":
                _lose_all()
                self.delivered()
            case "mute":
                talk.mute = True
                self.delivered()
            case "delayed":
                self._spawn(self._send_later(talk, event, self._chance.choice(DELAYS_S)))
            case "stalled":
                await asyncio.sleep(self._chance.choice(DELAYS_S))
                await send(event)
                self.delivered()
            case "doubled":
                event = {"event_id": "event_twice", **event}
                await send(event)
                await send(event)
                self.delivered()
            case "refused":
                await self._refuse(talk, event)
                self.delivered()
            case "wrong_types" | "fields_missing":
                await talk.send_raw(json.dumps(self._malformed(event, fault)))
                self.delivered()
            case "not_json":
                await talk.send_raw(self._nonsense(event))
                self.delivered()
            case "out_of_order":
                self._held = (talk, event)
                self._spawn(self._send_held(event))

    async def _send_unasked(self, talk: Conversation, kind: str, fault: Fault, after_s: float) -> None:
        await asyncio.sleep(after_s)
        event = talk.example(kind, known=self._chance.random() < 0.7)
        if fault in ("wrong_types", "fields_missing"):
            await talk.send_raw(json.dumps(self._malformed(event, fault)))
            self.delivered()
            return
        if kind != names.DTMF_RECEIVED:  # the only one that is published without an id
            event = {"event_id": "event_unasked", **event}
        for _ in range(2 if fault == "doubled" else 1):
            await talk.send_raw(json.dumps(event))
        self.delivered()

    async def _send_later(self, talk: Conversation, event: Mapping[str, Any], after_s: float) -> None:
        await asyncio.sleep(after_s)
        await talk.send(event)
        self.delivered()

    async def _send_held(self, event: Mapping[str, Any]) -> None:
        await asyncio.sleep(_NOTHING_FOLLOWS_S)
        if self._held is not None and self._held[1] is event:
            talk, self._held = self._held[0], None
            await talk.send(event)
            self.delivered()

    async def _refuse(self, talk: Conversation, event: Mapping[str, Any]) -> None:
        kind, code = self._chance.choice(ERRORS)
        cause = self._chance.choice((talk.cause, None))
        refusal = events.error(code, "refused by the test", event_id=cause, kind=kind)
        if event["type"] == names.SESSION_UPDATED:
            refusal["error"]["param"] = self._chance.choice(_REFUSED_PARAMETERS)
        if event["type"] == names.RESPONSE_CREATED:
            talk.refuse_response()
        await talk.send(refusal)

    def _malformed(self, event: Mapping[str, Any], fault: Fault) -> dict[str, Any]:
        spoilt: dict[str, Any] = copy.deepcopy({"event_id": "event_spoilt", **event})
        for _ in range(self._chance.choice((1, 1, 2, 4))):
            places = list(_places(spoilt))
            if not places:
                break
            table, key = self._chance.choice(places)
            if fault == "fields_missing":
                del table[key]
            else:
                table[key] = copy.deepcopy(self._chance.choice(_ODD_VALUES))
        return spoilt

    def _nonsense(self, event: Mapping[str, Any]) -> str:
        frame = json.dumps(event)
        return self._chance.choice(
            (
                frame[: self._chance.randrange(1, len(frame))],
                "",
                "null",
                "[1]",
                '"text"',
                "[" * 5_000,
                frame * 2,
            )
        )

    def _spawn(self, coroutine: Any) -> None:
        task = asyncio.create_task(_quietly(coroutine))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failures.append(error)

    async def close(self) -> None:
        """Send nothing more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class FaultyWire(SpoilingWire):
    """Commits the fault of a cell, once.

    Args:
        cell: Which.
        occurrences: How often the stage has the event of itself.
    """

    def __init__(self, cell: Cell, occurrences: int) -> None:
        super().__init__(random.Random(str(cell)))
        self.happened = False
        """What the fault is to do was done: what had to be sent for it was sent."""
        self.struck_at: float | None = None
        """When it began."""
        self._cell = cell
        self._foreign_sent = False
        self._natural = occurrences > 0
        self._before = self._chance.randrange(occurrences) if occurrences else 0

    def entered(self, talk: Conversation, stage: Stage) -> None:
        """Send a foreign event there."""
        if stage != self._cell.stage or self._natural or self._foreign_sent or self.over:
            return
        self._foreign_sent = True
        if self._cell.event == ANY:
            talk.mute = self._cell.fault == "mute"
            if self._cell.fault == "gone":
                _lose_all()
            self.delivered()
        else:
            after_s = self._chance.choice((0.0, 0.1, 0.3))
            self._spawn(self._send_unasked(talk, self._cell.event, self._cell.fault, after_s))

    def delivered(self) -> None:
        """Count it."""
        self.happened = True
        if self.struck_at is None:
            self._strike()

    def _strike(self) -> None:
        self.struck_at = asyncio.get_running_loop().time()

    def _fault_of(self, stage: Stage, event: Mapping[str, Any]) -> Fault | None:
        if not self._natural or self.struck_at is not None or self.over:
            return None
        if (stage, event["type"]) != (self._cell.stage, self._cell.event):
            return None
        self._before -= 1
        if self._before >= 0:
            return None
        self._strike()
        return self._cell.fault


class WeatheredWire(SpoilingWire):
    """Commits a fault now and then: each frame is spoilt with the probability `rate`, and as many are foreign."""

    def __init__(self, chance: random.Random, rate: float) -> None:
        super().__init__(chance)
        self.faults = 0
        self._rate = rate

    def _fault_of(self, stage: Stage, event: Mapping[str, Any]) -> Fault | None:
        if self.over or self._chance.random() >= self._rate:
            return None
        self.faults += 1
        return self._chance.choice(SPOILING)

    def entered(self, talk: Conversation, stage: Stage) -> None:
        """Send a foreign event at times."""
        if not self.over and self._chance.random() < self._rate:
            self.faults += 1
            kind = self._chance.choice(sorted(names.SERVER_EVENTS))
            self._spawn(self._send_unasked(talk, kind, self._chance.choice(FOREIGN_FAULTS), 0.1))

    async def carry(self, talk: Conversation, stage: Stage, event: Mapping[str, Any]) -> None:
        """Keep nothing of it: a month is long."""
        self.carried.clear()
        await super().carry(talk, stage, event)


_ODD_VALUES: Final[tuple[Any, ...]] = (
    None,
    17,
    -1,
    1e308,
    True,
    "x",
    "",
    "\ud83d",
    [],
    [[]],
    {},
    {"id": 3},
    "a" * 300,
)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """All tables and lists within, each with one of its keys."""
    keys = list(value) if isinstance(value, dict) else range(len(value))
    for key in keys:
        if key != "event_id":
            yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


def _lose_all() -> None:
    for link in network_of_the_loop().open_links:
        link.black_hole = True


async def _quietly(coroutine: Any) -> None:
    with suppress(ConnectionClosed):  # the client went meanwhile
        await coroutine
