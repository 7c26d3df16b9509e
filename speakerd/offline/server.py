"""The embedded realtime server: listens on loopback and serves the GA realtime protocol at `/v1/realtime`.

    async with OfflineServer(OfflineSettings(port=0)) as server:
        print(server.url)

Any path that ends in `/realtime` is served, with any `model` and any key or none. Beyond `max_connections` a client
is closed with code 1013. A client that sends the header of the superseded beta is closed with code 4000, as by the
hosted service.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import secrets
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Self

from websockets.asyncio.server import serve

from speakerd.offline.client_handler import ClientHandler
from speakerd.offline.errors import PortInUseError
from speakerd.offline.espeak import SpeechSynthesizer
from speakerd.offline.protocol import ServerSession
from speakerd.offline.recognizer import Recognizer
from speakerd.offline.understanding import Responder

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from websockets.asyncio.server import Server, ServerConnection
    from websockets.http11 import Request, Response

    from speakerd.offline.settings import OfflineSettings

logger = logging.getLogger("speakerd.offline")

PATH: Final = "/v1/realtime"
CLOSE_TRY_LATER: Final = 1013
CLOSE_BETA_REFUSED: Final = 4000
MAX_MESSAGE_BYTES: Final = 21 * 1024 * 1024
"""An append of 15 MiB in base64, with its JSON. A longer message closes the connection with code 1009."""
HANDSHAKE_S: Final = 5.0
"""A connection that has not sent its WebSocket handshake by then is closed."""
_LOOPBACK: Final = "127.0.0.1"
"""It asks for no key, so nobody else may reach it."""
_FAREWELL_S: Final = 0.5
"""Time for a client to answer the closing frame."""


class OfflineServer:
    """Runs from `start` to `close`; both may be called again. `tools_clock` gives the local date and time."""

    def __init__(
        self, settings: OfflineSettings, *, tools_clock: Callable[[], datetime] | None = None
    ) -> None:
        self._settings = settings
        self._responder = Responder(settings, tools_clock or _local_now)
        self.recognizer = Recognizer(settings)
        self._voice = SpeechSynthesizer(settings)
        self._server: Server | None = None
        self._connections: set[ClientHandler] = set()

    async def start(self) -> None:
        """Start voice and recogniser, and listen.

        Raises RecognizerMissingError, RecognizerError, VoiceMissingError, SpeechError, PortInUseError.
        """
        if self._server is not None:
            return
        self.recognizer = Recognizer(self._settings)
        try:
            self._server = await self._listen()
            await self._voice.start()
            if self._settings.load == "start":
                await self.recognizer.start()
        except BaseException:
            await self.close()
            raise
        logger.info("offline realtime server at %s", self.url)

    async def close(self) -> None:
        """Close every connection (code 1001) and end the processes. Idempotent."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            waiting = asyncio.ensure_future(server.wait_closed())
            if not (await asyncio.wait((waiting,), timeout=_FAREWELL_S))[0]:
                # Clients that do not read would delay this for the library's ten seconds.
                for connection in list(self._connections):
                    connection.abort()
                await asyncio.wait((waiting,), timeout=_FAREWELL_S)
            waiting.cancel()
        await self.recognizer.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def port(self) -> int:
        """The port it listens on; 0 while it is closed."""
        if self._server is None:
            return 0
        return int(next(iter(self._server.sockets)).getsockname()[1])

    @property
    def url(self) -> str:
        """The address that a client connects to."""
        return f"ws://{_LOOPBACK}:{self.port}{PATH}"

    @property
    def connections(self) -> int:
        """Number of clients that are connected."""
        return len(self._connections)

    async def _listen(self) -> Server:
        try:
            return await serve(
                self._serve_client,
                _LOOPBACK,
                self._settings.port,
                compression=None,
                max_size=MAX_MESSAGE_BYTES,
                open_timeout=HANDSHAKE_S,
                process_request=_check_path,
                server_header=None,
            )
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortInUseError(_LOOPBACK, self._settings.port) from error
            raise

    async def _serve_client(self, socket: ServerConnection) -> None:
        if socket.request is not None and "OpenAI-Beta" in socket.request.headers:
            await socket.close(
                CLOSE_BETA_REFUSED, "The beta API is not supported: leave the OpenAI-Beta header out."
            )
            return
        if len(self._connections) >= self._settings.max_connections:
            await socket.close(CLOSE_TRY_LATER, "too many connections")
            return
        session = ServerSession(self._settings, self._responder, secrets.token_hex(4))
        connection = ClientHandler(socket, session, self.recognizer, self._voice)
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)


async def _check_path(connection: ServerConnection, request: Request) -> Response | None:
    if request.path.partition("?")[0].rstrip("/").endswith("/realtime"):
        return None
    return connection.respond(HTTPStatus.NOT_FOUND, f"The realtime API is at {PATH}.\n")


def _local_now() -> datetime:
    return datetime.now().astimezone()
