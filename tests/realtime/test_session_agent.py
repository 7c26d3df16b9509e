"""What a session is opened with, and what a changed agent sends."""

from __future__ import annotations

from typing import Any

import pytest

from speakerd.realtime import (
    Prompt,
    RealtimeAgent,
    RealtimeRunner,
    RunContextWrapper,
    function_tool,
    realtime_handoff,
    text_of,
)
from speakerd.realtime.model import inputs as i
from speakerd.realtime.testing.scripted import ScriptedRealtimeModel, emit, expect
from tests.realtime.layer import said, session_of


@function_tool
def clock() -> str:
    """Tell the time."""
    return "noon"


async def opened_with(
    agent: RealtimeAgent[Any], run: Any = None, model_config: Any = None, context: Any = None
) -> Any:
    model = ScriptedRealtimeModel()
    runner = RealtimeRunner(agent, model=model, config=run)
    async with await runner.run(context=context, model_config=model_config):
        assert model.options is not None
        return model.options["initial_model_settings"]


async def test_a_session_opens_with_what_the_agent_says() -> None:
    other = RealtimeAgent("Other")
    agent = RealtimeAgent("Ada", instructions="Be brief.", tools=[clock], handoffs=[other])
    settings = await opened_with(agent)
    assert settings["instructions"] == "Be brief."
    assert settings["tools"] == [clock]
    assert [handoff.agent_name for handoff in settings["handoffs"]] == ["Other"]
    assert "prompt" not in settings


async def test_a_prompt_kept_elsewhere_is_not_overridden_by_empty_instructions() -> None:
    prompt: Prompt = {"id": "pmpt_1", "version": "2", "variables": {"city": "Paris"}}
    settings = await opened_with(RealtimeAgent("Ada", prompt=prompt))
    assert settings["prompt"] == prompt
    assert "instructions" not in settings


async def test_the_runs_settings_give_way_to_the_agent_and_the_agent_to_the_connections() -> None:
    agent = RealtimeAgent("Ada", instructions="the agent's")
    run = {
        "model_settings": {
            "instructions": "the run's",
            "voice": "ash",
            "audio": {"input": {"format": "pcm16"}},
        }
    }
    assert await opened_with(agent, run) == {
        "instructions": "the agent's",
        "voice": "ash",
        "audio": {"input": {"format": "pcm16"}},
        "tools": [],
        "handoffs": [],
    }
    initial = {
        "instructions": "the connection's",
        "audio": {"output": {"voice": "verse"}, "input": {"turn_detection": None}},
    }
    settings = await opened_with(agent, run, {"initial_model_settings": initial})
    assert settings["instructions"] == "the connection's"
    assert settings["audio"] == {
        "input": {"format": "pcm16", "turn_detection": None},
        "output": {"voice": "verse"},
    }


async def test_tracing_can_be_switched_off_for_a_run() -> None:
    settings = await opened_with(
        RealtimeAgent("Ada"), {"tracing_disabled": True, "model_settings": {"tracing": "auto"}}
    )
    assert settings["tracing"] is None


async def test_the_model_is_given_the_connection_settings_and_a_way_to_the_history() -> None:
    model = ScriptedRealtimeModel([emit(said("Hello"))])
    runner = RealtimeRunner(RealtimeAgent("Ada"), model=model)
    async with await runner.run(
        model_config={"api_key": "k", "url": "ws://x", "call_id": "rtc_1"}
    ) as session:
        await model.finished()
        assert model.options is not None
        assert (model.options["api_key"], model.options["url"], model.options["call_id"]) == (
            "k",
            "ws://x",
            "rtc_1",
        )
        assert model.options["conversation"]() == session.history
        assert [text_of(item) for item in session.history] == ["Hello"]


async def test_an_updated_agent_is_in_force_at_once() -> None:
    async def instructions(ctx: RunContextWrapper[str], agent: RealtimeAgent[str]) -> str:
        return f"{agent.name} for {ctx.context}"

    model = ScriptedRealtimeModel(
        [
            expect(
                i.RealtimeModelSendSessionUpdate,
                session_settings={"instructions": "Ada for me", "tools": [], "handoffs": []},
            )
        ]
    )
    agent = RealtimeAgent[str]("Ada", instructions="old", tools=[clock])
    async with await session_of(model, agent, context="me") as session:
        changed = session.current_agent.clone(instructions=instructions, tools=[])
        await session.update_agent(changed)
        assert session.current_agent is changed
        await model.finished()
    assert agent.instructions == "old"


async def test_instructions_that_fail_leave_the_old_agent_in_force() -> None:
    def broken(_ctx: Any, _agent: Any) -> str:
        raise RuntimeError("no instructions today")

    model = ScriptedRealtimeModel()
    async with await session_of(model) as session:
        before = session.current_agent
        with pytest.raises(RuntimeError, match="no instructions"):
            await session.update_agent(RealtimeAgent("Broken", instructions=broken))
        assert session.current_agent is before
    assert model.sent == []


async def test_handoffs_given_as_agents_or_made_by_hand_are_the_same() -> None:
    other = RealtimeAgent("The Other One", handoff_description="Knows birds.")
    agent = RealtimeAgent(
        "Ada", handoffs=[other, realtime_handoff(other, tool_name_override="birds", tool_description="B.")]
    )
    settings = await opened_with(agent)
    assert [(h.tool_name, h.tool_description) for h in settings["handoffs"]] == [
        ("transfer_to_the_other_one", "Give the conversation to the agent The Other One. Knows birds."),
        ("birds", "B."),
    ]
