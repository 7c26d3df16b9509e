"""A network in memory: byte streams between two asyncio protocols, with the faults of a real one.

What is written arrives after `delay_s`, in order. Faults are methods: a server may refuse, a connection may be cut
(both ends see it), be reset, or become a black hole: both ends keep believing in it, and nothing arrives, as behind a
router that lost its memory. Needs no socket, so that all times are the virtual loop's.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.simulation.virtual_loop import VirtualLoop

HIGH_WATER: Final = 64 * 1024
"""So many bytes on the way pause the writer; asyncio's own default."""


class Network:
    """All servers and connections. `attach` is called by the loop."""

    def __init__(self, *, delay_s: float = 0.02) -> None:
        self.delay_s = delay_s
        self.bytes_per_s: float | None = None
        """What each direction of a connection carries; None: any amount at once."""
        self.down = False
        """No connection can be made: there is no route."""
        self.links: list[Link] = []
        """All connections ever made, oldest first."""
        self._servers: dict[int, MemoryServer] = {}
        self._loop: VirtualLoop | None = None
        self._ports = 40_000

    def attach(self, loop: VirtualLoop) -> None:
        """Use that loop's clock."""
        self._loop = loop

    @property
    def open_links(self) -> list[Link]:
        """Connections of which neither end has been closed."""
        return [link for link in self.links if link.open]

    def serve(self, protocol_factory: Callable[[], Any], host: str, port: int) -> MemoryServer:
        """Listen there; port 0 takes a free one."""
        if port == 0:
            self._ports += 1
            port = self._ports
        if port in self._servers:
            raise OSError(98, f"port {port} is in use")
        server = MemoryServer(self, protocol_factory, host, port)
        self._servers[port] = server
        return server

    def leave(self, port: int) -> None:
        """That server has ended."""
        self._servers.pop(port, None)

    async def connect(
        self, protocol_factory: Callable[[], Any], host: str, port: int
    ) -> tuple[MemoryTransport, Any]:
        """A connection to who listens on that port.

        Raises:
            OSError: nobody does, or the network is down.
        """
        assert self._loop is not None
        await asyncio.sleep(self.delay_s)
        if self.down:
            raise OSError(101, "Network is unreachable")
        server = self._servers.get(port)
        if server is None or server.refusing:
            raise ConnectionRefusedError(111, f"nobody listens at {host}:{port}")
        link = Link(self, self._loop)
        self.links.append(link)
        inner, outer = protocol_factory(), server.protocol_factory()
        link.join(inner, outer)
        return link.client, inner


class MemoryServer:
    """What `create_server` gives: enough of `asyncio.Server` for who uses it."""

    def __init__(self, network: Network, protocol_factory: Callable[[], Any], host: str, port: int) -> None:
        self.protocol_factory = protocol_factory
        self.refusing = False
        self._network = network
        self._host, self.port = host, port
        self._serving = True

    @property
    def sockets(self) -> tuple[Any, ...]:
        """One, that knows its name."""
        return (self,) if self._serving else ()

    def getsockname(self) -> tuple[str, int]:
        """As a socket has it."""
        return (self._host, self.port)

    @property
    def family(self) -> int:
        """IPv4."""
        return 2

    def is_serving(self) -> bool:
        """Whether it takes connections."""
        return self._serving

    async def start_serving(self) -> None:
        """It does already."""

    def close(self) -> None:
        """Take no further connections. Idempotent."""
        self._serving = False
        self._network.leave(self.port)

    async def wait_closed(self) -> None:
        """It is closed at once."""

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The loop of whoever asks."""
        return asyncio.get_running_loop()


@dataclass(eq=False)
class Link:
    """One connection: two transports, and what goes wrong between them."""

    network: Network
    loop: VirtualLoop
    black_hole: bool = False
    """From now on nothing arrives, and nobody is told."""
    client: MemoryTransport = field(init=False)
    server: MemoryTransport = field(init=False)

    def __post_init__(self) -> None:
        self.client, self.server = MemoryTransport(self, "client"), MemoryTransport(self, "server")
        self.client.peer, self.server.peer = self.server, self.client

    @property
    def open(self) -> bool:
        """Neither end has been lost."""
        return not (self.client.lost or self.server.lost)

    def join(self, client: Any, server: Any) -> None:
        """Begin, for both ends."""
        self.client.set_protocol(client)
        self.server.set_protocol(server)
        client.connection_made(self.client)
        server.connection_made(self.server)

    def cut(self) -> None:
        """End it for both, without a word: as a peer that died and was restarted."""
        for end in (self.client, self.server):
            end.lose(ConnectionResetError(104, "Connection reset by peer"))


class MemoryTransport(asyncio.Transport):
    """One end. Bytes written are received by the peer after the network's delay, in order."""

    def __init__(self, link: Link, name: str) -> None:
        super().__init__({"peername": (name, 1), "sockname": (name, 2)})
        self.peer: MemoryTransport
        self.lost = False
        self.sent = 0
        """Bytes written so far."""
        self._link = link
        self._protocol: Any = None
        self._closing = False
        self._high, self._low = HIGH_WATER, HIGH_WATER // 4
        self._on_the_way = 0
        self._free_at = 0.0
        """When the line has carried what was written so far."""
        self._paused_writing = False
        self._paused_reading = False
        self._kept: list[bytes | None] = []
        self._line: deque[Callable[[], None]] = deque()
        """What will happen at the peer, in order: a loop does not keep the order of timers that are due together."""

    def set_protocol(self, protocol: Any) -> None:
        self._protocol = protocol

    def get_protocol(self) -> Any:
        return self._protocol

    # -- writing -------------------------------------------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closing or self.lost:
            return
        chunk = bytes(data)
        self.sent += len(chunk)
        self._on_the_way += len(chunk)
        self._look_at_the_buffer()
        if not self._link.black_hole:
            self._later(partial(self._arrive, chunk), len(chunk))

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        if not self._link.black_hole:
            self._later(partial(self.peer.receive, None))

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = HIGH_WATER if high is None else high
        self._low = self._high // 4 if low is None else low

    def get_write_buffer_size(self) -> int:
        return self._on_the_way

    def _later(self, arrival: Callable[[], None], size: int = 0) -> None:
        self._line.append(arrival)
        network, loop = self._link.network, self._link.loop
        if network.bytes_per_s is not None:
            self._free_at = max(self._free_at, loop.time()) + size / network.bytes_per_s
        loop.call_at(max(self._free_at, loop.time()) + network.delay_s, self._next_arrives)

    def _next_arrives(self) -> None:
        self._line.popleft()()

    def _arrive(self, chunk: bytes) -> None:
        if self._link.black_hole:
            return
        self.peer.receive(chunk)

    def taken(self, size: int) -> None:
        """The peer has read so much of it."""
        self._on_the_way -= size
        self._look_at_the_buffer()

    def _look_at_the_buffer(self) -> None:
        if self._on_the_way > self._high and not self._paused_writing:
            self._paused_writing = True
            self._protocol.pause_writing()
        elif self._on_the_way <= self._low and self._paused_writing:
            self._paused_writing = False
            if not self.lost:
                self._protocol.resume_writing()

    # -- reading -------------------------------------------------------------------------------------------

    def receive(self, chunk: bytes | None) -> None:
        """Bytes have arrived; `None` is the end of them."""
        if self.lost:
            return
        if self._paused_reading:
            self._kept.append(chunk)
            return
        if chunk is None:
            if not self._protocol.eof_received():
                self.close()
            return
        self.peer.taken(len(chunk))
        self._protocol.data_received(chunk)

    def pause_reading(self) -> None:
        self._paused_reading = True

    def resume_reading(self) -> None:
        self._paused_reading = False
        kept, self._kept = self._kept, []
        for chunk in kept:
            self.receive(chunk)

    def is_reading(self) -> bool:
        return not self._paused_reading

    # -- the end -------------------------------------------------------------------------------------------

    def is_closing(self) -> bool:
        return self._closing or self.lost

    def close(self) -> None:
        """Close after what was written has arrived."""
        if self._closing or self.lost:
            return
        self._closing = True
        self._later(self._closed)

    def _closed(self) -> None:
        self.lose(None)
        if not self._link.black_hole:
            self.peer.receive(None)

    def abort(self) -> None:
        """Close at once; the peer sees a reset, unless nothing arrives any more."""
        self.lose(None)
        if not self._link.black_hole:
            self._later(partial(self.peer.lose, ConnectionResetError(104, "reset")))

    def lose(self, error: Exception | None) -> None:
        """Tell the protocol that it is over. Idempotent."""
        if self.lost:
            return
        self.lost = True
        self._link.loop.call_soon(self._protocol.connection_lost, error)
