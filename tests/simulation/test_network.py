"""The simulation's own ground: real websockets over the network of memory, in virtual time."""

from __future__ import annotations

import asyncio
import time

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from speakerd.realtime import function_tool
from speakerd.realtime.run_context import ToolContext
from speakerd.realtime.session.thread_pool import ToolThreadPool
from tests.simulation.network import Network
from tests.simulation.virtual_loop import NothingToWaitForError, simulate


async def echo(socket: ServerConnection) -> None:
    async for message in socket:
        await socket.send(message)


def test_an_hour_of_sleep_takes_no_time_and_is_an_hour_to_the_loop() -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await asyncio.gather(asyncio.sleep(3600), asyncio.sleep(1800))
        assert loop.time() - begun == pytest.approx(3600)

    begun = time.monotonic()
    simulate(work())
    assert time.monotonic() - begun < 10


def test_waiting_for_what_nobody_will_do_is_an_error_and_names_the_task() -> None:
    async def work() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(NothingToWaitForError, match="work"):
        simulate(work())


def test_a_tool_that_is_a_plain_function_takes_no_time_whatever_it_takes_in_a_thread() -> None:
    @function_tool
    def slow() -> str:
        """Take a while of real time."""
        time.sleep(0.05)
        return "done"

    async def work() -> None:
        loop = asyncio.get_running_loop()
        timer = asyncio.create_task(asyncio.sleep(3600))  # to which the clock would jump
        begun = loop.time()
        context = ToolContext(
            None, tool_name="slow", tool_call_id="1", tool_arguments="{}", run_in_thread=ToolThreadPool().run
        )
        assert await slow.invoke(context, "{}") == "done"
        assert loop.time() - begun < 1
        timer.cancel()

    simulate(work())


def test_websockets_talks_over_it_with_the_delay_of_the_network() -> None:
    network = Network(delay_s=0.1)

    async def work() -> None:
        loop = asyncio.get_running_loop()
        async with serve(echo, "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            async with connect(f"ws://127.0.0.1:{port}", proxy=None) as socket:
                begun = loop.time()
                await socket.send("hello")
                assert await socket.recv() == "hello"
                assert loop.time() - begun == pytest.approx(0.2)
        assert not network.open_links

    simulate(work(), network)


def test_what_is_written_in_the_same_moment_arrives_in_order() -> None:
    async def work() -> None:
        async with serve(echo, "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            async with connect(f"ws://127.0.0.1:{port}", proxy=None) as socket:
                for number in range(50):
                    await socket.send(str(number))
                assert [await socket.recv() for _ in range(50)] == [str(number) for number in range(50)]

    simulate(work(), Network(delay_s=0.0))


def test_a_slow_reader_pauses_the_writer() -> None:
    network = Network()

    async def deaf(socket: ServerConnection) -> None:
        await asyncio.sleep(100)
        async for _ in socket:
            pass

    async def work() -> None:
        async with serve(deaf, "127.0.0.1", 0, max_queue=2, ping_interval=None) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            async with connect(
                f"ws://127.0.0.1:{port}", proxy=None, ping_interval=None, compression=None
            ) as socket:
                loop = asyncio.get_running_loop()
                begun = loop.time()
                for _ in range(40):
                    await socket.send("x" * 10_000)
                assert loop.time() - begun > 50  # the writer waited until the reader read

    simulate(work(), network)


def test_a_cut_is_seen_by_both_ends_and_a_black_hole_by_none_until_the_ping_is_missed() -> None:
    network = Network()

    async def work() -> None:
        loop = asyncio.get_running_loop()
        async with serve(echo, "127.0.0.1", 0, ping_interval=None) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            async with connect(f"ws://127.0.0.1:{port}", proxy=None) as socket:
                network.links[-1].cut()
                with pytest.raises(ConnectionClosed):
                    await socket.recv()
            async with connect(
                f"ws://127.0.0.1:{port}", proxy=None, ping_interval=10, ping_timeout=5
            ) as socket:
                network.links[-1].black_hole = True
                begun = loop.time()
                with pytest.raises(ConnectionClosed):
                    await socket.recv()
                assert 14 < loop.time() - begun < 40

    simulate(work(), network)


def test_nobody_listening_and_no_route_are_errors_of_the_system() -> None:
    network = Network()

    async def work() -> None:
        with pytest.raises(ConnectionRefusedError):
            await connect("ws://127.0.0.1:1", proxy=None)
        network.down = True
        with pytest.raises(OSError, match="unreachable"):
            await connect("ws://127.0.0.1:1", proxy=None)

    simulate(work(), network)
