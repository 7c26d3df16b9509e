"""Replies: sound, captions, usage, and as home and older servers give them."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from speakerd.realtime.testing import server_events as s
from speakerd.realtime.testing.loopback import Expect
from tests.realtime.wire.case import Case, History, Plays, Saw, Say, Sent, Until

_CREATE = Expect("response.create")


def _without(event: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key not in keys}


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
]
