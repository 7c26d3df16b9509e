"""A model without a network or a script: it keeps what it is sent, and a test emits what it likes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from speakerd.realtime.model import (
    RealtimeModel,
    RealtimeModelSendToolOutput,
)
from tests.limits import limit

if TYPE_CHECKING:
    from speakerd.realtime.model import (
        RealtimeModelConfig,
        RealtimeModelEvent,
        RealtimeModelListener,
        RealtimeModelSendEvent,
    )


class RecordingModel(RealtimeModel):
    """Keeps requests; `connecting` holds up `connect()` until it is set."""

    def __init__(self) -> None:
        self.sent: list[RealtimeModelSendEvent] = []
        self.options: RealtimeModelConfig | None = None
        self.listeners: list[RealtimeModelListener] = []
        self.connecting: asyncio.Event | None = None
        self.closing: asyncio.Event | None = None
        self.closed = 0
        self._news = asyncio.Event()

    async def connect(self, options: RealtimeModelConfig) -> None:
        self.options = options
        if self.connecting is not None:
            await self.connecting.wait()

    def add_listener(self, listener: RealtimeModelListener) -> None:
        if listener not in self.listeners:
            self.listeners.append(listener)

    def remove_listener(self, listener: RealtimeModelListener) -> None:
        if listener in self.listeners:
            self.listeners.remove(listener)

    async def send_event(self, event: RealtimeModelSendEvent) -> None:
        self.sent.append(event)
        self._news.set()

    async def close(self) -> None:
        if self.closing is not None:
            await self.closing.wait()
        self.closed += 1

    async def emit(self, *events: RealtimeModelEvent) -> None:
        for event in events:
            for listener in tuple(self.listeners):
                await listener.on_event(event)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.sent if isinstance(event, kind)]

    async def until(self, kind: type[Any], count: int = 1) -> list[Any]:
        """Wait for so many requests of that kind."""
        async with asyncio.timeout(limit(10)):
            while len(self.of(kind)) < count:
                self._news.clear()
                await self._news.wait()
        return self.of(kind)

    async def outputs(self, count: int = 1) -> dict[str, str]:
        """Wait for so many outputs of tool calls; give them by the id of the call."""
        sent = await self.until(RealtimeModelSendToolOutput, count)
        assert len(sent) == len({each.tool_call.call_id for each in sent}), "a call was answered twice"
        return {each.tool_call.call_id: each.output for each in sent}


def tasks_left() -> list[str]:
    """The names of all tasks but the test's own."""
    return sorted(task.get_name() for task in asyncio.all_tasks() - {asyncio.current_task()})
