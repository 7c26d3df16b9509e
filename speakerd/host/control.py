"""The control socket: a Unix stream socket for `speakerd ctl` and other programs, with one JSON object per line.

A client writes requests, one line each, and gets one line for each, in order::

    {"id": 1, "command": "volume", "args": {"level": 40}}
    {"id": 1, "ok": true, "result": {"volume": 40}}
    {"id": 1, "ok": false, "error": {"kind": "bad_arguments", "message": "..."}}

`id` is chosen by the client and returned unchanged. After the command `monitor` has been answered the connection
carries events, one `{"event": ..., "at": ...}` per line, until the client closes it; it takes no more requests.

Root, the daemon's own user and members of the group in the settings may use it; the kernel enforces that by the
mode of the socket, and the credentials of the peer are checked in addition. Limits apply to connections, the length
of a line, the time of a command, and the time a client may be silent. Events that wait for a slow reader are
bounded by the feed, which drops the oldest and reports how many; a reader that takes nothing at all for a while is
disconnected.
"""

import asyncio
import contextlib
import logging
import os
import socket
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, Self

from speakerd.host import control_lines as wire
from speakerd.host.errors import CommandError, ControlError
from speakerd.host.peers import group_number, groups_of, may, peer_of

logger = logging.getLogger(__name__)

COMMAND_LIMIT_S = 60.0
"""A command that takes longer is answered with an error; it may still be carried out. One with the argument
`wait_s` may take so many seconds more."""
IDLE_LIMIT_S = 600.0
"""A connection without a request for this long is closed: forgotten ones must not use up the limit."""
STALL_LIMIT_S = 15.0
"""A reader that takes no byte for this long is considered gone."""

SILENT_LIMIT_S = 2.0
"""A connection that has asked for nothing for this long gives its place to another where there is none left."""
RESERVED = 2
"""Places beyond the limit for root and the daemon's own user, so that nobody can lock out who has to mend it."""

_TURNS_OF_AN_ACCEPT = 8
"""Turns of the event loop; asyncio takes about five from the kernel's accept to our coroutine."""

FAREWELL_LIMIT_S = 1.0
"""A client that was refused may go on sending for this long before it is disconnected."""

CommandHandler = Callable[[str, dict[str, Any]], Awaitable[Mapping[str, Any]]]
"""Carries out a command and returns its result. Raises CommandError to refuse it, with a reason for the user."""


class Watch(Protocol):
    """A subscription to the live events: iterate over it, and close it when done."""

    def __aiter__(self) -> AsyncIterator[Mapping[str, Any]]: ...

    def close(self) -> None:
        """End the subscription and the iteration. Idempotent."""


class ControlServer:
    """The server of the control socket. Belongs to one event loop; not thread-safe."""

    def __init__(
        self,
        path: Path,
        handle: CommandHandler,
        watch: Callable[[], Watch],
        *,
        group: str = "",
        max_clients: int = 8,
    ) -> None:
        """Nothing is opened yet.

        Args:
            path: path of the socket; its folder is made if it is missing.
            handle: carries out the commands, one at a time for each connection.
            watch: returns a new subscription to the live events, for `monitor`.
            group: the group whose members may use the socket; empty for none.
            max_clients: number of connections at a time.
        """
        self.path = path
        self._handle = handle
        self._watch = watch
        self._group_name = group
        self._group: int | None = None
        self._max_clients = max_clients
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()
        self._silent_since: dict[asyncio.Task[None], float] = {}
        """Those of them that have asked for nothing, or nothing more, oldest first."""
        self._tasks: set[asyncio.Task[None]] = set()
        """All connections, those that are being refused included."""

    async def start(self) -> None:
        """Make the socket, and accept connections on it until `retire` or `close`.

        Raises:
            ControlError: another daemon listens there, or the socket cannot be made; the text says what to do.
        """
        self._group = _known_group(self._group_name)
        listener = _listen(self.path, self._group)
        self._server = await asyncio.start_unix_server(self._accept, sock=listener, limit=wire.LONGEST_LINE)

    def admit(self, group: str, max_clients: int) -> None:
        """Let members of another group in, and another number of clients, from the next connection on."""
        self._max_clients = max_clients
        if group != self._group_name:
            self._group_name, self._group = group, _known_group(group)
            _give_to_group(self.path, self._group)

    @property
    def connected(self) -> bool:
        """Whether anybody is connected."""
        return bool(self._tasks)

    async def retire(self) -> None:
        """Stop listening and remove the socket; those that are connected stay so until `close`."""
        server, self._server = self._server, None
        if server is None:
            return
        await self._stop_accepting(server)
        with contextlib.suppress(OSError):
            self.path.unlink()

    async def close(self) -> None:
        """Stop listening, close all connections, remove the socket. Idempotent."""
        server, self._server = self._server, None
        if server is not None:
            await self._stop_accepting(server)
            with contextlib.suppress(OSError):
                self.path.unlink()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _stop_accepting(self, server: asyncio.Server) -> None:
        # Connections that are being accepted must become our tasks first: asyncio would lose them.
        for listener in server.sockets:
            asyncio.get_running_loop().remove_reader(listener.fileno())
        for _ in range(_TURNS_OF_AN_ACCEPT):
            await asyncio.sleep(0)
        server.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio runs a coroutine callback as a task of its own
        self._tasks.add(task)
        try:
            if refusal := self._refusal(writer.get_extra_info("socket")):
                await _farewell(reader, writer, wire.error_line(None, *refusal))
                return
            self._clients.add(task)
            await self._converse(reader, writer)
        except (ConnectionError, TimeoutError):
            pass  # the client closed the connection, or was silent for too long
        except asyncio.CancelledError:
            pass  # `close`; asyncio would report the cancelled callback as an error
        except Exception:
            logger.exception("a control connection died")
        finally:
            self._clients.discard(task)
            self._silent_since.pop(task, None)
            self._tasks.discard(task)
            writer.close()

    def _refusal(self, connection: socket.socket) -> tuple[str, str] | None:
        peer = peer_of(connection)
        if not may(peer, os.geteuid(), self._group, groups_of(connection)):
            logger.warning("user %s (process %s) may not use the control socket", peer.uid, peer.pid)
            return "not_allowed", f"you are not in the group {self._group_name!r}"
        places = self._max_clients + (RESERVED if peer.uid in {0, os.geteuid()} else 0)
        if (
            len(self._clients) >= self._max_clients
            and not self._give_up_a_silent_one()
            and (len(self._clients) >= places)
        ):
            return "busy", f"{self._max_clients} clients are connected already (control.max_clients)"
        return None

    def _give_up_a_silent_one(self) -> bool:
        """Close the connection that has been silent for longest; return whether one has been for long."""
        now = asyncio.get_running_loop().time()
        for task, since in self._silent_since.items():
            if now - since >= SILENT_LIMIT_S:
                self._clients.discard(task)
                del self._silent_since[task]
                task.cancel()
                return True
        return False

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - as above
        while True:
            self._silent_since.pop(task, None)
            self._silent_since[task] = asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout(IDLE_LIMIT_S):
                    line = await reader.readuntil(b"\n")
            except asyncio.IncompleteReadError:
                return
            except asyncio.LimitOverrunError:
                words = f"a line has at most {wire.LONGEST_LINE} bytes"
                await _farewell(reader, writer, wire.error_line(None, "bad_request", words))
                return
            self._silent_since.pop(task, None)
            try:
                request = wire.parse_request(line)
            except CommandError as error:
                writer.write(wire.error_line(None, error.kind, error.reason))
            else:
                if request.command == "monitor":
                    await self._stream(request.id, reader, writer)
                    return
                writer.write(await self._answer(request))
            async with asyncio.timeout(STALL_LIMIT_S):
                await writer.drain()

    async def _answer(self, request: wire.ControlRequest) -> bytes:
        limit_s = COMMAND_LIMIT_S + request.wait_s
        try:
            async with asyncio.timeout(limit_s):
                return wire.result_line(request.id, await self._handle(request.command, request.args))
        except CommandError as error:
            return wire.error_line(request.id, error.kind, error.reason)
        except TimeoutError:
            return wire.error_line(request.id, "timeout", f"not done within {limit_s:.0f} s")
        except Exception:
            logger.exception("the control command %s failed", request.command)
            return wire.error_line(
                request.id, "internal", "a fault of speakerd; the journal has the traceback"
            )

    async def _stream(
        self, request_id: wire.JsonId, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        watch = self._watch()
        hung_up = asyncio.ensure_future(_until_end(reader))
        hung_up.add_done_callback(lambda _: watch.close())
        try:
            writer.write(wire.result_line(request_id, {}))
            async for event in watch:
                writer.write(wire.event_line(event))
                async with asyncio.timeout(STALL_LIMIT_S):
                    await writer.drain()
        finally:
            watch.close()
            hung_up.cancel()


async def _farewell(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: bytes) -> None:
    """Send a last line. Closing with bytes unread would reset the connection, and the line might be lost."""
    writer.write(line)
    writer.write_eof()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FAREWELL_LIMIT_S):
            await _until_end(reader)


async def _until_end(reader: asyncio.StreamReader) -> None:
    """Read and discard until the client closes the connection."""
    with contextlib.suppress(ConnectionError):
        while await reader.read(1024):
            pass


def _known_group(name: str) -> int | None:
    """Return the number of that group; None without a name, or, with a warning, if there is none."""
    number = group_number(name)
    if name and number is None:
        logger.warning("group %r does not exist: only root and this user can use the control socket", name)
    return number


def _give_to_group(path: Path, group: int | None) -> None:
    """Let members of the group use the socket; None: its owner alone."""
    if group is None:
        path.chmod(0o600)
        return
    try:
        # The service runs with that group already, and its system call filter refuses every chown.
        if path.stat().st_gid != group:
            os.chown(path, -1, group)
        path.chmod(0o660)
    except PermissionError:
        logger.warning("this user cannot give the control socket to its group: %s stays its own", path)


def _listen(path: Path, group: int | None) -> socket.socket:
    """Return a listening socket that no other user could access at any moment."""
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        status = path.parent.stat()
        if status.st_uid not in {0, os.geteuid()} or status.st_mode & stat.S_IWOTH:
            raise ControlError(f"{path.parent} belongs to somebody else; set control.socket to another path")
        _remove_stale(path)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            before = os.umask(0o177)
            try:
                listener.bind(str(path))
            finally:
                os.umask(before)
            _give_to_group(path, group)
            listener.listen(16)
        except BaseException:
            listener.close()
            raise
    except ControlError:
        raise
    except OSError as error:
        raise ControlError(f"control socket {path}: {error.strerror or error}") from error
    return listener


def _remove_stale(path: Path) -> None:
    """Remove the socket of a daemon that was killed.

    Raises:
        ControlError: a daemon listens there, or it is no socket.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ControlError(f"{path} is in the way and is no socket; remove it, or set control.socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
        except TimeoutError:
            pass  # its queue is full: a daemon listens there, and is busy
    raise ControlError(f"another speakerd is running: it listens on {path}")
