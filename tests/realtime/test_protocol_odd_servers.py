"""Servers that tell too little, too much or too late."""

from __future__ import annotations

from speakerd.realtime.testing import server_events as s
from tests.realtime.protocol_wire import Wire


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
