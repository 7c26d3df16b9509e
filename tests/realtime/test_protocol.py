"""The wire protocol without a wire: settings, requests, raw events, and its sense of time."""

from __future__ import annotations

import re
from typing import Any

import pytest

from speakerd.realtime.errors import BadFrameError, UserError
from speakerd.realtime.model import events as m
from speakerd.realtime.model import inputs as i
from speakerd.realtime.testing import server_events as s
from tests.realtime.protocol_wire import MANUAL, Wire, speaking


def test_nothing_is_sent_when_there_is_nothing_to_say() -> None:
    assert Wire().types() == []


def test_a_connection_begins_with_the_settings() -> None:
    wire = Wire({"instructions": "x"})
    assert wire.types() == ["session.update"]
    ready = [wire.protocol.is_ready]
    wire.hear(s.session_created(id="sess_7"))
    assert [*ready, wire.protocol.is_ready] == [False, True]


def test_an_unreadable_frame_is_an_error_that_holds_its_beginning() -> None:
    wire = Wire()
    wire.hear("{" + "x" * 1000)
    [error] = wire.events("error")
    assert isinstance(error.error, BadFrameError)
    assert str(error.error.frame).startswith("{xxx")


def test_a_request_of_an_unknown_class_is_the_callers_mistake() -> None:
    with pytest.raises(UserError, match="RealtimeModelSendEvent"):
        Wire().protocol.send("hello", 0.0)  # type: ignore[arg-type]  # that is the mistake


def test_a_raw_message_needs_a_type() -> None:
    with pytest.raises(UserError, match="type"):
        Wire().ask(i.RealtimeModelSendRawMessage({"other_data": {"x": 1}}))


def test_a_raw_message_that_is_no_json_is_refused_and_nothing_is_sent() -> None:
    wire = Wire()
    for kind in ("response.create", "session.update"):
        with pytest.raises(UserError, match="JSON"):
            wire.ask(i.RealtimeModelSendRawMessage({"type": kind, "response": {1, 2}}))
    wire.lose()
    with pytest.raises(UserError, match="JSON"):
        wire.ask(i.RealtimeModelSendRawMessage({"type": "session.update", "session": {1}}))
    assert wire.types() == []


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ({"type": "response.create", "response": 7}, "response is 7, of type int; expected an object"),
        (
            {"type": "response.create", "response": {"metadata": [1]}},
            "response.metadata is .1., of type list",
        ),
        ({"type": "response.create", "event_id": 7}, "event_id is 7, of type int; expected a str"),
        ({"type": "session.update", "session": ["x"]}, "session is .'x'., of type list; expected an object"),
        ({"type": "response.cancel", "response_id": {}}, "response_id is {}, of type dict; expected a str"),
    ],
)
@pytest.mark.parametrize("connected", [True, False])
def test_a_raw_message_whose_fields_cannot_be_is_the_callers_mistake_and_is_not_sent(
    message: dict[str, Any], told: str, *, connected: bool
) -> None:
    wire = Wire(MANUAL)
    if not connected:
        wire.lose()
    wire.types()
    with pytest.raises(UserError, match=told):
        wire.ask(i.RealtimeModelSendRawMessage(message))
    assert wire.types() == []
    if not connected:
        wire.connect()
        wire.types()
    wire.ask(i.RealtimeModelSendResponse())
    assert wire.types() == ["response.create"]


def test_raw_events_are_understood_as_what_they_are() -> None:
    wire = Wire(MANUAL)
    wire.hear(*speaking())
    wire.types()
    wire.ask(
        i.RealtimeModelSendRawMessage({"type": "response.cancel"}),
        i.RealtimeModelSendRawMessage(
            {"type": "conversation.item.truncate", "item_id": "item_1", "content_index": 0, "audio_end_ms": 5}
        ),
        i.RealtimeModelSendAudio(b"\0\0" * 48),
        i.RealtimeModelSendRawMessage({"type": "input_audio_buffer.commit"}),
        i.RealtimeModelSendAudio(b"\0\0" * 48),
        i.RealtimeModelSendRawMessage({"type": "input_audio_buffer.clear", "event_id": "mine"}),
    )
    assert wire.sent[0]["response_id"] == "resp_1"
    assert wire.sent[-1]["event_id"] == "mine"
    wire.hear(*s.spoken_deltas("resp_1", "item_1", "late", 100))
    assert sum(len(event.data) for event in wire.events("audio")) == 48_000
    wire.ask(i.RealtimeModelSendInterrupt())
    assert not wire.events("audio_interrupted")
    assert not wire.protocol._state.resend.has_uncommitted


def test_a_raw_cancel_when_nothing_runs_goes_out() -> None:
    wire = Wire()
    wire.ask(i.RealtimeModelSendRawMessage({"type": "response.cancel"}))
    assert wire.types() == ["response.cancel"]


def test_a_request_that_is_never_answered_is_made_again_on_another_connection() -> None:
    wire = Wire(MANUAL)
    wire.ask(i.RealtimeModelSendUserInput("a"), i.RealtimeModelSendUserInput("b"))
    assert wire.types().count("response.create") == 1
    wire.pass_time(10.0)
    assert wire.protocol.must_reconnect == "the server did not send response.created within 10 s"
    wire.lose()
    wire.connect()
    assert wire.types().count("response.create") == 1


def test_the_speed_is_changed_after_the_turn() -> None:
    wire = Wire({"speed": 1.0})
    wire.hear(s.response_created())
    wire.types()
    wire.ask(i.RealtimeModelSendSessionUpdate({"speed": 1.5}))
    assert wire.types() == []
    wire.hear(s.response_done())
    assert wire.types() == ["session.update"]


def test_when_a_session_may_be_exchanged() -> None:
    wire = Wire(MANUAL)
    assert wire.protocol.is_quiet(0.0)
    wire.hear(*s.spoken_response())
    assert wire.protocol.is_between_responses()
    assert not wire.protocol.is_quiet(0.0)
    wire.play("item_1", 400)
    assert wire.protocol.is_quiet(0.0)
    wire.ask(i.RealtimeModelSendAudio(b"\0\0"))
    assert not wire.protocol.is_quiet(0.0)
    wire.ask(i.RealtimeModelSendAudioClear())
    assert wire.protocol.is_quiet(0.0)
    wire.hear(*s.call_response("resp_2", "look"))
    assert not wire.protocol.is_quiet(0.0)
    wire.ask(i.RealtimeModelSendToolOutput(wire.events("function_call")[0], "x", start_response=False))
    assert wire.protocol.is_quiet(0.0)


def test_a_user_who_speaks_is_not_left_for_another_session() -> None:
    wire = Wire()
    wire.hear(s.speech_started())
    assert not wire.protocol.is_between_responses()
    wire.hear(s.speech_stopped(), *s.committed())
    assert not wire.protocol.is_between_responses()
    wire.hear(*s.spoken_response())
    assert wire.protocol.is_between_responses()
    wire.hear(s.speech_started(), {"type": "input_audio_buffer.cleared"})
    assert wire.protocol.is_between_responses()


def test_every_event_type_told_is_one_of_the_documented() -> None:
    wire = Wire(MANUAL)
    wire.hear(
        *s.heard(),
        *s.spoken_response(usage=s.usage()),
        *s.call_response("r2", "look"),
        *s.written_response("r3", "i3"),
    )
    documented = set(re.findall(r"`(\w+)`", m.__doc__ or ""))
    assert {event.type for event in wire.told} <= documented
