from __future__ import annotations

import dataclasses
import json
import typing
from typing import Any

import pytest

from speakerd.realtime import (
    FunctionTool,
    GuardrailFunctionOutput,
    HostedMCPTool,
    OutputGuardrailResult,
    RealtimeAgent,
    RunContextWrapper,
    Usage,
    function_tool,
    output_guardrail,
)
from speakerd.realtime.items import AssistantAudio, AssistantMessageItem, InputImage, UserMessageItem
from speakerd.realtime.model import events as m
from speakerd.realtime.session import events as e
from speakerd.realtime.wire.parsing import usage_from_wire

INFO = e.RealtimeEventInfo(RunContextWrapper(object()))
AGENT = RealtimeAgent[Any]("Ada", instructions="Be brief.")
ITEM = AssistantMessageItem("a1", (AssistantAudio("hi", heard_ms=10),), status="incomplete")
AUDIO = m.RealtimeModelAudioEvent(b"\x00\x01\x02", "r1", "a1", 0)


@function_tool
def clock() -> str:
    """Tell the time."""
    return "noon"


@output_guardrail
def polite(_ctx: Any, _agent: Any, _text: str) -> GuardrailFunctionOutput:
    return GuardrailFunctionOutput({"rude": True}, tripwire_triggered=True)


RESULT = OutputGuardrailResult(
    polite, "text", AGENT, GuardrailFunctionOutput({"rude": True}, tripwire_triggered=True)
)
ALL: list[e.RealtimeSessionEvent] = [
    e.RealtimeAgentStartEvent(AGENT, INFO, "r1", metadata={"a": "b"}),
    e.RealtimeAgentEndEvent(AGENT, INFO, "r1", "completed"),
    e.RealtimeHandoffEvent(AGENT, RealtimeAgent("Bob"), INFO),
    e.RealtimeToolStart(AGENT, clock, INFO, "{}", "c1"),
    e.RealtimeNoReplyDue(INFO, "r1"),
    e.RealtimeToolEnd(AGENT, clock, {"time": object()}, INFO, "{}", "c1"),
    e.RealtimeToolApprovalRequired(
        AGENT, HostedMCPTool({"server_label": "w", "authorization": "secret"}), "c1", "{}", INFO
    ),
    e.RealtimeAudio(AUDIO, "a1", 0, INFO),
    e.RealtimeAudioEnd(INFO, "a1"),
    e.RealtimeAudioInterrupted(INFO, "a1"),
    e.RealtimeError(ValueError("odd"), INFO),
    e.RealtimeHistoryUpdated([ITEM, UserMessageItem("u1", (InputImage("https://x"),))], INFO),
    e.RealtimeHistoryAdded(ITEM, INFO),
    e.RealtimeGuardrailTripped([RESULT], "text", INFO),
    e.RealtimeInputAudioTimeoutTriggered(INFO),
    e.RealtimeSpeechStarted(INFO, "u1"),
    e.RealtimeSpeechStopped(INFO, "u1"),
    e.RealtimeInputAudioCommitted(INFO, "u1"),
    e.RealtimeTranscriptDelta("a1", "assistant", "hi", INFO),
    e.RealtimeAssistantTranscript("a1", "hi", INFO),
    e.RealtimeUserTranscript("u1", "hello", INFO),
    e.RealtimeConnection("reconnecting", "lost", INFO),
    e.RealtimeUsage(Usage(1, 2, 3, 5), Usage(2, 4, 6, 10), INFO, "r1"),
    e.RealtimeRawModelEvent(AUDIO, INFO),
]

DOCUMENTED = {
    "agent_start": {"agent"},
    "agent_end": {"agent"},
    "handoff": {"from_agent", "to_agent"},
    "tool_start": {"agent", "tool", "arguments"},
    "tool_end": {"agent", "tool", "arguments", "output"},
    "tool_approval_required": {"agent", "tool", "call_id", "arguments"},
    "audio": {"audio", "item_id", "content_index"},
    "audio_end": set(),
    "audio_interrupted": set(),
    "error": {"error"},
    "history_updated": {"history"},
    "history_added": {"item"},
    "guardrail_tripped": {"guardrail_results", "message"},
    "input_audio_timeout_triggered": set(),
    "raw_model_event": {"data"},
    "transcript_delta": {"item_id", "role", "delta"},
    "connection": {"status", "reason"},
    "usage": {"usage"},
}


def test_every_kind_of_event_is_in_this_test() -> None:
    assert {type(event) for event in ALL} == set(typing.get_args(e.RealtimeSessionEvent))
    assert len({event.type for event in ALL}) == len(ALL)


@pytest.mark.parametrize("event", ALL, ids=lambda event: event.type)
def test_every_event_is_json_without_context_or_secrets(event: e.RealtimeSessionEvent) -> None:
    data = event.to_dict()
    assert data["type"] == event.type
    text = json.dumps(data, allow_nan=False)
    assert "info" not in data
    assert "secret" not in text
    assert "Be brief." not in text


@pytest.mark.parametrize("event", ALL, ids=lambda event: event.type)
def test_every_event_is_a_plain_dataclass_too(event: e.RealtimeSessionEvent) -> None:
    assert dataclasses.asdict(event)["type"] == event.type


@pytest.mark.parametrize("name", DOCUMENTED)
def test_every_documented_event_has_its_fields_and_the_context(name: str) -> None:
    (event,) = [event for event in ALL if event.type == name]
    assert set(event.to_dict()) >= DOCUMENTED[name] | {"type"}
    assert event.info is INFO


def test_audio_is_given_as_its_length_unless_asked_for() -> None:
    event = e.RealtimeAudio(AUDIO, "a1", 0, INFO)
    assert event.to_dict()["audio"]["data"] == 3
    assert event.to_dict(include_audio=True)["audio"]["data"] == "AAEC"


def test_audio_in_a_raw_frame_is_given_as_its_length_too() -> None:
    frame = {"type": "response.output_audio.delta", "delta": "AAAA"}
    event = e.RealtimeRawModelEvent(m.RealtimeModelRawServerEvent(frame), INFO)
    assert event.to_dict()["data"]["data"]["delta"] == 4
    assert event.to_dict(include_audio=True)["data"]["data"] == frame
    assert frame["delta"] == "AAAA"


def test_agents_tools_and_errors_are_given_by_name() -> None:
    assert e.RealtimeHandoffEvent(AGENT, AGENT, INFO).to_dict()["to_agent"] == "Ada"
    assert e.RealtimeToolStart(AGENT, clock, INFO).to_dict()["tool"] == "clock"
    assert e.RealtimeError(ValueError("odd"), INFO).to_dict()["error"] == {
        "type": "ValueError",
        "message": "odd",
    }


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (float("nan"), "nan"),
        (1.5, 1.5),
        ({1: (b"ab", {"x"})}, {"1": [2, ["x"]]}),
        (int, "<class 'int'>"),
    ],
)
def test_odd_values_are_made_plain(value: Any, plain: Any) -> None:
    assert e.to_jsonable(value) == plain


def test_a_tool_made_by_hand_is_given_by_name_too() -> None:
    async def invoke(_context: Any, _arguments: str) -> None: ...

    assert e.to_jsonable(FunctionTool("raw", "", {}, invoke)) == "raw"


def test_usage_is_read_from_what_the_server_sends() -> None:
    wire = {
        "total_tokens": 30,
        "input_tokens": 20,
        "output_tokens": 10,
        "input_token_details": {"text_tokens": 5, "audio_tokens": 14, "image_tokens": 1, "cached_tokens": 4},
        "output_token_details": {"text_tokens": 3, "audio_tokens": 7},
    }
    usage = Usage(1, 20, 10, 30, 5, 14, 1, 4, 3, 7)
    assert usage_from_wire(wire) == usage
    assert usage + usage == Usage(2, 40, 20, 60, 10, 28, 2, 8, 6, 14)


@pytest.mark.parametrize("wire", [None, {}, [], "many"])
def test_a_server_that_counts_nothing_is_no_trouble(wire: Any) -> None:
    assert usage_from_wire(wire) is None


@pytest.mark.parametrize("odd", [-5, "7", None, float("nan"), float("inf"), [], {}])
def test_odd_counts_are_zero(odd: Any) -> None:
    assert usage_from_wire({"input_tokens": odd, "output_tokens": 3, "input_token_details": odd}) == Usage(
        1, 0, 3, 3
    )
