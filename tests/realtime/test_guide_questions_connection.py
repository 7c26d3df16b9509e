"""What users of such a layer ask about event names, keys, runners and what goes over the wire, each answered over a real WebSocket."""

from __future__ import annotations

import json
from typing import Any

import pytest

from speakerd.realtime import RealtimeRunner, text_of
from speakerd.realtime.model.inputs import RealtimeModelSendRawMessage
from speakerd.realtime.testing.loopback import Expect, Step
from speakerd.realtime.testing.server_events import committed, error, spoken_response, transcribed
from tests.realtime.layer import read_until
from tests.realtime.serving import AGENT, at, opened, serving, session_updates

SECOND = bytes(48_000)


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


def test_the_guide_names_only_what_there_is() -> None:
    import re

    import speakerd.realtime as layer
    from speakerd.realtime import RealtimeSession
    from speakerd.realtime.session.events import RealtimeSessionEvent

    guide = layer.__doc__ or ""
    for name in re.findall(r"session\.(\w+)", guide):
        assert hasattr(RealtimeSession, name), name
    for name in re.findall(r"\bRealtime\w+", guide):
        assert hasattr(layer, name), name
    types = {event.__dataclass_fields__["type"].default for event in RealtimeSessionEvent.__args__}
    named = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", guide)) & {each for each in types if "_" in each}
    assert {"transcript_delta", "history_added", "tool_start", "agent_end"} <= named
