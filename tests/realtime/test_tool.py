"""Tools as a session runs them, over a scripted model."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import threading
from typing import Any

import pytest
from pydantic import BaseModel

from speakerd.realtime import (
    FunctionTool,
    HostedMCPTool,
    RealtimeAgent,
    RealtimeAgentHooks,
    RealtimeSession,
    RunContextWrapper,
    Tool,
    ToolContext,
    ToolErrorFormatterArgs,
    ToolTimeoutError,
    UnknownToolCallError,
    function_tool,
    serial,
)
from speakerd.realtime import model_events as m
from speakerd.realtime.events import (
    RealtimeError,
    RealtimeToolApprovalRequired,
    RealtimeToolEnd,
    RealtimeToolStart,
)
from speakerd.realtime.items import RealtimeToolCallItem
from speakerd.realtime.model_inputs import (
    RealtimeModelSendMcpApproval,
    RealtimeModelSendResponse,
    RealtimeModelSendToolOutput,
)
from speakerd.realtime.testing.scripted import Expect, ScriptedRealtimeModel, Step, emit, expect
from speakerd.realtime.tool import output_text
from tests.realtime.layer import (
    audio,
    call,
    ended,
    kinds,
    read_all,
    read_until,
    session_of,
    session_with,
    started,
)


def answer(output: str, *, due: bool = True) -> Expect:
    return expect(RealtimeModelSendToolOutput, output=output, start_response=due)


@function_tool
async def double(number: int) -> int:
    """Double a number."""
    return 2 * number


@function_tool(needs_approval=True)
async def unlock(door: str) -> str:
    """Open a door."""
    return f"{door} is open"


async def play(
    tools: list[Tool], *steps: Any, context: Any = None, **config: Any
) -> tuple[list[Any], ScriptedRealtimeModel]:
    """Run a script to its end and give all events."""
    model = ScriptedRealtimeModel(steps)
    session = await session_with(model, RealtimeAgent("Tester", tools=tools), context=context, **config)
    try:
        await model.finished()
    finally:
        # Events that follow the last request, such as tool_end, are put by the tool's own task.
        await asyncio.sleep(0)
        await session.close()
    return await read_all(session), model


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
        release.wait(30)
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
    model = ScriptedRealtimeModel([emit(call("fly")), answer("The tool failed: no rule today")])
    session = await session_with(model)
    session._core.agent = RealtimeAgent("T", tools=[hidden(lambda: "")])
    await model.finished()
    await session.close()


async def approval(session: RealtimeSession[Any]) -> RealtimeToolApprovalRequired:
    event = (await read_until(session, "tool_approval_required"))[-1]
    assert isinstance(event, RealtimeToolApprovalRequired)
    return event


async def test_a_tool_that_needs_approval_runs_only_when_approved() -> None:
    model = ScriptedRealtimeModel([emit(call("unlock", '{"door": "front"}')), answer("front is open")])
    async with await session_of(model, RealtimeAgent("Tester", tools=[unlock])) as session:
        asked = await approval(session)
        assert (asked.tool, asked.call_id, asked.arguments) == (unlock, "c1", '{"door": "front"}')
        assert model.sent == []
        await session.approve_tool_call("c1")
        await model.finished()
        assert kinds(await read_until(session, "tool_end"))[0] == "tool_start"
        with pytest.raises(UnknownToolCallError, match="'c1'"):
            await session.approve_tool_call("c1")


async def test_a_rejected_tool_does_not_run_and_the_model_is_told() -> None:
    model = ScriptedRealtimeModel(
        [
            emit(call("unlock", '{"door": "front"}', "c1")),
            answer("The user did not allow unlock to run."),
            emit(call("unlock", '{"door": "front"}', "c2")),
            answer("Only the owner may."),
        ]
    )
    async with await session_of(model, RealtimeAgent("Tester", tools=[unlock])) as session:
        await session.reject_tool_call((await approval(session)).call_id)
        await session.reject_tool_call(
            (await approval(session)).call_id, rejection_message="Only the owner may."
        )
        await model.finished()
        with pytest.raises(UnknownToolCallError):
            await session.reject_tool_call("never asked")


async def test_always_answers_all_calls_of_that_tool_now_and_later() -> None:
    later: list[Step] = [
        emit(call("unlock", '{"door": "c"}', "c3")),
        answer("c is open"),
        emit(call("unlock", '{"door": "d"}', "c4")),
        answer("d is open"),
    ]
    model = ScriptedRealtimeModel(
        [
            emit(call("unlock", '{"door": "a"}', "c1"), call("unlock", '{"door": "b"}', "c2")),
            answer("a is open"),
            answer("b is open"),
            *later,
        ]
    )
    async with await session_of(model, RealtimeAgent("Tester", tools=[unlock])) as session:
        await approval(session)
        await approval(session)
        await session.approve_tool_call("c1", always=True)
        await model.finished()


async def test_always_rejected_stays_rejected_with_its_words() -> None:
    model = ScriptedRealtimeModel(
        [
            emit(call("unlock", '{"door": "a"}', "c1")),
            answer("Never."),
            emit(call("unlock", '{"door": "b"}', "c2")),
            answer("Never."),
        ]
    )
    async with await session_of(model, RealtimeAgent("Tester", tools=[unlock])) as session:
        await approval(session)
        await session.reject_tool_call("c1", always=True, rejection_message="Never.")
        await model.finished()


async def test_a_rule_decides_which_calls_need_approval() -> None:
    asked: list[tuple[Any, ...]] = []

    async def rule(ctx: RunContextWrapper[Any], arguments: dict[str, Any], call_id: str) -> bool:
        asked.append((ctx.context, arguments, call_id))
        return bool(arguments.get("amount", 0) > 10)

    @function_tool(needs_approval=rule)
    async def pay(amount: int = 0) -> str:
        return f"paid {amount}"

    model = ScriptedRealtimeModel(
        [
            emit(call("pay", '{"amount": 5}', "c1")),
            answer("paid 5"),
            emit(call("pay", '{"amount": 50}', "c2")),
        ]
    )
    async with await session_of(model, RealtimeAgent("Tester", tools=[pay]), context="mine") as session:
        assert (await approval(session)).call_id == "c2"
    assert asked == [("mine", {"amount": 5}, "c1"), ("mine", {"amount": 50}, "c2")]


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
    monkeypatch.setattr(serial, "GIVEN_UP_WITHIN_S", 0.01)
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
    await asyncio.wait_for(session.close(), 5)
    assert "speakerd tool stubborn does not end" in caplog.text
    release.set()
    await asyncio.wait({task})


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


def approval_request(number: int = 1, name: str = "search") -> m.RealtimeModelMcpApprovalRequestEvent:
    return m.RealtimeModelMcpApprovalRequestEvent(f"mcpr_{number}", "wiki", name, "{}")


def mcp_answer(number: int, *, approve: bool, reason: str | None = None) -> Expect:
    return expect(
        RealtimeModelSendMcpApproval, approval_request_id=f"mcpr_{number}", approve=approve, reason=reason
    )


async def test_a_hosted_mcp_tool_is_approved_like_any_other() -> None:
    wiki = HostedMCPTool(
        {"server_label": "wiki", "server_url": "https://wiki.example", "authorization": "secret"}
    )
    model = ScriptedRealtimeModel(
        [
            emit(approval_request(1)),
            mcp_answer(1, approve=False, reason="Not now."),
            emit(approval_request(2)),
            mcp_answer(2, approve=True),
            emit(approval_request(3)),
            mcp_answer(3, approve=True),
        ]
    )
    async with await session_of(model, RealtimeAgent("T", tools=[wiki])) as session:
        asked = await approval(session)
        assert asked.tool is wiki
        assert asked.to_dict()["tool"] == "wiki"
        assert "secret" not in f"{asked} {wiki!r}"
        await session.reject_tool_call(asked.call_id, rejection_message="Not now.")
        await session.approve_tool_call((await approval(session)).call_id, always=True)
        await model.finished()


@pytest.mark.parametrize(
    ("given", "approve", "reason"),
    [(True, True, None), (False, False, None), ({"approve": False, "reason": "no"}, False, "no")],
)
async def test_a_function_may_answer_for_a_hosted_mcp_tool(
    given: Any, approve: bool, reason: str | None
) -> None:
    wiki = HostedMCPTool({"server_label": "wiki"}, on_approval_request=lambda event: given)
    await play([wiki], emit(approval_request()), mcp_answer(1, approve=approve, reason=reason))


async def test_a_function_that_fails_to_answer_refuses_and_is_reported() -> None:
    def broken(_event: Any) -> bool:
        raise RuntimeError("asked in vain")

    wiki = HostedMCPTool({"server_label": "wiki"}, on_approval_request=broken)
    events, _ = await play(
        [wiki],
        emit(approval_request()),
        mcp_answer(1, approve=False, reason="The approval could not be asked for."),
    )
    assert "asked in vain" in [str(event.error) for event in events if isinstance(event, RealtimeError)]


async def test_mcp_requests_beyond_the_bound_are_refused() -> None:
    await play([], emit(*(approval_request(number) for number in range(65))), mcp_answer(64, approve=False))


async def test_a_tool_made_by_hand_runs_too() -> None:
    async def invoke(ctx: ToolContext[Any], arguments: str) -> str:
        return ctx.tool_arguments + arguments

    tool = FunctionTool("echo", "", {"type": "object"}, invoke)
    await play([tool], emit(call("echo", "{}")), answer("{}{}"))
