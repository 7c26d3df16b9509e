"""Interruptions, over the protocol without a wire: mostly its races."""

from __future__ import annotations

from speakerd.realtime.model import inputs as i
from speakerd.realtime.testing import server_events as s
from tests.realtime.protocol_wire import MANUAL, Wire, speaking


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


def test_cutting_a_response_that_is_still_played_leaves_the_next_one_alone() -> None:
    wire = Wire(MANUAL)
    wire.hear(*s.spoken_response())
    wire.play("item_1", 100)
    wire.hear(*speaking("resp_2", "item_2", 200))
    wire.types()
    wire.ask(i.RealtimeModelSendInterrupt(response_id="resp_1"))
    (truncation,) = wire.sent
    assert (truncation["type"], truncation["item_id"]) == ("conversation.item.truncate", "item_1")
    before = len(wire.events("audio"))
    wire.hear(*s.spoken_deltas("resp_2", "item_2", "five", 200))
    assert len(wire.events("audio")) > before
    wire.hear(*s.spoken_end("resp_2", "item_2", "five"), s.response_done("resp_2"))
    assert [event.status for event in wire.events("turn_ended")] == ["completed", "completed"]
    assert not wire.events("item_deleted")


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
