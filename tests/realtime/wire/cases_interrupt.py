"""Cutting the assistant off: what is cancelled, what is truncated, what is told."""

from __future__ import annotations

from typing import Any

from speakerd.realtime.testing import server_events as s
from speakerd.realtime.testing.loopback import Expect, Wait
from tests.realtime.wire.case import (
    Case,
    History,
    Interrupt,
    Pause,
    Played,
    Plays,
    Saw,
    SawInOrder,
    Say,
    SendRaw,
    Sent,
    SentInOrder,
    Until,
)

_CREATE = Expect("response.create")
_CANCEL = Expect("response.cancel")
_TRUNCATE = Expect("conversation.item.truncate")
_ON = Expect("conversation.item.retrieve")
"""… which waits for it here."""
_VAD = {"turn_detection": {"type": "server_vad", "interrupt_response": True}}
_WORDS = "one two three four five six seven eight nine ten"


def _speaking(
    response_id: str = "resp_1", item_id: str = "item_1", ms: int = 1000, text: str = _WORDS
) -> list[Any]:
    """A reply in the middle of being generated, `ms` of it received."""
    return [
        s.response_created(response_id),
        *s.spoken_begin(response_id, item_id),
        *s.spoken_deltas(response_id, item_id, text, ms),
    ]


def _cancelled(response_id: str = "resp_1", item_id: str = "item_1", text: str = _WORDS) -> list[Any]:
    """The end of a reply that was cancelled."""
    return [
        *s.spoken_end(response_id, item_id, text)[:2],
        s.output_item_done(response_id, s.spoken_item(item_id, text, "incomplete")),
        s.item_done(s.spoken_item(item_id, text, "incomplete")),
        s.response_done(
            response_id,
            "cancelled",
            reason="client_cancelled",
            output=[s.spoken_item(item_id, text, "incomplete")],
        ),
    ]


def _two_items(second_ms: int = 300) -> list[Any]:
    return [
        s.response_created("resp_1"),
        *s.spoken_begin("resp_1", "item_a", 0),
        *s.spoken_deltas("resp_1", "item_a", "One two", 400, output_index=0),
        *s.spoken_end("resp_1", "item_a", "One two", 0),
        *s.spoken_begin("resp_1", "item_b", 1),
        *s.spoken_deltas("resp_1", "item_b", "Three four", second_ms, output_index=1),
        *s.spoken_end("resp_1", "item_b", "Three four", 1),
        s.response_done("resp_1"),
    ]


_GO_ON = SendRaw({"type": "conversation.item.retrieve", "other_data": {"item_id": "x"}})
"""The program tells the server's script to go on …"""
_AUDIO_10 = Until("audio", count=10)

CASES = [
    Case(
        "an interruption cancels by id and truncates where it was heard",
        [_CREATE, *_speaking(), _TRUNCATE, *_cancelled()],
        [Say("Count"), _AUDIO_10, Played("item_1", 350), Interrupt(), Until("agent_end")],
        tracker=True,
        settings={"turn_detection": None},
        expect=[
            Sent("response.cancel", {"response_id": "resp_1"}, times=1),
            Sent(
                "conversation.item.truncate",
                {"item_id": "item_1", "content_index": 0, "audio_end_ms": 350},
                times=1,
            ),
            Saw("audio_interrupted", times=1),
        ],
        point=1,
    ),
    Case(
        "an interruption cancels also where the server detects turns",
        [_CREATE, *_speaking(), _CANCEL, *_cancelled()],
        [Say("Count"), _AUDIO_10, Played("item_1", 350), Interrupt(), Until("agent_end")],
        tracker=True,
        settings=_VAD,
        expect=[Sent("response.cancel", {"response_id": "resp_1"})],
        point=1,
    ),
    Case(
        "deltas after the interruption are not played",
        [
            _CREATE,
            *_speaking(),
            _CANCEL,
            *s.spoken_deltas("resp_1", "item_1", "late words", 500),
            *_cancelled(),
        ],
        [Say("Count"), _AUDIO_10, Played("item_1", 300), Interrupt(), Until("agent_end")],
        tracker=True,
        settings={"turn_detection": None},
        expect=[Plays("item_1", 1000), Sent("conversation.item.truncate", times=1)],
        point=1,
    ),
    Case(
        "an interruption before the response was created cancels it when it is",
        [
            _CREATE,
            _ON,
            s.response_created(),
            _CANCEL,
            *s.spoken_begin("resp_1", "item_1"),
            *s.spoken_deltas("resp_1", "item_1", "late", 300),
            *_cancelled(text="late"),
        ],
        [Say("Count"), Pause(0.02), Interrupt(), _GO_ON, Until("agent_end")],
        settings={"turn_detection": None},
        expect=[Plays("item_1", 0), Sent("response.cancel", {"response_id": "resp_1"})],
        point=1,
    ),
    Case(
        "what a response says after it was cancelled early is removed",
        [
            _CREATE,
            s.response_created(),
            _CANCEL,
            *s.spoken_begin("resp_1", "item_1"),
            *s.spoken_deltas("resp_1", "item_1", "late", 300),
            *_cancelled(text="late"),
            Expect("conversation.item.delete"),
        ],
        [Say("Count"), Until("agent_start"), Interrupt(), Until("agent_end")],
        tracker=True,
        settings={"turn_detection": None},
        expect=[
            Plays("item_1", 0),
            Sent("conversation.item.delete", {"item_id": "item_1"}),
            Saw("audio_interrupted", times=0),
        ],
        point=4,
    ),
    Case(
        "an interruption when nothing runs is harmless",
        [_CREATE, *s.spoken_response()],
        [Interrupt(), Say("Hello"), Until("agent_end")],
        settings={"turn_detection": None},
        expect=[Saw("audio_interrupted", times=0), Saw("error", times=0), Plays("item_1", 400)],
    ),
    Case(
        "a reply heard to its end is not interrupted",
        [_CREATE, *s.spoken_response(), _CREATE, *s.spoken_response("resp_2", "item_2")],
        [
            Say("Hello"),
            Until("agent_end"),
            Played("item_1", 400),
            Interrupt(),
            Say("More"),
            Until("agent_end", count=2),
        ],
        tracker=True,
        settings={"turn_detection": None},
        expect=[Saw("audio_interrupted", times=0), Sent("conversation.item.truncate", times=0)],
        point=3,
    ),
    Case(
        "the user speaks after all was heard",
        [
            _CREATE,
            *s.spoken_response(),
            _ON,
            s.speech_started(),
            s.speech_stopped(),
            *s.committed(),
            *s.spoken_response("resp_2", "item_2"),
        ],
        [Say("Hello"), Until("agent_end"), Played("item_1", 400), _GO_ON, Until("agent_end", count=2)],
        tracker=True,
        settings=_VAD,
        expect=[Saw("audio_interrupted", times=0), Sent("conversation.item.truncate", times=0)],
        point=3,
    ),
    Case(
        "a reply generated to its end is cut while it is still played",
        [_CREATE, *s.spoken_response(text=_WORDS, ms=1000), _TRUNCATE],
        [Say("Count"), Until("agent_end"), Played("item_1", 500), Interrupt()],
        tracker=True,
        settings={"turn_detection": None},
        expect=[
            Sent("conversation.item.truncate", {"audio_end_ms": 500}, times=1),
            Sent("response.cancel", times=0),
            Saw("audio_interrupted", times=1),
        ],
    ),
    Case(
        "the user breaks in on a server that detects turns",
        [
            _CREATE,
            *_speaking(),
            _ON,
            s.speech_started(),
            _TRUNCATE,
            s.response_done("resp_1", "cancelled", reason="turn_detected"),
        ],
        [Say("Count"), _AUDIO_10, Played("item_1", 420), _GO_ON, Until("agent_end")],
        tracker=True,
        settings=_VAD,
        expect=[
            Sent("conversation.item.truncate", {"item_id": "item_1", "audio_end_ms": 420}, times=1),
            Saw("audio_interrupted", times=1),
        ],
    ),
    Case(
        "a stale delta after the user broke in is neither played nor truncated again",
        [
            _CREATE,
            *_speaking(),
            _ON,
            s.speech_started("u1"),
            _TRUNCATE,
            *s.spoken_deltas("resp_1", "item_1", "late", 200),
            s.response_done("resp_1", "cancelled", reason="turn_detected"),
            s.speech_stopped("u1"),
            *s.committed("u1"),
            s.speech_started("u2"),
            s.speech_stopped("u2"),
            *s.committed("u2"),
        ],
        [Say("Count"), _AUDIO_10, Played("item_1", 420), _GO_ON],
        tracker=True,
        settings=_VAD,
        expect=[
            Plays("item_1", 1000),
            Sent("conversation.item.truncate", times=1),
            Saw("audio_interrupted", times=1),
        ],
        point=2,
    ),
    Case(
        "two interruptions truncate once",
        [_CREATE, *_speaking(), _TRUNCATE, *_cancelled()],
        [
            Say("Count"),
            _AUDIO_10,
            Played("item_1", 300),
            Interrupt(),
            Interrupt(),
            Until("agent_end"),
            Interrupt(),
        ],
        tracker=True,
        settings={"turn_detection": None},
        expect=[Sent("conversation.item.truncate", times=1), Saw("audio_interrupted", times=1)],
        point=2,
    ),
    Case(
        "response.done before speech_started",
        [
            _CREATE,
            *_speaking(),
            s.response_done("resp_1", "cancelled", reason="turn_detected"),
            _ON,
            s.speech_started(),
            _TRUNCATE,
        ],
        [Say("Count"), _AUDIO_10, Until("agent_end"), Played("item_1", 420), _GO_ON],
        tracker=True,
        settings=_VAD,
        expect=[
            Sent("conversation.item.truncate", {"audio_end_ms": 420}, times=1),
            Saw("audio_interrupted", times=1),
        ],
    ),
    Case(
        "a reply received and not begun is removed",
        [_CREATE, *s.spoken_response(), Expect("conversation.item.delete")],
        [Say("Hello"), Until("agent_end"), Interrupt()],
        tracker=True,
        settings={"turn_detection": None},
        expect=[
            Sent("conversation.item.delete", {"item_id": "item_1"}),
            Saw("audio_interrupted", times=1),
            History(()),
        ],
        point=4,
    ),
    Case(
        "of two items the heard one is truncated and the later removed",
        [_CREATE, *_two_items(), _TRUNCATE, Expect("conversation.item.delete")],
        [Say("Hello"), Until("agent_end"), Played("item_a", 250), Interrupt()],
        tracker=True,
        settings={"turn_detection": None},
        expect=[
            Sent("conversation.item.truncate", {"item_id": "item_a", "audio_end_ms": 250}, times=1),
            Sent("conversation.item.delete", {"item_id": "item_b"}, times=1),
            Sent("conversation.item.truncate", {"item_id": "item_b"}, times=0),
        ],
        point=5,
    ),
    Case(
        "of two items the second is truncated at its own position",
        [_CREATE, *_two_items(), _TRUNCATE],
        [Say("Hello"), Until("agent_end"), Played("item_a", 400), Played("item_b", 120), Interrupt()],
        tracker=True,
        settings={"turn_detection": None},
        expect=[
            Sent("conversation.item.truncate", {"item_id": "item_b", "audio_end_ms": 120}, times=1),
            Sent("conversation.item.truncate", {"item_id": "item_a"}, times=0),
            Sent("conversation.item.delete", times=0),
        ],
        point=5,
    ),
    Case(
        "the position never exceeds what was received",
        [_CREATE, *_speaking(), _TRUNCATE, *_cancelled()],
        [Say("Count"), _AUDIO_10, Played("item_1", 5000), Interrupt(), Until("agent_end")],
        tracker=True,
        settings={"turn_detection": None},
        expect=[Sent("conversation.item.truncate", {"audio_end_ms": 1000}, times=1)],
    ),
    Case(
        "a stall between deltas is not heard",
        [
            _CREATE,
            s.response_created(),
            *s.spoken_begin("resp_1", "item_1"),
            *s.spoken_deltas("resp_1", "item_1", "one", 100),
            Wait(0.4),
            *s.spoken_deltas("resp_1", "item_1", "two", 1000),
            _TRUNCATE,
        ],
        [Say("Count"), Until("audio", count=11), Interrupt()],
        settings={"turn_detection": None},
        expect=[Sent("conversation.item.truncate", {"audio_end_ms": lambda ms: ms < 400}, times=1)],
        point=6,
    ),
    Case(
        "after an interruption the history shows what was heard",
        [_CREATE, *_speaking(), _TRUNCATE, *_cancelled()],
        [Say("Count"), _AUDIO_10, Played("item_1", 500), Interrupt(), Until("agent_end")],
        tracker=True,
        settings={"turn_detection": None},
        expect=[
            History(
                (
                    (
                        "assistant",
                        lambda text: text.startswith("one two") and "nine" not in text and "ten" not in text,
                    ),
                )
            )
        ],
        point=7,
    ),
    Case(
        "the server's own truncation is followed",
        [
            _CREATE,
            *s.spoken_response(text=_WORDS, ms=1000),
            {
                "type": "conversation.item.truncated",
                "item_id": "item_1",
                "content_index": 0,
                "audio_end_ms": 300,
            },
        ],
        [Say("Count"), Until("agent_end")],
        tracker=True,
        expect=[History((("assistant", lambda text: text.startswith("one") and "ten" not in text),))],
        point=7,
    ),
    Case(
        "a cancel that comes too late is no error",
        [
            _CREATE,
            *_speaking(),
            _CANCEL,
            *_cancelled(),
            s.error("response_cancel_not_active", "nothing to cancel"),
            _CREATE,
            *s.spoken_response("resp_2", "item_2"),
        ],
        [
            Say("Count"),
            _AUDIO_10,
            Played("item_1", 100),
            Interrupt(),
            Until("agent_end"),
            Say("More"),
            Until("agent_end", count=2),
        ],
        tracker=True,
        settings={"turn_detection": None},
        expect=[Saw("error", times=0), Plays("item_2", 400)],
    ),
    Case(
        "the next reply after an interruption is heard",
        [_CREATE, *_speaking(), _CANCEL, *_cancelled(), _CREATE, *s.spoken_response("resp_2", "item_2")],
        [
            Say("Count"),
            _AUDIO_10,
            Played("item_1", 100),
            Interrupt(),
            Say("Stop, tell me the time"),
            Until("agent_end", count=2),
        ],
        tracker=True,
        settings={"turn_detection": None},
        expect=[
            SentInOrder(("response.cancel", "conversation.item.create", "response.create")),
            SawInOrder(("audio_interrupted", {"type": "audio", "item_id": "item_2"})),
            Plays("item_2", 400),
        ],
    ),
    Case(
        "a server that does not interrupt by itself is not second-guessed",
        [
            _CREATE,
            *_speaking(),
            s.speech_started(),
            *s.spoken_deltas("resp_1", "item_1", "more", 200),
            *s.spoken_end("resp_1", "item_1", "all"),
            s.response_done(),
        ],
        [Say("Count"), Until("agent_end")],
        tracker=True,
        settings={"turn_detection": {"type": "server_vad", "interrupt_response": False}},
        expect=[
            Saw("audio_interrupted", times=0),
            Plays("item_1", 1200),
            Sent("conversation.item.truncate", times=0),
        ],
    ),
    Case(
        "an item that will have sound is removed though none had come",
        [
            _CREATE,
            s.response_created(),
            *s.spoken_begin("resp_1", "item_1"),
            _CANCEL,
            Expect("conversation.item.delete"),
            *_cancelled(text=""),
        ],
        [Say("Count"), Until("history_added"), Pause(0.02), Interrupt(), Until("agent_end")],
        tracker=True,
        settings={"turn_detection": None},
        expect=[
            Sent("conversation.item.delete", {"item_id": "item_1"}, times=1),
            Saw("audio_interrupted", times=0),
        ],
        point=4,
    ),
]
