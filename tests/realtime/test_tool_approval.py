"""Tools that need leave, a program's own and those of hosted MCP servers."""

from __future__ import annotations

from typing import Any

import pytest

from speakerd.realtime import (
    HostedMCPTool,
    RealtimeAgent,
    RunContextWrapper,
    UnknownToolCallError,
    function_tool,
)
from speakerd.realtime.model import events as m
from speakerd.realtime.model.inputs import RealtimeModelSendMcpApproval
from speakerd.realtime.session.events import RealtimeError
from speakerd.realtime.testing.scripted import (
    ExpectedRequest,
    ScriptedRealtimeModel,
    ScriptedStep,
    emit,
    expect,
)
from tests.realtime.layer import call, kinds, read_until, session_of
from tests.realtime.tool_play import answer, approval, play, unlock


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
    later: list[ScriptedStep] = [
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


def approval_request(number: int = 1, name: str = "search") -> m.RealtimeModelMcpApprovalRequestEvent:
    return m.RealtimeModelMcpApprovalRequestEvent(f"mcpr_{number}", "wiki", name, "{}")


def mcp_answer(number: int, *, approve: bool, reason: str | None = None) -> ExpectedRequest:
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
