"""Opening sessions: with the model of the settings, or with the embedded one.

`open` gives an entered session or raises `ConnectFailedError`. With `fallback = "offline"` the embedded server
answers while the other cannot be reached; which of the two it was is told to `on_backend`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Literal, Protocol

from speakerd.daemon.session.model_config import connection, session_settings
from speakerd.realtime.errors import ConnectFailedError
from speakerd.realtime.session import RealtimeRunner

if TYPE_CHECKING:
    from collections.abc import Callable

    from speakerd.config.model_settings import ModelSettings
    from speakerd.daemon.session.playback_tracker import HeardTracker
    from speakerd.realtime.agents import RealtimeAgent
    from speakerd.realtime.session import RealtimeSession

log = logging.getLogger(__name__)

Backend = Literal["remote", "offline"]


class EmbeddedServer(Protocol):
    """The embedded server, started when it is first needed."""

    async def url(self) -> str:
        """Where it listens; starts it if it is not running. Raises `OfflineError` if it cannot be had."""


class Sessions:
    """See the module. Event loop only."""

    def __init__(
        self,
        model: ModelSettings,
        agent: RealtimeAgent[None],
        *,
        key: Callable[[], str | None],
        embedded: EmbeddedServer,
        on_backend: Callable[[Backend], None] = lambda _backend: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock`: the event loop's monotonic seconds."""
        self.model = model
        self.agent = agent
        self._key = key
        self._embedded = embedded
        self._on_backend = on_backend
        self._clock = clock

    async def open(self, tracker: HeardTracker) -> RealtimeSession[None]:
        """An entered session."""
        if self.model.backend == "offline":
            return await self._open("offline", tracker)
        try:
            return await self._open("remote", tracker)
        except ConnectFailedError as error:
            if self.model.fallback != "offline":
                raise
            log.warning("%s; the embedded server answers instead", error)
            return await self._open("offline", tracker)

    async def _open(self, backend: Backend, tracker: HeardTracker) -> RealtimeSession[None]:
        url = await self._embedded.url() if backend == "offline" else None
        from speakerd.realtime import OpenAIRealtimeWebSocketModel  # noqa: PLC0415  # loads a WebSocket library

        runner = RealtimeRunner(
            self.agent,
            model=OpenAIRealtimeWebSocketModel(clock=self._clock),
            config={"model_settings": session_settings(self.model), "raw_events": False},
        )
        session = await runner.run(model_config=connection(self.model, tracker, self._key, url=url))
        try:
            async with asyncio.timeout(self.model.connect_timeout_s):
                await session.enter()
        except TimeoutError as error:
            await session.close()
            where = url or self.model.url
            limit = self.model.connect_timeout_s
            raise ConnectFailedError(where, f"no answer within {limit:g} s") from error
        self._on_backend(backend)
        return session
