"""What the tests of the session layer have in common: short names for model events, and reading a session."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from speakerd.realtime import RealtimeAgent, RealtimeRunner, RealtimeSession
from speakerd.realtime.model import events as m
from tests.limits import limit

if TYPE_CHECKING:
    from collections.abc import Callable

    from speakerd.realtime.model.port import RealtimeModel
    from speakerd.realtime.session.events import RealtimeSessionEvent

LIMIT_S = limit(5.0)
"""No wait in these tests takes longer, unless something is broken."""


def audio(
    data: bytes = b"\0\0" * 240, item: str = "a1", response: str = "r1", index: int = 0
) -> m.RealtimeModelAudioEvent:
    return m.RealtimeModelAudioEvent(data, response, item, index)


def said(
    delta: str, item: str = "a1", response: str = "r1", index: int = 0
) -> m.RealtimeModelTranscriptDeltaEvent:
    return m.RealtimeModelTranscriptDeltaEvent(item, delta, response, index)


def call(
    name: str, arguments: str = "{}", call_id: str = "c1", response: str | None = None
) -> m.RealtimeModelToolCallEvent:
    return m.RealtimeModelToolCallEvent(name, call_id, arguments, id=f"item_{call_id}", response_id=response)


def started(response: str = "r1") -> m.RealtimeModelTurnStartedEvent:
    return m.RealtimeModelTurnStartedEvent(response)


def ended(response: str = "r1", status: Any = "completed", text: str = "") -> m.RealtimeModelTurnEndedEvent:
    return m.RealtimeModelTurnEndedEvent(response, status, output_text=text)


async def session_of(
    model: RealtimeModel, agent: RealtimeAgent[Any] | None = None, *, context: Any = None, **config: Any
) -> RealtimeSession[Any]:
    """A session for `async with`."""
    runner = RealtimeRunner(agent or RealtimeAgent("Tester"), model=model, config=config)  # type: ignore[arg-type]  # keys are checked where they are used
    return await runner.run(context=context)


async def session_with(
    model: RealtimeModel, agent: RealtimeAgent[Any] | None = None, *, context: Any = None, **config: Any
) -> RealtimeSession[Any]:
    """An entered session; the test closes it."""
    return await (await session_of(model, agent, context=context, **config)).enter()


async def read_until(
    session: RealtimeSession[Any], stop: str | Callable[[RealtimeSessionEvent], bool]
) -> list[RealtimeSessionEvent]:
    """All events up to and with the first of that type, or for which `stop` holds."""
    seen: list[RealtimeSessionEvent] = []
    async with asyncio.timeout(LIMIT_S):
        async for event in session:
            seen.append(event)
            if event.type == stop if isinstance(stop, str) else stop(event):
                return seen
    raise AssertionError(f"the session ended; seen {[event.type for event in seen]}")


async def read_all(
    session: RealtimeSession[Any], types: list[str] | None = None
) -> list[RealtimeSessionEvent]:
    """All events to the end of the session; their types go into `types` as they come."""
    events: list[RealtimeSessionEvent] = []
    async with asyncio.timeout(LIMIT_S):
        async for event in session:
            events.append(event)
            if types is not None:
                types.append(event.type)
    return events


def kinds(events: list[RealtimeSessionEvent]) -> list[str]:
    """The types in order, without the raw events that stand before each."""
    return [event.type for event in events if event.type != "raw_model_event"]
