"""Between the daemon and a server of its own kind: writes down what a test must know, and can vanish.

The server behind it is `speakerd offline`. Nothing is changed on the way.
"""

import asyncio
import json
import threading
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from .household import SERVER_PORT

BEHIND = 8290


class Relay:
    """Runs in a thread of its own from the start."""

    def __init__(self) -> None:
        self.authorizations: list[str] = []
        """The header of each handshake."""
        self.truncations: list[dict[str, Any]] = []
        """Each `conversation.item.truncate` of the daemon."""
        self.sound_bytes = 0
        """Base64 of the microphone's sound that left the daemon."""
        self._server: Server | None = None
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self.appear()

    def appear(self) -> None:
        """Be there."""
        asyncio.run_coroutine_threadsafe(self._appear(), self._loop).result()

    def vanish(self) -> None:
        """Hang up on everybody, and refuse further calls."""
        asyncio.run_coroutine_threadsafe(self._vanish(), self._loop).result()

    async def _appear(self) -> None:
        self._server = await serve(self._serve, "127.0.0.1", SERVER_PORT, compression=None, max_size=None)

    async def _vanish(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, client: ServerConnection) -> None:
        request = client.request
        self.authorizations.append("" if request is None else request.headers.get("Authorization", ""))
        path = "/v1/realtime" if request is None else request.path
        async with connect(f"ws://127.0.0.1:{BEHIND}{path}", compression=None, max_size=None) as server:
            down = asyncio.create_task(_copy(server, client))
            try:
                async for message in client:
                    self._note(message)
                    await server.send(message)
            except ConnectionClosed:
                pass
            down.cancel()

    def _note(self, message: str | bytes) -> None:
        text = message if isinstance(message, str) else message.decode()
        if '"input_audio_buffer.append"' in text[:200]:
            self.sound_bytes += len(text)
        elif '"conversation.item.truncate"' in text:
            self.truncations.append(json.loads(text))


async def _copy(source: Any, sink: Any) -> None:
    try:
        async for message in source:
            await sink.send(message)
    except ConnectionClosed:
        pass
    await sink.close()
