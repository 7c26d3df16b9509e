"""The embedded realtime server inside this process, started when it is first needed."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING

from speakerd.realtime.errors import ConnectFailedError

if TYPE_CHECKING:
    from speakerd.offline.server import OfflineServer
    from speakerd.offline.settings import OfflineSettings


class Embedded:
    """Starts one server at most, on a free port of loopback. Event loop only."""

    def __init__(self, settings: OfflineSettings) -> None:
        # Nobody else is to find it, so it takes any free port: several speakers may run on one machine.
        self._settings = dataclasses.replace(settings, port=0)
        self._server: OfflineServer | None = None
        self._starting = asyncio.Lock()

    async def url(self) -> str:
        """Where it listens; starts it if it is not running. Raises ConnectFailedError if it cannot be had."""
        async with self._starting:
            if self._server is None:
                from speakerd.offline.errors import OfflineError  # noqa: PLC0415  # an extra: loaded where wanted
                from speakerd.offline.server import OfflineServer  # noqa: PLC0415  # likewise

                server = OfflineServer(self._settings)
                try:
                    await server.__aenter__()
                except OfflineError as error:
                    raise ConnectFailedError("the embedded server", str(error)) from error
                self._server = server
            return self._server.url

    async def close(self) -> None:
        """Stop it, if it runs. Idempotent."""
        server, self._server = self._server, None
        if server is not None:
            await server.__aexit__(None, None, None)
