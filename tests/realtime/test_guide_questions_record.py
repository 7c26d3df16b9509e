"""What users of such a layer ask about the history, events and transcripts, each answered over a real WebSocket."""

from __future__ import annotations

import asyncio
import dataclasses
import json

from speakerd.realtime import RealtimeAgent, RealtimeRunner, function_tool, text_of
from speakerd.realtime.items import AssistantMessageItem
from speakerd.realtime.testing.loopback import Expect, Step, Wait
from speakerd.realtime.testing.server_events import (
    call_response,
    committed,
    error,
    heard,
    response_created,
    response_done,
    spoken_begin,
    spoken_deltas,
    spoken_end,
    spoken_response,
    transcribed,
    transcript_delta,
    usage,
    user_text,
)
from tests.realtime.layer import LIMIT_S, read_until
from tests.realtime.serving import AGENT, at, opened, serving


async def test_how_to_read_the_history_and_compare_it_with_ones_own_record() -> None:
    script: list[Step] = [
        Expect("conversation.item.create", then=lambda event: user_text(event["item"]["id"], "Hi")),
        Expect("response.create"),
        *spoken_response(text="Hello there."),
    ]
    async with serving(script) as server, await opened(server) as session:
        await session.send_message("Hi")
        events = await read_until(session, "agent_end")
        record = [(item.role, text_of(item)) for item in session.history if item.type == "message"]
        assert record == [("user", "Hi"), ("assistant", "Hello there.")]
        told = [event.history for event in events if event.type == "history_updated"]
        assert [text_of(item) for item in told[-1]] == ["Hi", "Hello there."]
        json.dumps([item.to_dict() for item in session.history])


async def test_how_to_keep_a_sequential_record_of_what_was_said_and_which_tools_ran() -> None:
    @function_tool
    def get_time() -> str:
        """Tell the time."""
        return "12:00"

    script: list[Step] = [
        Expect("session.update"),
        *heard("item_u", "What time is it?"),
        *call_response("resp_1", "get_time"),
        Expect("response.create"),
        *spoken_response("resp_2", "item_a", "It is noon."),
    ]
    async with (
        serving(script) as server,
        await opened(server, RealtimeAgent("Ada", tools=[get_time])) as session,
    ):
        record: list[tuple[str, ...]] = []
        said: dict[str, str] = {}
        async with asyncio.timeout(LIMIT_S):
            async for event in session:
                if event.type == "tool_start":
                    record.append(("tool", event.tool.name, event.arguments))
                elif event.type == "tool_end":
                    record.append(("result", event.tool.name, event.output))
                elif event.type in ("history_added", "history_updated"):
                    items = [event.item] if event.type == "history_added" else event.history
                    for item in items:
                        if item.type == "message" and item.item_id not in said and text_of(item):
                            record.append((item.role,))
                        if item.type == "message" and text_of(item):
                            said[item.item_id] = text_of(item)
                elif event.type == "agent_end" and event.response_id == "resp_2":
                    break
    assert record == [("user",), ("tool", "get_time", "{}"), ("result", "get_time", "12:00"), ("assistant",)]
    assert list(said.values()) == ["What time is it?", "It is noon."]


async def test_how_to_turn_events_into_dictionaries() -> None:
    script: list[Step] = [Expect("response.create"), *spoken_response(usage=usage()), error("odd")]
    async with serving(script) as server, await opened(server) as session:
        await session.send_message("Hi")
        events = await read_until(session, "error")
    for event in events:
        data = json.loads(json.dumps(event.to_dict()))
        assert data["type"] == event.type
        assert set(data) == {field.name for field in dataclasses.fields(event)} - {"info"}
    (spent,) = [event.to_dict() for event in events if event.type == "usage"]
    assert spent["total"]["total_tokens"] == 150


async def test_when_agent_start_and_agent_end_come() -> None:
    """With `response.created` and `response.done`: one pair for each reply."""
    script: list[Step] = [
        Expect("response.create"),
        *spoken_response(),
        Expect("response.create"),
        *spoken_response("resp_2", "item_2"),
    ]
    async with serving(script) as server, await opened(server) as session:
        for number in (1, 2):
            await session.send_message("Hi")
            events = await read_until(session, "agent_end")
            pair = [event for event in events if event.type in ("agent_start", "agent_end")]
            assert [event.to_dict()["response_id"] for event in pair] == [f"resp_{number}"] * 2


async def test_how_to_show_a_transcript_that_grows_as_both_speak() -> None:
    user_delta = {
        "type": "conversation.item.input_audio_transcription.delta",
        "item_id": "item_u",
        "content_index": 0,
    }
    script: list[Step] = [
        Expect("session.update"),
        *committed("item_u"),
        {**user_delta, "delta": "Tell me "},
        {**user_delta, "delta": "a story"},
        transcribed("item_u", "Tell me a story."),
        response_created("resp_1"),
        *spoken_begin("resp_1", "item_a"),
        transcript_delta("resp_1", "item_a", "Once "),
        transcript_delta("resp_1", "item_a", "upon a time"),
        *spoken_end("resp_1", "item_a", "Once upon a time"),
        response_done("resp_1"),
    ]
    screen: dict[str, str] = {}
    frames: list[str] = []
    async with serving(script) as server, await opened(server) as session:
        async with asyncio.timeout(LIMIT_S):
            async for event in session:
                if event.type == "transcript_delta":
                    screen[event.item_id] = screen.get(event.item_id, f"{event.role}: ") + event.delta
                    frames.append(screen[event.item_id])
                elif event.type == "agent_end":
                    break
    assert frames == [
        "user: Tell me ",
        "user: Tell me a story",
        "assistant: Once ",
        "assistant: Once upon a time",
    ]


async def test_what_the_history_shows_after_an_interruption() -> None:
    """What was heard: the tracker says how much left the loudspeaker."""
    from speakerd.realtime import RealtimePlaybackTracker

    tracker = RealtimePlaybackTracker()
    words = "one two three four five six seven eight nine ten"
    script: list[Step] = [
        Expect("response.create"),
        response_created("resp_1"),
        *spoken_begin("resp_1", "item_1"),
        *spoken_deltas("resp_1", "item_1", words, 1000),
        Expect("response.cancel"),
        response_done("resp_1", "cancelled", reason="client_cancelled"),
        Wait(0),
    ]
    async with serving(script) as server:
        async with await RealtimeRunner(AGENT).run(
            model_config=at(server, playback_tracker=tracker)
        ) as session:
            await session.send_message("Count.")
            received = 0
            async with asyncio.timeout(LIMIT_S):
                async for event in session:
                    if event.type == "audio":
                        received += len(event.audio.data)
                        if received == 48_000:
                            tracker.on_play_ms("item_1", 0, 500)
                            await session.interrupt()
                    elif event.type == "agent_end":
                        break
            (reply,) = [item for item in session.history if isinstance(item, AssistantMessageItem)]
            assert words.startswith(text_of(reply))
            assert 3 <= len(text_of(reply).split()) <= 6
            assert reply.status == "incomplete"
        (truncation,) = server.of_type("conversation.item.truncate")
        assert (truncation["item_id"], truncation["audio_end_ms"]) == ("item_1", 500)
