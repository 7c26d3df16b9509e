"""The wire protocol without a wire: frames in, events out; requests in, frames out. Mostly its races."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from speakerd.realtime import model_events as m
from speakerd.realtime import model_inputs as i
from speakerd.realtime.errors import BadFrameError, UserError
from speakerd.realtime.items import AssistantMessageItem, AssistantText, InputText, UserMessageItem
from speakerd.realtime.model import RealtimePlaybackTracker
from speakerd.realtime.protocol import RealtimeProtocol
from speakerd.realtime.testing import server_events as s
from tests.realtime.validation import validate_client_event

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Wire:
    """A protocol with its two ends: what it sends is validated, what it tells is collected."""

    def __init__(self, settings: Any = None, *, tracker: bool = True) -> None:
        self.tracker = RealtimePlaybackTracker() if tracker else None
        self.protocol = RealtimeProtocol(settings, tracker=self.tracker)
        self.now = 0.0
        self.told: list[Any] = []
        self.sent: list[dict[str, Any]] = []
        self.connect()

    def connect(self, history: Sequence[Any] = ()) -> None:
        self._collect(self.protocol.connected(history, self.now))

    def lose(self) -> None:
        self._collect(self.protocol.connection_lost())

    def hear(self, *events: Mapping[str, Any] | str) -> None:
        for event in events:
            frame = event if isinstance(event, str) else json.dumps(event)
            self._collect(self.protocol.receive(frame, self.now))

    def ask(self, *requests: Any) -> None:
        for request in requests:
            self._collect(self.protocol.send(request, self.now))

    def play(self, item_id: str, ms: float) -> None:
        assert self.tracker is not None
        self.tracker.on_play_ms(item_id, 0, ms)

    def types(self) -> list[str]:
        """The types of what was sent since the last call."""
        sent, self.sent = self.sent, []
        return [event["type"] for event in sent]

    def events(self, kind: str) -> list[Any]:
        return [event for event in self.told if event.type == kind]

    def _collect(self, events: list[Any]) -> None:
        self.told += events
        self.sent += [validate_client_event(frame) for frame in self.protocol.data_to_send()]


def speaking(response_id: str = "resp_1", item_id: str = "item_1", ms: int = 1000) -> list[dict[str, Any]]:
    begun = [s.response_created(response_id), *s.spoken_begin(response_id, item_id)]
    return [*begun, *s.spoken_deltas(response_id, item_id, "one two three four", ms)]


MANUAL = {"turn_detection": None}


def test_nothing_is_sent_when_there_is_nothing_to_say() -> None:
    assert Wire().types() == []


def test_a_connection_begins_with_the_settings() -> None:
    wire = Wire({"instructions": "x"})
    assert wire.types() == ["session.update"]
    ready = [wire.protocol.is_ready]
    wire.hear(s.session_created(id="sess_7"))
    assert [*ready, wire.protocol.is_ready] == [False, True]
    assert wire.protocol.session_id == "sess_7"


def test_an_unreadable_frame_is_an_error_that_holds_its_beginning() -> None:
    wire = Wire()
    wire.hear("{" + "x" * 1000)
    [error] = wire.events("error")
    assert isinstance(error.error, BadFrameError)
    assert str(error.error.frame).startswith("{xxx")


def test_a_request_of_an_unknown_class_is_the_callers_mistake() -> None:
    with pytest.raises(UserError, match="model_inputs"):
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
    assert not wire.protocol._state.unanswered.has_uncommitted


def test_a_raw_cancel_when_nothing_runs_goes_out() -> None:
    wire = Wire()
    wire.ask(i.RealtimeModelSendRawMessage({"type": "response.cancel"}))
    assert wire.types() == ["response.cancel"]


# Interruptions.


def test_the_guards_interruption_concerns_its_own_response_only() -> None:
    wire = Wire(MANUAL)
    wire.hear(*speaking())
    wire.types()
    wire.ask(i.RealtimeModelSendInterrupt(response_id="resp_0"))
    assert wire.types() == []
    wire.ask(i.RealtimeModelSendInterrupt(response_id="resp_1"))
    assert wire.types() == ["response.cancel", "conversation.item.delete"]


def test_an_ended_response_that_is_still_played_can_be_cut_by_id() -> None:
    wire = Wire(MANUAL)
    wire.hear(*s.spoken_response())
    wire.play("item_1", 100)
    wire.types()
    wire.ask(i.RealtimeModelSendInterrupt(response_id="resp_1"))
    assert wire.types() == ["conversation.item.truncate"]


def test_an_item_heard_to_its_end_stays_when_a_later_one_is_cut() -> None:
    wire = Wire(MANUAL)
    wire.hear(
        s.response_created(),
        *s.spoken_begin("resp_1", "a"),
        *s.spoken_deltas("resp_1", "a", "one", 200),
        *s.spoken_end("resp_1", "a", "one"),
    )
    wire.play("a", 200)
    wire.hear(*s.spoken_begin("resp_1", "b", 1), *s.spoken_deltas("resp_1", "b", "two", 200, output_index=1))
    wire.play("b", 50)
    wire.types()
    wire.ask(i.RealtimeModelSendInterrupt())
    assert wire.types() == ["response.cancel", "conversation.item.truncate"]
    wire.hear(
        s.response_done("resp_1", "cancelled", output=[s.spoken_item("a", "one"), s.spoken_item("b", "two")])
    )
    assert wire.types() == []
    assert not wire.events("item_deleted")


def test_sound_out_of_band_is_silenced_and_left_alone_on_the_server() -> None:
    wire = Wire(MANUAL)
    wire.ask(i.RealtimeModelSendResponse(conversation="none"))
    wire.hear(
        s.response_created("resp_x", out_of_band=True), *s.spoken_deltas("resp_x", "item_x", "psst", 300)
    )
    wire.play("item_x", 100)
    wire.types()
    wire.ask(i.RealtimeModelSendInterrupt())
    assert wire.types() == []
    assert len(wire.events("audio_interrupted")) == 1
    assert not wire.events("item_truncated")


def test_captions_out_of_band_are_told_at_its_end() -> None:
    wire = Wire(MANUAL)
    wire.ask(i.RealtimeModelSendResponse(conversation="none"))
    wire.hear(
        s.response_created("resp_x", out_of_band=True),
        *s.spoken_deltas("resp_x", "item_x", "psst psst", 200),
        {
            "type": "response.output_audio_transcript.done",
            "response_id": "resp_x",
            "item_id": "item_x",
            "transcript": "psst psst",
        },
        s.response_done("resp_x", out_of_band=True),
    )
    assert not wire.events("transcript_delta")
    assert not wire.events("transcript_done")
    assert wire.events("turn_ended")[0].output_text == "psst psst"


def test_a_tool_call_of_a_cancelled_response_does_not_run() -> None:
    wire = Wire(MANUAL)
    wire.hear(*speaking())
    wire.ask(i.RealtimeModelSendInterrupt())
    wire.hear(
        *s.call_events("resp_1", "look", output_index=1),
        s.response_done("resp_1", "cancelled", output=[s.call_item("look", "{}")]),
    )
    assert not wire.events("function_call")


def test_text_and_calls_of_a_cancelled_response_are_left_in_the_conversation() -> None:
    wire = Wire(MANUAL)
    wire.hear(s.response_created())
    wire.ask(i.RealtimeModelSendInterrupt())
    wire.types()
    written = s.written_response("resp_1", "item_t")[1:-1]
    wire.hear(*written, *s.call_events("resp_1", "look"), s.response_done("resp_1", "cancelled"))
    assert wire.types() == []


def test_an_incomplete_call_does_not_run() -> None:
    wire = Wire()
    item = s.call_item("look", '{"a": ', status="incomplete")
    wire.hear(
        s.response_created(),
        s.output_item_done("resp_1", item),
        s.response_done("resp_1", "incomplete", output=[item]),
    )
    assert not wire.events("function_call")


def test_a_call_that_only_the_end_of_the_response_tells_runs() -> None:
    wire = Wire()
    wire.hear(s.response_created(), s.response_done("resp_1", output=[s.call_item("look", "{}")]))
    assert [call.name for call in wire.events("function_call")] == ["look"]


def test_after_the_user_broke_in_the_server_need_not_be_told_to_cancel() -> None:
    wire = Wire()
    wire.hear(*speaking())
    wire.play("item_1", 300)
    wire.types()
    wire.hear(s.speech_started())
    assert wire.types() == ["conversation.item.truncate"]
    assert len(wire.events("audio_interrupted")) == 1


def test_a_cancel_refused_since_nothing_runs_ends_the_response_for_us() -> None:
    wire = Wire(MANUAL)
    wire.hear(*speaking())
    wire.ask(i.RealtimeModelSendUserInput("next"), i.RealtimeModelSendInterrupt())
    wire.types()
    wire.hear(s.error("response_cancel_not_active"))
    assert [event.status for event in wire.events("turn_ended")] == ["cancelled"]
    assert wire.types() == ["response.create"]
    wire.hear(s.response_done("resp_1"))
    assert len(wire.events("turn_ended")) == 1


def test_a_removal_that_the_server_refuses_is_no_error() -> None:
    wire = Wire(MANUAL)
    wire.hear(*s.spoken_response())
    wire.sent.clear()
    wire.ask(i.RealtimeModelSendInterrupt())
    wire.hear(s.error("item_not_found", event_id=wire.sent[0]["event_id"]))
    assert not wire.events("error")


def test_confirmations_of_our_own_cuts_are_no_news() -> None:
    wire = Wire(MANUAL)
    wire.hear(*s.spoken_response())
    wire.play("item_1", 100)
    wire.ask(i.RealtimeModelSendInterrupt())
    wire.hear(
        {"type": "conversation.item.truncated", "item_id": "item_1", "content_index": 0, "audio_end_ms": 100}
    )
    wire.hear(s.item_done(s.spoken_item("item_1", "Hello there.")))
    assert len(wire.events("item_truncated")) == 1
    assert wire.told[-1].type == "raw_server_event"


# Odd servers.


def test_a_response_without_ids() -> None:
    wire = Wire()
    for _ in range(2):
        wire.hear(
            {"type": "response.created"},
            {"type": "response.output_audio.delta", "item_id": "i", "delta": "AAAA"},
            {"type": "response.done"},
        )
    assert len(wire.events("audio")) == 2
    assert [event.response_id for event in wire.events("turn_started")] == [None, None]
    assert len(wire.events("turn_ended")) == 2


def test_a_repeated_created_and_a_repeated_done_are_told_once() -> None:
    wire = Wire()
    wire.hear(
        s.response_created(), s.response_created(), s.response_done(), s.response_done(), s.response_created()
    )
    assert len(wire.events("turn_started")) == len(wire.events("turn_ended")) == 1


def test_a_response_whose_end_was_lost_ends_with_the_next_one() -> None:
    wire = Wire()
    wire.hear(s.response_created("a"), s.response_created("b"))
    assert [(event.response_id, event.reason) for event in wire.events("turn_ended")] == [("a", "superseded")]


def test_deltas_after_the_end_of_a_response_are_still_played() -> None:
    wire = Wire()
    wire.hear(s.response_created(), s.response_done(), *s.spoken_deltas("resp_1", "item_1", "late", 100))
    assert len(wire.events("audio")) == 1
    assert len(wire.events("turn_started")) == 1


def test_the_formats_the_server_tells_are_believed() -> None:
    wire = Wire()
    wire.hear(
        s.session_created(
            audio={"input": {"format": {"type": "audio/pcmu"}}, "output": {"format": {"type": "audio/pcmu"}}}
        )
    )
    assert wire.protocol._state.playback.bytes_per_ms == wire.protocol._state.unanswered.bytes_per_ms == 8.0


def test_formats_that_are_wanted_count_from_the_beginning() -> None:
    wire = Wire({"input_audio_format": "g711_ulaw", "output_audio_format": "g711_alaw"})
    assert wire.protocol._state.playback.bytes_per_ms == wire.protocol._state.unanswered.bytes_per_ms == 8.0
    assert wire.protocol.output_format == {"type": "audio/pcma"}


# Time.


def test_a_request_that_is_never_answered_blocks_only_for_a_while() -> None:
    wire = Wire(MANUAL)
    wire.ask(i.RealtimeModelSendUserInput("a"), i.RealtimeModelSendUserInput("b"))
    assert wire.types().count("response.create") == 1
    assert wire.protocol.deadline is not None
    wire._collect(wire.protocol.tick(wire.protocol.deadline))
    assert wire.types() == ["response.create"]


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


# Connections.


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
    wire.lose()
    assert wire.protocol.must_reconnect is None


def test_a_refusal_is_remembered_until_the_server_answers_again() -> None:
    wire = Wire()
    wire.hear(s.error("insufficient_quota", "no money"))
    assert wire.protocol.refusal is not None
    assert wire.events("error")
    wire.hear(*s.spoken_response())
    assert wire.protocol.refusal is None


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
