"""What users of such a layer ask about instructions, prompts, language and turns, each answered over a real WebSocket."""

from __future__ import annotations

from typing import Any

import pytest

from speakerd.realtime import RealtimeAgent, text_of
from speakerd.realtime.model.inputs import RealtimeModelSendSessionUpdate
from speakerd.realtime.testing.loopback import Expect, Step
from speakerd.realtime.testing.server_events import heard, spoken_response
from tests.realtime.layer import read_until
from tests.realtime.serving import opened, serving, session_updates


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
