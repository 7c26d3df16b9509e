"""Checks around a tool: they allow, put a text in the place of the result, or raise."""

from __future__ import annotations

from typing import Any

import pytest

from speakerd.realtime import (
    RealtimeAgent,
    ToolGuardrailFunctionOutput,
    ToolInputGuardrailData,
    ToolInputGuardrailTripwireTriggered,
    ToolOutputGuardrailData,
    ToolOutputGuardrailTripwireTriggered,
    UserError,
    function_tool,
    tool_input_guardrail,
    tool_output_guardrail,
)
from speakerd.realtime.model.inputs import RealtimeModelSendToolOutput
from speakerd.realtime.session.events import RealtimeToolEnd
from tests.realtime.layer import call, read_all, session_of, session_with
from tests.realtime.recording_model import RecordingModel

RAN: list[str] = []


@tool_input_guardrail
def no_secret(data: ToolInputGuardrailData) -> ToolGuardrailFunctionOutput:
    if "secret" in data.context.tool_arguments:
        return ToolGuardrailFunctionOutput.reject_content(f"{data.agent.name} may not.", {"why": "secret"})
    if "bomb" in data.context.tool_arguments:
        return ToolGuardrailFunctionOutput.raise_exception({"why": "bomb"})
    return ToolGuardrailFunctionOutput.allow()


@tool_output_guardrail(name="no names")
async def no_names(data: ToolOutputGuardrailData) -> ToolGuardrailFunctionOutput:
    if data.output == "Rumpelstiltskin":
        return ToolGuardrailFunctionOutput.reject_content("Names are not told.")
    if data.output == "fire":
        return ToolGuardrailFunctionOutput.raise_exception()
    return ToolGuardrailFunctionOutput.allow()


@function_tool(tool_input_guardrails=[no_secret], tool_output_guardrails=[no_names], answer=False)
def look_up(what: str) -> str:
    RAN.append(what)
    return what


AGENT = RealtimeAgent("Ada", tools=[look_up])


@pytest.mark.parametrize(
    ("what", "answer", "ran"),
    [
        ("tea", "tea", True),
        ("secret", "Ada may not.", False),
        ("Rumpelstiltskin", "Names are not told.", True),
    ],
)
async def test_a_rejection_takes_the_place_of_the_result(what: str, answer: str, ran: bool) -> None:
    RAN.clear()
    model = RecordingModel()
    session = await session_with(model, AGENT)
    await model.emit(call("look_up", f'{{"what": "{what}"}}'))
    assert (await model.outputs())["c1"] == answer
    # After a rejection the model is asked to go on, though the tool wants no reply to its results.
    assert model.of(RealtimeModelSendToolOutput)[0].start_response == (answer != what)
    await session.close()
    (end,) = [event for event in await read_all(session) if isinstance(event, RealtimeToolEnd)]
    assert end.output == answer
    assert ([what] if ran else []) == RAN


@pytest.mark.parametrize(
    ("what", "kind", "name"),
    [
        ("bomb", ToolInputGuardrailTripwireTriggered, "no_secret"),
        ("fire", ToolOutputGuardrailTripwireTriggered, "no names"),
    ],
)
async def test_one_that_raises_ends_the_iteration_and_the_call_is_answered(
    what: str, kind: Any, name: str
) -> None:
    model = RecordingModel()
    session = await session_with(model, AGENT)
    await model.emit(call("look_up", f'{{"what": "{what}"}}'))
    assert name in (await model.outputs())["c1"]
    with pytest.raises(kind) as caught:
        await read_all(session)
    assert caught.value.guardrail.get_name() == name
    assert caught.value.output.behavior["type"] == "raise_exception"


@pytest.mark.parametrize("result", [None, True, RuntimeError("no verdict")])
async def test_one_that_gives_no_verdict_is_told_to_the_program(result: Any) -> None:
    @tool_input_guardrail
    def odd(_data: ToolInputGuardrailData) -> ToolGuardrailFunctionOutput:
        if isinstance(result, Exception):
            raise result
        return result  # type: ignore[no-any-return]  # the mistake

    tool = function_tool(lambda: "ran", name_override="subject", tool_input_guardrails=[odd])
    model = RecordingModel()
    session = await session_with(model, RealtimeAgent("Ada", tools=[tool]))
    await model.emit(call("subject"))
    assert "The tool failed: " in (await model.outputs())["c1"]
    with pytest.raises(RuntimeError if isinstance(result, Exception) else UserError):
        await read_all(session)


def test_a_function_among_the_guardrails_is_a_mistake() -> None:
    with pytest.raises(UserError, match=r"tool_input_guardrails\[0\].*what @tool_input_guardrail makes"):
        function_tool(lambda: "", name_override="f", tool_input_guardrails=[len])  # type: ignore[list-item]  # the mistake
    with pytest.raises(UserError, match=r"tool_output_guardrails\[0\].*what @tool_output_guardrail makes"):
        function_tool(lambda: "", name_override="f", tool_output_guardrails=[no_secret])  # type: ignore[list-item]  # the mistake


async def test_the_session_lives_on_without_any() -> None:
    model = RecordingModel()
    async with await session_of(
        model, RealtimeAgent("A", tools=[function_tool(lambda: "x", name_override="f")])
    ):
        await model.emit(call("f"))
        assert (await model.outputs())["c1"] == "x"
