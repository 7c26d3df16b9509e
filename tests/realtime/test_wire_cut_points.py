"""The connection is cut at each point of two turns with a tool and a handoff: the talk goes on.

The server here is not a script but a small one of its own: it answers whatever it is asked, remembers nothing over
connections, and cuts the connection once, at the point in question. What must hold however it is cut: both turns are
answered, nothing is spoken twice, the tool runs once, and the last connection was told all that had been said.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from speakerd.realtime import RealtimeAgent, RealtimeRunner, function_tool
from speakerd.realtime.testing import server_events as s
from speakerd.realtime.testing.loopback import LoopbackConnection, LoopbackServer
from speakerd.realtime.transport.websocket import OpenAIRealtimeWebSocketModel
from tests.limits import limit
from tests.realtime.validation import validate_client_event

if TYPE_CHECKING:
    from speakerd.realtime.session.events import RealtimeSessionEvent

POINTS = [
    "the socket was opened",
    "session.created",
    "session.update",
    "conversation.item.create",
    "conversation.item.added",
    "response.create",
    "response.created",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.output_item.done",
    "response.done",
    "function_call_output",
    "the handoff's session.update",
    "the handoff's output",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "the last response.output_audio.delta",
    "response.output_audio.done",
    "the last response.done",
    "input_audio_buffer.append",
    "the fifth input_audio_buffer.append",
    "input_audio_buffer.commit",
    "input_audio_buffer.committed",
    "the transcript",
]


@dataclass
class Home:
    """A server that answers a text with the tool and the handoff, and audio with a sentence."""

    cut_at: str
    cut: bool = False
    responses: int = 0
    said: list[str] = field(default_factory=list)
    """The texts of all messages on the present connection, in order."""
    audio: int = 0
    appends: int = 0
    calls: dict[str, str | None] = field(default_factory=dict)
    """Calls of the present connection, and their outputs."""
    on_connection: int = -1

    async def serve(self, connection: LoopbackConnection) -> None:
        if connection.number != self.on_connection:
            self.on_connection, self.audio = connection.number, 0
            self.said, self.calls = [], {}
        looked_at = 0
        while True:
            while looked_at < len(connection.received):
                event = connection.received[looked_at]
                looked_at += 1
                await self.take(connection, event)
            await asyncio.sleep(0.001)

    async def point(self, connection: LoopbackConnection, name: str) -> None:
        if name == self.cut_at and not self.cut:
            self.cut = True
            connection.drop()
            await asyncio.sleep(1)  # Cancelled when the client is seen to be gone.

    async def send(self, connection: LoopbackConnection, events: list[dict[str, Any]]) -> None:
        for event in events:
            await connection.send(event)
            await self.point(connection, event["type"])

    async def take(self, connection: LoopbackConnection, event: dict[str, Any]) -> None:
        kind = event["type"]
        if kind == "session.update":
            handed_off = event["session"].get("instructions") == "Second."
            await self.point(connection, "the handoff's session.update" if handed_off else kind)
            await connection.send(s.session_updated())
        elif kind == "conversation.item.create":
            await self.item(connection, event["item"])
        elif kind == "input_audio_buffer.append":
            self.audio += len(event["audio"])
            self.appends += 1
            await self.point(
                connection,
                kind if self.appends == 1 else f"the {'fifth' if self.appends == 5 else 'next'} {kind}",
            )
        elif kind == "input_audio_buffer.commit":
            await self.point(connection, kind)
            assert self.audio == 10 * 1280, "this connection was not told all of the turn's audio"
            await connection.send(s.committed(f"u{connection.number}")[0])
            await self.point(connection, "input_audio_buffer.committed")
            await connection.send(s.committed(f"u{connection.number}")[1])
            self.said.append("user: Good night")
            await connection.send(s.transcribed(f"u{connection.number}", "Good night"))
            await self.point(connection, "the transcript")
        elif kind == "response.create":
            await self.point(connection, kind)
            await self.respond(connection)

    async def item(self, connection: LoopbackConnection, item: dict[str, Any]) -> None:
        kind = item["type"]
        if kind == "message":
            await self.point(connection, "conversation.item.create")
            self.said.append(f"{item['role']}: {item['content'][0]['text']}")
        elif kind == "function_call":
            self.calls[item["call_id"]] = None
        elif kind == "function_call_output":
            handoff = self.calls.keys() >= {"call_handoff"} and item["call_id"] == "call_handoff"
            await self.point(connection, "the handoff's output" if handoff else kind)
            assert item["call_id"] in self.calls, "an output without its call"
            self.calls[item["call_id"]] = item["output"]
        await connection.send(s.item_added({"object": "realtime.item", "status": "completed", **item}))
        await self.point(connection, "conversation.item.added")

    async def respond(self, connection: LoopbackConnection) -> None:
        self.responses += 1
        rid = f"resp_{self.responses}"
        if "call_tool" not in self.calls:
            await self.call(connection, rid, "look_up", "call_tool")
        elif "call_handoff" not in self.calls:
            await self.call(connection, rid, "transfer_to_second", "call_handoff")
        else:
            assert None not in self.calls.values(), "asked for a reply before the call was answered"
            text = (
                "It is late already."
                if not any("Good night" in said for said in self.said)
                else "Sleep well now."
            )
            item_id = f"item_{self.responses}"
            events = s.spoken_response(rid, item_id, text, 300)
            deltas = [event for event in events if event["type"] == "response.output_audio.delta"]
            for event in events:
                await connection.send(event)
                if event["type"] == "response.done":
                    self.said.append(f"assistant: {text}")
                    await self.point(connection, "the last response.done")
                elif event is deltas[-1]:
                    await self.point(connection, f"the last {event['type']}")
                elif event["type"] not in ("response.output_item.done", "response.created"):
                    await self.point(connection, event["type"])

    async def call(self, connection: LoopbackConnection, rid: str, name: str, call_id: str) -> None:
        events = s.call_response(rid, name, call_id=call_id, item_id=f"item_{call_id}")
        for event in events:
            if event["type"] == "response.output_item.done":
                self.calls[call_id] = None
            await connection.send(event)
            await self.point(connection, event["type"])


@pytest.mark.parametrize("point", POINTS)
async def test_the_talk_goes_on_wherever_the_connection_is_cut(point: str) -> None:
    home = Home(point)
    ran = 0

    @function_tool
    async def look_up() -> str:
        """Look something up."""
        nonlocal ran
        ran += 1
        await asyncio.sleep(0.01)
        return "late"

    second = RealtimeAgent(name="Second", instructions="Second.", tools=[look_up])
    first = RealtimeAgent(name="First", instructions="First.", tools=[look_up], handoffs=[second])
    events: list[RealtimeSessionEvent] = []

    async def greet(connection: LoopbackConnection) -> None:
        await home.point(connection, "the socket was opened")
        await connection.send(s.session_created())
        await home.point(connection, "session.created")
        await home.serve(connection)

    async with LoopbackServer(greet, greet=False) as server, asyncio.timeout(limit(10)):
        model = OpenAIRealtimeWebSocketModel(random=lambda: 0.0)
        runner = RealtimeRunner(first, model=model)
        session = await runner.run(
            model_config={"url": server.url, "initial_model_settings": {"turn_detection": None}}
        )
        async with session:
            await session.send_message("How late is it?")
            async for event in session:
                events.append(event)
                if spoken_ms(events) >= 300 and settled(session, events):
                    break
            for _ in range(9):
                await session.send_audio(b"\1\0" * 480)
            await session.send_audio(b"\1\0" * 480, commit=True)
            await session.respond()
            async for event in session:
                events.append(event)
                if spoken_ms(events) >= 600 and settled(session, events):
                    break
            assert home.cut, "this point was never reached"
            history = [(getattr(item, "role", "tool"), item) for item in session.history]

    # Each sentence once, to its end: an answer that was begun is not spoken again.
    whole = 300 * 48
    spoken = [len(audio) for audio in sound(events).values()]
    cut_mid_answer = point in ("response.output_audio.delta", "response.output_audio_transcript.delta")
    assert sum(spoken) == 2 * whole or (cut_mid_answer and sum(spoken) < 2 * whole)
    assert ran == 1
    assert [role for role, _ in history if role == "user"] == ["user", "user"]
    assert len([role for role, _ in history if role == "tool"]) == 2
    for sent in server.received:
        validate_client_event(sent)


def sound(events: list[Any]) -> dict[str, bytes]:
    """All audio, by item."""
    parts: dict[str, bytes] = {}
    for event in events:
        if event.type == "audio":
            parts[event.audio.item_id] = parts.get(event.audio.item_id, b"") + event.audio.data
    return parts


def spoken_ms(events: list[Any]) -> int:
    """How much was said; an answer that was cut off in the middle counts as whole."""
    whole = 0
    cut = {e.response_id for e in events if e.type == "agent_end" and e.status == "incomplete"}
    for event in events:
        if event.type == "audio" and event.audio.response_id in cut:
            continue
        if event.type == "audio":
            whole += len(event.audio.data) // 48
    begun_and_cut = {e.audio.response_id for e in events if e.type == "audio"} & cut
    return whole + 300 * len(begun_and_cut)


def settled(session: Any, events: list[Any]) -> bool:
    """The last response has ended."""
    kinds = [event.type for event in events if event.type in ("agent_start", "agent_end")]
    return kinds[-1:] == ["agent_end"]
