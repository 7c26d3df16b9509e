"""Odd frames, mutated frames, valid ones in any order: nothing hangs, nothing dies, nothing is lost, memory is bounded.

Longer by `SPEAKERD_FUZZ_EXAMPLES`.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from speakerd.realtime import RealtimeAgent, RealtimeRunner
from speakerd.realtime import event_names as n
from speakerd.realtime.model import inputs as i
from speakerd.realtime.testing import server_events as s
from speakerd.realtime.testing.loopback import (
    Close,
    CutFrame,
    Drop,
    Expect,
    LoopbackConnection,
    LoopbackServer,
    Raw,
)
from speakerd.realtime.transport.websocket import OpenAIRealtimeWebSocketModel
from speakerd.realtime.wire.protocol import RealtimeProtocol
from tests.limits import limit
from tests.realtime.protocol_wire import frames_of
from tests.realtime.validation import validate_client_event

EXAMPLES = int(os.environ.get("SPEAKERD_FUZZ_EXAMPLES", "60"))
CHEAP = settings(
    derandomize=True, max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck)
)
DEAR = settings(CHEAP, max_examples=max(8, EXAMPLES // 6))

VALID: list[dict[str, Any]] = [
    s.session_created(),
    s.session_updated(),
    *s.heard(),
    *s.spoken_response("resp_1", "item_1", "One two three", 300),
    *s.spoken_response("resp_2", "item_2", "Four five", 200, usage=s.usage()),
    *s.call_response("resp_3", "look", '{"a": 1}'),
    *s.written_response("resp_4", "item_4", out_of_band=True, metadata={"k": "v"}),
    s.response_done("resp_1", "cancelled", reason="turn_detected"),
    s.error(n.RESPONSE_ALREADY_ACTIVE),
    s.error(n.CANCEL_NOT_ACTIVE),
    s.error("invalid_value", event_id="evt_3"),
    {"type": n.ITEM_TRUNCATED, "item_id": "item_1", "content_index": 0, "audio_end_ms": 100},
    {"type": n.ITEM_DELETED, "item_id": "item_1"},
    {"type": n.INPUT_AUDIO_CLEARED},
    {"type": n.INPUT_TRANSCRIPTION_DELTA, "item_id": "item_user", "content_index": 0, "delta": "He"},
    {
        "type": n.INPUT_TRANSCRIPTION_FAILED,
        "item_id": "item_user",
        "content_index": 0,
        "error": {"code": "x"},
    },
    *({"type": name} for name in sorted(n.SERVER_EVENTS)),
]

scalars = st.one_of(st.none(), st.booleans(), st.integers(-5, 10**18), st.floats(), st.text(max_size=8))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """All places in a JSON value."""
    found = [at] if at else []
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, entry in entries:
        found += paths(entry, (*at, key))
    return found


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A valid event with something replaced, removed, or cut off."""
    event = json.loads(json.dumps(draw(st.sampled_from(VALID))))
    for _ in range(draw(st.integers(1, 3))):
        places = [place for place in paths(event) if place != ("type",)]
        if not places:
            break
        *way, key = draw(st.sampled_from(places))
        parent = event
        for step in way:
            parent = parent[step]
        if draw(st.booleans()) and isinstance(parent, dict):
            del parent[key]
        else:
            parent[key] = draw(values)
    text = json.dumps(event)
    return text[: draw(st.integers(0, len(text)))] if draw(st.integers(0, 9)) == 0 else text


frames = st.one_of(
    mutated(), st.sampled_from(VALID).map(json.dumps), st.text(max_size=30), values.map(json.dumps)
)

requests = st.sampled_from(
    [
        i.RealtimeModelSendUserInput("Hello"),
        i.RealtimeModelSendContext("It rains", "root"),
        i.RealtimeModelSendAudio(b"\0\0" * 480),
        i.RealtimeModelSendAudio(b"\0\0" * 480, commit=True),
        i.RealtimeModelSendAudioCommit(),
        i.RealtimeModelSendAudioClear(),
        i.RealtimeModelSendResponse(),
        i.RealtimeModelSendResponse(conversation="none", metadata={"k": "v"}),
        i.RealtimeModelSendInterrupt(),
        i.RealtimeModelSendInterrupt(response_id="resp_1"),
        i.RealtimeModelSendSessionUpdate({"instructions": "New", "voice": "ash"}),
        i.RealtimeModelSendMcpApproval("mcpr_1", approve=True),
        i.RealtimeModelSendRawMessage({"type": "response.create"}),
        i.RealtimeModelSendRawMessage({"type": "response.cancel"}),
        "connection lost",
        "time passes",
    ]
)


def bounded(protocol: RealtimeProtocol) -> None:
    """Nothing of what the protocol keeps grows without end."""
    state = protocol._state
    assert not state.events
    for kept in (
        state.calls,
        state.open_calls,
        state.reported_calls,
        state.harmless,
        state.created_items,
        state.replayed,
    ):
        assert len(kept) <= 256
    assert len(state.playback._parts) <= 64
    assert len(state.playback._cut) <= 256
    assert len(state.responses._active) <= 65
    assert len(state.responses._ended) <= 64
    assert len(state.resend.entries) <= 64


@CHEAP
@given(st.lists(st.one_of(frames, requests), max_size=60))
def test_the_protocol_takes_anything_in_any_order(steps: list[Any]) -> None:
    protocol = RealtimeProtocol({"instructions": "x"})
    protocol.connected((), 0.0)
    now = 0.0
    for step in steps:
        now += 0.05
        if step == "connection lost":
            protocol.connection_lost()
            protocol.connected((), now)
        elif step == "time passes":
            now += 20.0
            protocol.tick(now)
        elif isinstance(step, str):
            raw = protocol.receive(step, now)
            assert raw, "a frame left no trace"
        else:
            protocol.send(step, now)
        for frame in frames_of(protocol):
            validate_client_event(frame)
        bounded(protocol)
    # And it still works.
    protocol.connection_lost()
    protocol.connected((), now)
    frames_of(protocol)
    after = s.spoken_response("resp_after", "item_after", "Still here", 200)
    told = [event for frame in after for event in protocol.receive(json.dumps(frame), now)]
    assert told[-1].type == "turn_ended"


@CHEAP
@given(st.permutations(s.spoken_response("resp_1", "item_1", "One two", 200)))
def test_a_reply_in_any_order_ends_once_and_plays_no_more_than_it_has(order: list[dict[str, Any]]) -> None:
    protocol = RealtimeProtocol()
    protocol.connected((), 0.0)
    told = [event for frame in order for event in protocol.receive(json.dumps(frame), 0.0)]
    assert [event.type for event in told].count("turn_ended") == 1
    assert sum(len(event.data) for event in told if event.type == "audio") == 200 * 48


@st.composite
def trouble(draw: st.DrawFn) -> list[Any]:
    """What a server does to a connection, ending it in some way."""
    steps: list[Any] = [Raw(frame) for frame in draw(st.lists(frames, max_size=15))]
    ends = [Drop(), Close(1000), Close(1001), Close(1011, "x"), CutFrame(s.spoken_response()[6], 0.3)]
    return [*steps, draw(st.sampled_from(ends))]


@DEAR
@given(st.lists(trouble(), min_size=1, max_size=3))
def test_a_session_survives_any_server_and_answers_after_it(connections: list[list[Any]]) -> None:
    asyncio.run(_survive(connections))


async def _survive(connections: list[list[Any]]) -> None:
    answer = ""

    async def answer_everything(connection: LoopbackConnection) -> None:
        nonlocal answer
        settled.set()
        while True:
            await connection.expect("response.create", within_s=10)
            number = len(connection.received)
            if not answer and any("Are you there?" in str(event) for event in connection.received):
                answer = f"resp_after{number}"
            await connection.play(
                s.spoken_response(f"resp_after{number}", f"item_after{number}", "Yes.", 200)
            )

    settled = asyncio.Event()
    scripts: list[list[Any]] = [[Expect("session.update"), *steps] for steps in connections]
    async with LoopbackServer(*scripts, answer_everything) as server, asyncio.timeout(limit(10)):
        model = OpenAIRealtimeWebSocketModel(random=lambda: 0.0, greeted_within_s=0.05)
        runner = RealtimeRunner(RealtimeAgent(name="A", instructions="x"), model=model)
        async with await runner.run(model_config={"url": server.url}) as session:
            events = aiter(session)
            await settled.wait()
            await session.send_message("Are you there?")
            heard = 0
            async for event in events:
                if event.type == "audio" and answer and event.audio.response_id == answer:
                    heard += len(event.audio.data)
                if event.type == "agent_end" and answer and event.response_id == answer:
                    break
            assert heard == 200 * 48
    for sent in server.received:
        validate_client_event(sent)
