"""A server that holds a conversation: what all realtime servers have in common, by the hosted service's protocol.

Subclasses of `Conversation` say in what a server differs. What was said to it is not recognised: the test tells which
words each spoken turn has. What it answers is decided by `reply`, from what its model would have before it.
"""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias
from urllib.parse import parse_qs, urlsplit

import numpy as np

from speakerd.audio import g711
from speakerd.audio.resample import resample
from speakerd.realtime.testing.loopback import LoopbackConnection, LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from websockets.asyncio.server import ServerConnection
    from websockets.http11 import Request, Response

Event: TypeAlias = dict[str, Any]

FRAME_MS = 20
LOUD = 300.0
"""The root mean square above which a frame counts as speech."""
CHUNK_MS = 100
PACE = 10.0
"""Sound is generated so many times faster than it plays."""
MODEL_DELAY_S = 0.2
TRANSCRIPTION_S = 0.1


@dataclass(frozen=True)
class Say:
    """An answer in words, spoken in so many milliseconds."""

    words: str
    ms: int = 600


@dataclass(frozen=True)
class CallTool:
    """An answer that calls a tool."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Fail:
    """The model breaks down."""


Line: TypeAlias = tuple[str, str]
"""What the model has before it: who (`instructions`, `system`, `user`, `assistant`, `tool`), and the words."""
Reply: TypeAlias = Say | CallTool | Fail


def certainly(lines: list[Line]) -> Reply:
    """Set a timer where one is asked for, tell a story, else agree."""
    who, words = lines[-1]
    if who == "tool":
        return Say("It is done.")
    asked = words.lower()
    if "what time" in asked:
        return CallTool("get_time")
    if "story" in asked:
        return Say("Once upon a time there was a small speaker in a kitchen.", 8_000)
    return Say("Certainly.")


class RefusedError(Exception):
    """The server does not do what a client event asks for."""

    def __init__(self, code: str | None, message: str = "", param: str | None = None) -> None:
        super().__init__(message or code)
        self.code = code
        self.message = message or str(code)
        self.param = param


@dataclass
class Answer:
    """A response."""

    response_id: str
    items: list[Event] = field(default_factory=list)
    task: asyncio.Task[None] | None = None
    event_id: str | None = None
    ended: bool = False
    voiced_ms: int = 0


class Conversation:
    """One session, as the hosted service holds it: the GA protocol.

    Facts: the protocol's published types and guides (2026), restated in the subclasses where another server differs.
    """

    client_events: ClassVar[frozenset[str]] = frozenset(
        {
            "session.update",
            "input_audio_buffer.append",
            "input_audio_buffer.commit",
            "input_audio_buffer.clear",
            "conversation.item.create",
            "conversation.item.retrieve",
            "conversation.item.truncate",
            "conversation.item.delete",
            "response.create",
            "response.cancel",
        }
    )
    unsent: ClassVar[frozenset[str]] = frozenset({"conversation.item.created"})
    """Events that this server does not have."""
    names: ClassVar[Mapping[str, str]] = {}
    """Its own names of events, by those of the protocol."""
    default_rate = 24_000
    default_detection: Mapping[str, Any] | None = {"type": "server_vad"}
    speech_part: ClassVar[str] = "output_audio"
    supersedes = False
    """Whether a `response.create` ends the response that runs; else it is refused."""
    tells_cause = True
    """Whether an error names the client event that it is about."""

    def __init__(self, server: EmulatedServer, connection: LoopbackConnection) -> None:
        self.server = server
        self.connection = connection
        self.settings: dict[str, Any] = {}
        """What the client has set, in this server's own shape."""
        self.items: list[Event] = []
        self.answer: Answer | None = None
        self.voice_used = False
        self.buffer = bytearray()
        self.unheard = bytearray()
        self.speaking = False
        self.quiet_ms = 0
        self.heard_ms = 0
        self.next_item_id = self.new_id("item")
        self._turns: set[asyncio.Task[None]] = set()

    # -- what a subclass says otherwise -----------------------------------------------------------------------

    async def greet(self) -> None:
        await self.send({"type": "session.created", "session": self.shown()})

    def shown(self) -> Event:
        return {"type": "realtime", "object": "realtime.session", "id": "sess_1", **self.settings}

    def check_settings(self, session: Event) -> None:
        """Refuse what the server does not take. Raises RefusedError."""
        if session.get("type") != "realtime":
            raise RefusedError("missing_required_parameter", "Missing session.type.", "session.type")
        only(
            session,
            "session",
            {
                "type",
                "model",
                "instructions",
                "prompt",
                "output_modalities",
                "audio",
                "max_output_tokens",
                "tool_choice",
                "tools",
                "tracing",
                "truncation",
                "reasoning",
                "parallel_tool_calls",
                "include",
            },
        )
        if session.get("output_modalities", ["audio"]) not in (["audio"], ["text"]):
            raise RefusedError("invalid_value", "['audio'] or ['text'].", "session.output_modalities")
        audio = session.get("audio") or {}
        only(audio, "session.audio", {"input", "output"})
        given, made = audio.get("input") or {}, audio.get("output") or {}
        only(given, "session.audio.input", {"format", "transcription", "noise_reduction", "turn_detection"})
        only(made, "session.audio.output", {"format", "voice", "speed"})
        for side, value in (("input", given.get("format")), ("output", made.get("format"))):
            self.check_format(value, f"session.audio.{side}.format")
        if detection := given.get("turn_detection"):
            self.check_detection(detection, "session.audio.input.turn_detection")
        if "voice" in made and self.voice_used:
            raise RefusedError("cannot_update_voice", "Cannot update a conversation's voice.")
        for number, tool in enumerate(session.get("tools") or ()):
            if tool.get("type") not in {"function", "mcp"} or "function" in tool:
                raise RefusedError("invalid_value", "A tool is flat.", f"session.tools[{number}]")

    def check_format(self, value: Any, param: str) -> None:
        if value is not None and value.get("type") == "audio/pcm" and value.get("rate", 24_000) != 24_000:
            raise RefusedError("invalid_value", "PCM is 24 kHz only.", f"{param}.rate")

    def check_detection(self, value: Event, param: str) -> None:
        if value.get("type") not in {"server_vad", "semantic_vad"}:
            raise RefusedError("invalid_value", "No such turn detection.", f"{param}.type")

    def check_item(self, item: Event) -> None:
        """Refuse an item that the server does not take. Raises RefusedError."""
        if len(item.get("id") or "") > 32:
            raise RefusedError("string_above_max_length", "At most 32 characters.", "item.id")
        if item["type"] == "message":
            allowed = {
                "user": {"input_text", "input_audio", "input_image"},
                "system": {"input_text"},
                "assistant": {"output_text"},
            }[item["role"]]
            for part in item["content"]:
                if part["type"] not in allowed:
                    raise RefusedError("invalid_value", f"{part['type']} by {item['role']}", "item.content")

    def check_response(self, params: Event) -> None:
        """Refuse a response that the server does not make. Raises RefusedError."""

    @property
    def detection(self) -> Mapping[str, Any] | None:
        """Who finds the end of a turn; None: the client."""
        given = self.setting("audio", "input")
        detection: Mapping[str, Any] | None = given.get("turn_detection", self.default_detection)
        return detection

    @property
    def rate(self) -> int:
        """Samples a second of the sound that comes, as the server takes it."""
        given = self.setting("audio", "input").get("format") or {}
        return g711.RATE if self.telephone("input") else int(given.get("rate") or self.default_rate)

    def telephone(self, side: str) -> bool:
        """Whether the sound of that side is G.711."""
        kind = (self.setting("audio", side).get("format") or {}).get("type")
        return kind == "audio/pcmu" or self.settings.get(f"{side}_audio_format") == "g711_ulaw"

    @property
    def captions(self) -> bool:
        """Whether it writes down what was said."""
        return bool(self.setting("audio", "input").get("transcription"))

    @property
    def instructions(self) -> str:
        return str(self.settings.get("instructions") or "")

    def setting(self, *path: str) -> Event:
        here: Any = self.settings
        for name in path:
            here = here.get(name) or {}
        return here if isinstance(here, dict) else {}

    @property
    def tools(self) -> set[str]:
        return {str(tool.get("name")) for tool in self.settings.get("tools") or ()}

    def merge(self, session: Event) -> None:
        self.settings = merged(self.settings, session)

    # -- the wire -------------------------------------------------------------------------------------------------

    def new_id(self, kind: str) -> str:
        self.server.ids += 1
        return f"{kind}_{self.server.ids}"

    async def send(self, event: Event) -> None:
        if event["type"] in self.unsent:
            return
        event = {**event, "type": self.names.get(event["type"], event["type"])}
        await self.connection.send(event)

    async def error(self, refused: RefusedError, event_id: str | None = None) -> None:
        self.server.refusals.append(refused)
        await self.send({"type": "error", "error": self.error_of(refused, event_id)})

    def error_of(self, refused: RefusedError, event_id: str | None) -> Event:
        return {
            "type": "invalid_request_error",
            "code": refused.code,
            "message": refused.message,
            "param": refused.param,
            "event_id": event_id if self.tells_cause else None,
        }

    async def take(self, event: Event) -> None:
        """Do what the client asks for, or refuse it."""
        kind = str(event.get("type"))
        try:
            if kind not in self.client_events:
                raise self.unknown(kind)
            await self._handlers[kind](self, event)
        except RefusedError as refused:
            await self.error(refused, event.get("event_id"))

    def unknown(self, kind: str) -> RefusedError:
        return RefusedError("invalid_value", f"Invalid value: '{kind}'.", "type")

    async def update(self, event: Event) -> None:
        session = event["session"]
        self.check_settings(session)
        self.merge(session)
        await self.send({"type": "session.updated", "session": self.shown()})

    # -- the user's sound -------------------------------------------------------------------------------------

    async def append(self, event: Event) -> None:
        sound = base64.b64decode(event["audio"], validate=True)
        if self.telephone("input"):
            sound = g711.decode(sound)
        self.server.heard_s += len(sound) / 2 / self.rate
        self.buffer += sound
        if self.detection is not None:
            await self._detect(sound)

    async def _detect(self, sound: bytes) -> None:
        self.unheard += sound
        size = self.rate * FRAME_MS // 1000 * 2
        while len(self.unheard) >= size:
            frame, self.unheard = self.unheard[:size], self.unheard[size:]
            self.heard_ms += FRAME_MS
            samples = np.frombuffer(bytes(frame), dtype="<i2").astype(np.float64)
            loud = float(np.sqrt((samples**2).mean())) > LOUD
            self.quiet_ms = 0 if loud else self.quiet_ms + FRAME_MS
            if loud and not self.speaking:
                self.speaking = True
                await self.speech_started()
            elif self.speaking and self.quiet_ms >= self.silence_ms:
                self.speaking = False
                await self.speech_stopped()

    @property
    def silence_ms(self) -> int:
        return int((self.detection or {}).get("silence_duration_ms") or 500)

    async def speech_started(self) -> None:
        await self.send(
            {
                "type": "input_audio_buffer.speech_started",
                "audio_start_ms": self.heard_ms,
                "item_id": self.next_item_id,
            }
        )
        if (self.detection or {}).get("interrupt_response", True):
            await self.end_answer("turn_detected")

    async def speech_stopped(self) -> None:
        await self.send(
            {
                "type": "input_audio_buffer.speech_stopped",
                "audio_end_ms": self.heard_ms,
                "item_id": self.next_item_id,
            }
        )
        await self.take_turn(answer=bool((self.detection or {}).get("create_response", True)))

    async def commit(self, event: Event) -> None:
        if len(self.buffer) < self.rate * 2 // 10:
            raise RefusedError("input_audio_buffer_commit_empty", "The buffer is too small.")
        await self.take_turn(answer=False)

    async def take_turn(self, *, answer: bool) -> None:
        """Make an item of what was said."""
        words = self.server.next_words()
        self.server.sounds[bytes(self.buffer)] = words
        self.buffer.clear()
        item_id = self.next_item_id
        self.next_item_id = self.new_id("item")
        item = self.said(item_id, words)
        await self.send(
            {"type": "input_audio_buffer.committed", "item_id": item_id, "previous_item_id": None}
        )
        await self.add(item)
        if self.captions:
            self._turns.add(asyncio.create_task(self.caption(item)))
        if answer:
            await self.begin({}, None)

    def said(self, item_id: str, words: str) -> Event:
        """A spoken item; `words` is what the model hears, which the client is not told by it."""
        part = {"type": "input_audio", "transcript": None}
        item = {"id": item_id, "type": "message", "role": "user", "status": "completed", "content": [part]}
        self.server.words[item_id] = words
        return item

    async def caption(self, item: Event) -> None:
        await asyncio.sleep(TRANSCRIPTION_S)
        await self.send(
            {
                "type": "conversation.item.input_audio_transcription.completed",
                "item_id": item["id"],
                "content_index": 0,
                "transcript": self.server.words[item["id"]],
                "usage": {"type": "duration", "seconds": 1.0},
            }
        )

    async def clear(self, event: Event) -> None:
        self.buffer.clear()
        self.unheard.clear()
        self.speaking = False
        await self.send({"type": "input_audio_buffer.cleared"})

    # -- items ---------------------------------------------------------------------------------------------------

    async def add(self, item: Event) -> None:
        self.items.append(item)
        shown = self.dressed(item)
        for kind in ("added", "created", "done"):
            await self.send({"type": f"conversation.item.{kind}", "item": shown, "previous_item_id": None})

    def dressed(self, item: Event) -> Event:
        """An item in the server's own spelling."""
        return {"object": "realtime.item", "status": "completed", **item}

    async def create_item(self, event: Event) -> None:
        item = event["item"]
        self.check_item(item)
        item = {"id": self.new_id("item"), **item}
        if any("audio" in part for part in item.get("content") or ()):
            sound = base64.b64decode(item["content"][0]["audio"])
            self.server.words[item["id"]] = self.server.sounds.get(sound) or self.server.next_words()
        await self.add(item)

    def item(self, item_id: str) -> Event:
        for item in self.items:
            if item["id"] == item_id:
                return item
        raise RefusedError("item_not_found", f"No item {item_id}.", "item_id")

    async def truncate(self, event: Event) -> None:
        item = self.item(event["item_id"])
        whole_ms = item.get("ms")
        if whole_ms is None:
            raise RefusedError("invalid_value", "Only spoken items of the assistant.", "item_id")
        if event["audio_end_ms"] > whole_ms:
            raise RefusedError("invalid_value", f"Audio content of {whole_ms} ms is already shorter.")
        words = item["content"][0]["transcript"].split()
        kept = words[: len(words) * event["audio_end_ms"] // max(1, whole_ms)]
        item["content"][0]["transcript"] = " ".join(kept)
        item["ms"] = event["audio_end_ms"]
        await self.send(
            {
                **{key: event[key] for key in ("item_id", "content_index", "audio_end_ms")},
                "type": "conversation.item.truncated",
            }
        )

    async def delete(self, event: Event) -> None:
        self.items.remove(self.item(event["item_id"]))
        await self.send({"type": "conversation.item.deleted", "item_id": event["item_id"]})

    async def retrieve(self, event: Event) -> None:
        item = self.dressed(self.item(event["item_id"]))
        await self.send({"type": "conversation.item.retrieved", "item": item})

    # -- responses -----------------------------------------------------------------------------------------------

    async def respond(self, event: Event) -> None:
        params = event.get("response") or {}
        self.check_response(params)
        if self.answer is not None:
            if not self.supersedes:
                raise RefusedError("conversation_already_has_active_response", "One at a time.")
            await self.end_answer("superseded")
        await self.begin(params, event.get("event_id"))

    async def begin(self, params: Event, event_id: str | None) -> None:
        """Begin a response."""
        answer = self.answer = Answer(self.new_id("resp"), event_id=event_id)
        await self.send({"type": "response.created", "response": self.response(answer, "in_progress")})
        answer.task = asyncio.create_task(self._generate(answer, params))

    def response(self, answer: Answer, status: str, **details: Any) -> Event:
        return {
            "object": "realtime.response",
            "id": answer.response_id,
            "status": status,
            "status_details": details or None,
            "output": [self.dressed(item) for item in answer.items],
            "conversation_id": "conv_1",
            "metadata": None,
            "usage": None if status == "in_progress" else self.usage(),
        }

    def usage(self) -> Event | None:
        return {"total_tokens": 30, "input_tokens": 20, "output_tokens": 10}

    def lines(self, params: Event) -> list[Line]:
        """What the model has before it."""
        lines: list[Line] = [("instructions", str(params.get("instructions") or self.instructions))]
        for item in self.items:
            if item["type"] == "function_call_output":
                lines.append(("tool", str(item["output"])))
            elif item["type"] == "message":
                lines += [
                    (
                        str(item["role"]),
                        str(
                            self.server.words.get(item["id"])
                            or part.get("text")
                            or part.get("transcript")
                            or ""
                        ),
                    )
                    for part in item["content"]
                ]
        return lines

    async def _generate(self, answer: Answer, params: Event) -> None:
        await asyncio.sleep(MODEL_DELAY_S)
        lines = self.lines(params)
        self.server.asked.append(lines)
        reply = self.server.reply(lines)
        if isinstance(reply, Fail):
            await self.broken(answer)
            return
        if isinstance(reply, CallTool):
            await self._call(answer, reply)
        else:
            await self._speak(answer, reply)
        await self._end(answer, "completed")

    async def _call(self, answer: Answer, reply: CallTool) -> None:
        assert reply.name in self.tools, (
            f"the model was not told of {reply.name}, only of {sorted(self.tools)}"
        )
        item = {
            "id": self.new_id("item"),
            "type": "function_call",
            "status": "completed",
            "call_id": self.new_id("call"),
            "name": reply.name,
            "arguments": json.dumps(reply.arguments),
        }
        where = {"response_id": answer.response_id, "output_index": 0}
        begun = {**item, "status": "in_progress", "arguments": ""}
        await self.send({"type": "response.output_item.added", **where, "item": begun})
        named = {**where, "item_id": item["id"], "call_id": item["call_id"]}
        arguments = {"name": item["name"], "arguments": item["arguments"]}
        await self.send({"type": "response.function_call_arguments.done", **named, **arguments})
        answer.items.append(item)
        await self.add(item)
        await self.send({"type": "response.output_item.done", **where, "item": item})

    async def _speak(self, answer: Answer, reply: Say) -> None:
        item: Event = {
            "id": self.new_id("item"),
            "type": "message",
            "role": "assistant",
            "status": "in_progress",
            "content": [],
        }
        where = {"response_id": answer.response_id, "output_index": 0}
        part = {**where, "item_id": item["id"], "content_index": 0}
        await self.send({"type": "response.output_item.added", **where, "item": self.dressed(item)})
        item["content"] = [{"type": self.speech_part, "transcript": ""}]
        item["ms"] = 0
        self.items.append(item)
        answer.items.append(item)
        await self.send(
            {"type": "conversation.item.added", "item": self.dressed(item), "previous_item_id": None}
        )
        await self.send(
            {"type": "conversation.item.created", "item": self.dressed(item), "previous_item_id": None}
        )
        await self.send(
            {"type": "response.content_part.added", **part, "part": {"type": "audio", "transcript": ""}}
        )
        self.voice_used = True
        item["content"][0]["transcript"] = reply.words
        await self.send({"type": "response.output_audio_transcript.delta", **part, "delta": reply.words})
        for _ in range(0, reply.ms, CHUNK_MS):
            item["ms"] += CHUNK_MS
            sound = tone(CHUNK_MS)
            if self.telephone("output"):
                sound = g711.encode(resample(sound, 24_000, g711.RATE))
            delta = base64.b64encode(sound).decode()
            await self.send({"type": "response.output_audio.delta", **part, "delta": delta})
            await asyncio.sleep(CHUNK_MS / 1000 / PACE)
        item["status"] = "completed"
        await self.send({"type": "response.output_audio.done", **part})
        await self.send({"type": "response.output_audio_transcript.done", **part, "transcript": reply.words})
        await self.send({"type": "response.output_item.done", **where, "item": self.dressed(item)})
        await self.send(
            {"type": "conversation.item.done", "item": self.dressed(item), "previous_item_id": None}
        )

    async def _end(self, answer: Answer, status: str, **details: Any) -> None:
        if self.answer is answer:
            self.answer = None
        if not answer.ended:
            answer.ended = True
            await self.send({"type": "response.done", "response": self.response(answer, status, **details)})

    async def broken(self, answer: Answer) -> None:
        """The model has broken down."""
        error = {"type": "server_error", "code": "server_error", "message": "The model broke down."}
        await self._end(answer, "failed", error=error)

    async def end_answer(self, reason: str) -> None:
        """End the response that runs, if one does."""
        answer = self.answer
        if answer is None:
            return
        assert answer.task is not None
        answer.task.cancel()
        for item in answer.items:
            item["status"] = "incomplete"
        await self.cancelled(answer, reason)
        self.answer = None

    async def cancelled(self, answer: Answer, reason: str) -> None:
        await self._end(answer, "cancelled", reason=reason)

    async def cancel(self, event: Event) -> None:
        if self.answer is None:
            raise self.nothing_to_cancel()
        await self.end_answer("client_cancelled")

    def nothing_to_cancel(self) -> RefusedError:
        return RefusedError("response_cancel_not_active", "No active response found.")

    def close(self) -> None:
        for task in [*self._turns, *([self.answer.task] if self.answer and self.answer.task else [])]:
            task.cancel()

    _handlers: ClassVar[Mapping[str, Callable[..., Any]]] = {
        "session.update": lambda self, event: self.update(event),
        "input_audio_buffer.append": lambda self, event: self.append(event),
        "input_audio_buffer.commit": lambda self, event: self.commit(event),
        "input_audio_buffer.clear": lambda self, event: self.clear(event),
        "conversation.item.create": lambda self, event: self.create_item(event),
        "conversation.item.retrieve": lambda self, event: self.retrieve(event),
        "conversation.item.truncate": lambda self, event: self.truncate(event),
        "conversation.item.delete": lambda self, event: self.delete(event),
        "response.create": lambda self, event: self.respond(event),
        "response.cancel": lambda self, event: self.cancel(event),
    }


class EmulatedServer(LoopbackServer):
    """A server on loopback; a `Conversation` for each connection.

    Args:
        reply: The model: what it answers to what it has before it.
        words: What is said in each spoken turn; the last for all further ones.
    """

    conversation: type[Conversation] = Conversation
    path = "/v1/realtime"
    query: ClassVar[Mapping[str, str]] = {"model": ""}
    """What the address must have: a name, and its value; "" for any."""
    key_header: str | None = "Authorization"
    """Where the key has to be; None: no key is wanted."""

    def __init__(
        self,
        reply: Callable[[list[Line]], Reply] = certainly,
        words: tuple[str, ...] = ("go forward ten meters",),
    ) -> None:
        super().__init__(self._converse, greet=False, confirm=False)
        self.reply = reply
        self._words = list(words)
        self.words: dict[str, str] = {}
        """What was said in spoken items, by id."""
        self.asked: list[list[Line]] = []
        """What the model had before it, for each response that it was asked for."""
        self.refusals: list[RefusedError] = []
        self.ids = 0
        self.sounds: dict[bytes, str] = {}
        """What was said in sound that came, to know it when it is sent again."""
        self.heard_s = 0.0
        """Seconds of sound that came, at the rate that the server takes it to have."""
        self.conversations: list[Conversation] = []

    @property
    def url(self) -> str:
        host = urlsplit(super().url).netloc
        query = "&".join(f"{name}={value or 'any'}" for name, value in self.query.items())
        return f"ws://{host}{self.path}" + (f"?{query}" if query else "")

    def next_words(self) -> str:
        return self._words.pop(0) if len(self._words) > 1 else self._words[0]

    def _handshake(self, socket: ServerConnection, request: Request) -> Response | None:
        address = urlsplit(request.path)
        given = parse_qs(address.query)
        for name, value in self.query.items():
            if name not in given or (value and given[name] != [value]):
                return socket.respond(HTTPStatus.BAD_REQUEST, f"{name} is missing in the address")
        if address.path != self.path:
            return socket.respond(HTTPStatus.NOT_FOUND, "no such path")
        if self.key_header is not None and not self.takes(request.headers.get(self.key_header, "")):
            return socket.respond(HTTPStatus.UNAUTHORIZED, "no key")
        return super()._handshake(socket, request)

    def takes(self, header: str) -> bool:
        """Whether the header has the key."""
        return header.startswith("Bearer ") if self.key_header == "Authorization" else bool(header)

    async def _converse(self, connection: LoopbackConnection) -> None:
        conversation = self.conversation(self, connection)
        self.conversations.append(conversation)
        try:
            await conversation.greet()
            while True:
                await conversation.take(await connection.next_event())
        finally:
            conversation.close()


def only(given: Mapping[str, Any], where: str, known: set[str]) -> None:
    """Refuse fields that are not known."""
    for name in given:
        if name not in known:
            raise RefusedError(
                "unknown_parameter", f"Unknown parameter: '{where}.{name}'.", f"{where}.{name}"
            )


def merged(below: Event, above: Event) -> Event:
    """Merge settings: tables by field, all else whole. What is null is so."""
    result = dict(below)
    for name, value in above.items():
        under = result.get(name)
        result[name] = merged(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return result


def tone(ms: int) -> bytes:
    """500 Hz at -12 dBFS, 24 kHz."""
    at = np.arange(ms * 24) / 24_000
    sound: bytes = (8_192 * np.sin(2 * np.pi * 500 * at)).astype("<i2").tobytes()
    return sound
