"""Talking: messages, audio both ways, transcripts, history, errors, odd servers."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from speakerd.realtime.testing import server_events as s
from speakerd.realtime.testing.loopback import Expect, Raw
from tests.realtime.wire.case import (
    Audio,
    Case,
    History,
    Method,
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
_TURN_OFF = {"turn_detection": None}


def _survives(name: str, *frames: Any, point: int | None = 9, error: bool | None = None, **more: Any) -> Case:
    """After these frames the session goes on: a turn behind them is had in full."""
    expect: list[Any] = [Plays("item_after", 200), Saw("agent_end", times=1)]
    if error is not None:
        expect.append(Saw("error") if error else Saw("error", times=0))
    return Case(
        name,
        [_CREATE, *frames, *s.spoken_response("resp_after", "item_after", ms=200)],
        [Say("Hello"), Until("agent_end")],
        expect=expect,
        point=point,
        **more,
    )


def _without(event: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key not in keys}


def _image(url: str) -> dict[str, Any]:
    return {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "What is it?"}, {"type": "input_image", "image_url": url}],
    }


def _home_response() -> list[dict[str, Any]]:
    """As home servers do it: `created` items only, beta names, no indexes, no parts, no usage."""
    pcm = b64encode(b"\1\0" * 2400).decode()
    where = {"response_id": "resp_1", "item_id": "item_1"}
    return [
        {"type": "response.created", "response": {"id": "resp_1"}},
        {
            "type": "conversation.item.created",
            "item": {"id": "item_1", "type": "message", "role": "assistant", "content": []},
        },
        {"type": "response.audio.delta", **where, "delta": pcm},
        {"type": "response.audio_transcript.delta", **where, "delta": "Hello there."},
        {"type": "response.audio.done", **where},
        {"type": "response.audio_transcript.done", **where, "transcript": "Hello there."},
        {"type": "response.done", "response": {"id": "resp_1", "status": "completed", "output": []}},
    ]


_TWO_ITEMS = [
    s.response_created("resp_1"),
    *s.spoken_begin("resp_1", "item_a", 0),
    *s.spoken_deltas("resp_1", "item_a", "First.", 200, output_index=0),
    *s.spoken_end("resp_1", "item_a", "First.", 0),
    *s.spoken_begin("resp_1", "item_b", 1),
    *s.spoken_deltas("resp_1", "item_b", "Second.", 300, output_index=1),
    *s.spoken_end("resp_1", "item_b", "Second.", 1),
    s.response_done("resp_1", output=[s.spoken_item("item_a", "First."), s.spoken_item("item_b", "Second.")]),
]

CASES = [
    # Messages.
    Case(
        "a message asks for a reply",
        [_CREATE, *s.spoken_response()],
        [Say("Hello"), Until("agent_end")],
        expect=[
            SentInOrder(("conversation.item.create", "response.create")),
            Sent(
                "conversation.item.create",
                {
                    "item": {
                        "type": "message",
                        "role": "user",
                        "content": [{"type": "input_text", "text": "Hello"}],
                    }
                },
            ),
            SawInOrder(("agent_start", "audio", "audio_end", "agent_end")),
        ],
    ),
    Case(
        "a message in parts",
        [_CREATE, *s.spoken_response()],
        [
            Say(
                {
                    "type": "message",
                    "role": "user",
                    "content": [{"type": "input_text", "text": "A"}, {"type": "input_text", "text": "B"}],
                }
            ),
            Until("agent_end"),
        ],
        expect=[Sent("conversation.item.create", {"item": {"content": [{"text": "A"}, {"text": "B"}]}})],
    ),
    Case(
        "a picture",
        [_CREATE, *s.spoken_response()],
        [Say(_image("data:image/png;base64,AAAA")), Until("agent_end")],
        expect=[
            Sent(
                "conversation.item.create",
                {
                    "item": {
                        "content": [
                            {"type": "input_text"},
                            {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
                        ]
                    }
                },
            )
        ],
    ),
    Case(
        "text of any script",
        [_CREATE, *s.spoken_response(text="Grüße, 世界")],
        [Say('Здравствуй 🌍 "quoted" \\ \n'), Until("agent_end")],
        expect=[
            Sent(
                "conversation.item.create", {"item": {"content": [{"text": 'Здравствуй 🌍 "quoted" \\ \n'}]}}
            ),
            History((("assistant", "Grüße, 世界"),)),
        ],
    ),
    Case(
        "a long message",
        [_CREATE, *s.spoken_response()],
        [Say("word " * 40_000), Until("agent_end")],
        expect=[Sent("conversation.item.create", {"item": {"content": [{"text": "word " * 40_000}]}})],
    ),
    Case(
        "a confirmed message is in the history",
        [
            Expect(
                "conversation.item.create", then=lambda e: s.user_text(e["item"].get("id", "item_u"), "Hello")
            ),
            _CREATE,
            *s.spoken_response(),
        ],
        [Say("Hello"), Until("agent_end")],
        expect=[History((("user", "Hello"), ("assistant", "Hello there.")))],
    ),
    Case(
        "context is added without a reply",
        [Expect("conversation.item.create"), *s.user_text("x", "y")[:0]],
        [Method("add_context", ("It rains.",))],
        expect=[
            Sent(
                "conversation.item.create",
                {"item": {"role": "system", "content": [{"type": "input_text", "text": "It rains."}]}},
            ),
            Sent("response.create", times=0),
        ],
        ours_only=True,
    ),
    Case(
        "a reply is asked for by hand",
        [_CREATE, *s.spoken_response()],
        [Method("respond", (), {"instructions": "Say hello."}), Until("agent_end")],
        expect=[Sent("response.create", {"response": {"instructions": "Say hello."}})],
        ours_only=True,
    ),
    Case(
        "a raw response.create out of band",
        [_CREATE, *s.written_response(out_of_band=True, metadata={"topic": "pizza"})],
        [
            SendRaw(
                {
                    "type": "response.create",
                    "other_data": {
                        "response": {
                            "conversation": "none",
                            "metadata": {"topic": "pizza"},
                            "output_modalities": ["text"],
                            "input": [
                                {"type": "item_reference", "id": "item_9"},
                                {
                                    "type": "message",
                                    "role": "user",
                                    "content": [{"type": "input_text", "text": "Pineapple?"}],
                                },
                            ],
                        }
                    },
                }
            ),
            Until("agent_end"),
        ],
        expect=[
            Sent("response.create", {"response": {"conversation": "none", "metadata": {"topic": "pizza"}}}),
            Saw("agent_end"),
        ],
    ),
    Case(
        "an out-of-band reply leaves the history alone",
        [_CREATE, *s.written_response(out_of_band=True, metadata={"topic": "mood"})],
        [Method("respond", (), {"conversation": "none", "metadata": {"topic": "mood"}}), Until("agent_end")],
        expect=[
            Saw("history_added", times=0),
            Saw(
                "agent_end",
                {"output_text": "Hello there.", "metadata": {"topic": "mood"}, "out_of_band": True},
            ),
        ],
        ours_only=True,
    ),
    Case(
        "a raw client event goes out as it is",
        [Expect("conversation.item.retrieve")],
        [SendRaw({"type": "conversation.item.retrieve", "other_data": {"item_id": "item_7"}})],
        expect=[Sent("conversation.item.retrieve", {"item_id": "item_7"})],
    ),
    Case(
        "every client event has an id",
        [_CREATE, *s.spoken_response(), Expect("input_audio_buffer.commit")],
        [Say("Hello"), Until("agent_end"), Audio(100, commit=True)],
        settings=_TURN_OFF,
        expect=[
            Sent("conversation.item.create", {"event_id": bool}),
            Sent("response.create", {"event_id": bool}),
            Sent("input_audio_buffer.append", {"event_id": bool}),
            Sent("input_audio_buffer.commit", {"event_id": bool}),
        ],
    ),
    # The user's audio.
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
    # Replies.
    Case(
        "sound comes through byte for byte",
        [
            _CREATE,
            s.response_created(),
            *s.spoken_begin("resp_1", "item_1"),
            s.audio_delta("resp_1", "item_1", bytes(range(256)) * 4),
            s.response_done(),
        ],
        [Say("Hello"), Until("agent_end")],
        expect=[Saw("audio", {"data": bytes(range(256)) * 4, "item_id": "item_1", "response_id": "resp_1"})],
    ),
    Case(
        "live captions of the assistant",
        [_CREATE, *s.spoken_response(text="One two three", ms=300)],
        [Say("Count"), Until("agent_end")],
        expect=[
            Saw("model:transcript_delta", {"delta": "One"}),
            Saw("model:transcript_delta", {"delta": " two"}),
            Saw("model:transcript_delta", {"delta": " three"}),
            History((("assistant", "One two three"),)),
        ],
    ),
    Case(
        "a written reply",
        [_CREATE, *s.written_response(text="In writing.")],
        [Say("Write"), Until("agent_end")],
        settings={"output_modalities": ["text"]},
        expect=[History((("assistant", "In writing."),)), Saw("audio", times=0)],
    ),
    Case(
        "two spoken items in one reply",
        [_CREATE, *_TWO_ITEMS],
        [Say("Hello"), Until("agent_end")],
        expect=[
            Plays("item_a", 200),
            Plays("item_b", 300),
            History((("assistant", "First."), ("assistant", "Second."))),
        ],
    ),
    Case(
        "two turns, one after the other",
        [_CREATE, *s.spoken_response(), _CREATE, *s.spoken_response("resp_2", "item_2", "Again.")],
        [Say("One"), Until("agent_end"), Say("Two"), Until("agent_end", count=2)],
        expect=[
            Sent("response.create", times=2),
            History((("assistant", "Hello there."), ("assistant", "Again."))),
        ],
    ),
    Case(
        "usage is counted",
        [_CREATE, *s.spoken_response(usage=s.usage(100, 50))],
        [Say("Hello"), Until("agent_end")],
        expect=[Saw("usage", {"input": 100, "total": 150})],
        ours_only=True,
    ),
    Case(
        "a reply without usage",
        [_CREATE, *s.spoken_response()[:-1], _without(s.response_done(), "usage")],
        [Say("Hello"), Until("agent_end")],
        expect=[Saw("agent_end"), Saw("error", times=0)],
    ),
    Case(
        "a reply that failed is told",
        [
            _CREATE,
            s.response_created(),
            {
                "type": "response.done",
                "response": {
                    **s.response("resp_1", "failed"),
                    "status_details": {
                        "type": "failed",
                        "error": {"type": "server_error", "code": "overloaded"},
                    },
                },
            },
        ],
        [Say("Hello"), Until("agent_end")],
        expect=[Saw("error", {"code": "overloaded"}), Saw("agent_end")],
    ),
    Case(
        "a reply cut short by its limit ends",
        [
            _CREATE,
            *s.spoken_response()[:-1],
            s.response_done(status="incomplete", reason="max_output_tokens"),
            _CREATE,
            *s.spoken_response("resp_2", "item_2"),
        ],
        [Say("Hello"), Until("agent_end"), Say("Go on"), Until("agent_end", count=2)],
        expect=[Plays("item_2", 400)],
    ),
    Case(
        "every frame is passed on raw",
        [_CREATE, {"type": "rate_limits.updated", "rate_limits": []}, *s.spoken_response()],
        [Say("Hello"), Until("agent_end")],
        expect=[Saw("raw", {"server": "rate_limits.updated"}), Saw("raw", {"server": "response.done"})],
    ),
    # Home and older servers.
    Case(
        "a home server's reply",
        [_CREATE, *_home_response()],
        [Say("Hello"), Until("agent_end")],
        expect=[Plays("item_1", 100), History((("assistant", "Hello there."),)), Saw("error", times=0)],
    ),
    Case(
        "beta names of text",
        [
            _CREATE,
            s.response_created(),
            {
                "type": "response.text.delta",
                "response_id": "resp_1",
                "item_id": "item_1",
                "output_index": 0,
                "content_index": 0,
                "delta": "Old words",
            },
            s.response_done(),
        ],
        [Say("Hello"), Until("agent_end")],
        expect=[History((("assistant", "Old words"),))],
    ),
    Case(
        "items told as created only",
        [
            Expect(
                "conversation.item.create",
                then=lambda e: [
                    {
                        "type": "conversation.item.created",
                        "item": s.message_item(
                            e["item"].get("id", "u"), "user", [{"type": "input_text", "text": "Hello"}]
                        ),
                    }
                ],
            ),
            _CREATE,
            *s.spoken_response(),
        ],
        [Say("Hello"), Until("agent_end")],
        expect=[History((("user", "Hello"), ("assistant", "Hello there.")))],
    ),
    Case(
        "deltas before their response was created",
        [_CREATE, *s.spoken_response()[1:]],
        [Say("Hello"), Until("agent_end")],
        expect=[Plays("item_1", 400), Saw("agent_end", times=1)],
    ),
    # Frames out of order.
    _survives("a frame that is no JSON", Raw("{not json"), error=True),
    _survives(
        "a frame cut off in the middle",
        Raw('{"type": "response.output_audio.delta", "delta": "AAA'),
        error=True,
    ),
    _survives("an empty frame", Raw(""), error=True),
    _survives("a frame that is a list", Raw("[1, 2]"), error=True),
    _survives("a frame that is a number", Raw("7"), error=True),
    _survives("a frame without a type", Raw('{"hello": 1}'), error=True),
    _survives("a type that is no text", Raw('{"type": 5}'), error=True),
    _survives("deeply nested JSON", Raw("[" * 100_000), error=True),
    _survives("an unknown event", {"type": "response.brand_new.delta", "x": 1}, error=False),
    _survives("a ping event", {"type": "ping"}, error=False),
    _survives(
        "a delta that is no base64",
        {**s.audio_delta("resp_after", "item_after", b""), "delta": "***"},
        error=True,
    ),
    _survives(
        "a delta that is null", {**s.audio_delta("resp_after", "item_after", b""), "delta": None}, error=True
    ),
    _survives("an item that is null", {"type": "conversation.item.added", "item": None}),
    _survives(
        "an item of an unknown kind",
        {"type": "conversation.item.added", "item": {"id": "x", "type": "hologram"}},
    ),
    _survives(
        "a transcript without an item",
        {"type": "conversation.item.input_audio_transcription.completed", "transcript": "x"},
    ),
    _survives("an error without details", {"type": "error"}, error=True),
    _survives("an error that is a text", {"type": "error", "error": "oops"}, error=True),
    _survives(
        "an error of the server", s.error("server_error", "try later", kind="server_error"), error=True
    ),
    _survives("the slug in the error's type", s.error(None, "?", kind="rate_limit_exceeded"), error=True),
    _survives("a NaN", Raw('{"type": "rate_limits.updated", "rate_limits": [NaN]}')),
    _survives("a lone surrogate", Raw('{"type": "rate_limits.updated", "x": "\\ud800"}')),
    _survives(
        "events of item lists", {"type": "conversation.item.deleted", "item_id": "item_gone"}, error=False
    ),
    Case(
        "a failure loses no event that was queued",
        [_CREATE, *s.spoken_response(), Raw("{not json"), *s.spoken_response("resp_2", "item_2", ms=200)],
        [Say("Hello"), Until("agent_end", count=2)],
        expect=[Plays("item_1", 400), Plays("item_2", 200)],
        point=9,
    ),
    Case(
        "binary frames are read like text",
        [_CREATE, *(Raw(json.dumps({"event_id": "e", **event})) for event in s.spoken_response())],
        [Say("Hello"), Until("agent_end")],
        expect=[Plays("item_1", 400)],
    ),
]
