"""What users of such a layer ask, each answered by a documented call, over a real WebSocket.

The questions are those of the package's guide, in its order.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest

from speakerd.realtime import RealtimeAgent, RealtimeRunner, function_tool, text_of
from speakerd.realtime.items import AssistantMessageItem, SystemMessageItem
from speakerd.realtime.model_inputs import RealtimeModelSendRawMessage, RealtimeModelSendSessionUpdate
from speakerd.realtime.testing.loopback import Expect, LoopbackServer, Step, Wait
from speakerd.realtime.testing.server_events import (
    audio_delta,
    call_response,
    committed,
    error,
    heard,
    item_added,
    message_item,
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
    written_response,
)
from tests.realtime.layer import read_until
from tests.realtime.serving import at, serving, text_in

if TYPE_CHECKING:
    from speakerd.realtime import RealtimeSession

AGENT = RealtimeAgent("Assistant", instructions="Be helpful.")
SECOND = bytes(48_000)
LIMIT_S = 5


async def opened(
    server: LoopbackServer, agent: RealtimeAgent[Any] = AGENT, **config: Any
) -> RealtimeSession[Any]:
    """A session for `async with`."""
    return await RealtimeRunner(agent, config=config).run(model_config=at(server))  # type: ignore[arg-type]  # keys are checked where they are used


def session_updates(server: LoopbackServer) -> list[dict[str, Any]]:
    return [event["session"] for event in server.of_type("session.update")]


@pytest.mark.parametrize("age", ["beta", "GA"])
async def test_which_event_names_are_right_the_beta_or_the_ga_ones(age: str) -> None:
    """Both are understood; only GA names are sent."""
    script: list[Step] = [
        event
        if age == "GA"
        else {**event, "type": event["type"].replace("output_audio", "audio").replace("output_text", "text")}
        for event in spoken_response(text="Hello there.")
    ]
    async with (
        serving([Expect("response.create"), *script], strict_server=age == "GA") as server,
        await opened(server) as session,
    ):
        await session.send_message("Hi")
        events = await read_until(session, "agent_end")
        assert sum(len(event.audio.data) for event in events if event.type == "audio") == 400 * 48
        assert text_of(session.history[-1]) == "Hello there."


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


async def test_what_can_be_done_below_the_session() -> None:
    """Address, headers and key of one's own, a call that runs already, raw events, listeners."""
    async with serving([Expect("input_audio_buffer.clear")]) as server:
        config: Any = {"url": server.url, "headers": {"api-key": "azure"}, "call_id": "rtc_1"}
        async with await RealtimeRunner(AGENT).run(model_config=config) as session:
            await session.model.send_event(
                RealtimeModelSendRawMessage(message={"type": "input_audio_buffer.clear"})
            )
            await server.until_played()
        (connection,) = server.connections
        assert connection.path.endswith("&call_id=rtc_1")
        assert connection.headers["api-key"] == "azure"
        assert "Authorization" not in connection.headers


async def test_a_key_may_be_fetched_when_it_is_needed() -> None:
    async def fetch() -> str:
        return "ek_fresh"

    async with serving([Expect("session.update")]) as server:
        async with await RealtimeRunner(AGENT).run(model_config={"url": server.url, "api_key": fetch}):
            await server.until_played()
        assert server.connections[0].headers["Authorization"] == "Bearer ek_fresh"


async def test_one_runner_makes_many_sessions() -> None:
    runner = RealtimeRunner(AGENT)
    async with serving([Expect("session.update")]) as server:
        for _ in range(2):
            async with await runner.run(model_config=at(server)):
                await server.until_played()
        assert len(server.connections) == 2


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


async def test_how_to_change_the_instructions_of_a_session_that_runs() -> None:
    async with (
        serving([Expect("session.update"), Expect("session.update")]) as server,
        await opened(server) as session,
    ):
        updated_settings: Any = {"instructions": "New instructions here"}
        await session._model.send_event(RealtimeModelSendSessionUpdate(session_settings=updated_settings))
        await server.until_played()
        assert session_updates(server)[1] == {"type": "realtime", "instructions": "New instructions here"}


async def test_how_to_change_the_instructions_after_audio_without_a_voice_error() -> None:
    """Even when all settings are given again, only what changed is sent, and never the voice."""
    settings: Any = {"voice": "alloy", "modalities": ["audio"]}
    script: list[Step] = [Expect("response.create"), *spoken_response(), Expect("session.update")]
    async with serving(script) as server, await opened(server, model_settings=settings) as session:
        await session.send_message("Hi")
        await read_until(session, "agent_end")
        again: Any = {**settings, "voice": "verse", "instructions": "New."}
        await session._model.send_event(RealtimeModelSendSessionUpdate(session_settings=again))
        await server.until_played()
        first, second = session_updates(server)
        assert first["audio"]["output"]["voice"] == "alloy"
        assert second == {"type": "realtime", "instructions": "New."}


async def test_whether_to_clone_the_agent_to_change_its_instructions() -> None:
    script: list[Step] = [Expect("response.create"), *spoken_response(), Expect("session.update")]
    async with serving(script) as server, await opened(server, model_settings={"voice": "alloy"}) as session:
        await session.send_message("Hi")
        await read_until(session, "agent_end")
        new_agent = session.current_agent.clone(instructions="New instructions")
        await session.update_agent(new_agent)
        await server.until_played()
        assert session_updates(server)[1] == {"type": "realtime", "instructions": "New instructions"}
        assert session.current_agent is new_agent


async def test_what_instructions_and_what_a_prompt_are() -> None:
    prompted = RealtimeAgent(
        "Guide", prompt={"id": "pmpt_1", "version": "89", "variables": {"city": "Paris"}}
    )
    async with serving([Expect("session.update"), Expect("session.update")]) as server:
        async with await opened(server, prompted) as session:
            await session.update_agent(prompted.clone(prompt=None, instructions="No prompt any more."))
            await server.until_played()
        first, second = session_updates(server)
        assert first["prompt"] == {"id": "pmpt_1", "version": "89", "variables": {"city": "Paris"}}
        assert "instructions" not in first
        assert second == {"type": "realtime", "prompt": None, "instructions": "No prompt any more."}


async def test_how_to_speak_and_to_understand_french() -> None:
    agent = RealtimeAgent("Amélie", instructions="Always answer in French.")
    settings = {
        "model_name": "gpt-realtime-1.5",
        "audio": {
            "input": {
                "format": "pcm16",
                "transcription": {"model": "gpt-4o-mini-transcribe", "language": "fr"},
            },
            "output": {"format": "pcm16", "voice": "ash"},
        },
    }
    script: list[Step] = [
        Expect("session.update"),
        *heard(transcript="Il fait beau ?"),
        *spoken_response(text="Très beau."),
    ]
    async with serving(script) as server, await opened(server, agent, model_settings=settings) as session:
        await read_until(session, "agent_end")
        assert session_updates(server)[0]["audio"] == {
            "input": {
                "format": {"type": "audio/pcm", "rate": 24000},
                "transcription": {"model": "gpt-4o-mini-transcribe", "language": "fr"},
            },
            "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "ash"},
        }
        assert [text_of(item) for item in session.history] == ["Il fait beau ?", "Très beau."]


@pytest.mark.parametrize(
    "turn_detection",
    [
        {"type": "server_vad", "silence_duration_ms": 1000},
        {"type": "semantic_vad", "eagerness": "low", "create_response": True, "interrupt_response": True},
        None,
    ],
)
async def test_how_to_give_slow_speakers_time(turn_detection: Any) -> None:
    """By the flat name of older programs, and by the call made for it; with nothing else in the update."""
    async with serving([Expect("session.update"), Expect("session.update")], strict_server=True) as server:
        async with await opened(server) as session:
            await session._model.send_event(
                RealtimeModelSendSessionUpdate(session_settings={"turn_detection": turn_detection})
            )
            await session.update_settings(audio={"input": {"turn_detection": turn_detection}})
            await server.until_played()
        assert session_updates(server)[1:] == [
            {"type": "realtime", "audio": {"input": {"turn_detection": turn_detection}}}
        ]


async def test_how_to_make_the_model_wait_for_a_tool() -> None:
    """It does: no reply is asked for before the tool has answered, and audio goes on meanwhile."""
    release = asyncio.Event()

    @function_tool(timeout=10, timeout_behavior="error_as_result")
    async def get_random_fact(current_conversation_topic: str) -> str:
        """Find a fact."""
        await release.wait()
        return f"Octopuses have three hearts ({current_conversation_topic})"

    script: list[Step] = [
        Expect("response.create"),
        response_created("resp_0"),
        *spoken_begin("resp_0", "item_0"),
        *spoken_deltas("resp_0", "item_0", "Let me think.", 200),
        *call_response("resp_0", "get_random_fact", '{"current_conversation_topic": "sea"}')[1:-1],
        *spoken_end("resp_0", "item_0", "Let me think."),
        response_done("resp_0"),
        Expect("response.create"),
        *spoken_response("resp_1", "item_1", "An octopus has three hearts."),
    ]
    async with (
        serving(script) as server,
        await opened(server, RealtimeAgent("Ada", tools=[get_random_fact])) as session,
    ):
        await session.send_message("A fact, please.")
        events = await read_until(session, "agent_end")
        assert "audio" in [event.type for event in events]
        assert len(server.of_type("response.create")) == 1
        release.set()
        await read_until(session, lambda event: event.type == "agent_end" and event.response_id == "resp_1")
        output, create = server.received[-2:]
        assert output["item"]["output"] == "Octopuses have three hearts (sea)"
        assert create["type"] == "response.create"


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


async def test_why_no_reply_comes_and_how_to_ask_for_it() -> None:
    """Without turn detection nobody answers until the turn is committed and a reply is asked for."""
    script: list[Step] = [
        Expect("input_audio_buffer.commit"),
        *committed("item_u"),
        transcribed("item_u", "Are you there?"),
        Expect("response.create"),
        *spoken_response(text="I am."),
    ]
    settings = {"turn_detection": None}
    async with serving(script) as server, await opened(server, model_settings=settings) as session:
        await session.send_audio(SECOND, commit=True)
        events = await read_until(session, "input_audio_committed")
        assert "agent_start" not in [event.type for event in events]
        await session.respond()
        await read_until(session, "agent_end")
        assert [text_of(item) for item in session.history] == ["Are you there?", "I am."]
        assert session_updates(server)[0]["audio"]["input"] == {"turn_detection": None}


async def test_how_to_see_what_the_server_really_says() -> None:
    script: list[Step] = [
        Expect("input_audio_buffer.commit"),
        error("input_audio_buffer_commit_empty", "too short"),
    ]
    async with serving(script) as server, await opened(server) as session:
        await session.commit_audio()
        events = await read_until(session, "error")
        raw = [event.data for event in events if event.type == "raw_model_event"]
        assert "error" in [event.data["type"] for event in raw if event.type == "raw_server_event"]
        complaint = events[-1]
        assert complaint.type == "error"
        assert "input_audio_buffer_commit_empty" in json.dumps(complaint.to_dict())


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


def test_the_guide_names_only_what_there_is() -> None:
    import re

    import speakerd.realtime as layer
    from speakerd.realtime import RealtimeSession
    from speakerd.realtime.events import RealtimeSessionEvent

    guide = layer.__doc__ or ""
    for name in re.findall(r"session\.(\w+)", guide):
        assert hasattr(RealtimeSession, name), name
    for name in re.findall(r"\bRealtime\w+", guide):
        assert hasattr(layer, name), name
    types = {event.__dataclass_fields__["type"].default for event in RealtimeSessionEvent.__args__}
    named = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", guide)) & {each for each in types if "_" in each}
    assert {"transcript_delta", "history_added", "tool_start", "agent_end"} <= named


async def test_how_to_let_the_models_server_call_tools_with_leave() -> None:
    from speakerd.realtime import HostedMCPTool

    wiki = HostedMCPTool(
        {"server_label": "wiki", "server_url": "https://wiki.example/mcp", "require_approval": "always"}
    )
    request = {
        "id": "mcpr_1",
        "type": "mcp_approval_request",
        "server_label": "wiki",
        "name": "search",
        "arguments": '{"q": "octopus"}',
    }
    script: list[Step] = [
        Expect("session.update"),
        response_created("resp_1"),
        item_added(request),
        {"type": "conversation.item.done", "item": request, "previous_item_id": None},
        response_done("resp_1", output=[request]),
        Expect("conversation.item.create"),
    ]
    async with serving(script) as server, await opened(server, RealtimeAgent("Ada", tools=[wiki])) as session:
        (*_, asked) = await read_until(session, "tool_approval_required")
        assert asked.type == "tool_approval_required"
        assert (asked.tool, asked.arguments) == (wiki, '{"q": "octopus"}')
        await session.approve_tool_call(asked.call_id)
        await server.until_played()
        answer = server.of_type("conversation.item.create")[0]["item"]
        assert (answer["type"], answer["approval_request_id"], answer["approve"]) == (
            "mcp_approval_response",
            "mcpr_1",
            True,
        )
        assert session_updates(server)[0]["tools"] == [wiki.to_dict()]
