"""The user's audio: sending it, its turns and its transcripts."""

from __future__ import annotations

from base64 import b64encode

from speakerd.realtime.testing import server_events as s
from speakerd.realtime.testing.loopback import Expect
from tests.realtime.wire.case import (
    Audio,
    Case,
    History,
    Method,
    Plays,
    Saw,
    Say,
    SendRaw,
    Sent,
    SentInOrder,
    Until,
)

_CREATE = Expect("response.create")
_TURN_OFF = {"turn_detection": None}

CASES = [
    Case(
        "audio is appended as base64",
        [Expect("input_audio_buffer.append")],
        [Audio(20)],
        expect=[Sent("input_audio_buffer.append", {"audio": b64encode(b"\1\0" * 480).decode()})],
    ),
    Case(
        "audio is appended in order, once",
        [Expect("input_audio_buffer.commit")],
        [*[Audio(20)] * 20, Audio(20, commit=True)],
        settings=_TURN_OFF,
        expect=[
            Sent("input_audio_buffer.append", times=21),
            SentInOrder(("input_audio_buffer.append", "input_audio_buffer.commit")),
        ],
    ),
    Case(
        "a commit alone asks for no reply",
        [Expect("input_audio_buffer.commit"), *s.committed()],
        [Audio(200, commit=True), Until("history_added")],
        settings=_TURN_OFF,
        expect=[Sent("response.create", times=0)],
    ),
    Case(
        "commit and respond by hand",
        [Expect("input_audio_buffer.commit"), *s.committed(), s.transcribed(), _CREATE, *s.spoken_response()],
        [Audio(200), Method("commit_audio"), Method("respond"), Until("agent_end")],
        settings=_TURN_OFF,
        expect=[
            SentInOrder(("input_audio_buffer.append", "input_audio_buffer.commit", "response.create")),
            History((("user", "Hello"), ("assistant", "Hello there."))),
        ],
        ours_only=True,
    ),
    Case(
        "commit, then a raw response.create",
        [Expect("input_audio_buffer.commit"), *s.committed(), s.transcribed(), _CREATE, *s.spoken_response()],
        [Audio(200, commit=True), SendRaw({"type": "response.create"}), Until("agent_end")],
        settings=_TURN_OFF,
        expect=[SentInOrder(("input_audio_buffer.commit", "response.create")), Saw("agent_end")],
    ),
    Case(
        "audio is thrown away",
        [Expect("input_audio_buffer.clear"), {"type": "input_audio_buffer.cleared"}],
        [Audio(100), Method("clear_audio")],
        settings=_TURN_OFF,
        expect=[Sent("input_audio_buffer.clear", times=1)],
        ours_only=True,
    ),
    Case(
        "an empty commit is told and the session goes on",
        [
            Expect("input_audio_buffer.commit"),
            s.error("input_audio_buffer_commit_empty", "buffer too small"),
            _CREATE,
            *s.spoken_response(),
        ],
        [SendRaw({"type": "input_audio_buffer.commit"}), Until("error"), Say("Hi"), Until("agent_end")],
        settings=_TURN_OFF,
        expect=[Saw("error", {"code": "input_audio_buffer_commit_empty"}), Saw("agent_end")],
    ),
    Case(
        "a turn that the server detects",
        [Expect("input_audio_buffer.append"), *s.heard(), *s.spoken_response()],
        [Audio(100), Until("agent_end")],
        expect=[
            History((("user", "Hello"), ("assistant", "Hello there."))),
            Sent("response.create", times=0),
            Sent("input_audio_buffer.commit", times=0),
        ],
    ),
    Case(
        "live captions of the user",
        [
            Expect("input_audio_buffer.append"),
            *s.committed(),
            {
                "type": "conversation.item.input_audio_transcription.delta",
                "item_id": "item_user",
                "content_index": 0,
                "delta": "Hel",
            },
            {
                "type": "conversation.item.input_audio_transcription.delta",
                "item_id": "item_user",
                "content_index": 0,
                "delta": "lo",
            },
            s.transcribed(),
        ],
        [Audio(100)],
        expect=[
            Saw("transcript_delta", {"role": "user", "delta": "Hel"}),
            Saw("transcript_delta", {"role": "user", "delta": "lo"}),
            History((("user", "Hello"),)),
        ],
        ours_only=True,
    ),
    Case(
        "a transcript fills the user's item",
        [Expect("input_audio_buffer.append"), *s.committed(), s.transcribed(transcript="Turn it up")],
        [Audio(100)],
        expect=[
            Saw("model:input_audio_transcription_completed", {"transcript": "Turn it up"}),
            History((("user", "Turn it up"),)),
        ],
    ),
    Case(
        "a failed transcription is told",
        [
            Expect("input_audio_buffer.append"),
            *s.committed(),
            {
                "type": "conversation.item.input_audio_transcription.failed",
                "item_id": "item_user",
                "content_index": 0,
                "error": {"type": "transcription_error", "code": "audio_unintelligible", "message": "?"},
            },
            *s.spoken_response(),
        ],
        [Audio(100), Until("agent_end")],
        expect=[Saw("error", {"code": "audio_unintelligible"}), Saw("agent_end")],
    ),
    Case(
        "the idle timeout",
        [
            Expect("input_audio_buffer.append"),
            {
                "type": "input_audio_buffer.timeout_triggered",
                "audio_start_ms": 0,
                "audio_end_ms": 6000,
                "item_id": "item_user",
            },
        ],
        [Audio(100)],
        expect=[Saw("input_audio_timeout_triggered", times=1)],
    ),
    Case(
        "a late transcript never touches the assistant's item",
        [
            Expect("input_audio_buffer.append"),
            *s.committed(),
            *s.spoken_response(),
            s.transcribed("item_user", "What did I say?"),
            s.transcribed("item_1", "Not his words."),
        ],
        [Audio(100), Until("agent_end")],
        expect=[
            History((("user", "What did I say?"), ("assistant", "Hello there."))),
            Sent("conversation.item.retrieve", times=0),
        ],
        point=8,
    ),
    Case(
        "audio bytes are not kept in the history",
        [
            _CREATE,
            s.item_added(
                s.message_item(
                    "item_user", "user", [{"type": "input_audio", "audio": "AAAA", "transcript": "Hi"}]
                )
            ),
            *s.spoken_response(),
            {
                "type": "conversation.item.retrieved",
                "item": s.message_item(
                    "item_1",
                    "assistant",
                    [{"type": "output_audio", "audio": "AAAA", "transcript": "Hello there."}],
                ),
            },
        ],
        [Say("Hello"), Until("agent_end")],
        expect=[
            Saw("history_updated"),
            Saw("history_updated", {"history": lambda h: any(i["holds_audio"] for i in h)}, times=0),
            Saw("history_added", {"item": {"holds_audio": True}}, times=0),
        ],
        point=8,
    ),
    Case(
        "an item of ten minutes hits no size limit",
        [
            _CREATE,
            {
                "type": "conversation.item.retrieved",
                "item": s.message_item(
                    "item_x",
                    "assistant",
                    [{"type": "output_audio", "audio": "A" * 12_000_000, "transcript": "Long."}],
                ),
            },
            *s.spoken_response(),
        ],
        [Say("Hello"), Until("agent_end")],
        expect=[Saw("agent_end"), Plays("item_1", 400)],
        point=8,
    ),
    Case(
        "a long reply is played whole",
        [_CREATE, *s.spoken_response(text="On and on. " * 50, ms=60_000, chunk_ms=2000)],
        [Say("Tell me a story"), Until("agent_end")],
        expect=[Plays("item_1", 60_000)],
        point=8,
    ),
]
