"""A model's server as the protocol says it is: it keeps a conversation, takes turns, and answers by a plan.

It is not a script but a state machine: whatever comes from the client, in whatever order, it answers as the hosted
service would, so that a client may recover in any way it likes. What it sends passes through a `Wire`, which can
spoil it. A stage says what is going on, as the server sees it.

What it answers depends on the question alone, not on how often it was asked: a question asked again gets the same
answer again, calls of tools included. It numbers responses and items on each connection from 1.
"""

from __future__ import annotations

import asyncio
import itertools
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias

from websockets.exceptions import ConnectionClosed

from speakerd.realtime import event_names as names
from speakerd.realtime.testing import server_events as events
from tests.daemon.bench import tone
from tests.simulation.examples import EXAMPLES, mcp_call
from tests.simulation.virtual_loop import network_of_the_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from speakerd.realtime.testing.loopback import LoopbackConnection

Stage: TypeAlias = Literal[
    "idle",
    "connecting",
    "listening",
    "committed",
    "server_turn",
    "thinking",
    "speaking",
    "tool",
    "hosted",
    "approval",
    "reply",  # the response to what a tool has given
    "interrupted",
    "follow_up",
]
Answer: TypeAlias = Literal["speak", "talk", "call", "ask_first", "hosted", "reply"]
"""What a response is: a short sentence, a long one, a call of a tool, of one that needs a yes, of a hosted one; or a
short sentence about what a tool has given."""

ANSWERS: Final[dict[str, Answer]] = {"tell": "talk", "wait": "call", "open": "ask_first", "look": "hosted"}
"""What a question is answered by that begins with this word; any other by a short sentence."""
ALOUD: Final = "(aloud)"
"""A question that was spoken: the server does not know what it says."""

_CHUNK: Final = 100 * events.BYTES_PER_MS
_SENTENCE: Final = (tone(300), 0.02)
_SPEECH: Final = (tone(3_000), 0.1)
"""Sound, and how long each 100 ms of it takes to be generated."""
_LEAST_COMMIT: Final = 4_800
_TURN: Final = 38_400
"""Bytes of speech after which a server that detects turns takes it as ended: 0.8 s."""

_CAUSE: ContextVar[str | None] = ContextVar("_CAUSE", default=None)
"""The id of the client's event that is answered, also by what is generated long after it."""

_Sent: TypeAlias = "tuple[Stage, Mapping[str, Any], str | None]"
"""On its way: in which stage it was sent, what it is, and which event of the client it answers."""


class Wire(Protocol):
    """What lies between the server and the client."""

    def entered(self, talk: Conversation, stage: Stage) -> None:
        """The conversation has entered another stage."""

    async def carry(self, talk: Conversation, stage: Stage, event: Mapping[str, Any]) -> None:
        """Bring an event to the client."""


class ModelServer:
    """All connections; a script for `LoopbackServer`, which must neither greet nor confirm by itself."""

    def __init__(self, wire: Wire, *, detects_turns: bool = False, warm: bool = False) -> None:
        self.wire = wire
        self.detects_turns = detects_turns
        self.warm = warm
        """Whether a client connects long before anybody asks."""
        self.talk: Conversation | None = None
        """The newest connection's."""
        self.requested: list[tuple[float, int]] = []
        """Each `response.create`: when, and on which connection."""
        self.connected: list[float] = []
        self.generated: list[tuple[float, str, Answer]] = []
        """Each response that was begun, whoever wanted it: when, to which question, and what it is."""
        self.failures: list[BaseException] = []
        """What went wrong with the server itself; nothing may."""
        self.hosted_calls = 0
        self.hosted_told: set[str] = set()
        """Questions of which the client knows that a hosted tool is at work for them."""
        self.hosted_again = 0
        """Hosted calls that were brought about once more by asking such a question again."""
        self.refused = 0
        """Requests for a response that came while one ran."""
        self.watch: Callable[[Mapping[str, Any]], None] = lambda _event: None
        """Called with each event of a client."""
        self.history: list[tuple[float, str]] = []
        """What came and went, with its time."""

    async def __call__(self, connection: LoopbackConnection) -> None:
        self.connected.append(asyncio.get_running_loop().time())
        self.talk = Conversation(self, connection)
        await self.talk.run()

    def enter(self, stage: Stage) -> None:
        """The person, or the clock, has brought about that stage."""
        assert self.talk is not None, "nobody is connected"
        self.talk.enter(stage)


class Conversation:
    """One connection's session."""

    def __init__(self, server: ModelServer, connection: LoopbackConnection) -> None:
        self.server = server
        self.connection = connection
        self.begun = asyncio.get_running_loop().time()
        self.stage: Stage | None = None
        self.cause: str | None = None
        """The id of the client event that what is carried now answers."""
        self.mute = False
        """It takes what comes, and sends nothing any more."""
        self.numbers = itertools.count(1)
        self.response_id: str | None = None
        """The response that runs."""
        self.item_id = "item_0"
        self._generating: asyncio.Task[None] | None = None
        self._way: asyncio.Queue[_Sent] = asyncio.Queue()
        self._heard = 0
        self._question = ""
        self._tool_has_answered = False

    async def run(self) -> None:
        """Serve until the client goes."""
        carrier = self._spawn(self._carry())
        self.enter("connecting")
        self.put(events.session_created())
        try:
            while True:
                event = await self.connection.next_event()
                self.server.watch(event)
                self.note("->", str(event["type"]))
                _CAUSE.set(event.get("event_id"))
                self._take(event)
        finally:
            for task in (carrier, self._generating):
                if task is not None:
                    task.cancel()

    def enter(self, stage: Stage) -> None:
        """Another stage begins."""
        if stage != self.stage:
            self.stage = stage
            self.server.wire.entered(self, stage)

    def put(self, *sent: Mapping[str, Any]) -> None:
        """Send events, in order."""
        assert self.stage is not None
        for event in sent:
            self._way.put_nowait((self.stage, event, _CAUSE.get()))

    async def _carry(self) -> None:
        while True:
            stage, event, self.cause = await self._way.get()
            await self.server.wire.carry(self, stage, event)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, ConnectionClosed):  # the client may go
            self.server.failures.append(error)

    async def send(self, event: Mapping[str, Any]) -> None:
        """Send it now, whatever is on the way."""
        if not self.mute:
            await self.connection.send(event)
            self.note("<-", str(event["type"]))
            lost = any(link.black_hole for link in network_of_the_loop().open_links)
            if event["type"] == names.MCP_CALL_IN_PROGRESS and not lost:
                self.server.hosted_told.add(self._question)

    async def send_raw(self, frame: str) -> None:
        """Send this frame now, unchanged."""
        if not self.mute:
            await self.connection.send_raw(frame)
            self.note("<-", f"{frame[:300]} (spoilt)")

    def note(self, way: str, what: str) -> None:
        """Keep it for the history."""
        line = f"{way} {what} ({self.connection.number})"
        self.server.history.append((asyncio.get_running_loop().time(), line))

    def refuse_response(self) -> None:
        """The response that was to begin does not: nothing more of it is sent."""
        if self._generating is not None:
            self._generating.cancel()
        self.response_id = None
        kept = [entry for entry in self._pending() if not str(entry[1]["type"]).startswith("response.")]
        for entry in kept:
            self._way.put_nowait(entry)

    def _pending(self) -> list[_Sent]:
        entries = []
        while not self._way.empty():
            entries.append(self._way.get_nowait())
        return entries

    def example(self, kind: str, *, known: bool) -> Mapping[str, Any]:
        """An event of that type about the newest response and item, or about ones that there are not."""
        if known:
            return EXAMPLES[kind](self.response_id or "resp_0", self.item_id)
        return EXAMPLES[kind]("resp_x", "item_x")

    # -- the client's events -------------------------------------------------------------------------------

    def _take(self, event: Mapping[str, Any]) -> None:
        match event["type"]:
            case names.SESSION_UPDATE:
                self.put(events.session_updated(**(event.get("session") or {})))
                if self.stage == "connecting" and not self.server.warm:
                    self.enter("listening")
            case names.INPUT_AUDIO_APPEND:
                self._listen(len(event["audio"]) * 3 // 4)
            case names.INPUT_AUDIO_COMMIT:
                self._commit()
            case names.INPUT_AUDIO_CLEAR:
                self._heard = 0
                self.put(EXAMPLES[names.INPUT_AUDIO_CLEARED]("", ""))
            case names.ITEM_CREATE:
                self._create_item(event)
            case names.ITEM_TRUNCATE:
                kept = {key: event[key] for key in ("item_id", "content_index", "audio_end_ms")}
                self.put({"type": names.ITEM_TRUNCATED, **kept})
            case names.ITEM_DELETE:
                self.put({"type": names.ITEM_DELETED, "item_id": event["item_id"]})
            case names.RESPONSE_CREATE:
                self.server.requested.append((asyncio.get_running_loop().time(), self.connection.number))
                if self.response_id is not None:
                    self.server.refused += 1
                    self.put(events.error(names.RESPONSE_ALREADY_ACTIVE, event_id=_CAUSE.get()))
                else:
                    self._respond()
            case names.RESPONSE_CANCEL:
                self._cancel(event.get("response_id"))

    def _listen(self, size: int) -> None:
        if self.stage in ("connecting", "idle"):
            self.enter("listening")
        self._heard += size
        if not self.server.detects_turns or self.response_id is not None:
            return
        if self._heard == size:
            self.item_id = f"user_{next(self.numbers)}"
            self.enter("server_turn")
            self.put(events.speech_started(self.item_id))
        elif self._heard > _TURN:
            self._heard = 0
            self.put(events.speech_stopped(self.item_id), *events.committed(self.item_id))
            self._transcribe(self.item_id)
            self._asked(ALOUD)
            self._respond()

    def _commit(self) -> None:
        if self._heard < _LEAST_COMMIT:
            self.put(events.error(names.COMMIT_EMPTY, event_id=_CAUSE.get()))
            return
        self._heard = 0
        self.item_id = f"user_{next(self.numbers)}"
        self.enter("committed")
        self.put(*events.committed(self.item_id))
        self._transcribe(self.item_id)
        self._asked(ALOUD)

    def _transcribe(self, item_id: str) -> None:
        self.put(
            EXAMPLES[names.INPUT_TRANSCRIPTION_DELTA]("", item_id), events.transcribed(item_id, "go forward")
        )

    def _create_item(self, event: Mapping[str, Any]) -> None:
        item = {"object": "realtime.item", "status": "completed", **event["item"]}
        item.setdefault("id", f"made_{next(self.numbers)}")
        if item["type"] == "message" and item["role"] == "user":
            self.enter("committed")
            self._asked("".join(part.get("text") or ALOUD for part in item["content"]))
        elif item["type"] == "function_call_output":
            self._tool_has_answered = True
        self.put(events.item_added(item), events.item_done(item))

    def _cancel(self, response_id: str | None) -> None:
        running = self.response_id
        if running is None or response_id not in (None, running):
            self.put(events.error(names.CANCEL_NOT_ACTIVE, event_id=_CAUSE.get()))
            return
        if self._generating is not None:
            self._generating.cancel()
        self.response_id = None
        self.enter("interrupted")
        self.put(events.response_done(running, "cancelled", reason="client_cancelled"))

    # -- responses -----------------------------------------------------------------------------------------

    def _respond(self) -> None:
        number = next(self.numbers)
        self.response_id, self.item_id = f"resp_{number}", f"item_{number}"
        reply = self._tool_has_answered
        answer = "reply" if reply else ANSWERS.get(self._question.partition(" ")[0], "speak")
        self.server.generated.append((asyncio.get_running_loop().time(), self._question, answer))
        self._generating = self._spawn(self._generate(answer, self.response_id, self.item_id, reply=reply))

    def _asked(self, question: str) -> None:
        self._question, self._tool_has_answered = question, False

    async def _generate(self, answer: Answer, response: str, item: str, *, reply: bool) -> None:
        stages: dict[Answer, Stage] = {"call": "tool", "ask_first": "approval", "hosted": "hosted"}
        self.enter("reply" if reply else stages.get(answer, "thinking"))
        self.put(self.example(names.RATE_LIMITS_UPDATED, known=True), events.response_created(response))
        await asyncio.sleep(0.2)
        match answer:
            case "speak" | "talk" | "reply":
                await self._speak(response, item, *(_SPEECH if answer == "talk" else _SENTENCE))
            case "call" | "ask_first":
                tool = "wait" if answer == "call" else "open"
                self.put(*events.call_events(response, tool, "{}", call_id=f"call_{item}", item_id=item))
                output = [events.call_item(tool, "{}", f"call_{item}", item)]
                self._end(response, output=output)
            case "hosted":
                await self._call_hosted(response, item)

    async def _speak(self, response: str, item: str, pcm: bytes, pace_s: float) -> None:
        for event in events.spoken_begin(response, item):
            self.put(event)
        await asyncio.sleep(pace_s)
        if self.stage != "reply":
            self.enter("speaking")
        for at in range(0, len(pcm), _CHUNK):
            self.put(events.transcript_delta(response, item, "so "))
            self.put(events.audio_delta(response, item, pcm[at : at + _CHUNK]))
            await asyncio.sleep(pace_s)
        text = "so " * (len(pcm) // _CHUNK)
        self.put(*events.spoken_end(response, item, text))
        self._end(response, output=[events.spoken_item(item, text)], usage=events.usage())

    async def _call_hosted(self, response: str, item: str) -> None:
        self.server.hosted_calls += 1
        self.server.hosted_again += self._question in self.server.hosted_told
        begun = mcp_call(item, arguments="", output=None)
        where = {"item_id": item, "output_index": 0}
        self.put(
            events.output_item_added(response, begun),
            events.item_added(begun),
            self.example(names.MCP_ARGUMENTS_DELTA, known=True),
            self.example(names.MCP_ARGUMENTS_DONE, known=True),
            {"type": names.MCP_CALL_IN_PROGRESS, **where},
        )
        await asyncio.sleep(1.0)
        self._tool_has_answered = True
        done = mcp_call(item)
        self.put(
            {"type": names.MCP_CALL_COMPLETED, **where},
            events.output_item_done(response, done),
            events.item_done(done),
        )
        self._end(response, output=[done])

    def _end(self, response: str, **fields: Any) -> None:
        self.response_id = None
        self.put(events.response_done(response, **fields))
