"""Tools for tests, and playing a scripted model's calls of them to their end."""

from __future__ import annotations

import asyncio
from typing import Any

from speakerd.realtime import RealtimeAgent, RealtimeSession, Tool, function_tool
from speakerd.realtime.model.inputs import RealtimeModelSendToolOutput
from speakerd.realtime.session.events import RealtimeToolApprovalRequired
from speakerd.realtime.testing.scripted import ExpectedRequest, ScriptedRealtimeModel, expect
from tests.realtime.layer import read_all, read_until, session_with


@function_tool
async def double(number: int) -> int:
    """Double a number."""
    return 2 * number


@function_tool(needs_approval=True)
async def unlock(door: str) -> str:
    """Open a door."""
    return f"{door} is open"


def answer(output: str, *, due: bool = True) -> ExpectedRequest:
    return expect(RealtimeModelSendToolOutput, output=output, start_response=due)


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


async def approval(session: RealtimeSession[Any]) -> RealtimeToolApprovalRequired:
    event = (await read_until(session, "tool_approval_required"))[-1]
    assert isinstance(event, RealtimeToolApprovalRequired)
    return event
