from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel

from speakerd.realtime import (
    RealtimeAgent,
    RealtimeAgentHooks,
    RealtimeRunHooks,
    RunContextWrapper,
    UserError,
    function_tool,
    realtime_handoff,
)
from speakerd.realtime.agents.agent import Handoff
from speakerd.realtime.model.inputs import RealtimeModelSendSessionUpdate, RealtimeModelSendToolOutput
from speakerd.realtime.session.events import RealtimeAgentEndEvent, RealtimeError, RealtimeHandoffEvent
from speakerd.realtime.testing.scripted import ScriptedRealtimeModel, emit, expect
from tests.limits import limit
from tests.realtime.layer import call, ended, read_all, read_until, session_of, session_with, started
from tests.realtime.recording_model import RecordingModel


@function_tool
def refund() -> str:
    """Pay back."""
    return "paid back"


class Reason(BaseModel):
    reason: str


async def test_a_handoff_puts_the_other_agent_in_force_in_the_right_order() -> None:
    billing = RealtimeAgent("Billing", instructions="You do bills.", tools=[refund])
    desk = RealtimeAgent("Desk", handoffs=[billing])
    update = {"instructions": "You do bills.", "tools": [refund], "handoffs": []}
    model = ScriptedRealtimeModel(
        [
            emit(call("transfer_to_billing")),
            expect(RealtimeModelSendSessionUpdate, session_settings=update),
            expect(RealtimeModelSendToolOutput, output='{"assistant": "Billing"}', start_response=True),
            emit(call("refund", call_id="c2")),
            expect(RealtimeModelSendToolOutput, output="paid back"),
        ]
    )
    async with await session_of(model, desk) as session:
        (*_, event) = await read_until(session, "handoff")
        assert isinstance(event, RealtimeHandoffEvent)
        assert (event.from_agent, event.to_agent) == (desk, billing)
        assert event.to_dict() == {"type": "handoff", "from_agent": "Desk", "to_agent": "Billing"}
        await model.finished()
        assert session.current_agent is billing


async def test_a_response_that_hands_over_ends_with_the_agent_that_it_began_with() -> None:
    told: list[tuple[str, str, str]] = []

    class Hooks(RealtimeAgentHooks[Any]):
        async def on_end(self, _context: Any, agent: Any, _output: Any) -> None:
            told.append(("agent", "on_end", agent.name))

    class Run(RealtimeRunHooks[Any]):
        async def on_agent_end(self, _context: Any, agent: Any, _output: Any) -> None:
            told.append(("run", "on_agent_end", agent.name))

    billing = RealtimeAgent("Billing", hooks=Hooks())
    desk = RealtimeAgent("Desk", handoffs=[billing], hooks=Hooks())
    model = RecordingModel()
    async with await session_of(model, desk, hooks=Run()) as session:
        await model.emit(started("r1"), call("transfer_to_billing", response="r1"))
        await model.outputs()
        assert session.current_agent is billing
        await model.emit(ended("r1"), started("r2"), ended("r2"))
        while len(told) < 4:
            await asyncio.sleep(0)
    ends = [event for event in await read_all(session) if isinstance(event, RealtimeAgentEndEvent)]
    assert [event.agent for event in ends] == [desk, billing]
    assert told == [
        (of, hook, name)
        for name in ("Desk", "Billing")
        for of, hook in (("agent", "on_end"), ("run", "on_agent_end"))
    ]


async def test_an_agent_without_instructions_does_not_keep_those_of_the_one_before() -> None:
    silent = RealtimeAgent("Silent")
    model = ScriptedRealtimeModel(
        [
            emit(call("transfer_to_silent")),
            expect(
                RealtimeModelSendSessionUpdate,
                session_settings={"instructions": "", "tools": [], "handoffs": []},
            ),
            expect(RealtimeModelSendToolOutput),
        ]
    )
    async with await session_of(model, RealtimeAgent("Desk", instructions="Old.", handoffs=[silent])):
        await model.finished()


async def test_the_first_of_two_handoffs_in_one_response_holds() -> None:
    a, b = RealtimeAgent("A"), RealtimeAgent("B")
    model = ScriptedRealtimeModel(
        [
            emit(
                started(),
                call("transfer_to_a", call_id="c1", response="r1"),
                call("transfer_to_b", call_id="c2", response="r1"),
            ),
            expect(RealtimeModelSendSessionUpdate),
            expect(RealtimeModelSendToolOutput, output='{"assistant": "A"}'),
            expect(RealtimeModelSendToolOutput, output="The conversation was given to A already."),
        ]
    )
    async with await session_of(model, RealtimeAgent("Desk", handoffs=[a, b])) as session:
        await model.finished()
        assert session.current_agent is a


async def test_a_tool_called_beside_a_handoff_is_still_the_old_agents() -> None:
    desk = RealtimeAgent("Desk", tools=[refund], handoffs=[RealtimeAgent("A")])
    model = ScriptedRealtimeModel(
        [
            emit(started(), call("transfer_to_a", call_id="c1", response="r1")),
            expect(RealtimeModelSendSessionUpdate),
            expect(RealtimeModelSendToolOutput, output='{"assistant": "A"}'),
            emit(call("refund", call_id="c2", response="r1")),
            expect(RealtimeModelSendToolOutput, output="paid back"),
            emit(started("r2"), call("refund", call_id="c3", response="r2")),
            expect(RealtimeModelSendToolOutput, output="There is no tool refund. There are: none."),
        ]
    )
    async with await session_of(model, desk):
        await model.finished()


async def test_on_handoff_is_told_with_the_context_and_the_input() -> None:
    seen: list[Any] = []

    async def with_input(ctx: RunContextWrapper[str], given: Reason) -> None:
        seen.append((ctx.context, given))

    def without(ctx: RunContextWrapper[str]) -> None:
        seen.append(ctx.context)

    a, b = RealtimeAgent("A"), RealtimeAgent("B")
    desk = RealtimeAgent(
        "Desk",
        handoffs=[
            realtime_handoff(a, on_handoff=with_input, input_type=Reason),
            realtime_handoff(b, on_handoff=without),
        ],
    )
    for name, arguments in (("a", '{"reason": "bills"}'), ("b", "{}")):
        model = ScriptedRealtimeModel(
            [
                emit(call(f"transfer_to_{name}", arguments)),
                expect(RealtimeModelSendSessionUpdate),
                expect(RealtimeModelSendToolOutput),
            ]
        )
        async with await session_of(model, desk, context="mine"):
            await model.finished()
    assert seen == [("mine", Reason(reason="bills")), "mine"]


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        ('{"reason": 7}', "Wrong arguments for transfer_to_a"),
        ("{", "Wrong arguments for transfer_to_a"),
    ],
)
async def test_a_handoff_with_wrong_input_does_not_happen(arguments: str, output: str) -> None:
    a = RealtimeAgent("A")
    desk = RealtimeAgent(
        "Desk", handoffs=[realtime_handoff(a, on_handoff=lambda _ctx, _given: None, input_type=Reason)]
    )
    model = ScriptedRealtimeModel(
        [emit(call("transfer_to_a", arguments)), expect(RealtimeModelSendToolOutput)]
    )
    session = await session_with(model, desk)
    await model.finished()
    await session.close()
    assert session.current_agent is desk
    sent = model.sent[0]
    assert isinstance(sent, RealtimeModelSendToolOutput)
    assert output in sent.output
    assert [event.type for event in await read_all(session)].count("error") == 1


def test_an_input_that_is_no_object_is_wrapped_in_one() -> None:
    handoff = realtime_handoff(RealtimeAgent("A"), on_handoff=lambda _ctx, _given: None, input_type=int)
    assert handoff.input_json_schema == {
        "type": "object",
        "properties": {"input": {"type": "integer"}},
        "required": ["input"],
    }


async def test_a_wrapped_input_is_taken_out_again() -> None:
    seen: list[int] = []
    a = RealtimeAgent("A")
    handoff = realtime_handoff(a, on_handoff=lambda _ctx, given: seen.append(given), input_type=int)
    assert await handoff.on_invoke_handoff(RunContextWrapper(None), '{"input": "7"}') is a
    assert seen == [7]


def test_the_schema_of_a_model_comes_with_its_definitions() -> None:
    class Inner(BaseModel):
        x: int

    class Outer(BaseModel):
        inner: Inner

    handoff = realtime_handoff(RealtimeAgent("A"), on_handoff=lambda _ctx, _given: None, input_type=Outer)
    assert set(handoff.input_json_schema["$defs"]) == {"Inner"}
    assert handoff.to_dict()["parameters"] == handoff.input_json_schema


@pytest.mark.parametrize(
    ("on_handoff", "input_type"),
    [(None, int), (lambda: None, None), (lambda _a: None, int), (lambda _a, _b: None, None)],
)
def test_a_callback_that_does_not_fit_its_input_is_refused(on_handoff: Any, input_type: Any) -> None:
    with pytest.raises(UserError, match="on_handoff"):
        realtime_handoff(RealtimeAgent("A"), on_handoff=on_handoff, input_type=input_type)


async def test_a_disabled_handoff_is_neither_shown_nor_made() -> None:
    async def never(_ctx: Any, _agent: Any) -> bool:
        return False

    desk = RealtimeAgent("Desk", handoffs=[realtime_handoff(RealtimeAgent("A"), is_enabled=never)])
    model = ScriptedRealtimeModel(
        [
            emit(call("transfer_to_a")),
            expect(RealtimeModelSendToolOutput, output="There is no tool transfer_to_a. There are: none."),
        ]
    )
    async with await session_of(model, desk):
        await model.finished()
        assert model.options is not None
        assert model.options["initial_model_settings"]["handoffs"] == []


async def test_a_handoff_made_by_hand_has_to_give_an_agent() -> None:
    async def nowhere(_ctx: Any, _arguments: str) -> Any:
        return "nowhere"

    desk = RealtimeAgent("Desk", handoffs=[Handoff("leave", "", {"type": "object"}, nowhere, "Nowhere")])
    model = ScriptedRealtimeModel([emit(call("leave")), expect(RealtimeModelSendToolOutput)])
    session = await session_with(model, desk)
    await model.finished()
    await session.close()
    errors = [str(event.error) for event in await read_all(session) if isinstance(event, RealtimeError)]
    assert errors == ["The handoff leave gave 'nowhere': give an agent"]


async def test_the_hook_of_the_new_agent_is_told_who_handed_over() -> None:
    told: list[tuple[str, str]] = []
    done = asyncio.Event()

    class Hooks(RealtimeAgentHooks[Any]):
        async def on_handoff(
            self, context: RunContextWrapper[Any], agent: RealtimeAgent[Any], source: RealtimeAgent[Any]
        ) -> None:
            told.append((agent.name, source.name))
            done.set()

    model = ScriptedRealtimeModel(
        [
            emit(call("transfer_to_a")),
            expect(RealtimeModelSendSessionUpdate),
            expect(RealtimeModelSendToolOutput),
        ]
    )
    async with await session_of(model, RealtimeAgent("Desk", handoffs=[RealtimeAgent("A", hooks=Hooks())])):
        await model.finished()
        await asyncio.wait_for(done.wait(), limit(5))
    assert told == [("A", "Desk")]
