"""Any model events in any order: the session takes them all, loses none that means something, and ends."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from speakerd.realtime import GuardrailFunctionOutput, RealtimeAgent, Usage, function_tool, output_guardrail
from speakerd.realtime.items import (
    AssistantAudio,
    AssistantMessageItem,
    InputAudio,
    RealtimeToolCallItem,
    UserMessageItem,
)
from speakerd.realtime.model import events as m
from speakerd.realtime.session.events import RealtimeError, RealtimeSessionEvent
from speakerd.realtime.testing.scripted import ScriptedRealtimeModel
from tests.limits import limit
from tests.realtime.layer import read_all, session_with


@function_tool
async def quick(number: int = 0) -> int:
    """Be quick."""
    return number


@function_tool(needs_approval=True)
def asks() -> str:
    """Ask first."""
    return "done"


@output_guardrail
async def no_x(_ctx: Any, _agent: Any, text: str) -> GuardrailFunctionOutput:
    return GuardrailFunctionOutput(None, tripwire_triggered="x" in text)


item = st.sampled_from(["i1", "i2", "i3"])
response = st.sampled_from(["r1", "r2", ""])
text = st.text(alphabet="abx ", max_size=6)
index = st.integers(-1, 3)
ms = st.integers(0, 1000)
EVENTS: st.SearchStrategy[Any] = st.one_of(
    st.builds(m.RealtimeModelErrorEvent, st.integers()),
    st.builds(
        m.RealtimeModelToolCallEvent,
        st.sampled_from(["quick", "asks", "nothing", "transfer_to_other"]),
        st.sampled_from([f"c{n}" for n in range(8)]),
        st.sampled_from(["{}", "", "[", '{"number": 3}', '{"number": []}']),
        response_id=st.none() | response,
    ),
    st.builds(m.RealtimeModelMcpApprovalRequestEvent, item, st.just("wiki"), st.just("f"), st.just("{}")),
    st.builds(m.RealtimeModelAudioEvent, st.binary(max_size=4), response, item, index),
    st.builds(m.RealtimeModelAudioInterruptedEvent, item, index),
    st.builds(m.RealtimeModelAudioDoneEvent, item, index),
    st.builds(m.RealtimeModelItemTruncatedEvent, item, st.integers(0, 3), ms, st.none() | ms),
    st.builds(m.RealtimeModelInputAudioTranscriptionDeltaEvent, item, text, index),
    st.builds(m.RealtimeModelInputAudioTranscriptionCompletedEvent, item, text, index),
    st.builds(m.RealtimeModelTranscriptDeltaEvent, item, text, response, index),
    st.builds(m.RealtimeModelTranscriptDoneEvent, item, text, response, index),
    st.builds(m.RealtimeModelOutputTextDeltaEvent, item, text, response, index),
    st.builds(
        m.RealtimeModelItemUpdatedEvent,
        st.builds(
            UserMessageItem,
            item,
            st.lists(st.builds(InputAudio, st.none() | text), max_size=2),
            st.none() | item,
        ),
    ),
    st.builds(
        m.RealtimeModelItemUpdatedEvent,
        st.builds(
            AssistantMessageItem,
            item,
            st.lists(st.builds(AssistantAudio, st.none() | text), max_size=2),
            st.none() | item,
        ),
    ),
    st.builds(
        m.RealtimeModelItemUpdatedEvent,
        st.builds(RealtimeToolCallItem, item, st.just("quick"), call_id=st.just("c1")),
    ),
    st.builds(m.RealtimeModelItemDeletedEvent, item),
    st.builds(
        m.RealtimeModelConnectionStatusEvent,
        st.sampled_from(["connecting", "connected", "reconnecting", "disconnected"]),
    ),
    st.builds(m.RealtimeModelTurnStartedEvent, st.none() | response),
    st.builds(
        m.RealtimeModelTurnEndedEvent,
        st.none() | response,
        st.sampled_from([None, "completed", "cancelled", "failed"]),
    ),
    st.builds(m.RealtimeModelUsageEvent, st.just(Usage(1))),
    st.builds(m.RealtimeModelRawServerEvent, st.none() | st.dictionaries(text, text)),
    st.builds(m.RealtimeModelOtherEvent, st.none()),
)


async def live(
    events: list[m.RealtimeModelEvent], most_queued: int
) -> tuple[list[RealtimeSessionEvent], ScriptedRealtimeModel]:
    model = ScriptedRealtimeModel(ignore=(object,))
    agent = RealtimeAgent(
        "A", tools=[quick, asks], handoffs=[RealtimeAgent("Other")], output_guardrails=[no_x]
    )
    session = await session_with(
        model,
        agent,
        max_history_items=3,
        max_queued_events=most_queued,
        guardrails_settings={"debounce_text_length": 3},
    )
    reader = asyncio.create_task(read_all(session))
    for event in events:
        await asyncio.wait_for(model.emit(event), limit(5))
    await asyncio.sleep(0)
    assert len(session.history) <= 3
    await asyncio.wait_for(session.close(), limit(5))
    return await reader, model


@settings(max_examples=60, deadline=None)
@given(st.lists(EVENTS, max_size=40), st.sampled_from([4, 4096]))
def test_no_order_of_events_hurts_a_session(events: list[m.RealtimeModelEvent], most_queued: int) -> None:
    seen, model = asyncio.run(live(events, most_queued))
    assert model.closed
    told = [
        event.error for event in seen if isinstance(event, RealtimeError) and isinstance(event.error, int)
    ]
    assert told == [event.error for event in events if isinstance(event, m.RealtimeModelErrorEvent)]
    for kind, made in (
        ("turn_started", "agent_start"),
        ("turn_ended", "agent_end"),
        ("audio_done", "audio_end"),
        ("usage", "usage"),
    ):
        assert sum(event.type == made for event in seen) == sum(event.type == kind for event in events)
    for event in seen:
        event.to_dict()
