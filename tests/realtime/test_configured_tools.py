"""Tools and handoffs that the settings give, beside those of the agent: sent, and callable."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from speakerd.realtime import (
    FunctionTool,
    Handoff,
    HostedMCPTool,
    RealtimeAgent,
    RealtimeRunner,
    function_tool,
    realtime_handoff,
)
from speakerd.realtime.model.events import RealtimeModelMcpApprovalRequestEvent
from speakerd.realtime.model.inputs import RealtimeModelSendMcpApproval, RealtimeModelSendSessionUpdate
from tests.realtime.layer import call, read_until
from tests.realtime.recording_model import RecordingModel
from tests.realtime.tool_play import approval


def named(name: str, answer: str, **options: Any) -> FunctionTool:
    return function_tool(lambda: answer, name_override=name, **options)


def sent_tools(model: RecordingModel) -> list[str]:
    updates = model.of(RealtimeModelSendSessionUpdate)
    assert model.options is not None
    settings = updates[-1].session_settings if updates else model.options["initial_model_settings"]
    return [each.name for each in settings["tools"]] + [each.tool_name for each in settings["handoffs"]]


@pytest.mark.parametrize("where", ["model_settings", "initial_model_settings"])
async def test_they_are_sent_and_can_be_called_by_each_agent(where: str) -> None:
    model = RecordingModel()
    other = RealtimeAgent("Other", tools=[named("third", "3")])
    given: Any = {
        "tools": [named("first", "1")],
        "handoffs": [realtime_handoff(other), RealtimeAgent("Plain")],
    }
    runner = RealtimeRunner(
        RealtimeAgent("T", tools=[named("second", "2")]),
        model=model,
        config={"model_settings": given} if where == "model_settings" else {},
    )
    model_config: Any = {} if where == "model_settings" else {where: given}
    async with await runner.run(model_config=model_config) as session:
        assert sent_tools(model) == ["second", "first", "transfer_to_other", "transfer_to_plain"]
        await model.emit(call("first", call_id="c1"), call("second", call_id="c2"))
        assert await model.outputs(2) == {"c1": "1", "c2": "2"}
        await model.emit(call("transfer_to_other", call_id="c3"))
        await model.outputs(3)
        assert session.current_agent is other
        assert sent_tools(model) == ["third", "first", "transfer_to_other", "transfer_to_plain"]
        await model.emit(call("first", call_id="c4"), call("fly", call_id="c5"))
        outputs = await model.outputs(5)
        assert outputs["c4"] == "1"
        assert outputs["c5"] == (
            "There is no tool fly. There are: third, first, transfer_to_other, transfer_to_plain."
        )


async def test_of_two_with_one_name_the_later_setting_counts_on_the_wire_and_in_the_call() -> None:
    model = RecordingModel()
    runner = RealtimeRunner(
        RealtimeAgent("T", tools=[named("a", "agent"), named("b", "agent")]),
        model=model,
        config={"model_settings": {"tools": [named("a", "run"), named("c", "run"), named("d", "run")]}},
    )
    initial: Any = {"tools": [named("b", "initial"), named("c", "initial")]}
    async with await runner.run(model_config={"initial_model_settings": initial}):
        assert sorted(sent_tools(model)) == ["a", "b", "c", "d"]
        await model.emit(*(call(name, call_id=name) for name in "abcd"))
        assert await model.outputs(4) == {"a": "agent", "b": "initial", "c": "initial", "d": "run"}


async def test_a_disabled_one_is_neither_sent_nor_called() -> None:
    model = RecordingModel()
    tools = [named("a", "1", is_enabled=lambda _context, agent: agent.name == "Other")]
    runner = RealtimeRunner(RealtimeAgent("T"), model=model, config={"model_settings": {"tools": tools}})
    async with await runner.run() as session:
        assert sent_tools(model) == []
        await model.emit(call("a", call_id="c1"))
        assert (await model.outputs())["c1"] == "There is no tool a. There are: none."
        await session.update_agent(RealtimeAgent("Other"))
        assert sent_tools(model) == ["a"]


async def test_those_of_an_update_can_be_called() -> None:
    model = RecordingModel()
    async with await RealtimeRunner(RealtimeAgent("T"), model=model).run() as session:
        await session.update_settings(tools=[named("late", "yes")])
        await model.emit(call("late", call_id="c1"))
        assert (await model.outputs())["c1"] == "yes"


async def test_a_hosted_tool_of_the_settings_answers_its_approvals_and_remembers_a_rejection() -> None:
    model = RecordingModel()
    tool = HostedMCPTool({"server_label": "shop"})
    runner = RealtimeRunner(RealtimeAgent("T"), model=model, config={"model_settings": {"tools": [tool]}})
    async with await runner.run() as session:
        ask = RealtimeModelMcpApprovalRequestEvent
        await model.emit(ask("m1", "shop", "buy", "{}"), ask("m2", "shop", "buy", "{}"))
        await model.emit(ask("m3", "shop", "look", "{}"))
        asked = await approval(session)
        assert (asked.tool, asked.call_id) == (tool, "m1")
        await session.reject_tool_call("m1", always=True, rejection_message="Never.")
        await model.emit(ask("m4", "shop", "buy", "{}"))
        answers = await model.until(RealtimeModelSendMcpApproval, 3)
        assert [(a.approval_request_id, a.approve, a.reason) for a in answers] == [
            (name, False, "Never.") for name in ("m1", "m2", "m4")
        ]
        await session.approve_tool_call("m3")


async def test_a_tool_rejected_for_good_is_never_asked_about_again_not_even_by_its_rule() -> None:
    asked: list[str] = []

    def rule(_context: Any, _arguments: Any, call_id: str) -> bool:
        asked.append(call_id)
        return call_id == "c1"

    model = RecordingModel()
    agent = RealtimeAgent("T", tools=[named("buy", "bought", needs_approval=rule)])
    async with await RealtimeRunner(agent, model=model).run() as session:
        await model.emit(call("buy", call_id="c1"))
        await approval(session)
        await session.reject_tool_call("c1", always=True, rejection_message="Never.")
        await model.emit(call("buy", call_id="c2"))
        assert await model.outputs(2) == {"c1": "Never.", "c2": "Never."}
        await session.update_agent(agent.clone(name="Again"))
        await model.emit(call("buy", call_id="c3"))
        assert (await model.outputs(3))["c3"] == "Never."
        assert asked == ["c1"]


async def test_reading_goes_on_after_all_that() -> None:
    model = RecordingModel()
    runner = RealtimeRunner(
        RealtimeAgent("T"), model=model, config={"model_settings": {"tools": [named("a", "1")]}}
    )
    async with await runner.run() as session:
        await model.emit(call("a"))
        events = await read_until(session, "tool_end")
        assert "tool_start" in [event.type for event in events]


def test_a_handoff_can_be_written_with_one_type_or_two() -> None:
    assert get_args(Handoff[Any]) == (Any, Any)
    assert get_args(Handoff[Any, RealtimeAgent[Any]]) == (Any, RealtimeAgent[Any])
    assert isinstance(Handoff.to(RealtimeAgent("A")), Handoff)
