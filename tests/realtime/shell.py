"""What the tests of the shell around the protocol have in common: a listener, a connected model, a wait."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from speakerd.realtime.model.port import RealtimeModelListener
from speakerd.realtime.transport.websocket import OpenAIRealtimeWebSocketModel
from tests.limits import limit
from tests.realtime.validation import validate_client_event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from speakerd.realtime.model.events import RealtimeModelEvent
    from speakerd.realtime.testing.loopback import LoopbackServer


class Ear(RealtimeModelListener):
    """Keeps what it is told; `then` is done on each event."""

    def __init__(self, then: Callable[[Any], Any] | None = None) -> None:
        self.told: list[Any] = []
        self.then = then
        self._news = asyncio.Event()

    async def on_event(self, event: RealtimeModelEvent) -> None:
        self.told.append(event)
        self._news.set()
        if self.then is not None:
            await self.then(event)

    async def until(self, kind: str, count: int = 1, **fields: Any) -> Any:
        def found() -> list[Any]:
            return [
                event
                for event in self.told
                if event.type == kind and all(getattr(event, key) == value for key, value in fields.items())
            ]

        async with asyncio.timeout(limit(5)):
            while len(found()) < count:
                self._news.clear()
                await self._news.wait()
        return found()[count - 1]

    def statuses(self) -> list[str]:
        return [event.status for event in self.told if event.type == "connection_status"]


@contextlib.asynccontextmanager
async def connected(
    server: LoopbackServer,
    ear: Ear | None = None,
    model: OpenAIRealtimeWebSocketModel | None = None,
    **options: Any,
) -> AsyncIterator[OpenAIRealtimeWebSocketModel]:
    model = model or OpenAIRealtimeWebSocketModel(random=lambda: 0.0)
    if ear is not None:
        model.add_listener(ear)
    await model.connect({"url": server.url, "api_key": "k", **options})  # type: ignore[typeddict-item]  # as given
    try:
        yield model
    finally:
        await model.close()
    for event in server.received:
        validate_client_event(event)


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what no event tells."""
    async with asyncio.timeout(limit(5)):
        while not holds():
            await asyncio.sleep(0.001)
