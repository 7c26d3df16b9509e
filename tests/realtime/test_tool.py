"""Tools as a session runs them, over a scripted model: calls, threads, replies, bounds, hooks."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from typing import Any

import pytest
from pydantic import BaseModel

from speakerd.realtime import (
    FunctionTool,
    RealtimeAgent,
    RealtimeAgentHooks,
    RunContextWrapper,
    Tool,
    ToolContext,
    function_tool,
)
from speakerd.realtime.agents import output_text
from speakerd.realtime.items import RealtimeToolCallItem
from speakerd.realtime.model import events as m
from speakerd.realtime.model.inputs import RealtimeModelSendResponse, RealtimeModelSendToolOutput
from speakerd.realtime.session.events import RealtimeError, RealtimeToolEnd, RealtimeToolStart
from speakerd.realtime.testing.scripted import ScriptedRealtimeModel, emit, expect
from tests.realtime.layer import audio, call, ended, kinds, read_until, session_of, session_with, started
from tests.realtime.tool_play import answer, double, play, unlock


async def test_a_tool_is_called_with_its_arguments_and_its_output_goes_to_the_model() -> None:
    events, model = await play([double], emit(call("double", '{"number": 21}')), answer("42"))
    (begin,) = [event for event in events if isinstance(event, RealtimeToolStart)]
    (end,) = [event for event in events if isinstance(event, RealtimeToolEnd)]
    assert (begin.tool, begin.agent.name, begin.arguments, begin.call_id) == (
        double,
        "Tester",
        '{"number": 21}',
        "c1",
    )
    assert (end.tool, end.output, end.arguments, end.call_id) == (double, 42, '{"number": 21}', "c1")
    assert events.index(begin) < events.index(end)
    sent = model.sent[0]
    assert isinstance(sent, RealtimeModelSendToolOutput)
    assert sent.tool_call.call_id == "c1"


async def test_a_call_is_in_the_history_with_its_output() -> None:
    events, _ = await play([double], emit(call("double", '{"number": 1}')), answer("2"))
    last = [event for event in events if event.type == "history_updated"][-1]
    assert last.history == [
        RealtimeToolCallItem("item_c1", "double", '{"number": 1}', "2", "c1", status="completed")
    ]


async def test_a_plain_function_runs_in_a_thread_and_gets_the_context() -> None:
    @function_tool
    def where(ctx: ToolContext[dict[str, str]]) -> str:
        on_main = threading.current_thread() is threading.main_thread()
        return f"{ctx.context['name']} {ctx.tool_name} {ctx.tool_call_id} main={on_main}"

    await play([where], emit(call("where")), answer("Ada where c1 main=False"), context={"name": "Ada"})


async def test_a_tool_that_takes_long_does_not_hold_up_audio() -> None:
    release = asyncio.Event()

    @function_tool
    async def slow() -> str:
        await release.wait()
        return "done"

    model = ScriptedRealtimeModel([emit(call("slow"), audio()), answer("done")])
    session = await session_with(model, RealtimeAgent("Tester", tools=[slow]))
    await read_until(session, "audio")
    release.set()
    await read_until(session, "tool_end")
    await session.close()


async def test_without_async_tool_calls_the_stream_waits_for_the_tool() -> None:
    events, _ = await play(
        [double], emit(call("double", '{"number": 1}'), audio()), answer("2"), async_tool_calls=False
    )
    order = kinds(events)
    assert order.index("tool_end") < order.index("audio")


async def test_the_reply_to_several_calls_is_asked_for_once_when_all_are_answered() -> None:
    await play(
        [double],
        emit(
            started("r1"),
            call("double", '{"number": 1}', "c1", response="r1"),
            call("double", '{"number": 2}', "c2", response="r1"),
        ),
        answer("2", due=False),
        answer("4", due=False),
        emit(ended("r1")),
        expect(RealtimeModelSendResponse),
    )


async def test_a_tool_slower_than_its_response_brings_the_reply_itself() -> None:
    release = asyncio.Event()

    @function_tool
    async def slow() -> str:
        await release.wait()
        return "done"

    model = ScriptedRealtimeModel([emit(started(), call("slow", response="r1"), ended()), answer("done")])
    session = await session_with(model, RealtimeAgent("Tester", tools=[slow]))
    await read_until(session, "agent_end")
    release.set()
    await model.finished()
    await session.close()


async def test_an_interrupted_responses_tool_is_answered_without_a_reply() -> None:
    release = asyncio.Event()

    @function_tool
    async def slow() -> str:
        await release.wait()
        return "done"

    model = ScriptedRealtimeModel(
        [emit(started(), call("slow", response="r1"), ended(status="cancelled")), answer("done", due=False)]
    )
    session = await session_with(model, RealtimeAgent("Tester", tools=[slow]))
    await read_until(session, "agent_end")
    release.set()
    await model.finished()
    await session.close()


async def test_a_reply_owed_across_a_reconnect_is_asked_for() -> None:
    await play(
        [double],
        emit(started(), call("double", '{"number": 1}', response="r1")),
        answer("2", due=False),
        emit(m.RealtimeModelConnectionStatusEvent("connected")),
        expect(RealtimeModelSendResponse),
    )


async def test_a_call_that_comes_twice_runs_once() -> None:
    await play([double], emit(call("double", '{"number": 1}'), call("double", '{"number": 1}')), answer("2"))


async def test_only_so_many_tools_run_at_a_time() -> None:
    running = most = 0

    @function_tool
    async def work() -> str:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return "ok"

    calls = [call("work", call_id=f"c{number}") for number in range(6)]
    await play([work], emit(*calls), *[answer("ok")] * 6, tool_execution={"max_concurrency": 2})
    assert most == 2


async def test_calls_beyond_the_bound_are_refused_and_answered() -> None:
    calls = [call("unlock", '{"door": "x"}', f"c{number}") for number in range(66)]
    await play(
        [unlock],
        emit(*calls),
        *[answer("Too many tools are running already; wait for their results.")] * 2,
    )


async def test_hooks_run_around_the_tool_and_what_they_raise_is_reported() -> None:
    seen: list[str] = []

    class Hooks(RealtimeAgentHooks[Any]):
        async def on_tool_start(
            self, context: RunContextWrapper[Any], agent: RealtimeAgent[Any], tool: Tool
        ) -> None:
            seen.append(f"start {agent.name} {tool.name}")
            raise RuntimeError("hook broke")

        async def on_tool_end(
            self, context: RunContextWrapper[Any], agent: RealtimeAgent[Any], tool: Tool, result: Any
        ) -> None:
            seen.append(f"end {result}")

    model = ScriptedRealtimeModel([emit(call("double", '{"number": 1}')), answer("2")])
    async with await session_of(model, RealtimeAgent("T", tools=[double], hooks=Hooks())) as session:
        events = await read_until(session, "tool_end")
    assert seen == ["start T double", "end 2"]
    assert "hook broke" in [str(event.error) for event in events if isinstance(event, RealtimeError)]


@dataclasses.dataclass
class Reading:
    celsius: float


class Forecast(BaseModel):
    rain: bool


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ("text", "text"),
        (None, ""),
        (42, "42"),
        (True, "true"),
        ({"ö": [1, 2]}, '{"ö": [1, 2]}'),
        (Reading(21.5), '{"celsius": 21.5}'),
        (Forecast(rain=True), '{"rain": true}'),
        ([object], "[\"<class 'object'>\"]"),
    ],
)
def test_an_output_reaches_the_model_as_text_or_json(output: Any, text: str) -> None:
    assert output_text(output) == text


async def test_a_tool_made_by_hand_runs_too() -> None:
    async def invoke(ctx: ToolContext[Any], arguments: str) -> str:
        return ctx.tool_arguments + arguments

    tool = FunctionTool("echo", "", {"type": "object"}, invoke)
    await play([tool], emit(call("echo", "{}")), answer("{}{}"))
