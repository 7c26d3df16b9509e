"""Which results of tools the model is asked to reply to: all, none, or those of a response that said nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from speakerd.realtime import RealtimeAgent, UserError, function_tool, stay_silent
from speakerd.realtime.model.events import RealtimeModelTurnEndedEvent
from speakerd.realtime.model.inputs import RealtimeModelSendResponse, RealtimeModelSendToolOutput
from tests.realtime.layer import call, started
from tests.realtime.layer import session_with as entered
from tests.realtime.recording_model import RecordingModel
from tests.realtime.tool_play import double


@function_tool(answer="unless_spoken")
async def hang_up(fails: bool = False) -> str:
    """End the conversation."""
    if fails:
        raise RuntimeError("the line is stuck")
    return "ended"


AGENT = RealtimeAgent("T", tools=[double, hang_up, stay_silent])


def done(response: str = "r1", status: Any = "completed", text: str = "") -> RealtimeModelTurnEndedEvent:
    return RealtimeModelTurnEndedEvent(response, status, had_audio=bool(text), output_text=text)


async def replies(*events: Any, answers: int) -> int:
    """How often a reply is asked for when the model emits these events and so many calls are answered."""
    model = RecordingModel()
    session = await entered(model, AGENT)
    for event in events:
        await model.emit(event)
        await asyncio.sleep(0)
    await model.outputs(answers)
    await asyncio.sleep(0)
    await session.close()
    asked = [event for event in model.of(RealtimeModelSendToolOutput) if event.start_response]
    return len(asked) + len(model.of(RealtimeModelSendResponse))


SILENT = call("stay_silent", call_id="c1", response="r1")
HANG_UP = call("hang_up", call_id="c2", response="r1")
STUCK = call("hang_up", '{"fails": true}', call_id="c2", response="r1")
DOUBLE = call("double", '{"number": 1}', call_id="c3", response="r1")
HELPLESS = call("double", "{}", call_id="c3", response="r1")


async def test_a_tool_that_wants_no_answer_gets_none_however_the_response_ends() -> None:
    assert await replies(started(), SILENT, done(), answers=1) == 0
    assert await replies(started(), SILENT, done(text="hm"), answers=1) == 0
    assert await replies(SILENT, answers=1) == 0
    assert await replies(call("stay_silent"), answers=1) == 0


async def test_another_call_of_the_same_response_still_gets_its_answer_once() -> None:
    assert await replies(started(), SILENT, DOUBLE, done(), answers=2) == 1
    assert await replies(started(), DOUBLE, SILENT, done(), answers=2) == 1
    assert await replies(started(), DOUBLE, SILENT, done(status="cancelled"), answers=2) == 0


async def test_a_goodbye_is_said_once() -> None:
    assert await replies(started(), HANG_UP, done(text="Good bye."), answers=1) == 0
    assert await replies(started(), HANG_UP, done(), answers=1) == 1
    assert await replies(started(), HANG_UP, SILENT, done(), answers=2) == 1
    assert await replies(started(), HANG_UP, DOUBLE, done(text="Good bye."), answers=2) == 1
    assert await replies(started(), HANG_UP, DOUBLE, done(), answers=2) == 1
    assert await replies(call("hang_up"), answers=1) == 1


async def test_a_tool_that_answers_after_its_response_knows_whether_that_one_spoke() -> None:
    release = asyncio.Event()

    @function_tool(answer="unless_spoken")
    async def slow() -> None:
        await release.wait()

    for text, expected in (("Good bye.", False), ("", True)):
        release.clear()
        model = RecordingModel()
        session = await entered(model, RealtimeAgent("T", tools=[slow]))
        await model.emit(started(), call("slow", response="r1"), done(text=text))
        release.set()
        await model.outputs()
        assert [event.start_response for event in model.of(RealtimeModelSendToolOutput)] == [expected]
        await session.close()


async def test_a_failure_is_always_answered() -> None:
    assert await replies(started(), STUCK, done(text="Good bye."), answers=1) == 1
    assert await replies(started(), SILENT, HELPLESS, done(), answers=2) == 1


def test_another_value_is_refused() -> None:
    with pytest.raises(
        UserError, match="hang_up has answer='never', of type str: it is True, False or 'unless_spoken'"
    ):
        function_tool(lambda: None, name_override="hang_up", answer="never")  # type: ignore[call-overload]  # the mistake
