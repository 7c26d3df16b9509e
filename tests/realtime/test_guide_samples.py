"""Programs written the way the documents show, run against a real WebSocket: only their imports are ours."""

# ruff: noqa: T201  # the programs print, as programs do
from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from speakerd.realtime import (
    GuardrailFunctionOutput,
    RealtimeAgent,
    RealtimeRunner,
    RunContextWrapper,
    function_tool,
    output_guardrail,
    realtime_handoff,
)
from speakerd.realtime.testing.loopback import Call, Expect, LoopbackServer, Step, Wait
from speakerd.realtime.testing.server_events import (
    audio_delta,
    call_response,
    error,
    heard,
    response_created,
    response_done,
    session_updated,
    spoken_begin,
    spoken_end,
    spoken_response,
    transcript_delta,
)
from speakerd.realtime.transport import url
from tests.limits import limit
from tests.realtime.serving import at, serving, text_in

if TYPE_CHECKING:
    import pytest

PCM = bytes(4800)


def is_for(monkeypatch: pytest.MonkeyPatch, server: LoopbackServer) -> None:
    """Let the hosted service be our server, so that a program needs no change at all."""
    monkeypatch.setattr(url, "DEFAULT_URL", server.url.partition("?")[0])
    monkeypatch.setenv("OPENAI_API_KEY", "test")


async def test_the_quickstart_prints_both_sides(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def main() -> None:
        agent = RealtimeAgent(name="Assistant", instructions="Be helpful, and talk like a friend.")
        runner = RealtimeRunner(
            starting_agent=agent,
            config={
                "model_settings": {
                    "model_name": "gpt-4o-realtime-preview",
                    "voice": "alloy",
                    "modalities": ["text", "audio"],
                }
            },
        )
        session = await runner.run()
        async with session:
            await session.send_message("Hello! How is life?")
            async for event in session:
                if event.type == "response.audio_transcript.done":
                    print(f"Assistant: {event.transcript}")
                elif event.type == "conversation.item.input_audio_transcription.completed":
                    print(f"User: {event.transcript}")
                    return

    script: list[Step] = [
        Expect("response.create"),
        *spoken_response(text="Very well, and yours?"),
        *heard(transcript="Fine."),
    ]
    async with serving(script) as server:
        is_for(monkeypatch, server)
        await asyncio.wait_for(main(), limit(5))
    assert capsys.readouterr().out == "Assistant: Very well, and yours?\nUser: Fine.\n"
    update, message, create = server.received[:3]
    assert update["session"]["audio"]["output"] == {"voice": "alloy"}
    assert update["session"]["output_modalities"] == ["audio"]
    assert update["session"]["instructions"] == "Be helpful, and talk like a friend."
    assert text_in(message) == "Hello! How is life?"
    assert create["type"] == "response.create"
    assert server.connections[0].path == "/v1/realtime?model=gpt-4o-realtime-preview"
    assert server.connections[0].headers["Authorization"] == "Bearer test"
    assert "OpenAI-Beta" not in server.connections[0].headers


async def test_the_complete_example_with_audio_settings_ends_at_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def main() -> None:
        agent = RealtimeAgent(name="Assistant", instructions="Be brief.")
        runner = RealtimeRunner(
            starting_agent=agent,
            config={
                "model_settings": {
                    "model_name": "gpt-4o-realtime-preview",
                    "voice": "alloy",
                    "modalities": ["text", "audio"],
                    "input_audio_transcription": {"model": "whisper-1"},
                    "turn_detection": {
                        "type": "server_vad",
                        "threshold": 0.5,
                        "prefix_padding_ms": 300,
                        "silence_duration_ms": 200,
                    },
                }
            },
        )
        session = await runner.run(model_config={"api_key": "given"})
        async with session:
            async for event in session:
                if event.type == "response.audio_transcript.done":
                    print(f"Assistant: {event.transcript}")
                elif event.type == "conversation.item.input_audio_transcription.completed":
                    print(f"User: {event.transcript}")
                elif event.type == "error":
                    print(f"Error: {event.error}")
                    break

    script: list[Step] = [
        Expect("session.update"),
        *heard(transcript="Who are you?"),
        *spoken_response(text="A friend."),
        error("odd"),
    ]
    async with serving(script) as server:
        is_for(monkeypatch, server)
        await asyncio.wait_for(main(), limit(5))
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["User: Who are you?", "Assistant: A friend."]
    assert lines[2].startswith("Error: ")
    assert "odd" in lines[2]
    assert server.received[0]["session"]["audio"]["input"] == {
        "transcription": {"model": "whisper-1"},
        "turn_detection": {
            "type": "server_vad",
            "threshold": 0.5,
            "prefix_padding_ms": 300,
            "silence_duration_ms": 200,
        },
    }
    assert server.connections[0].headers["Authorization"] == "Bearer given"


async def test_tools_are_called_and_their_outputs_are_spoken() -> None:
    @function_tool
    def get_weather(city: str) -> str:
        """Say what the weather is in a city."""
        return f"It is sunny in {city}, 22 °C"

    @function_tool
    def book_appointment(date: str, time: str, service: str) -> str:
        """Book an appointment."""
        return f"{service} on {date} at {time}"

    agent = RealtimeAgent(
        name="Assistant",
        instructions="You know the weather and the calendar.",
        tools=[get_weather, book_appointment],
    )
    script: list[Step] = [
        Expect("response.create"),
        *call_response("resp_1", "get_weather", '{"city": "Rome"}'),
        Expect("response.create"),
        *spoken_response("resp_2", "item_2", "Sunny, and 22 degrees."),
    ]
    async with serving(script) as server:
        session = await RealtimeRunner(agent).run(model_config=at(server))
        async with session:
            await session.send_message("What is the weather in Rome?")
            types: list[str] = []
            async for event in session:
                types.append(event.type)
                if event.type == "agent_end" and event.response_id == "resp_2":
                    break
    offered = server.received[0]["session"]["tools"]
    assert [tool["name"] for tool in offered] == ["get_weather", "book_appointment"]
    assert offered[1]["parameters"]["required"] == ["date", "time", "service"]
    (output,) = [
        e["item"]
        for e in server.of_type("conversation.item.create")
        if e["item"]["type"] == "function_call_output"
    ]
    assert (output["call_id"], output["output"]) == ("call_1", "It is sunny in Rome, 22 °C")
    assert len(server.of_type("response.create")) == 2
    assert types.index("tool_start") < types.index("tool_end") < types.index("audio")


async def test_a_handoff_goes_over_the_wire_in_its_order() -> None:
    billing_agent = RealtimeAgent(name="Billing Support", instructions="You know about bills.")
    technical_agent = RealtimeAgent(name="Technical Support", instructions="You know about devices.")
    main_agent = RealtimeAgent(
        name="Customer Service",
        instructions="You are the first to answer. Hand over when somebody else knows better.",
        handoffs=[
            realtime_handoff(billing_agent, tool_description="For bills"),
            realtime_handoff(technical_agent, tool_description="For devices"),
        ],
    )
    script: list[Step] = [
        Expect("response.create"),
        *call_response("resp_1", "transfer_to_technical_support"),
        Expect("response.create"),
        *spoken_response("resp_2", "item_2", "Did you switch it off and on?"),
    ]
    async with serving(script) as server:
        session = await RealtimeRunner(main_agent).run(model_config=at(server))
        async with session:
            await session.send_message("It is broken.")
            handoffs: list[tuple[str, str]] = []
            async for event in session:
                if event.type == "handoff":
                    handoffs.append((event.from_agent.name, event.to_agent.name))
                if event.type == "agent_end" and event.response_id == "resp_2":
                    assert event.agent is technical_agent
                    break
    assert handoffs == [("Customer Service", "Technical Support")]
    assert [tool["description"] for tool in server.received[0]["session"]["tools"]] == [
        "For bills",
        "For devices",
    ]
    tail = server.received[3:]
    assert [event["type"] for event in tail] == [
        "session.update",
        "conversation.item.create",
        "response.create",
    ]
    assert tail[0]["session"] == {"type": "realtime", "instructions": "You know about devices.", "tools": []}
    assert tail[1]["item"]["type"] == "function_call_output"


async def test_a_guardrail_cuts_the_reply_off_and_the_model_is_told() -> None:
    @output_guardrail
    async def no_prices(_ctx: RunContextWrapper[Any], _agent: Any, output: str) -> GuardrailFunctionOutput:
        return GuardrailFunctionOutput(output_info={"text": output}, tripwire_triggered="euro" in output)

    agent = RealtimeAgent(name="Assistant", output_guardrails=[no_prices])
    runner = RealtimeRunner(agent, config={"guardrails_settings": {"debounce_text_length": 10}})
    script: list[Step] = [
        Expect("response.create"),
        response_created("resp_1"),
        *spoken_begin("resp_1", "item_1"),
        audio_delta("resp_1", "item_1", PCM),
        transcript_delta("resp_1", "item_1", "That is two hundred euros"),
        Expect("response.cancel"),
        transcript_delta("resp_1", "item_1", ", plus tax."),
        audio_delta("resp_1", "item_1", PCM),
        *spoken_end("resp_1", "item_1", "That is two hundred euros"),
        response_done("resp_1", "cancelled", reason="client_cancelled"),
        Expect("response.create"),
        *spoken_response("resp_2", "item_2", "Ask my colleague."),
    ]
    async with serving(script) as server:
        session = await runner.run(model_config=at(server))
        async with session:
            await session.send_message("What is it?")
            tripped, heard_after = [], b""
            async for event in session:
                if event.type == "guardrail_tripped":
                    tripped.append(event)
                elif event.type == "audio" and tripped:
                    assert event.audio.response_id == "resp_2"
                    heard_after += event.audio.data
                elif event.type == "agent_end" and event.response_id == "resp_2":
                    break
    (trip,) = tripped
    assert trip.message == "That is two hundred euros"
    assert [result.guardrail.get_name() for result in trip.guardrail_results] == ["no_prices"]
    assert heard_after
    assert server.of_type("response.cancel")[0]["response_id"] == "resp_1"
    assert "no_prices" in text_in(server.of_type("conversation.item.create")[-1])


async def test_a_listener_of_ones_own_hears_the_model() -> None:
    from speakerd.realtime import RealtimeModelEvent, RealtimeModelListener

    class MyListener(RealtimeModelListener):
        def __init__(self) -> None:
            self.frames: list[str] = []

        async def on_event(self, event: RealtimeModelEvent) -> None:
            if event.type == "raw_server_event":
                self.frames.append(event.data["type"])

    my_custom_listener = MyListener()
    async with (
        serving([Expect("session.update"), session_updated(), Expect("input_audio_buffer.clear")]) as server,
        await RealtimeRunner(RealtimeAgent(name="Ada")).run(model_config=at(server)) as session,
    ):
        session.model.add_listener(my_custom_listener)
        await session.clear_audio()
        await server.until_played()
    assert set(my_custom_listener.frames) <= {"session.created", "session.updated"}


async def test_audio_goes_out_and_comes_in_and_is_cut_off() -> None:
    played: list[bytes] = []
    interrupted = asyncio.Event()
    script: list[Step] = [
        Expect("input_audio_buffer.append"),
        *heard("item_user", "Tell me a story."),
        response_created("resp_1"),
        *spoken_begin("resp_1", "item_1"),
        transcript_delta("resp_1", "item_1", "Once upon a time"),
        audio_delta("resp_1", "item_1", PCM * 10),
        Expect("response.cancel"),
        response_done("resp_1", "cancelled", reason="client_cancelled"),
        Wait(0),
        Call(interrupted.set),
    ]
    async with serving(script) as server:
        session = await RealtimeRunner(RealtimeAgent(name="Ada")).run(model_config=at(server))
        async with session:
            await session.send_audio(PCM)
            async for event in session:
                if event.type == "audio":
                    played.append(event.audio.data)
                    await session.interrupt()
                elif event.type == "audio_interrupted":
                    played.clear()
                elif event.type == "agent_end":
                    break
    assert played == []
    assert server.of_type("response.cancel")[0]["response_id"] == "resp_1"
