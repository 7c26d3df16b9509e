"""Our own session layer as the client: what a speaker does with the embedded server, from end to end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from speakerd.realtime import RealtimeAgent, RealtimeRunner, function_tool
from tests.limits import limit
from tests.offline.test_turns import recording

if TYPE_CHECKING:
    from tests.offline.conftest import Served

pytest.importorskip("pocketsphinx", reason="the offline recogniser (extra `offline`) is not installed")
TIMERS: list[tuple[int, str | None]] = []


@function_tool
def get_time() -> str:
    """Tell the current time and date."""
    return "It is twenty past nine."


@function_tool
def set_timer(seconds: int, name: str | None = None) -> str:
    """Set a timer."""
    TIMERS.append((seconds, name))
    return "The timer is set."


async def heard_until(session: Any, kind: str) -> list[Any]:
    found: list[Any] = []
    async with asyncio.timeout(limit(30)):
        async for event in session:
            found.append(event)
            if event.type == kind:
                return found
    raise AssertionError(f"the session ended before {kind}")


def words_of(session: Any, role: str) -> str:
    messages = [item for item in session.history if getattr(item, "role", None) == role]
    parts = [part for item in messages for part in item.content]
    return " ".join(getattr(part, "transcript", None) or getattr(part, "text", None) or "" for part in parts)


async def test_a_spoken_command_is_answered_with_sound(served: Served) -> None:
    agent = RealtimeAgent("Speaker", instructions="Be brief.")
    runner = RealtimeRunner(
        agent,
        config={"model_settings": {"turn_detection": None, "input_audio_transcription": {"model": "any"}}},
    )
    async with await runner.run(model_config={"url": served.url, "api_key": "none"}) as session:
        await session.send_audio(recording("goforward.wav"))
        await session.commit_audio()
        await session.respond()
        events = await heard_until(session, "audio_end")
        sound = b"".join(event.audio.data for event in events if event.type == "audio")
        assert len(sound) > 48_000
        async with asyncio.timeout(limit(10)):
            while not words_of(session, "assistant").startswith("Understood: go forward ten meters"):
                await anext(aiter(session))
        assert words_of(session, "user") == "go forward ten meters"


async def test_typed_questions_reach_the_tools(served: Served) -> None:
    agent = RealtimeAgent("Speaker", instructions="Be brief.", tools=[get_time, set_timer])
    runner = RealtimeRunner(agent)
    async with await runner.run(model_config={"url": served.url, "api_key": "none"}) as session:
        await session.send_message("What time is it?")
        await heard_until(session, "tool_end")
        await heard_until(session, "audio_end")
        await session.send_message("Set a tea timer for five minutes.")
        await heard_until(session, "tool_end")
        await heard_until(session, "audio_end")
        assert TIMERS == [(300, "tea")]
