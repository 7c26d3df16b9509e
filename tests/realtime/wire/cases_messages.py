"""Messages: what the user writes, and requests of one's own."""

from __future__ import annotations

from typing import Any

from speakerd.realtime.testing import server_events as s
from speakerd.realtime.testing.loopback import Expect
from tests.realtime.wire.case import (
    Audio,
    Case,
    History,
    Method,
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


def _image(url: str) -> dict[str, Any]:
    return {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "What is it?"}, {"type": "input_image", "image_url": url}],
    }


CASES = [
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
]
