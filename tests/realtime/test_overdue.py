"""A server that owes something and does not send it: whatever it is, the next question is answered."""

from __future__ import annotations

import json
from typing import Any

import pytest

from speakerd.realtime.errors import NoAnswerError, ThrottledError
from speakerd.realtime.model import inputs as i
from speakerd.realtime.testing import server_events as s
from speakerd.realtime.wire.due import DUE, RESPONSES, UPDATES
from speakerd.realtime.wire.response import Overdue
from speakerd.realtime.wire.response_queue import MAX_WAITING
from tests.realtime.protocol_wire import MANUAL, Wire, speaking


def asked(wire: Wire) -> int:
    return wire.types().count("response.create")


def errors(wire: Wire, kind: type[Exception]) -> list[Any]:
    return [event.error for event in wire.events("error") if isinstance(event.error, kind)]


def replace(wire: Wire) -> str:
    """Leave the connection, as a transport does once it has to; return why."""
    reason = wire.protocol.must_reconnect
    assert reason is not None
    wire.lose()
    wire.connect()
    return reason


def test_a_cancel_that_is_never_confirmed_expires_and_what_still_comes_is_dropped() -> None:
    wire = Wire(MANUAL)
    wire.hear(*speaking(ms=1000))
    wire.ask(i.RealtimeModelSendInterrupt(), i.RealtimeModelSendUserInput("And now?"))
    assert asked(wire) == 0
    wire.pass_time(DUE["end_after_cancel"].within_s - 0.1)
    assert asked(wire) == 0
    wire.pass_time(0.1)
    assert asked(wire) == 1
    (ended,) = wire.events("turn_ended")
    assert (ended.status, ended.reason) == ("cancelled", "end_after_cancel")
    heard = len(wire.events("audio"))
    wire.hear(*s.spoken_deltas("resp_1", "item_1", "late", 400))
    assert len(wire.events("audio")) == heard
    wire.hear(*s.spoken_response("resp_2", "item_2"))
    assert len(wire.events("audio")) > heard


def test_a_late_done_of_an_expired_response_is_no_second_end() -> None:
    wire = Wire(MANUAL)
    wire.hear(*speaking())
    wire.ask(i.RealtimeModelSendInterrupt())
    wire.pass_time(5.0)
    wire.hear(s.response_done("resp_1", status="cancelled"))
    assert len(wire.events("turn_ended")) == 1


def test_a_response_that_the_server_ends_by_itself_expires_too() -> None:
    wire = Wire()
    wire.hear(*speaking(), s.speech_started("u1"))
    wire.pass_time(DUE["end_after_cancel"].within_s)
    assert [event.status for event in wire.events("turn_ended")] == ["cancelled"]


def test_a_request_refused_for_a_response_whose_cancel_expired_is_made_again_on_another_connection() -> None:
    wire = Wire(MANUAL)
    wire.hear(*speaking())
    wire.ask(i.RealtimeModelSendInterrupt(), i.RealtimeModelSendUserInput("And now?"))
    wire.pass_time(5.0)
    event_id = next(e["event_id"] for e in wire.sent if e["type"] == "response.create")
    wire.types()
    wire.hear(s.error("conversation_already_has_active_response", event_id=event_id))
    assert "cancelled" in replace(wire)
    assert asked(wire) == 1


def test_a_response_that_began_and_brought_nothing_is_asked_for_once_more_then_given_up() -> None:
    wire = Wire(MANUAL)
    wire.ask(i.RealtimeModelSendUserInput("Hi"))
    for number in range(2):
        assert asked(wire) == 1
        wire.hear(s.response_created(f"r{number}"))
        wire.pass_time(DUE["progress"].within_s)
        assert "response" in replace(wire)
    assert asked(wire) == 0
    (error,) = errors(wire, NoAnswerError)
    assert "within 15 s" in str(error)
    # The conversation goes on: what is asked next is asked for.
    wire.ask(i.RealtimeModelSendUserInput("Hello?"))
    assert asked(wire) == 1


def test_each_sign_of_life_of_a_response_begins_its_limit_anew() -> None:
    wire = Wire(MANUAL)
    wire.hear(s.response_created(), *s.spoken_begin("resp_1", "item_1"))
    for _ in range(10):
        wire.pass_time(DUE["progress"].within_s - 1)
        assert wire.protocol.must_reconnect is None
        wire.hear(*s.spoken_deltas("resp_1", "item_1", "word", 100))
    wire.pass_time(DUE["progress"].within_s)
    assert wire.protocol.must_reconnect is not None


def test_frames_that_are_no_sign_of_the_response_do_not_keep_it_alive() -> None:
    wire = Wire(MANUAL)
    wire.hear(s.response_created())
    for _ in range(3):
        wire.pass_time(5.0)
        wire.hear({"type": "ping"}, {"type": "rate_limits.updated", "rate_limits": []})
    assert wire.protocol.must_reconnect is not None


SIGNS_OF_LIFE: dict[str, dict[str, Any]] = {
    "arguments that are being written": {
        "type": "response.function_call_arguments.delta",
        "response_id": "resp_1",
        "item_id": "call_item",
        "output_index": 0,
        "call_id": "call_1",
        "delta": " ",
    },
    "arguments of a hosted tool": {
        "type": "response.mcp_call_arguments.delta",
        "response_id": "resp_1",
        "item_id": "mcp",
        "output_index": 0,
        "delta": " ",
    },
    "an event that is not known": {"type": "response.reasoning_summary_text.delta", "response_id": "resp_1"},
    "one with the response itself": {"type": "response.in_progress", "response": {"id": "resp_1"}},
    "one that names no response": {"type": "response.in_progress"},
    "the end of a part": {
        "type": "response.content_part.done",
        "response_id": "resp_1",
        "item_id": "item_1",
        "output_index": 0,
        "content_index": 0,
        "part": {},
    },
}


@pytest.mark.parametrize("sign", SIGNS_OF_LIFE)
def test_whatever_belongs_to_a_response_keeps_it_alive_and_nothing_is_asked_for_again(sign: str) -> None:
    wire = Wire(MANUAL)
    wire.ask(i.RealtimeModelSendUserInput("Set a timer"))
    assert asked(wire) == 1
    wire.hear(s.response_created())
    for _ in range(90):  # eighteen seconds
        wire.pass_time(0.2)
        wire.hear(SIGNS_OF_LIFE[sign])
    assert wire.protocol.must_reconnect is None
    wire.hear(*s.spoken_begin("resp_1", "item_1"), s.response_done("resp_1"))
    assert asked(wire) == 0
    assert [event.response_id for event in wire.events("turn_ended")] == ["resp_1"]


@pytest.mark.parametrize("sign", SIGNS_OF_LIFE)
def test_signs_of_life_alone_do_not_keep_a_response_for_ever(sign: str) -> None:
    wire = Wire(MANUAL)
    wire.hear(s.response_created())
    seconds = 0.0
    while wire.protocol.must_reconnect is None and seconds < 1000:
        wire.hear(SIGNS_OF_LIFE[sign])
        wire.pass_time(1.0)
        seconds += 1.0
    assert seconds == DUE["content"].within_s
    assert "more than signs of life of the response that runs within 120 s" in replace(wire)


def test_a_sign_of_life_of_another_response_keeps_none_alive_and_begins_none() -> None:
    wire = Wire(MANUAL)
    wire.hear(s.response_created())
    for _ in range(3):
        wire.pass_time(5.0)
        wire.hear({"type": "response.in_progress", "response": {"id": "another"}})
    assert wire.protocol.must_reconnect is not None
    assert len(wire.events("turn_started")) == 1


def test_an_out_of_band_response_with_signs_of_life_alone_ends_and_is_told() -> None:
    wire = Wire(MANUAL)
    wire.ask(i.RealtimeModelSendResponse(conversation="none", metadata={"a": "1"}))
    wire.hear(s.response_created("aside", out_of_band=True, metadata={"a": "1"}))
    for _ in range(int(DUE["content_aside"].within_s)):
        wire.hear({"type": "response.in_progress", "response": {"id": "aside"}})
        wire.pass_time(1.0)
    assert [event.reason for event in wire.events("turn_ended")] == ["content_aside"]
    assert "signs of life" in str(errors(wire, NoAnswerError)[0])
    assert wire.protocol.must_reconnect is None


def test_what_was_begun_and_heard_is_not_asked_for_again() -> None:
    wire = Wire(MANUAL)
    wire.ask(i.RealtimeModelSendUserInput("Hi"))
    wire.hear(*speaking())
    wire.types()
    wire.pass_time(DUE["progress"].within_s)
    replace(wire)
    assert asked(wire) == 0
    assert [(event.status, event.reason) for event in wire.events("turn_ended")] == [
        ("incomplete", "connection_lost")
    ]


@pytest.mark.parametrize("event_id", [None, "event_TODO", ""])
def test_an_error_in_place_of_the_end_ends_the_response(event_id: str | None) -> None:
    wire = Wire(MANUAL)
    wire.ask(i.RealtimeModelSendUserInput("Hi"))
    wire.hear(s.response_created(), s.error("tts_failed", "no voice", event_id=event_id))
    wire.ask(i.RealtimeModelSendUserInput("Hello?"))
    wire.types()
    wire.pass_time(DUE["end_after_error"].within_s)
    assert asked(wire) == 1
    assert [event.status for event in wire.events("turn_ended")] == ["failed"]
    assert [event.error["message"] for event in wire.events("error")] == ["no voice"]
    assert wire.protocol.must_reconnect is None


@pytest.mark.parametrize("error", ["it broke", None, {"message": "it broke"}])
def test_an_error_in_place_of_a_response_is_told_and_the_next_request_gets_its_turn(error: Any) -> None:
    wire = Wire(MANUAL)
    wire.ask(i.RealtimeModelSendUserInput("Hi"))
    wire.hear({"type": "error", "error": error})
    assert [told.about for told in wire.events("error")] == ["session"]
    wire.pass_time(DUE["end_after_error"].within_s - 0.1)
    assert errors(wire, NoAnswerError) == []
    wire.pass_time(0.1)
    assert [(told.about, type(told.error)) for told in wire.events("error")[1:]] == [
        ("response", NoAnswerError)
    ]
    wire.types()
    wire.ask(i.RealtimeModelSendUserInput("Hello?"))
    assert asked(wire) == 1


def test_an_error_about_the_request_of_a_running_response_ends_it_too() -> None:
    wire = Wire(MANUAL)
    wire.ask(i.RealtimeModelSendUserInput("Hi"))
    wire.hear(s.response_created(), s.error("llm_failed", event_id=wire.sent[-1]["event_id"]))
    wire.pass_time(DUE["end_after_error"].within_s)
    assert [event.status for event in wire.events("turn_ended")] == ["failed"]


def test_a_response_that_goes_on_after_an_error_goes_on() -> None:
    wire = Wire(MANUAL)
    wire.hear(s.response_created(), s.error("something_else"))
    wire.pass_time(2.0)
    wire.hear(*s.spoken_begin("resp_1", "item_1"), *s.spoken_deltas("resp_1", "item_1", "I am here", 300))
    wire.pass_time(10.0)
    assert wire.events("turn_ended") == []


def test_an_error_about_something_else_does_not_touch_the_response() -> None:
    wire = Wire(MANUAL)
    wire.hear(s.response_created())
    wire.ask(i.RealtimeModelSendUserInput("Hi", start_response=False))
    wire.hear(s.error("invalid_value", event_id=wire.sent[-1]["event_id"]))
    wire.pass_time(10.0)
    assert wire.events("turn_ended") == []


def test_an_error_in_place_of_the_beginning_lets_the_next_request_through() -> None:
    wire = Wire(MANUAL)
    wire.ask(i.RealtimeModelSendUserInput("Hi"), i.RealtimeModelSendUserInput("Hello?"))
    wire.types()
    wire.hear(s.error("bad_request"))
    wire.pass_time(DUE["end_after_error"].within_s)
    assert asked(wire) == 1
    assert wire.protocol.must_reconnect is None


def test_an_out_of_band_request_that_is_not_answered_disturbs_nobody_and_is_reported() -> None:
    wire = Wire(MANUAL)
    wire.ask(i.RealtimeModelSendResponse(conversation="none", metadata={"a": "1"}))
    wire.pass_time(DUE["created_aside"].within_s)
    assert wire.protocol.must_reconnect is None
    assert len(errors(wire, NoAnswerError)) == 1


def test_an_out_of_band_response_that_ends_in_nothing_ends() -> None:
    wire = Wire(MANUAL)
    wire.ask(i.RealtimeModelSendResponse(conversation="none", metadata={"a": "1"}))
    wire.hear(s.response_created("aside", out_of_band=True, metadata={"a": "1"}))
    wire.pass_time(DUE["progress_aside"].within_s)
    assert wire.protocol.must_reconnect is None
    (ended,) = wire.events("turn_ended")
    assert (ended.status, ended.out_of_band, ended.metadata) == ("failed", True, {"a": "1"})
    assert len(errors(wire, NoAnswerError)) == 1


def test_an_interruption_without_a_connection_sticks() -> None:
    wire = Wire(MANUAL)
    wire.ask(i.RealtimeModelSendUserInput("Tell me a story"))
    wire.hear(s.response_created())
    wire.lose()
    wire.ask(i.RealtimeModelSendInterrupt())
    wire.types()
    wire.connect()
    assert asked(wire) == 0
    wire.ask(i.RealtimeModelSendUserInput("What time is it?"))
    assert asked(wire) == 1


def test_an_interruption_without_a_connection_cuts_what_still_plays() -> None:
    wire = Wire(MANUAL)
    wire.hear(*speaking(ms=2000))
    wire.play("item_1", 500)
    wire.lose()
    wire.ask(i.RealtimeModelSendInterrupt())
    assert len(wire.events("audio_interrupted")) == 1
    (cut,) = wire.events("item_truncated")
    assert cut.audio_end_ms == 500
    wire.types()
    wire.connect()
    assert asked(wire) == 0


@pytest.mark.parametrize("phase", ["before set-up", "asked", "created", "speaking"])
def test_a_server_that_goes_mute_at_any_moment_is_left_and_the_question_asked_once_more(phase: str) -> None:
    wire = Wire(MANUAL | {"instructions": "x"})
    wire.lose()
    wire.confirms = phase != "before set-up"
    wire.connect()
    wire.ask(i.RealtimeModelSendUserInput("Hi"))
    if phase in ("created", "speaking"):
        wire.hear(s.response_created())
    if phase == "speaking":
        wire.hear(*speaking())
    before = wire.now
    wire.pass_time(20.0)
    assert wire.protocol.must_reconnect is not None
    assert wire.now - before <= 20.0
    told = len(wire.told)
    wire._collect(wire.protocol.tick(wire.now + 100.0))
    assert len(wire.told) == told  # nothing more is due on a connection that is to be left
    wire.confirms = True
    wire.types()
    replace(wire)
    assert asked(wire) == (phase != "speaking")


def test_a_turn_that_the_server_found_and_does_not_answer_is_asked_again_on_another_connection() -> None:
    wire = Wire({"turn_detection": {"type": "server_vad"}})
    wire.ask(i.RealtimeModelSendAudio(bytes(48_000)))
    wire.hear(s.speech_started("u1"), s.speech_stopped("u1"), *s.committed("u1"))
    wire.pass_time(DUE["server_response"].within_s - 0.1)
    assert wire.protocol.must_reconnect is None
    wire.pass_time(0.1)
    wire.types()
    assert "by itself" in replace(wire)
    assert wire.types() == ["session.update", "conversation.item.create", "response.create"]


SPEECH = (s.speech_started("u1"), s.speech_stopped("u1"))


def test_speech_whose_end_the_server_found_and_of_which_it_makes_no_item_is_sent_again_as_a_turn() -> None:
    wire = Wire({"turn_detection": {"type": "server_vad"}})
    wire.ask(i.RealtimeModelSendAudio(bytes(48_000)))
    wire.hear(*SPEECH)
    assert wire.protocol.awaits_server
    wire.pass_time(DUE["item_of_speech"].within_s)
    wire.types()
    assert "the user's item" in replace(wire)
    assert wire.types() == ["session.update", "conversation.item.create", "response.create"]
    assert not wire.protocol._state.resend.has_uncommitted


@pytest.mark.parametrize(
    "then",
    [
        [s.speech_started("u1")],
        s.committed("u1"),
        [s.response_created()],
        [i.RealtimeModelSendAudioCommit()],
        [i.RealtimeModelSendAudioClear()],
        [i.RealtimeModelSendInterrupt()],
    ],
)
def test_after_anything_else_no_item_of_the_speech_is_due(then: list[Any]) -> None:
    wire = Wire({"turn_detection": {"type": "server_vad"}})
    wire.ask(i.RealtimeModelSendAudio(bytes(48_000)))
    wire.hear(*SPEECH)
    for each in then:
        (wire.hear if isinstance(each, dict) else wire.ask)(each)
    assert "item_of_speech" not in wire.protocol._state.audio_due


def test_who_commits_while_the_server_still_hears_speech_is_not_held_up_by_that() -> None:
    wire = Wire({"turn_detection": {"type": "server_vad"}})
    wire.ask(i.RealtimeModelSendAudio(bytes(48_000)))
    wire.hear(s.speech_started("u1"))
    wire.ask(i.RealtimeModelSendAudioCommit(), i.RealtimeModelSendResponse())
    assert asked(wire) == 1
    wire.pass_time(DUE["created"].within_s)
    assert replace(wire)
    assert asked(wire) == 1


def test_a_turn_that_the_client_ends_is_answered_on_request_and_nothing_is_due_before() -> None:
    wire = Wire({"turn_detection": {"type": "server_vad"}})
    wire.ask(i.RealtimeModelSendAudio(bytes(48_000)), i.RealtimeModelSendAudioCommit())
    wire.hear(*s.committed("u1"))
    assert wire.protocol.deadline is None


def test_a_server_that_does_not_confirm_that_it_forgot_speech_is_replaced_and_that_is_told() -> None:
    wire = Wire({"turn_detection": {"type": "server_vad"}})
    wire.ask(i.RealtimeModelSendAudio(bytes(48_000)), i.RealtimeModelSendAudioClear())
    wire.pass_time(DUE["cleared"].within_s)
    assert "input_audio_buffer.cleared" in replace(wire)
    (error,) = errors(wire, NoAnswerError)
    assert "did not notice" in str(error)
    assert wire.protocol.deadline is None


def test_with_nothing_said_or_once_it_has_come_no_confirmation_is_due() -> None:
    wire = Wire({"turn_detection": {"type": "server_vad"}})
    wire.ask(i.RealtimeModelSendAudioClear())
    due = [wire.protocol.deadline]
    wire.ask(i.RealtimeModelSendAudio(bytes(48_000)), i.RealtimeModelSendAudioClear())
    due.append(wire.protocol.deadline)
    wire.hear({"type": "input_audio_buffer.cleared"})
    due.append(wire.protocol.deadline)
    assert due == [None, DUE["cleared"].within_s, None]


def test_a_request_for_which_there_is_no_room_is_reported() -> None:
    wire = Wire(MANUAL)
    wire.hear(s.response_created())
    for number in range(MAX_WAITING):
        wire.ask(i.RealtimeModelSendResponse(instructions=str(number)))
    assert errors(wire, NoAnswerError) == []
    wire.ask(i.RealtimeModelSendResponse(instructions="one more"))
    (error,) = errors(wire, NoAnswerError)
    assert str(MAX_WAITING) in str(error)
    wire.types()
    wire.hear(s.response_done("resp_1"))
    assert wire.sent[-1]["response"]["instructions"] == "1"
    wire.lose()
    assert len(errors(wire, NoAnswerError)) == 1


# Budgets.


def test_a_tool_that_is_called_in_every_response_is_slowed_down_to_the_budget() -> None:
    wire = Wire(MANUAL)
    wire.ask(i.RealtimeModelSendUserInput("Hi"))
    sent = asked(wire)
    number = 0
    while wire.now < 60.0:
        wire.now += 0.01
        if wire.protocol.deadline is not None and wire.protocol.deadline <= wire.now:
            wire._collect(wire.protocol.tick(wire.now))
        number += 1
        wire.hear(*s.call_response(f"r{number}", "again", call_id=f"c{number}", item_id=f"i{number}"))
        (call,) = wire.events("function_call")
        wire.told = [event for event in wire.told if event.type == "error"]
        wire.ask(i.RealtimeModelSendToolOutput(call, "done"))
        sent += asked(wire)
    assert number > 5000
    assert sent <= RESPONSES.most_per_minute
    assert 0 < len(errors(wire, ThrottledError)) <= sent
    # What waited is sent in its time.
    wire.pass_time(60.0 / RESPONSES.refill)
    assert asked(wire) >= 1


def test_settings_that_change_all_the_time_are_sent_as_the_budget_allows_the_last_ones_always() -> None:
    wire = Wire({"instructions": "0"})
    sent = wire.types().count("session.update")
    for number in range(1, 1001):
        wire.now += 0.05
        wire.ask(i.RealtimeModelSendSessionUpdate({"instructions": str(number)}))
    for number in range(1001, 1101):
        wire.ask(i.RealtimeModelSendSessionUpdate({"instructions": str(number)}))
    wire.pass_time(10.0)
    updates = [event for event in wire.sent if event["type"] == "session.update"]
    assert sent + len(updates) <= UPDATES.most_per_minute
    assert updates[-1]["session"]["instructions"] == "1100"
    assert json.dumps(updates[-1])


def test_what_is_overdue_cannot_be_passed_over() -> None:
    state = Wire(MANUAL).protocol._state
    with pytest.raises(AssertionError):
        state.perform([Overdue("created")])  # type: ignore[list-item]  # that a type checker refuses it is the point
