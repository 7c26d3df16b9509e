"""A realtime server on the loopback interface that plays a script: for tests of programs that talk to a model.

::

    script = [Expect("response.create"), *spoken_response("resp_1", "item_1", "Hello!", ms=400)]
    async with LoopbackServer(script) as server:
        session = await runner.run(model_config={"url": server.url, "api_key": "test"})
        ...
    assert server.types() == ["session.update", ...]

It is a real WebSocket server, so all that lies between a program and its model is in the test. A script is a list
of steps: events (mappings) are sent, `Expect` waits for the client, and faults happen to the connection (`Wait`,
`Raw`, `Close`, `Drop`, `CutFrame`, `Refuse`, `Silent`). One script serves one connection; give several for a
client that comes back: the last serves all further ones. Instead of a list a script may be
`async def (connection)`.

What the client sent is in `received`, what was sent to it in `sent`, both parsed, in order, of all connections.
A script that waits in vain, or any other failure of the server, is raised when the server's context is left.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from speakerd.realtime.testing.scripted import ScriptError
from speakerd.realtime.testing.server_events import session_created, session_updated

if TYPE_CHECKING:
    from types import TracebackType

    from websockets.http11 import Request, Response

EXPECT_WITHIN_S = 5.0
"""How long a script waits for the client before it fails, where it does not say. To be set on a slow machine."""

MAX_FRAME_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Expect:
    """Wait until the client has sent an event of this type; others before it are recorded and passed over.

    With `where`, only one for which `where(event)` holds counts. `then` is called with the event and gives
    further steps.
    """

    type: str
    where: Callable[[Mapping[str, Any]], bool] | None = None
    then: Callable[[Mapping[str, Any]], Sequence[Step]] | None = None
    within_s: float | None = None
    """None is `EXPECT_WITHIN_S`."""


@dataclass(frozen=True)
class Wait:
    """A step: do nothing for so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Raw:
    """A step: send this frame unchanged: bad JSON, another type, anything."""

    frame: str | bytes


@dataclass(frozen=True)
class Close:
    """A step: close the WebSocket with this code, cleanly."""

    code: int = 1000
    reason: str = ""


@dataclass(frozen=True)
class Drop:
    """A step: break the TCP connection, without a close frame."""


@dataclass(frozen=True)
class CutFrame:
    """A step: send only the first bytes of this event's frame, then break the connection."""

    event: Mapping[str, Any]
    keep: float = 0.5
    """The part of the frame that is sent, from 0 to 1."""


@dataclass(frozen=True)
class Refuse:
    """A step: answer the handshake with this HTTP status. Only as the first step."""

    status: int = 401
    body: str = ""


@dataclass(frozen=True)
class Silent:
    """A step: do not greet with `session.created`. Only as the first step."""


@dataclass(frozen=True)
class Call:
    """A step: call this function, which may be async, and go on."""

    function: Callable[[], Any]


Step: TypeAlias = Mapping[str, Any] | Expect | Wait | Raw | Close | Drop | CutFrame | Refuse | Silent | Call
Script: TypeAlias = Sequence[Step] | Callable[["LoopbackConnection"], Awaitable[None]]


@dataclass
class LoopbackConnection:
    """The connection of one client."""

    number: int
    """The number of the connection, from 0."""
    headers: Mapping[str, str]
    path: str
    received: list[dict[str, Any]] = field(default_factory=list)
    """Events of the client, in order."""
    _server: LoopbackServer = field(repr=False, kw_only=True)
    _socket: ServerConnection = field(repr=False, kw_only=True)
    _looked_at: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    async def send(self, event: Mapping[str, Any]) -> None:
        """Send a server event; an `event_id` is added."""
        sent = self._server.numbered(event)
        await self._socket.send(json.dumps(sent))

    async def send_raw(self, frame: str | bytes) -> None:
        """Send a text frame unchanged. Bytes need not be UTF-8."""
        await self._socket.send(frame, text=True)

    async def expect(
        self,
        event_type: str,
        where: Callable[[Mapping[str, Any]], bool] | None = None,
        within_s: float | None = None,
    ) -> dict[str, Any]:
        """Wait for the next event of that type that the client sends, or has sent since the last one found.

        Raises:
            ScriptError: it does not come in time.
            ConnectionClosed: the client went.
        """
        begun = self._looked_at
        try:
            async with asyncio.timeout(EXPECT_WITHIN_S if within_s is None else within_s):
                while True:
                    while self._looked_at < len(self.received):
                        event = self.received[self._looked_at]
                        self._looked_at += 1
                        if event.get("type") == event_type and (where is None or where(event)):
                            return event
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            seen = [str(event.get("type")) for event in self.received[begun:]]
            came = ", ".join(seen) or "nothing"
            raise ScriptError(
                f"the script waited for {event_type!r}; since the last one found there came: {came}"
            ) from None

    async def next_event(self) -> dict[str, Any]:
        """Wait for the next event of the client, of any type, for as long as it takes."""
        while self._looked_at >= len(self.received):
            self._news.clear()
            await self._news.wait()
        self._looked_at += 1
        return self.received[self._looked_at - 1]

    def forget(self) -> None:
        """Forget what was looked at of `received`: for long runs."""
        del self.received[: self._looked_at]
        self._looked_at = 0

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the WebSocket cleanly."""
        await self._socket.close(code, reason)

    def drop(self) -> None:
        """Break the TCP connection, without a closing handshake of the WebSocket."""
        self._socket.transport.abort()

    async def cut_frame(self, event: Mapping[str, Any], keep: float = 0.5) -> None:
        """Send the beginning of a frame, then break the connection."""
        data = json.dumps(self._server.numbered(event)).encode()
        frame = Frame(Opcode.TEXT, data).serialize(mask=False)
        self._socket.transport.write(frame[: max(1, int(len(frame) * keep))])
        await asyncio.sleep(0)
        self._socket.transport.close()

    async def play(self, steps: Sequence[Step]) -> None:
        """Play the steps of a script, one after the other; return after the last one."""
        for step in steps:
            await self._step(step)

    async def _step(self, step: Step) -> None:
        match step:
            case Expect():
                event = await self.expect(step.type, step.where, step.within_s)
                if step.then is not None:
                    await self.play(step.then(event))
            case Wait():
                await asyncio.sleep(step.seconds)
            case Raw():
                await self.send_raw(step.frame)
            case Close():
                await self.close(step.code, step.reason)
            case Drop():
                self.drop()
            case CutFrame():
                await self.cut_frame(step.event, step.keep)
            case Call():
                result = step.function()
                if asyncio.iscoroutine(result):
                    await result
            case Refuse() | Silent():
                pass
            case _:
                await self.send(step)

    async def listen(self) -> None:
        """Record what the client sends, until it disconnects."""
        async for frame in self._socket:
            try:
                event = json.loads(frame)
            except ValueError:
                event = {"type": "not JSON", "frame": frame}
            self._server.received.append(event)
            self.received.append(event)
            self._news.set()
            if self._server.confirm and event.get("type") == "session.update":
                await self.send(session_updated(**(event.get("session") or {})))


class LoopbackServer:
    """A WebSocket server that plays scripts, one connection after the other.

    Args:
        *scripts: One for each connection to come, the last for all further ones. Without any, clients are greeted
            and listened to.
        greet: Send `session.created` at the beginning, unless a script says `Silent()`.
        confirm: Answer each `session.update` by `session.updated`; without it, that is the script's matter.
    """

    def __init__(self, *scripts: Script, greet: bool = True, confirm: bool = True) -> None:
        self.received: list[dict[str, Any]] = []
        """All events of all clients, in order."""
        self.sent: list[dict[str, Any]] = []
        """All events sent (but raw and cut frames), in order."""
        self.connections: list[LoopbackConnection] = []
        self.refused = 0
        """Handshakes that were answered with a status."""
        self._scripts = scripts
        self._greet = greet
        self.confirm = confirm
        self._server: Server | None = None
        self._failures: list[BaseException] = []
        self._events = 0
        self._attempts = 0
        self._playing: dict[ServerConnection, Script | None] = {}
        self._played = asyncio.Event()

    @property
    def url(self) -> str:
        """The URL of the server."""
        assert self._server is not None, "enter the server first"  # noqa: S101  # a mistake of the test
        port = next(iter(self._server.sockets)).getsockname()[1]
        return f"ws://127.0.0.1:{port}/v1/realtime?model=loopback"

    def types(self) -> list[str]:
        """Return the types of the clients' events, in order."""
        return [str(event.get("type")) for event in self.received]

    def of_type(self, event_type: str) -> list[dict[str, Any]]:
        """Return the clients' events of that type, in order."""
        return [event for event in self.received if event.get("type") == event_type]

    async def until_played(self, within_s: float | None = None) -> None:
        """Wait until a connection's script has been played to its end.

        Raises:
            ScriptError: (or whatever else) a script failed.
            TimeoutError: it did not come to its end.
        """
        async with asyncio.timeout(EXPECT_WITHIN_S if within_s is None else within_s):
            await self._played.wait()
        self._played.clear()
        self._raise()

    def numbered(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Add an `event_id` to an event and record it as sent."""
        self._events += 1
        numbered = {"event_id": f"event_{self._events}", **event}
        self.sent.append(numbered)
        return numbered

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            0,
            compression=None,
            max_size=MAX_FRAME_BYTES,
            process_request=self._handshake,
            ping_interval=None,
            close_timeout=1,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        if kind is None or kind is TimeoutError:
            # What the test waited for in vain, the script may know.
            self._raise()

    def _raise(self) -> None:
        if self._failures:
            raise self._failures[0]

    def _handshake(self, socket: ServerConnection, _request: Request) -> Response | None:
        script = self._scripts[min(self._attempts, len(self._scripts) - 1)] if self._scripts else None
        self._attempts += 1
        if isinstance(script, Sequence) and script and isinstance(script[0], Refuse):
            self.refused += 1
            return socket.respond(HTTPStatus(script[0].status), script[0].body)
        self._playing[socket] = script
        return None

    async def _serve(self, socket: ServerConnection) -> None:
        request = socket.request
        assert request is not None  # noqa: S101  # the handshake is over
        connection = LoopbackConnection(
            len(self.connections),
            dict(request.headers.raw_items()),
            request.path,
            _server=self,
            _socket=socket,
        )
        self.connections.append(connection)
        script = self._playing.pop(socket, None)
        playing = asyncio.create_task(self._play(connection, script))
        try:
            await connection.listen()
        except ConnectionClosed:
            pass
        finally:
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)

    async def _play(self, connection: LoopbackConnection, script: Script | None) -> None:
        silent = isinstance(script, Sequence) and bool(script) and isinstance(script[0], Silent)
        try:
            if self._greet and not silent:
                await connection.send(session_created())
            if isinstance(script, Sequence):
                await connection.play(script)
            elif script is not None:
                await script(connection)
        except ConnectionClosed:
            pass
        except Exception as error:  # noqa: BLE001  # raised again where the test waits
            self._failures.append(error)
        self._played.set()
