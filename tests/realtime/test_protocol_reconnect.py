"""A connection lost and made again: nothing is lost, nothing is said twice."""

from __future__ import annotations

import pytest

from speakerd.realtime.errors import LeftOutError, NoAnswerError
from speakerd.realtime.items import AssistantMessageItem, AssistantText, InputText, UserMessageItem
from speakerd.realtime.model import inputs as i
from speakerd.realtime.testing import server_events as s
from speakerd.realtime.wire.due import MAX_BEGUN, TAKEN_AFTER_S
from tests.realtime.protocol_wire import MANUAL, Wire


def test_without_a_connection_nothing_is_sent_and_nothing_lost() -> None:
    wire = Wire(MANUAL)
    wire.types()
    wire.lose()
    wire.ask(
        i.RealtimeModelSendUserInput("a"),
        i.RealtimeModelSendContext("b"),
        i.RealtimeModelSendAudio(b"\0\0" * 48, commit=True),
        i.RealtimeModelSendAudio(b"\1\0" * 48),
        i.RealtimeModelSendAudioClear(),
        i.RealtimeModelSendAudio(b"\2\0" * 48),
        i.RealtimeModelSendSessionUpdate({"instructions": "new"}),
        i.RealtimeModelSendRawMessage({"type": "conversation.item.retrieve", "item_id": "x"}),
        i.RealtimeModelSendMcpApproval("r", approve=False, reason="no"),
        i.RealtimeModelSendInterrupt(),
        i.RealtimeModelSendResponse(),
    )
    assert wire.types() == []
    wire.connect()
    assert wire.types() == [
        "session.update",
        "conversation.item.create",
        "conversation.item.create",
        "input_audio_buffer.append",
        "input_audio_buffer.commit",
        "conversation.item.create",
        "input_audio_buffer.append",
        "conversation.item.retrieve",
        "response.create",
    ]


def test_a_turn_lost_by_a_server_that_detects_turns_is_given_as_a_message() -> None:
    wire = Wire()
    wire.ask(i.RealtimeModelSendAudio(b"\1\0" * 4800))
    wire.hear(s.speech_started("u1"), s.speech_stopped("u1"), s.committed("u1")[0])
    wire.lose()
    wire.types()
    wire.connect([UserMessageItem("u1", [InputText("")])])
    create, response = wire.sent
    assert create["item"]["id"] == "u1"
    assert create["item"]["content"][0]["type"] == "input_audio"
    assert response["type"] == "response.create"


def test_an_item_that_the_server_refused_is_not_said_again() -> None:
    wire = Wire(MANUAL)
    wire.ask(i.RealtimeModelSendUserInput("bad", start_response=False))
    wire.hear(s.error("invalid_value", event_id=wire.sent[-1]["event_id"]))
    wire.lose()
    wire.types()
    wire.connect()
    assert "conversation.item.create" not in wire.types()


def test_confirmations_of_replayed_items_are_no_news() -> None:
    wire = Wire()
    wire.lose()
    talk = [UserMessageItem("u1", [InputText("Hi")]), AssistantMessageItem("a1", [AssistantText("Ho")])]
    wire.connect(talk)
    wire.told.clear()
    for sent in wire.sent:
        if sent["type"] == "conversation.item.create":
            wire.hear(s.item_added({"object": "realtime.item", **sent["item"]}), s.item_done(sent["item"]))
    assert {event.type for event in wire.told} == {"raw_server_event"}


def test_an_interruption_after_a_reconnect_cuts_what_is_still_played() -> None:
    wire = Wire(MANUAL)
    wire.hear(*s.spoken_response(), *s.spoken_response("resp_2", "item_2"))
    wire.play("item_1", 100)
    wire.lose()
    wire.connect(
        [
            AssistantMessageItem("item_1", [AssistantText("Hello there.")]),
            AssistantMessageItem("item_2", [AssistantText("Hello there.")]),
        ]
    )
    wire.types()
    wire.ask(i.RealtimeModelSendInterrupt())
    assert wire.types() == ["conversation.item.delete"]
    assert [event.item_id for event in wire.events("item_truncated")] == ["item_1"]
    assert [event.item_id for event in wire.events("item_deleted")] == ["item_2"]


def test_what_was_begun_and_never_heard_of_a_lost_response_is_taken_back() -> None:
    wire = Wire(MANUAL)
    wire.ask(i.RealtimeModelSendUserInput("Hi"))
    wire.hear(
        s.response_created(),
        *s.spoken_begin("resp_1", "item_1"),
        s.transcript_delta("resp_1", "item_1", "He"),
    )
    wire.lose()
    assert [event.item_id for event in wire.events("item_deleted")] == ["item_1"]
    assert [(event.status, event.reason) for event in wire.events("turn_ended")] == [
        ("incomplete", "connection_lost")
    ]


def test_an_expired_session_asks_to_be_left() -> None:
    wire = Wire()
    wire.hear(s.error("session_expired"))
    assert wire.protocol.must_reconnect is not None
    assert not wire.events("error")
    wire.lose()
    assert wire.protocol.must_reconnect is None


def test_a_refusal_is_remembered_until_the_server_answers_again() -> None:
    wire = Wire()
    wire.hear(s.error("insufficient_quota", "no money"))
    assert wire.protocol.refusal is not None
    assert wire.events("error")
    wire.hear(*s.spoken_response())
    assert wire.protocol.refusal is None


TALK = [UserMessageItem("u1", [InputText("Hi")]), AssistantMessageItem("a1", [AssistantText("Ho")])]


def in_vain(wire: Wire, times: int = MAX_BEGUN) -> list[str]:
    """Connect so many times, each time to a server that goes as soon as it gets the conversation; then once more."""
    for _ in range(times):
        wire.lose()
        wire.connect(TALK)
    wire.lose()
    wire.types()
    wire.connect(TALK)
    return wire.types()


def test_a_question_that_makes_the_server_end_each_connection_is_given_up_and_told() -> None:
    wire = Wire(MANUAL, confirms=False)  # it goes before it has
    wire.lose()
    wire.ask(i.RealtimeModelSendUserInput("crash"))
    sent = in_vain(wire)
    assert sent == [
        "session.update",
        "conversation.item.create",
        "conversation.item.create",
    ]  # those of the talk
    (error,) = wire.events("error")
    assert isinstance(error.error, NoAnswerError)
    assert error.about == "response"
    wire.hear(s.session_updated())
    assert wire.types() == []
    wire.ask(i.RealtimeModelSendUserInput("another"))
    assert wire.types() == ["conversation.item.create", "response.create"]


def test_a_conversation_that_makes_the_server_end_each_connection_is_left_out_for_good() -> None:
    wire = Wire(MANUAL)
    assert in_vain(wire) == ["session.update"]
    (error,) = wire.events("error")
    assert isinstance(error.error, LeftOutError)
    wire.lose()
    wire.connect([*TALK, UserMessageItem("u2", [InputText("New")])])
    assert wire.types() == ["session.update", "conversation.item.create"]


@pytest.mark.parametrize("taken", ["response", "time"])
def test_connections_that_are_lost_after_the_server_took_the_conversation_do_not_count(taken: str) -> None:
    wire = Wire(MANUAL)
    for number in range(2 * MAX_BEGUN):
        wire.lose()
        wire.connect(TALK)
        if taken == "response":
            wire.hear(s.response_created(f"resp_{number}"))
        else:
            wire.pass_time(TAKEN_AFTER_S)
    wire.types()
    wire.lose()
    wire.connect(TALK)
    assert wire.types().count("conversation.item.create") == len(TALK)
    assert not any(isinstance(event.error, LeftOutError) for event in wire.events("error"))


def test_connections_on_which_nothing_was_to_be_said_do_not_count() -> None:
    wire = Wire(MANUAL)
    for _ in range(2 * MAX_BEGUN):
        wire.lose()
        wire.connect()
    wire.lose()
    wire.connect(TALK)
    assert wire.types().count("conversation.item.create") == len(TALK)
