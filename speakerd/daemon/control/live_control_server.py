"""The control socket of the settings in force. A new path is opened beside the old one before that is given up."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from speakerd.daemon.live_settings import PreparedChange, UnworkableSettingError
from speakerd.host.control import ControlServer
from speakerd.host.errors import ControlError
from speakerd.host.socket_path import listening_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from speakerd.config.settings import Settings
    from speakerd.daemon.live_settings import Done, LiveSettings
    from speakerd.host.control import CommandHandler, Watch
    from speakerd.host.settings import ControlSettings


class LiveControlServer:
    """Owns the one control socket there is, or none where the settings want none. Event loop only."""

    def __init__(self, settings: LiveSettings, handle: CommandHandler, watch: Callable[[], Watch]) -> None:
        """Nothing is opened yet; the arguments are those of `ControlServer`."""
        self._handle = handle
        self._watch = watch
        now = settings.subscribe("control", prepare=self._prepare, when="now").control
        self._server = self._make(now)
        self._retired: list[ControlServer] = []

    def _make(self, settings: ControlSettings) -> ControlServer | None:
        if not settings.enabled:
            return None
        path = listening_path(settings.socket, os.environ, os.getuid())
        return ControlServer(
            path, self._handle, self._watch, group=settings.group, max_clients=settings.max_clients
        )

    async def start(self) -> None:
        """Listen on the control socket, if the settings want one. Raises ControlError if that is not possible."""
        if self._server is not None:
            await self._server.start()

    async def close(self) -> None:
        """Close all connections and remove the socket. Idempotent."""
        for server in (*self._retired, self._server):
            if server is not None:
                await server.close()

    async def _prepare(self, settings: Settings) -> PreparedChange:
        control = settings.control
        server = self._make(control)
        if server is not None and self._server is not None and server.path == self._server.path:
            return PreparedChange(partial(self._server.admit, control.group, control.max_clients))
        if server is None:
            return PreparedChange(partial(self._replace, None))
        try:
            await server.start()
        except ControlError as error:
            raise UnworkableSettingError("control.socket", str(error)) from error
        return PreparedChange(partial(self._replace, server), server.close)

    def _replace(self, server: ControlServer | None) -> Done:
        old, self._server = self._server, server
        if old is None:
            return None
        # Whoever asked for this reload is connected there, and waits for the answer.
        self._retired = [*(server for server in self._retired if server.connected), old]
        return old.retire()
