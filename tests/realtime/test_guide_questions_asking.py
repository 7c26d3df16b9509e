"""What users of such a layer ask about telling the model something, beside or in the conversation, each answered over a real WebSocket."""

from __future__ import annotations

from typing import Any

from speakerd.realtime import text_of
from speakerd.realtime.items import SystemMessageItem
from speakerd.realtime.model.inputs import RealtimeModelSendRawMessage
from speakerd.realtime.testing.loopback import Expect, Step
from speakerd.realtime.testing.server_events import (
    audio_delta,
    item_added,
    message_item,
    response_created,
    response_done,
    spoken_begin,
    spoken_end,
    spoken_response,
    written_response,
)
from tests.realtime.layer import read_until
from tests.realtime.serving import opened, serving, text_in

SECOND = bytes(48_000)


async def test_how_to_tell_the_model_something_without_a_reply_and_without_interrupting_it() -> None:
    """`add_context`: permanent, silent, also while it speaks."""
    script: list[Step] = [
        Expect("response.create"),
        response_created("resp_1"),
        *spoken_begin("resp_1", "item_1"),
        audio_delta("resp_1", "item_1", SECOND),
        Expect(
            "conversation.item.create",
            then=lambda event: [
                item_added(message_item(event["item"]["id"], "system", event["item"]["content"]))
            ],
        ),
        *spoken_end("resp_1", "item_1", "A long story."),
        response_done("resp_1"),
    ]
    async with serving(script) as server, await opened(server) as session:
        await session.send_message("Tell me a story.")
        await read_until(session, "audio")
        await session.add_context("It has begun to rain.")
        await read_until(session, "agent_end")
        assert server.types() == [
            "session.update",
            "conversation.item.create",
            "response.create",
            "conversation.item.create",
        ]
        added = server.received[-1]["item"]
        assert (added["role"], text_in(server.received[-1])) == ("system", "It has begun to rain.")
        (system,) = [item for item in session.history if isinstance(item, SystemMessageItem)]
        assert text_of(system) == "It has begun to rain."


async def test_how_to_put_context_before_all_that_was_said() -> None:
    async with serving([Expect("conversation.item.create")]) as server, await opened(server) as session:
        await session.add_context("The user is called Ada.", previous_item_id="root")
        await server.until_played()
        assert server.received[-1]["previous_item_id"] == "root"


async def test_how_to_send_any_client_event() -> None:
    async with (
        serving([Expect("response.create"), *spoken_response()]) as server,
        await opened(server) as session,
    ):
        await session.model.send_event(RealtimeModelSendRawMessage(message={"type": "response.create"}))
        await read_until(session, "agent_end")


async def test_how_to_ask_something_beside_the_conversation() -> None:
    """A raw `response.create` with `conversation: "none"`, and the same by `respond`."""
    body: dict[str, Any] = {
        "conversation": "none",
        "metadata": {"topic": "pizza"},
        "output_modalities": ["text"],
        "input": [
            {"type": "item_reference", "id": "item_7"},
            {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "May pineapple be on a pizza?"}],
            },
        ],
    }
    answers = [
        written_response(f"resp_{n}", f"item_{n}", "It may.", out_of_band=True, metadata={"topic": "pizza"})
        for n in (1, 2)
    ]
    script: list[Step] = [Expect("response.create"), *answers[0], Expect("response.create"), *answers[1]]
    async with serving(script) as server, await opened(server) as session:
        await session.model.send_event(
            RealtimeModelSendRawMessage(message={"type": "response.create", "response": body})
        )
        (*_, first) = await read_until(session, "agent_end")
        await session.respond(
            conversation="none", metadata={"topic": "pizza"}, output_modalities=["text"], input=body["input"]
        )
        (*_, second) = await read_until(session, "agent_end")
        for end in (first, second):
            assert end.type == "agent_end"
            assert (end.out_of_band, end.metadata, end.output_text) == (True, {"topic": "pizza"}, "It may.")
        assert session.history == []
        assert [event["response"] for event in server.of_type("response.create")] == [body, body]


async def test_how_to_show_a_picture() -> None:
    async with (
        serving([Expect("response.create"), *spoken_response(text="A cat.")]) as server,
        await opened(server) as session,
    ):
        await session.send_message(
            {
                "type": "message",
                "role": "user",
                "content": [
                    {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"},
                    {"type": "input_text", "text": "What is this?"},
                ],
            }
        )
        await read_until(session, "agent_end")
        assert server.received[1]["item"]["content"] == [
            {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"},
            {"type": "input_text", "text": "What is this?"},
        ]
