"""What a model that goes on calling tools may cost, and how the program is told that no reply is due."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from speakerd.realtime import RealtimeAgent, function_tool, stay_silent
from speakerd.realtime.errors import NoAnswerError, ToolLimitError
from speakerd.realtime.model.events import RealtimeModelTurnEndedEvent, RealtimeModelUsageEvent
from speakerd.realtime.model.inputs import RealtimeModelSendResponse, RealtimeModelSendToolOutput
from speakerd.realtime.session.events import RealtimeError, RealtimeNoReplyDue
from speakerd.realtime.session.tool_budget import ToolBudget
from speakerd.realtime.usage import Usage
from tests.realtime.layer import call, kinds, read_all, read_until, session_with, started
from tests.realtime.recording_model import RecordingModel
from tests.realtime.tool_play import double
from tests.simulation.virtual_loop import in_virtual_time


def test_rounds_are_counted_until_the_user_says_something() -> None:
    budget = ToolBudget({"max_rounds": 2})
    assert [budget.take_reply(0.0) for _ in range(4)] == ["any", "any", "last", "none"]
    budget.turn_begins()
    assert budget.take_reply(0.0) == "any"


def test_seconds_are_counted_from_the_first_call() -> None:
    budget = ToolBudget({"max_turn_seconds": 10})
    assert budget.reached(1000.0) is None
    budget.tool_called(1000.0)
    budget.tool_called(1009.0)
    assert budget.reached(1009.9) is None
    assert budget.reached(1010.0) == "10 s of tools for one question"
    budget.turn_begins()
    assert budget.reached(2000.0) is None


def test_tokens_are_counted_from_the_question_on() -> None:
    budget = ToolBudget({"max_turn_tokens": 100})
    budget.spend(99)
    assert budget.reached(0.0) is None
    budget.spend(1)
    assert budget.take_reply(0.0) == "last"


def test_without_limits_there_are_none() -> None:
    budget = ToolBudget({})
    budget.spend(10**9)
    budget.tool_called(0.0)
    assert {budget.take_reply(10.0**9) for _ in range(10_000)} == {"any"}


class TirelessModel(RecordingModel):
    """Answers each request for a reply with another call of a tool, however it is asked."""

    def __init__(self, tokens: int) -> None:
        super().__init__()
        self.tokens = tokens
        self.asked: list[Any] = []
        self.calling: set[asyncio.Task[None]] = set()

    async def send_event(self, event: Any) -> None:
        await super().send_event(event)
        if isinstance(event, RealtimeModelSendResponse) or getattr(event, "start_response", False):
            self.asked.append(event)
            self.calling.add(asyncio.create_task(self.call_again(f"r{len(self.asked)}")))

    async def call_again(self, response: str) -> None:
        await asyncio.sleep(0.1)
        await self.emit(started(response))
        await self.emit(call("double", '{"number": 1}', call_id=f"c{response}", response=response))
        await self.emit(RealtimeModelUsageEvent(Usage(total_tokens=self.tokens), response))
        await self.emit(RealtimeModelTurnEndedEvent(response, "completed"))


@pytest.mark.parametrize(
    ("limits", "requests"),
    [({"max_rounds": 3}, 5), ({"max_turn_seconds": 0.55}, 8), ({"max_turn_tokens": 400}, 5)],
)
@in_virtual_time
async def test_a_model_that_never_stops_calling_is_asked_once_more_without_tools_and_then_given_up(
    limits: dict[str, Any], requests: int
) -> None:
    model = TirelessModel(tokens=100)
    session = await session_with(model, RealtimeAgent("T", tools=[double]), tool_execution=limits)
    await session.respond()
    events = await read_until(session, "no_reply_due")
    await asyncio.sleep(100)
    assert len(model.asked) == requests
    assert [getattr(event, "tool_choice", None) for event in model.asked] == [None] * (requests - 1) + [
        "none"
    ]
    errors = [event.error for event in events if isinstance(event, RealtimeError)]
    assert [type(error) for error in errors] == [ToolLimitError, NoAnswerError]
    await session.respond()
    await read_until(session, "no_reply_due")
    assert len(model.asked) == 2 * requests
    await session.close()


@pytest.mark.parametrize("number", [64, 70, 150])
@pytest.mark.parametrize("end_first", [False, True])
@in_virtual_time
async def test_many_calls_of_one_response_are_all_answered_and_are_one_round(
    number: int, *, end_first: bool
) -> None:
    """Those beyond the bound are answered by a refusal at once; the reply is asked for once, after the last."""
    release = asyncio.Event()

    @function_tool
    async def slow() -> str:
        """Take long."""
        await release.wait()
        return "done"

    model = RecordingModel()
    session = await session_with(model, RealtimeAgent("T", tools=[slow]), tool_execution={"max_rounds": 10})
    await model.emit(started())
    for at in range(number):
        await model.emit(call("slow", call_id=f"c{at}", response="r1"))
    await model.outputs(number - 64)
    if end_first:
        await model.emit(DONE)
    assert replies(model) == 0
    release.set()
    outputs = await model.outputs(number)
    assert list(outputs.values()).count("done") == 64
    if not end_first:
        await asyncio.sleep(1)
        assert replies(model) == 0
        await model.emit(DONE)
    await asyncio.sleep(1)
    assert replies(model) == 1
    await session.close()
    assert "error" not in kinds(await read_all(session))


def replies(model: RecordingModel) -> int:
    """How often a reply was asked for."""
    outputs = [event for event in model.of(RealtimeModelSendToolOutput) if event.start_response]
    return len(outputs) + len(model.of(RealtimeModelSendResponse))


async def events_of(*emitted: Any, answers: int) -> list[Any]:
    model = RecordingModel()
    session = await session_with(model, RealtimeAgent("T", tools=[double, stay_silent]), raw_events=False)
    for event in emitted:
        await model.emit(event)
    await model.outputs(answers)
    for _ in range(20):
        await asyncio.sleep(0)
    await session.close()
    return await read_all(session)


SILENT = call("stay_silent", call_id="c1", response="r1")
DOUBLE = call("double", '{"number": 1}', call_id="c2", response="r1")
DONE = RealtimeModelTurnEndedEvent("r1", "completed")


@pytest.mark.parametrize("emitted", [(started(), SILENT, DONE), (started(), DONE, SILENT)])
async def test_that_no_reply_is_due_is_told_once_after_the_tools_have_ended(emitted: tuple[Any, ...]) -> None:
    events = await events_of(*emitted, answers=1)
    (told,) = [event for event in events if isinstance(event, RealtimeNoReplyDue)]
    assert told.response_id == "r1"
    types = kinds(events)
    assert types.index("no_reply_due") > types.index("agent_end")


async def test_after_a_cancelled_response_no_reply_is_due() -> None:
    events = await events_of(started(), DOUBLE, RealtimeModelTurnEndedEvent("r1", "cancelled"), answers=1)
    assert kinds(events).count("no_reply_due") == 1


async def test_where_a_reply_is_asked_for_it_is_not_told() -> None:
    assert "no_reply_due" not in kinds(await events_of(started(), DOUBLE, SILENT, DONE, answers=2))
    assert "no_reply_due" not in kinds(await events_of(started(), DONE, DOUBLE, answers=1))
    assert "no_reply_due" not in kinds(await events_of(started(), DONE, answers=0))
