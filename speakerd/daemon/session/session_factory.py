"""Opening sessions: with the model of the settings, or with the server embedded in this process.

With `fallback = "offline"` the embedded server answers while the other one cannot be reached. Without it, an
opening goes on until it succeeds, is refused for good, or is cancelled: how often and when to try is the session
layer's policy, and each failed attempt is reported on the way.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from speakerd.daemon.live_settings import PreparedChange, UnworkableSettingError
from speakerd.daemon.model_config import (
    EMBEDDED_RATE_HZ,
    connection,
    input_rate_hz,
    on_the_telephone,
    session_settings,
    tool_limits,
)
from speakerd.realtime.agents import RealtimeAgent
from speakerd.realtime.errors import ConnectFailedError
from speakerd.realtime.model import RealtimeModelListener
from speakerd.realtime.session import RealtimeRunner
from speakerd.realtime.wire import Allowances

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from speakerd.config.settings import Settings
    from speakerd.daemon.live_settings import LiveSettings
    from speakerd.daemon.session.api_key import LiveApiKey
    from speakerd.daemon.session.playback_tracker import PlaybackTracker
    from speakerd.offline.server import OfflineServer
    from speakerd.offline.settings import OfflineSettings
    from speakerd.realtime.agents import FunctionTool
    from speakerd.realtime.model import RealtimeModelEvent
    from speakerd.realtime.session import RealtimeSession

log = logging.getLogger(__name__)

Backend = Literal["remote", "offline"]

BACKENDS: Final[dict[Backend, str]] = {"remote": "the voice model", "offline": "the embedded server"}
"""Backend -> who answers, in words."""

_RETIRE_LIMIT_S = 10.0
"""A server that was replaced is closed then, whoever still uses it."""


class EmbeddedServer:
    """The embedded realtime server on a free port of loopback, started when first needed. Event loop only."""

    def __init__(self, settings: LiveSettings) -> None:
        """Nothing is started yet; `[offline]` is read, but for the port."""
        # Only this process uses it, so any free port will do: several speakers may run on one machine.
        settings.subscribe("offline.port", when="elsewhere")
        self._settings = settings.subscribe(
            "offline",
            "model.backend",
            "model.fallback",
            but=("offline.port",),
            prepare=self._prepare,
        )
        self._server: OfflineServer | None = None
        self.problem: UnworkableSettingError | None = None
        """Why it could not be started when it was last tried, where nothing else answers."""
        self._starting = asyncio.Lock()
        self._retiring: set[asyncio.Task[None]] = set()

    async def url(self) -> str:
        """Return where it listens; start it if it is not running. Raises ConnectFailedError if it cannot start."""
        async with self._starting:
            if self._server is None:
                try:
                    self._server = await _started(self._settings.offline)
                except _NotStartedError as error:
                    if self._settings.model.backend == "offline":
                        self.problem = UnworkableSettingError("model.backend", str(error))
                    raise ConnectFailedError("the embedded server", str(error)) from error
                self.problem = None
            return self._server.url

    async def close(self) -> None:
        """Stop it, if it runs. Idempotent."""
        server, self._server = self._server, None
        if server is not None:
            await server.close()
        await asyncio.gather(*self._retiring)

    async def _prepare(self, settings: Settings) -> PreparedChange:
        """Start another one beside the one that runs, where the settings use one at all."""
        model, key = settings.model, "model.backend"
        if model.backend != "offline" and model.fallback != "offline":
            return PreparedChange(partial(self._replace, None, settings))
        if settings.offline != self._settings.offline:
            key = "offline"
        elif model.backend != "offline":
            key = "model.fallback"
        try:
            server = await _started(settings.offline)
        except _NotStartedError as error:
            raise UnworkableSettingError(key, str(error)) from error
        return PreparedChange(partial(self._replace, server, settings), server.close)

    def _replace(self, server: OfflineServer | None, settings: Settings) -> None:
        self._settings, self.problem = settings, None
        old, self._server = self._server, server
        if server is not None and old is None and settings.model.backend != "offline":
            # It was only a trial: as a fallback it is started when it is needed.
            old, self._server = server, None
        if old is not None:
            task = asyncio.create_task(_retire(old))
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)


class _NotStartedError(Exception):
    """The embedded server cannot be started; the text says what to do."""


async def _started(settings: OfflineSettings) -> OfflineServer:
    from speakerd.offline.errors import OfflineError  # noqa: PLC0415  # an extra: loaded where wanted
    from speakerd.offline.server import OfflineServer  # noqa: PLC0415  # as above

    server = OfflineServer(dataclasses.replace(settings, port=0))
    try:
        await server.start()
    except OfflineError as error:
        raise _NotStartedError(str(error)) from error
    return server


async def _retire(server: OfflineServer) -> None:
    """Close a server that was replaced, once the session that it serves has moved on to the new one."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_RETIRE_LIMIT_S):
            while server.connections:  # noqa: ASYNC110  # the server tells nobody that a client left
                await asyncio.sleep(0.1)
    await server.close()


class SessionFactory:
    """Opens sessions by the settings in force at the moment of opening. Event loop only."""

    def __init__(
        self,
        settings: LiveSettings,
        *,
        key: LiveApiKey | None,
        embedded: EmbeddedServer,
        on_backend: Callable[[Backend], None] = lambda _backend: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is opened yet.

        Args:
            settings: `[model]` is read at each opening.
            key: The hosted service's; None where no server wants one.
            embedded: Started when it is first needed.
            on_backend: Called at each opening with which server answers.
            clock: The event loop's: monotonic seconds.
        """
        self._model = settings.subscribe("model", take=self._take).model
        self._key = key
        self._embedded = embedded
        self._on_backend = on_backend
        self.backend: Backend = self._model.backend
        """Which server the newest session was opened with."""
        self._clock = clock
        self._allowances = Allowances()
        """Of all sessions with the model's server, or each press would bring new ones."""

    def _take(self, settings: Settings) -> None:
        self._model = settings.model

    def agent(self, tools: Sequence[FunctionTool]) -> RealtimeAgent[None]:
        """Return the agent of the settings, with these tools."""
        return RealtimeAgent[None](name="speakerd", instructions=self._model.instructions, tools=list(tools))

    async def prepare(self) -> None:
        """Load what the first opening would have to wait for. Raises ConnectFailedError."""
        if self._model.backend == "offline":
            await self._embedded.url()

    async def open(
        self,
        tracker: PlaybackTracker,
        tools: Sequence[FunctionTool],
        on_failure: Callable[[str], None],
    ) -> RealtimeSession[None]:
        """Open a session whose agent has these tools; return it entered.

        `on_failure` is called with the reason of each attempt that failed and is followed by another. Raises
        ConnectFailedError where no further attempt is made.
        """
        attempt = partial(self._open, tracker, tools, on_failure)
        if self._model.backend == "offline":
            return await attempt("offline")
        try:
            return await attempt("remote")
        except ConnectFailedError as error:
            if self._model.fallback != "offline":
                raise
            log.warning("%s; the embedded server answers instead", error)
            return await attempt("offline")

    async def _open(
        self,
        tracker: PlaybackTracker,
        tools: Sequence[FunctionTool],
        on_failure: Callable[[str], None],
        backend: Backend,
    ) -> RealtimeSession[None]:
        # These load a WebSocket library.
        from speakerd.daemon.session.line_audio import model_for  # noqa: PLC0415
        from speakerd.realtime.transport import CONNECT_ATTEMPTS  # noqa: PLC0415

        settings = self._model
        url = await self._embedded.url() if backend == "offline" else None
        persistent = settings.fallback != "offline"
        limit_s = settings.connect_timeout_s
        model = model_for(
            input_rate_hz(settings),
            input_rate_hz(settings) if url is None else EMBEDDED_RATE_HZ,
            telephone=url is None and on_the_telephone(settings),
            transport_config={"handshake_timeout": limit_s},
            allowances=self._allowances if backend == "remote" else None,
            connect_attempts=None if persistent else CONNECT_ATTEMPTS,
            rotate_after_s=settings.rotate_after_min * 60,
            clock=self._clock,
        )
        runner = RealtimeRunner(
            self.agent(tools),
            model=model,
            config={
                "model_settings": session_settings(settings, embedded=url is not None),
                "tool_execution": tool_limits(settings),
                "raw_events": False,
            },
        )
        key = self._key.current if self._key is not None else lambda: None
        session = await runner.run(model_config=connection(settings, tracker, key, url=url))
        failures = _Failures(on_failure)
        model.add_listener(failures)
        try:
            # Where another server is to answer instead, all attempts together have the time of one.
            async with asyncio.timeout(None if persistent else limit_s):
                await session.enter()
        except TimeoutError as error:
            await session.close()
            raise ConnectFailedError(url or settings.url, f"no answer within {limit_s:g} s") from error
        finally:
            model.remove_listener(failures)
        self.backend = backend
        self._on_backend(backend)
        return session


class _Failures(RealtimeModelListener):
    """Reports the attempts to connect that failed, as long as there is no session whose events could be read."""

    def __init__(self, on_failure: Callable[[str], None]) -> None:
        self._on_failure = on_failure

    async def on_event(self, event: RealtimeModelEvent) -> None:
        """Look at what the model reports."""
        if event.type == "connection_status" and event.status == "reconnecting":
            self._on_failure(event.reason or "the model could not be reached")
