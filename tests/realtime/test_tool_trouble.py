"""Tools that fail, take too long, are unknown or will not end, and what the model is told."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from typing import Any

import pytest

from speakerd.realtime import (
    ModelBehaviorError,
    RealtimeAgent,
    RunContextWrapper,
    SessionNotice,
    ToolErrorFormatterArgs,
    ToolTimeoutError,
    function_tool,
)
from speakerd.realtime.model.inputs import RealtimeModelSendToolOutput
from speakerd.realtime.session import task_queue
from speakerd.realtime.session.events import RealtimeError
from speakerd.realtime.testing.scripted import ScriptedRealtimeModel, emit, expect
from tests.limits import limit
from tests.realtime.layer import audio, call, kinds, read_all, read_until, session_of, session_with
from tests.realtime.recording_model import RecordingModel
from tests.realtime.tool_play import answer, double, play


async def test_what_a_tool_raises_is_told_to_the_model_in_words() -> None:
    @function_tool
    def broken() -> str:
        raise RuntimeError("the oven is cold")

    events, _ = await play([broken], emit(call("broken")), answer("The tool failed: the oven is cold"))
    assert "tool_end" in kinds(events)


async def test_wrong_arguments_are_told_to_the_model() -> None:
    output = (
        "Wrong arguments for double: number is missing. Call it again with arguments that fit its schema."
    )
    await play([double], emit(call("double", "{}")), answer(output))


async def test_a_failure_error_function_words_the_failure() -> None:
    async def words(ctx: RunContextWrapper[str], error: Exception) -> str:
        return f"{ctx.context}: {error}"

    @function_tool(failure_error_function=words)
    def broken() -> str:
        raise RuntimeError("cold")

    await play([broken], emit(call("broken")), answer("oven: cold"), context="oven")


async def test_without_a_failure_error_function_the_exception_ends_the_iteration_after_what_was_queued() -> (
    None
):
    @function_tool(failure_error_function=None)
    def broken() -> str:
        raise RuntimeError("the oven is cold")

    model = ScriptedRealtimeModel(
        [emit(audio(), call("broken")), answer("The tool failed: the oven is cold")]
    )
    session = await session_with(model, RealtimeAgent("Tester", tools=[broken]))
    await model.finished()
    seen: list[str] = []
    with pytest.raises(RuntimeError, match="the oven is cold"):
        await read_all(session, seen)
    assert "audio" in seen
    assert "error" in seen
    assert model.closed


async def test_a_timeout_is_told_to_the_model_also_when_the_tool_is_a_thread() -> None:
    release = threading.Event()

    @function_tool(timeout=0.01)
    def slow() -> str:
        release.wait(limit(30))
        return ""

    text = "tool 'slow' did not answer within 0.01 s. It may still take effect; do not assume that it did."
    await play([slow], emit(call("slow")), answer(text))
    release.set()


async def test_a_timeout_function_words_the_timeout() -> None:
    @function_tool(timeout=0.01, timeout_error_function=lambda _ctx, error: f"late: {type(error).__name__}")
    async def slow() -> None:
        await asyncio.Event().wait()

    await play([slow], emit(call("slow")), answer("late: ToolTimeoutError"))


async def test_a_timeout_that_is_to_be_raised_ends_the_iteration() -> None:
    @function_tool(timeout=0.01, timeout_behavior="raise_exception")
    async def slow() -> None:
        await asyncio.Event().wait()

    model = ScriptedRealtimeModel([emit(call("slow")), expect(RealtimeModelSendToolOutput)])
    session = await session_with(model, RealtimeAgent("Tester", tools=[slow]))
    with pytest.raises(ToolTimeoutError):
        await read_all(session)


async def test_a_timeout_error_of_the_tools_own_is_not_taken_for_ours() -> None:
    @function_tool(timeout=30)
    async def fetch() -> None:
        raise TimeoutError("the other side is slow")

    await play([fetch], emit(call("fetch")), answer("The tool failed: the other side is slow"))


async def test_an_unknown_tool_is_answered_and_reported_and_the_session_goes_on() -> None:
    events, _ = await play(
        [double],
        emit(call("fly", call_id="c0")),
        answer("There is no tool fly. There are: double."),
        emit(call("double", '{"number": 2}')),
        answer("4"),
    )
    (error,) = [event for event in events if isinstance(event, RealtimeError)]
    assert "called fly" in str(error.error)
    assert isinstance(error.error, SessionNotice)  # by which a program knows that the talk goes on
    assert isinstance(error.error, ModelBehaviorError)


async def test_a_call_told_twice_is_answered_once_also_when_no_further_call_is_taken() -> None:
    release = asyncio.Event()

    @function_tool
    async def slow() -> str:
        await release.wait()
        return "done"

    model = RecordingModel()
    async with await session_of(model, RealtimeAgent("T", tools=[slow])) as session:
        limit_of_calls = session._tools._calls._limit
        ids = [f"c{number}" for number in range(limit_of_calls)]
        await model.emit(*(call("slow", call_id=call_id) for call_id in ids))
        await model.emit(call("slow", call_id="c0"))
        for _ in range(2):
            await model.emit(call("slow", call_id="refused"))
        release.set()
        outputs = await model.outputs(limit_of_calls + 1)
    assert outputs == dict.fromkeys(ids, "done") | {
        "refused": "Too many tools are running already; wait for their results."
    }


async def test_a_disabled_tool_is_not_called() -> None:
    @function_tool(is_enabled=lambda ctx, agent: ctx.context == "grown-up" and agent.name == "Tester")
    async def buy() -> str:
        return "bought"

    await play([buy], emit(call("buy")), answer("There is no tool buy. There are: none."), context="child")
    await play([buy], emit(call("buy")), answer("bought"), context="grown-up")


async def test_a_rule_that_fails_refuses_the_call_and_the_session_goes_on() -> None:
    def broken(*_args: Any) -> bool:
        raise RuntimeError("no rule today")

    @function_tool(needs_approval=broken)
    async def guarded() -> str:
        return "never"

    events, _ = await play([guarded], emit(call("guarded")), answer("The tool failed: no rule today"))
    assert [str(event.error) for event in events if isinstance(event, RealtimeError)] == ["no rule today"]
    hidden = function_tool(name_override="hidden", is_enabled=broken)
    model = ScriptedRealtimeModel([answer("The tool failed: no rule today")])
    session = await session_with(model)
    session._state.agent = RealtimeAgent("T", tools=[hidden(lambda: "")])
    await model.emit(call("fly"))
    await model.finished()
    await session.close()


async def test_a_formatter_words_refusals_and_its_own_failure_is_reported() -> None:
    seen: list[ToolErrorFormatterArgs] = []

    def words(args: ToolErrorFormatterArgs) -> str | None:
        seen.append(args)
        if args.tool_name == "broken":
            raise RuntimeError("no words")
        return None if args.tool_name == "silent" else f"No {args.tool_name}!"

    events, _ = await play(
        [double],
        emit(call("fly", call_id="c1")),
        answer("No fly!"),
        emit(call("silent", call_id="c2")),
        answer("There is no tool silent. There are: double."),
        emit(call("broken", call_id="c3")),
        answer("There is no tool broken. There are: double."),
        tool_error_formatter=words,
    )
    assert [(args.kind, args.call_id) for args in seen] == [("tool_not_found", f"c{n}") for n in (1, 2, 3)]
    assert "no words" in [str(event.error) for event in events if isinstance(event, RealtimeError)]


async def test_closing_gives_up_tools_that_run(caplog: pytest.LogCaptureFixture) -> None:
    cancelled = asyncio.Event()

    @function_tool
    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    model = ScriptedRealtimeModel([emit(call("forever"))])
    session = await session_with(model, RealtimeAgent("T", tools=[forever]))
    await read_until(session, "tool_start")
    with caplog.at_level(logging.ERROR):
        await session.close()
    assert cancelled.is_set()
    assert caplog.records == []


async def test_a_tool_that_refuses_to_end_does_not_keep_the_session_from_closing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(task_queue, "GIVEN_UP_WITHIN_S", 0.01)
    release = asyncio.Event()

    @function_tool
    async def stubborn() -> str:
        while not release.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await release.wait()
        return ""

    model = ScriptedRealtimeModel([emit(call("stubborn"))], ignore=(RealtimeModelSendToolOutput,))
    session = await session_with(model, RealtimeAgent("T", tools=[stubborn]))
    await read_until(session, "tool_start")
    (task,) = session._tools._tasks
    await asyncio.wait_for(session.close(), limit(5))
    assert "speakerd tool stubborn does not end" in caplog.text
    release.set()
    await asyncio.wait({task})
