"""Servers that tell too little, too much or too late."""

from __future__ import annotations

from typing import Any

import pytest

from speakerd.realtime.items import RealtimeToolCallItem
from speakerd.realtime.model import (
    RealtimeModelSendInterrupt,
    RealtimeModelSendResponse,
    RealtimeModelSendToolOutput,
)
from speakerd.realtime.testing import server_events as s
from tests.realtime.protocol_wire import MANUAL, Wire


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
    assert wire.protocol._state.playback.bytes_per_ms == wire.protocol._state.resend.bytes_per_ms == 8.0


def test_formats_that_are_wanted_count_from_the_beginning() -> None:
    wire = Wire({"input_audio_format": "g711_ulaw", "output_audio_format": "g711_alaw"})
    assert wire.protocol._state.playback.bytes_per_ms == wire.protocol._state.resend.bytes_per_ms == 8.0
    assert wire.protocol.output_format == {"type": "audio/pcma"}


# Ids that a server leaves out, or uses again for something else.


def answer(response_id: str, *, item_id: str | None, done_id: str | None = None) -> list[dict[str, Any]]:
    """A spoken answer of 100 ms of which each event says as little as possible."""
    item = {} if item_id is None else {"item_id": item_id}
    audio = s.audio_delta(response_id, "", bytes(4800))
    del audio["item_id"]
    return [
        s.response_created(response_id),
        {**audio, **item},
        {"type": "response.output_audio.done", "response_id": response_id, **item},
        {"type": "response.done", "response": {"id": done_id or response_id, "status": "completed"}},
    ]


def asked(wire: Wire) -> Wire:
    wire.ask(RealtimeModelSendResponse())
    return wire


@pytest.mark.parametrize("item_id", [None, "i"], ids=["no ids", "one id for ever"])
def test_an_interruption_mutes_no_later_answer_whatever_the_items_are_called(item_id: str | None) -> None:
    wire = Wire(MANUAL)
    asked(wire).hear(*answer("r1", item_id=item_id))
    wire.ask(RealtimeModelSendInterrupt())
    asked(wire).hear(*answer("r2", item_id=item_id))
    asked(wire).hear(*answer("r3", item_id=item_id))
    heard = [event.item_id for event in wire.events("audio")]
    assert len(heard) == len(set(heard)) == 3
    assert "" not in heard
    assert [event.item_id for event in wire.events("audio_done")] == heard


def test_an_answer_without_ids_is_one_item_of_the_conversation() -> None:
    wire = Wire(MANUAL)
    asked(wire).hear(*s.spoken_response("r1", "", "Hello there."))
    asked(wire).hear(*s.spoken_response("r2", "", "Hello again."))
    told = [event.item.item_id for event in wire.events("item_updated")]
    assert len(set(told)) == 2
    assert set(told) == {event.item_id for event in wire.events("audio")}


def test_an_item_whose_id_is_used_again_is_cut_at_the_server_by_the_id_that_this_knows() -> None:
    wire = Wire(MANUAL)
    asked(wire).hear(*answer("r1", item_id="i"))
    asked(wire).hear(*answer("r2", item_id="i"))
    wire.play(wire.events("audio")[0].item_id, 100)
    wire.play(wire.events("audio")[1].item_id, 40)
    wire.types()
    wire.ask(RealtimeModelSendInterrupt())
    (truncate,) = wire.sent
    assert (truncate["type"], truncate["item_id"]) == ("conversation.item.truncate", "i")
    assert truncate["audio_end_ms"] == 40
    assert [event.item_id for event in wire.events("item_truncated")] == [wire.events("audio")[1].item_id]


def test_an_item_without_an_id_is_cut_here_and_nothing_is_asked_of_the_server() -> None:
    wire = Wire(MANUAL)
    asked(wire).hear(*answer("r1", item_id=None))
    wire.play(wire.events("audio")[0].item_id, 40)
    wire.types()
    wire.ask(RealtimeModelSendInterrupt())
    assert wire.types() == []
    assert len(wire.events("audio_interrupted")) == len(wire.events("item_truncated")) == 1


def test_a_truncation_that_may_concern_an_older_item_of_that_id_does_not_silence_the_present_one() -> None:
    wire = Wire(MANUAL)
    asked(wire).hear(*answer("r1", item_id="i"))
    asked(wire).hear(*answer("r2", item_id="i")[:2])
    wire.hear({"type": "conversation.item.truncated", "item_id": "i", "content_index": 0, "audio_end_ms": 0})
    wire.hear({"type": "conversation.item.deleted", "item_id": "i"})
    wire.hear(*answer("r2", item_id="i")[1:])
    assert len(wire.events("audio")) == 3


def test_an_item_keeps_its_identity_when_only_some_of_its_events_name_it() -> None:
    wire = Wire(MANUAL)
    named = s.audio_delta("r1", "i", bytes(4800))
    nameless = {key: value for key, value in named.items() if key != "item_id"}
    asked(wire).hear(s.response_created("r1"), nameless, named, nameless, s.response_done("r1"))
    assert len({event.item_id for event in wire.events("audio")}) == 1
    asked(wire).hear(s.response_created("r2"), s.audio_delta("r2", "j", bytes(4800)))
    assert wire.events("audio")[-1].item_id == "j"


def test_the_answer_to_a_new_question_is_heard_though_its_response_has_the_id_of_the_last_one() -> None:
    wire = Wire(MANUAL)
    for n in range(3):
        asked(wire).hear(*answer("same", item_id=f"i{n}"))
        wire.pass_time(30)
    assert wire.types().count("response.create") == 3
    assert wire.protocol.must_reconnect is None
    begun = [event.response_id for event in wire.events("turn_started")]
    assert len(set(begun)) == 3
    assert [event.response_id for event in wire.events("turn_ended")] == begun
    assert [event.response_id for event in wire.events("audio")] == begun


def test_a_response_that_has_an_id_again_is_cancelled_by_that_id() -> None:
    wire = Wire(MANUAL)
    asked(wire).hear(*answer("same", item_id="a"))
    asked(wire).hear(s.response_created("same"))
    wire.types()
    wire.ask(RealtimeModelSendInterrupt())
    cancel = wire.sent[0]
    assert (cancel["type"], cancel["response_id"]) == ("response.cancel", "same")


def test_ids_that_begin_anew_on_each_connection_silence_nothing() -> None:
    wire = Wire(MANUAL)
    for _ in range(2):
        asked(wire).hear(*answer("r1", item_id="i1")[:2])
        wire.ask(RealtimeModelSendInterrupt())
        wire.lose()
        wire.connect()
    wire.hear(*answer("r1", item_id="i1"))
    assert len(wire.events("audio")) == 3
    assert [event.reason for event in wire.events("turn_ended")] == [*["connection_lost"] * 2, None]


@pytest.mark.parametrize("call_id", ["call_0", None], ids=["one id for ever", "no ids"])
def test_each_response_can_call_a_tool_whatever_its_calls_are_called(call_id: str | None) -> None:
    wire = Wire(MANUAL)
    for n in range(3):
        events = s.call_response(f"r{n}", item_id=f"fc{n}", call_id=call_id or "")
        asked(wire).hear(*events)
        call = wire.events("function_call")[-1]
        wire.types()
        wire.ask(RealtimeModelSendToolOutput(call, f"output {n}", start_response=False))
        (create,) = wire.sent
        assert create["item"]["output"] == f"output {n}"
        assert create["item"]["call_id"] == (call_id or call.call_id)
    calls = [event.call_id for event in wire.events("function_call")]
    assert len(calls) == len(set(calls)) == 3
    assert "" not in calls


def test_a_call_without_any_id_is_reported_once_and_answered() -> None:
    wire = Wire(MANUAL)
    asked(wire).hear(*s.call_response("r1", item_id="", call_id=""))
    (call,) = wire.events("function_call")
    assert (call.name, call.arguments) == ("get_time", "{}")
    wire.types()
    wire.ask(RealtimeModelSendToolOutput(call, "noon", start_response=True))
    assert wire.types() == ["conversation.item.create", "response.create"]


def test_a_call_that_comes_after_its_response_is_answered_and_neither_run_nor_followed_by_a_reply() -> None:
    wire = Wire(MANUAL)
    asked(wire).hear(s.response_created("r1"), s.response_done("r1"))
    wire.types()
    wire.hear(*s.call_events("r1", "get_time"), *s.call_events("r1", "get_time"))
    assert wire.events("function_call") == []
    (create,) = wire.sent
    assert (create["item"]["type"], create["item"]["call_id"]) == ("function_call_output", "call_1")
    (error,) = wire.events("error")
    assert "get_time" in str(error.error)
    assert wire.protocol.is_quiet(wire.now)


def test_the_output_of_a_call_goes_by_the_id_that_the_call_has_on_the_connection() -> None:
    wire = Wire(MANUAL)
    for n in range(2):
        asked(wire).hear(*s.call_response(f"r{n}", "f", item_id=f"fc{n}", call_id="call_0"))
    call = wire.events("function_call")[-1]
    item = RealtimeToolCallItem(call.id or "", "f", "{}", call_id=call.call_id, status="in_progress")
    wire.lose()
    wire.connect([item])
    wire.ask(RealtimeModelSendToolOutput(call, "late", start_response=False))
    sent = [event["item"]["call_id"] for event in wire.sent if event["type"] == "conversation.item.create"]
    assert sent[-1] == call.call_id != "call_0"


def test_an_end_under_another_id_is_that_of_the_response_that_runs() -> None:
    wire = Wire(MANUAL)
    asked(wire).hear(*answer("r1", item_id="i", done_id="other"))
    assert [(event.response_id, event.had_audio, event.reason) for event in wire.events("turn_ended")] == [
        ("r1", True, None)
    ]
    assert len(wire.events("turn_started")) == 1
