"""The user's turns, the items and the replies of a conversation, over the protocol without a wire."""

from __future__ import annotations

from typing import Any

import pytest

from speakerd.realtime.model import events as m
from speakerd.realtime.model import inputs as i
from speakerd.realtime.testing import server_events as s
from tests.realtime.protocol_wire import MANUAL, Wire, speaking

DETECTS_ONLY = {
    "turn_detection": {"type": "server_vad", "create_response": False, "interrupt_response": False}
}
"""The server finds the user's turns; replies and interruptions are the program's business."""


def ready(settings: Any = DETECTS_ONLY) -> Wire:
    wire = Wire(settings)
    wire.hear(s.session_created(), s.session_updated())
    wire.types()
    return wire


# The user's turns.


@pytest.mark.parametrize("end", [s.committed(), [{"type": "input_audio_buffer.cleared"}]])
def test_while_the_user_speaks_no_reply_is_asked_for(end: list[dict[str, Any]]) -> None:
    wire = ready()
    wire.hear(s.speech_started())
    wire.ask(i.RealtimeModelSendUserInput("Hi"))
    assert wire.types() == ["conversation.item.create"]
    wire.hear(s.speech_stopped())
    assert wire.types() == []
    wire.hear(*end)
    assert wire.types() == ["response.create"]


def test_after_the_end_of_speech_the_users_item_is_awaited_for_a_moment_only() -> None:
    wire = ready()
    wire.hear(s.speech_started(), s.speech_stopped())
    wire.ask(i.RealtimeModelSendUserInput("Hi"))
    wire.pass_time(2.9)
    assert wire.types() == ["conversation.item.create"]
    wire.pass_time(0.2)
    assert wire.types() == ["response.create"]


def test_the_users_turn_is_told_with_its_item_and_its_times() -> None:
    wire = ready()
    wire.hear(s.speech_started("u1", 120), s.speech_stopped("u1", 900), s.committed("u1", "u0")[0])
    assert [event for event in wire.told if event.type.startswith(("speech_", "input_audio_"))] == [
        m.RealtimeModelSpeechStartedEvent("u1", 120),
        m.RealtimeModelSpeechStoppedEvent("u1", 900),
        m.RealtimeModelInputAudioCommittedEvent("u1", "u0"),
    ]


def test_a_user_who_says_nothing_is_told_with_the_times_of_his_silence() -> None:
    wire = ready()
    wire.hear(
        {
            "type": "input_audio_buffer.timeout_triggered",
            "item_id": "u1",
            "audio_start_ms": 0,
            "audio_end_ms": 5000,
        }
    )
    (event,) = wire.events("input_audio_timeout_triggered")
    assert (event.item_id, event.audio_start_ms, event.audio_end_ms) == ("u1", 0, 5000)


# Items.


def test_an_item_that_the_server_has_confirmed_is_not_sent_to_the_next_session() -> None:
    wire = ready(MANUAL)
    wire.ask(
        i.RealtimeModelSendUserInput("a", start_response=False),
        i.RealtimeModelSendUserInput("b", start_response=False),
    )
    first, second = (sent["item"] for sent in wire.sent)
    wire.hear(s.item_added({"object": "realtime.item", "status": "completed", **first}))
    wire.lose()
    wire.types()
    wire.connect()
    assert [sent["item"] for sent in wire.sent if sent["type"] == "conversation.item.create"] == [second]


@pytest.mark.parametrize("kind", ["added", "created", "done", "retrieved"])
def test_an_item_is_told_with_its_place_however_the_server_tells_it(kind: str) -> None:
    wire = ready()
    item = s.message_item("u1", "user", [{"type": "input_text", "text": "Hi"}])
    wire.hear({"type": f"conversation.item.{kind}", "item": item, "previous_item_id": "u0"})
    wire.hear({"type": f"conversation.item.{kind}", "item": {**item, "id": "u2"}, "previous_item_id": None})
    told = [event.item for event in wire.events("item_updated")]
    assert [(item.item_id, item.previous_item_id) for item in told] == [("u1", "u0"), ("u2", None)]


def test_an_item_that_another_client_deletes_or_cuts_is_told_and_plays_no_further() -> None:
    wire = ready(MANUAL)
    wire.hear(*speaking())
    wire.hear(
        {"type": "conversation.item.truncated", "item_id": "item_1", "content_index": 0, "audio_end_ms": 0},
        {"type": "conversation.item.deleted", "item_id": "u1"},
    )
    assert wire.events("item_truncated") == [m.RealtimeModelItemTruncatedEvent("item_1", 0, 0)]
    assert wire.events("item_deleted") == [m.RealtimeModelItemDeletedEvent("u1")]
    before = len(wire.events("audio"))
    wire.hear(*s.spoken_deltas("resp_1", "item_1", "late", 100))
    assert len(wire.events("audio")) == before


def test_a_request_for_approval_is_told_once() -> None:
    wire = ready(MANUAL)
    item = {
        "id": "apr_1",
        "type": "mcp_approval_request",
        "server_label": "home",
        "name": "light",
        "arguments": "{}",
    }
    wire.hear(s.response_created(), s.output_item_done("resp_1", item), s.item_done(item))
    (event,) = wire.events("mcp_approval_request")
    assert (event.approval_request_id, event.name) == ("apr_1", "light")


# Replies.


def test_a_message_sent_while_a_reply_runs_is_not_answered_by_it() -> None:
    wire = ready(MANUAL)
    wire.ask(i.RealtimeModelSendUserInput("a"))
    wire.hear(s.response_created())
    wire.ask(i.RealtimeModelSendUserInput("b"))
    wire.hear(*speaking()[1:])
    wire.lose()
    wire.types()
    wire.connect()
    again = [sent["item"]["content"][0]["text"] for sent in wire.sent if "item" in sent]
    assert again == ["b"]


def test_a_reply_that_brings_nothing_answers_too() -> None:
    wire = ready(MANUAL)
    wire.ask(i.RealtimeModelSendUserInput("a"))
    wire.hear(s.response_created(), s.response_done())
    wire.lose()
    wire.types()
    wire.connect()
    assert "conversation.item.create" not in wire.types()


def test_a_reply_of_which_only_the_end_is_told_has_a_beginning() -> None:
    wire = ready(MANUAL)
    wire.hear(s.response_done("resp_1"))
    assert [event.type for event in wire.told if event.type.startswith("turn_")] == [
        "turn_started",
        "turn_ended",
    ]


def test_a_spoken_item_that_comes_only_with_the_end_of_a_cancelled_reply_is_removed() -> None:
    wire = ready(MANUAL)
    wire.hear(*speaking())
    wire.play("item_1", 100)
    wire.ask(i.RealtimeModelSendInterrupt())
    wire.types()
    output = [s.spoken_item("item_1", "one two"), s.spoken_item("item_2", "three four")]
    wire.hear(s.response_done("resp_1", "cancelled", output=output))
    assert [(sent["type"], sent["item_id"]) for sent in wire.sent] == [("conversation.item.delete", "item_2")]


def test_a_reply_is_told_as_an_item_when_it_begins_and_when_it_is_whole() -> None:
    wire = ready(MANUAL)
    wire.hear(*speaking(), *s.spoken_end("resp_1", "item_1", "one two three four"))
    statuses = [event.item.status for event in wire.events("item_updated")]
    assert (statuses[0], statuses[-1]) == ("in_progress", "completed")


def test_speech_heard_to_the_end_of_its_item_is_not_cut_though_its_end_was_not_told_by_itself() -> None:
    wire = ready(MANUAL)
    wire.hear(*speaking(ms=400), s.output_item_done("resp_1", s.spoken_item("item_1", "one two")))
    wire.play("item_1", 400)
    wire.types()
    wire.ask(i.RealtimeModelSendInterrupt())
    assert wire.types() == ["response.cancel"]


def test_a_call_without_an_end_of_its_own_is_told_when_the_reply_ends() -> None:
    wire = ready(MANUAL)
    call = s.call_item("look", "{}", status="in_progress")
    wire.hear(s.response_created(), s.output_item_added("resp_1", call), s.response_done())
    (event,) = wire.events("function_call")
    assert (event.name, event.id) == ("look", call["id"])
    assert [update.item.item_id for update in wire.events("item_updated")] == [call["id"]]


def test_a_request_refused_twice_is_told_and_the_next_one_gets_its_turn() -> None:
    wire = ready(MANUAL)
    wire.ask(i.RealtimeModelSendResponse(instructions="a"), i.RealtimeModelSendResponse(instructions="b"))
    for _ in range(2):
        wire.hear(
            s.error("conversation_already_has_active_response", event_id=wire.sent[-1]["event_id"]),
        )
        wire.pass_time(1.1)
    assert [sent["response"]["instructions"] for sent in wire.sent] == ["a", "a", "b"]
    (told,) = wire.events("error")
    assert told.about == "request"


@pytest.mark.parametrize("code", ["invalid_value", "conversation_already_has_active_response"])
@pytest.mark.parametrize("aside", [False, True])
def test_a_refusal_for_good_says_that_it_is_about_a_request_for_a_response(code: str, *, aside: bool) -> None:
    wire = ready(MANUAL)
    wire.ask(
        i.RealtimeModelSendResponse(
            conversation="none" if aside else "auto", metadata={"a": "1"} if aside else None
        )
    )
    for _ in range(2):
        wire.hear(s.error(code, event_id=wire.sent[-1]["event_id"]))
        wire.pass_time(1.1)
    assert [told.about for told in wire.events("error")][:1] == ["aside" if aside else "request"]


def test_an_error_about_a_request_that_was_interrupted_meanwhile_is_about_no_turn() -> None:
    wire = ready(MANUAL)
    wire.ask(i.RealtimeModelSendUserInput("Hi"))
    event_id = wire.sent[-1]["event_id"]
    wire.ask(i.RealtimeModelSendInterrupt())
    wire.hear(s.error("invalid_value", event_id=event_id))
    assert [told.about for told in wire.events("error")] == ["session"]


def test_an_event_of_no_known_name_is_told_as_another_one_and_a_published_one_is_not() -> None:
    wire = ready(MANUAL)
    wire.hear({"type": "vendor.lamp"}, {"type": "rate_limits.updated", "rate_limits": []})
    assert [event.data["type"] for event in wire.events("other")] == ["vendor.lamp"]
