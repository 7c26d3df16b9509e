from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from speakerd.realtime import (
    FunctionTool,
    RealtimeAgent,
    RealtimeAgentHooks,
    RunContextWrapper,
    ToolContext,
    UserError,
    function_tool,
)
from speakerd.realtime.session.events import RealtimeError
from speakerd.realtime.testing.scripted import ScriptedRealtimeModel, emit
from tests.limits import limit
from tests.realtime.layer import ended, read_all, session_with, started

CONTEXT = RunContextWrapper("mine")


@function_tool
def clock() -> str:
    """Tell the time."""
    return "noon"


@pytest.mark.parametrize("text", ["Be brief.", None])
async def test_instructions_may_be_text_or_nothing(text: str | None) -> None:
    assert await RealtimeAgent("Ada", instructions=text).get_system_prompt(CONTEXT) == text


async def test_instructions_may_be_asked_of_a_function() -> None:
    def plain(ctx: RunContextWrapper[str], agent: RealtimeAgent[str]) -> str:
        return f"{agent.name}: {ctx.context}"

    async def waits(ctx: RunContextWrapper[str], agent: RealtimeAgent[str]) -> str:
        return plain(ctx, agent)

    for instructions in (plain, waits):
        assert (
            await RealtimeAgent[str]("Ada", instructions=instructions).get_system_prompt(CONTEXT)
            == "Ada: mine"
        )


async def test_a_function_that_cannot_be_asked_is_refused() -> None:
    with pytest.raises(UserError, match=r"takes \(context, agent\)"):
        await RealtimeAgent("Ada", instructions=lambda: "x").get_system_prompt(CONTEXT)  # type: ignore[arg-type,misc]  # the point


def test_a_clone_differs_in_what_was_changed_only() -> None:
    agent = RealtimeAgent("Ada", instructions="old", tools=[clock])
    changed = agent.clone(instructions="new")
    assert (changed.name, changed.instructions, changed.tools) == ("Ada", "new", [clock])
    assert agent.instructions == "old"
    with pytest.raises(TypeError):
        agent.clone(colour="red")


async def test_only_enabled_tools_are_shown() -> None:
    async def later(_ctx: Any, _agent: Any) -> bool:
        return True

    tools = [
        function_tool(name_override="off", is_enabled=False)(lambda: ""),
        function_tool(name_override="on", is_enabled=later)(lambda: ""),
        function_tool(name_override="rule", is_enabled=lambda ctx, _agent: ctx.context == "yours")(
            lambda: ""
        ),
        clock,
    ]
    shown = await RealtimeAgent("Ada", tools=tools).get_all_tools(CONTEXT)
    assert [tool.name for tool in shown] == ["on", "clock"]


class Library:
    """An MCP server as a client of it would look."""

    name = "library"

    async def list_tools(self) -> list[Any]:
        schema = {"type": "object", "properties": {"title": {"type": "string"}}}
        return [SimpleNamespace(name="find", description="Find a book.", inputSchema=schema)]

    async def call_tool(self, tool_name: str, arguments: dict[str, Any] | None) -> Any:
        title = (arguments or {})["title"]
        return SimpleNamespace(
            content=[SimpleNamespace(text=f"{tool_name} {title}"), SimpleNamespace(image=b"")]
        )


async def test_tools_of_an_mcp_server_are_offered_and_called_there() -> None:
    agent = RealtimeAgent("Ada", tools=[clock], mcp_servers=[Library()])
    own, find = await agent.get_all_tools(CONTEXT)
    assert isinstance(find, FunctionTool)
    assert own is clock
    assert (find.name, find.description) == ("find", "Find a book.")
    assert await find.invoke(ToolContext(None), '{"title": "Emma"}') == "find Emma"
    assert await find.invoke(ToolContext(None), "{}") == "The tool failed: 'title'"
    assert "not JSON" in await find.invoke(ToolContext(None), "{")


async def test_an_mcp_server_is_asked_only_for_what_is_not_the_agents_own() -> None:
    asked: list[str] = []

    class Counting(Library):
        async def list_tools(self) -> list[Any]:
            asked.append("list")
            return await super().list_tools()

    agent = RealtimeAgent("Ada", tools=[clock], mcp_servers=[Counting()])
    assert await agent.find_tool(CONTEXT, "clock") is clock
    assert asked == []
    found = await agent.find_tool(CONTEXT, "find")
    assert found is not None
    assert found.name == "find"
    assert await agent.find_tool(CONTEXT, "fly") is None


async def test_of_tools_of_one_name_the_enabled_one_is_called() -> None:
    off = function_tool(name_override="open", is_enabled=False)(lambda: "")
    on = function_tool(name_override="open")(lambda: "")
    agent = RealtimeAgent("Ada", tools=[off, on])
    assert await agent.find_tool(CONTEXT, "open") is on


class Diary(RealtimeAgentHooks[Any]):
    def __init__(self) -> None:
        self.entries: list[str] = []
        self.ended = asyncio.Event()

    async def on_start(self, context: RunContextWrapper[Any], agent: RealtimeAgent[Any]) -> None:
        self.entries.append(f"{agent.name} starts for {context.context}")

    async def on_end(self, context: RunContextWrapper[Any], agent: RealtimeAgent[Any], output: str) -> None:
        self.entries.append(f"{agent.name} said {output}")
        self.ended.set()


async def test_hooks_are_told_of_each_reply() -> None:
    diary = Diary()
    model = ScriptedRealtimeModel([emit(started(), ended(text="Hello"))])
    session = await session_with(model, RealtimeAgent("Ada", hooks=diary), context="me")
    await asyncio.wait_for(diary.ended.wait(), limit(5))
    await session.close()
    assert diary.entries == ["Ada starts for me", "Ada said Hello"]


async def test_hooks_that_do_nothing_are_the_default() -> None:
    hooks = RealtimeAgentHooks[Any]()
    agent = RealtimeAgent("Ada", hooks=hooks)
    await hooks.on_start(CONTEXT, agent)
    await hooks.on_end(CONTEXT, agent, "")
    await hooks.on_handoff(CONTEXT, agent, agent)
    await hooks.on_tool_start(CONTEXT, agent, clock)
    await hooks.on_tool_end(CONTEXT, agent, clock, "")


async def test_a_hook_that_hangs_holds_up_nothing_and_those_left_out_are_reported() -> None:
    class Hanging(RealtimeAgentHooks[Any]):
        async def on_start(self, context: RunContextWrapper[Any], agent: RealtimeAgent[Any]) -> None:
            await asyncio.Event().wait()

    model = ScriptedRealtimeModel([emit(*(started(f"r{n}") for n in range(260)))])
    session = await session_with(model, RealtimeAgent("Ada", hooks=Hanging()))
    await model.finished()
    await session.close()
    errors = [str(event.error) for event in await read_all(session) if isinstance(event, RealtimeError)]
    # 256 wait, none has had its turn yet: the script is played in one go.
    assert errors == ["hooks are too slow: one was left out"] * 4
