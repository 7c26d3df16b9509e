"""Halves of characters: JSON can escape them, and nothing can encode them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.realtime.errors import UserError
from speakerd.realtime.items import InputText, UserMessageItem
from speakerd.realtime.model import inputs as i
from speakerd.realtime.model.events import RealtimeModelToolCallEvent
from speakerd.realtime.testing import server_events as s
from speakerd.realtime.wire.encoding import encode
from speakerd.realtime.wire.parsing import all_well_formed, well_formed
from tests.realtime.protocol_wire import MANUAL, Wire, frames_of

ANY_TEXT = st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF, exclude_categories=()))
CALL = RealtimeModelToolCallEvent("list_files", "c1", "{}", id="i1")


@given(ANY_TEXT)
def test_every_text_becomes_one_that_can_be_encoded_and_good_ones_stay(text: str) -> None:
    repaired = well_formed(text)
    repaired.encode()
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    assert repaired == text


def test_halves_are_joined_and_lone_ones_replaced() -> None:
    assert well_formed("\ud83d\ude00") == "\U0001f600"
    assert well_formed("a\ud83db\ude00c") == "a\ufffdb\ufffdc"


@given(
    st.recursive(ANY_TEXT | st.integers() | st.none(), lambda e: st.lists(e) | st.dictionaries(ANY_TEXT, e))
)
def test_every_value_can_be_sent(value: Any) -> None:
    encode({"type": "x", "value": value}).encode()
    json.dumps(all_well_formed(value), ensure_ascii=False).encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}, b"x"])
def test_what_is_not_json_is_refused_at_once(value: Any) -> None:
    with pytest.raises(UserError, match="JSON"):
        encode({"type": "x", "value": value})


def test_a_tools_result_with_half_a_character_is_sent_once_and_recorded_whole() -> None:
    wire = Wire(MANUAL)
    wire.ask(i.RealtimeModelSendToolOutput(CALL, "caf\udce9.txt"))
    (item,) = [event["item"] for event in wire.sent if event["type"] == "conversation.item.create"]
    assert item["output"] == "caf\ufffd.txt"
    assert [event.item.output for event in wire.events("item_updated")] == ["caf\ufffd.txt"]


@pytest.mark.parametrize(
    "request_",
    [
        i.RealtimeModelSendUserInput("half \ud83d"),
        i.RealtimeModelSendContext("half \ud83d"),
        i.RealtimeModelSendResponse(instructions="half \ud83d"),
        i.RealtimeModelSendSessionUpdate({"instructions": "half \ud83d"}),
        i.RealtimeModelSendRawMessage({"type": "x", "other_data": {"text": "half \ud83d"}}),
        i.RealtimeModelSendMcpApproval("r", approve=False, reason="half \ud83d"),
    ],
)
def test_no_request_with_half_a_character_blocks_a_connection(request_: Any) -> None:
    wire = Wire(MANUAL)
    wire.lose()
    wire.ask(request_)
    frames: list[str] = []
    wire.protocol.connected([], 0.0)
    wire.protocol.receive(json.dumps(s.session_updated()), 0.0)
    frames += frames_of(wire.protocol)
    assert any("half \ufffd" in frame for frame in frames)
    for frame in frames:
        frame.encode()


def test_an_item_that_is_not_json_is_not_kept_for_the_next_connection() -> None:
    wire = Wire(MANUAL)
    broken = {
        "type": "message",
        "content": [{"type": "input_image", "image_url": "data:", "detail": object()}],
    }
    for _ in range(2):
        with pytest.raises(UserError, match=r"JSON|text"):
            wire.ask(i.RealtimeModelSendUserInput(broken))  # type: ignore[arg-type]  # what is tested
        wire.lose()
        wire.types()
        wire.connect()
        assert wire.types() == ["session.update"]


def test_an_item_of_the_history_that_cannot_be_sent_is_left_out_and_reported() -> None:
    wire = Wire(MANUAL)
    wire.lose()
    wire.types()
    bad: Any = object()
    wire.connect([UserMessageItem(bad, [InputText("a")]), UserMessageItem("u2", [InputText("b")])])
    assert wire.types() == ["session.update", "conversation.item.create"]
    assert len(wire.events("error")) == 1


# Incoming.


def delta(kind: str, half: str, item_id: str = "item_1") -> str:
    """As a server escapes it."""
    return json.dumps(
        {"type": kind, "response_id": "resp_1", "item_id": item_id, "content_index": 0, "delta": half}
    )


KINDS = {
    "response.output_audio_transcript.delta": "transcript_delta",
    "response.audio_transcript.delta": "transcript_delta",
    "response.output_text.delta": "output_text_delta",
    "conversation.item.input_audio_transcription.delta": "input_audio_transcription_delta",
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_character_split_over_two_deltas_is_told_whole(kind: str) -> None:
    wire = Wire(MANUAL)
    wire.hear(s.response_created(), delta(kind, "Hi \ud83d"), delta(kind, "\ude00!"))
    assert [event.delta for event in wire.events(KINDS[kind])] == ["Hi ", "\U0001f600!"]


def test_deltas_of_other_items_in_between_do_not_mix() -> None:
    wire = Wire(MANUAL)
    kind = "response.output_text.delta"
    wire.hear(s.response_created(), delta(kind, "a\ud83d"), delta(kind, "b", "other"), delta(kind, "\ude00"))
    told = [(event.item_id, event.delta) for event in wire.events("output_text_delta")]
    assert told == [("item_1", "a"), ("other", "b"), ("item_1", "\U0001f600")]


def test_half_a_character_that_stays_alone_is_replaced() -> None:
    wire = Wire(MANUAL)
    kind = "response.output_text.delta"
    wire.hear(s.response_created(), delta(kind, "a\ud83d"), delta(kind, "b"), delta(kind, "\ude00c"))
    assert "".join(event.delta for event in wire.events("output_text_delta")) == "a\ufffdb\ufffdc"


def test_nothing_that_is_told_holds_half_a_character() -> None:
    wire = Wire(MANUAL)
    message = s.message_item("u1", "user", [{"type": "input_text", "text": "x \udfff"}])
    wire.hear(
        json.dumps(s.item_added(message)),
        json.dumps(s.transcribed("u1", "y \ud800")),
        json.dumps(s.error("odd", "z \udbff")),
        json.dumps({"type": "unknown \ud83d", "k\ud83d": ["\ud83d"]}),
        *(json.dumps(e) for e in s.call_response("resp_8", "f", '{"a": "\ud83d"}')),
        *(json.dumps(e) for e in s.written_response("resp_9", "item_9", "w \ud83d")),
    )
    assert len(wire.told) > 10
    for event in wire.told:
        repr(event).encode()
        assert "\\ud" not in repr(event)
