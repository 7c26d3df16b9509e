"""Closing the shell, and what its bugs do to a session."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from speakerd.realtime.errors import NotConnectedError
from speakerd.realtime.model import inputs as i
from speakerd.realtime.testing import server_events as s
from speakerd.realtime.testing.loopback import (
    Drop,
    Expect,
    LoopbackConnection,
    LoopbackServer,
    Refuse,
    Silent,
)
from speakerd.realtime.transport.websocket import OpenAIRealtimeWebSocketModel
from tests.limits import limit
from tests.realtime.shell import Ear, connected, until


async def test_close_is_idempotent_tells_the_end_and_leaves_no_task() -> None:
    ear = Ear()
    async with LoopbackServer() as server, connected(server, ear) as model:
        await asyncio.gather(model.close(), model.close())
        await model.close()
        await ear.until("end_of_stream")
    assert ear.statuses() == ["connecting", "connected", "disconnected"]
    assert [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("realtime")] == []


async def test_the_end_of_a_session_is_not_told_to_the_listener_of_the_next() -> None:
    first, second = Ear(), Ear()
    model = OpenAIRealtimeWebSocketModel()
    async with LoopbackServer() as server:
        model.add_listener(first)
        await model.connect({"url": server.url})
        model.remove_listener(first)
        await model.close()
        async with connected(server, second, model):
            await second.until("connection_status", status="connected")
            assert second.statuses() == ["connecting", "connected"]


async def test_close_while_it_waits_to_reconnect() -> None:
    ear = Ear()
    model = OpenAIRealtimeWebSocketModel(random=lambda: 1.0)
    async with LoopbackServer([Drop()], [Refuse(503)]) as server, connected(server, ear, model):
        await ear.until("connection_status", 2, status="reconnecting")
        async with asyncio.timeout(limit(1)):
            await model.close()


async def test_a_cancelled_connect_leaves_nothing_behind() -> None:
    async with LoopbackServer([Silent()]) as server:
        model = OpenAIRealtimeWebSocketModel()
        connecting = asyncio.create_task(model.connect({"url": server.url}))
        await until(lambda: len(server.connections) == 1)
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting
        assert [task for task in asyncio.all_tasks() if task.get_name().startswith("realtime")] == []


async def test_a_server_that_does_not_answer_the_close_is_left_within_two_seconds() -> None:
    async with LoopbackServer() as server, connected(server) as model:
        server_side = server.connections[0]._socket
        server_side.transport.pause_reading()
        async with asyncio.timeout(limit(2)):
            await model.close()
        server_side.transport.resume_reading()


async def test_a_socket_that_takes_nothing_is_left_within_two_seconds_while_somebody_sends_on_it() -> None:
    async def speak(model: OpenAIRealtimeWebSocketModel) -> None:
        while True:
            await model.send_event(i.RealtimeModelSendAudio(bytes(200_000)))

    async with LoopbackServer() as server, connected(server) as model:
        server_side = server.connections[0]._socket
        server_side.transport.pause_reading()
        assert model._link is not None
        transport = model._link.socket.transport
        speaking = asyncio.create_task(speak(model))
        await until(lambda: transport.get_write_buffer_size() > 0)
        async with asyncio.timeout(limit(2)):
            await model.close()
            with pytest.raises(NotConnectedError):
                await speaking
        assert transport.is_closing()
        server_side.transport.abort()


async def test_a_bug_in_the_run_ends_the_session_with_its_exception(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> Any:
        raise ZeroDivisionError("a history's bug")

    ear = Ear()
    async with LoopbackServer([Drop()], []) as server, connected(server, ear, conversation=broken):
        told = await ear.until("exception")
        assert isinstance(told.exception, ZeroDivisionError)
        await ear.until("end_of_stream")
    assert "a history's bug" in caplog.text


async def test_a_bug_in_the_reading_heals_like_a_lost_connection(caplog: pytest.LogCaptureFixture) -> None:
    ear = Ear()
    async with (
        LoopbackServer([Expect("response.create"), *s.spoken_response()]) as server,
        connected(server, ear) as model,
    ):
        assert model._protocol is not None
        healthy, model._protocol.receive = model._protocol.receive, lambda *_: 1 / 0  # type: ignore[method-assign, assignment]  # the bug
        await model.send_event(i.RealtimeModelSendUserInput("Hi"))
        await ear.until("connection_status", status="reconnecting")
        model._protocol.receive = healthy  # type: ignore[method-assign]  # the bug goes
        await ear.until("turn_ended")
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (b"\x81\x02\xff\xff", r"closed here, for what the server sent \(1007: .*invalid start byte"),
        (b"\xc1\x00", r"closed here, for what the server sent \(1002: reserved bits must be 0\)"),
        (
            b"\x81\x7f" + (1 << 40).to_bytes(8, "big"),
            r"closed here, for what the server sent \(1009: frame with .* bytes exceeds limit",
        ),
        (b"\x83\x00", r"closed here, for what the server sent \(1002: .*opcode"),
    ],
)
async def test_a_connection_that_this_side_closes_is_told_as_such_with_the_reason(
    frame: bytes, told: str
) -> None:
    async def hostile(connection: LoopbackConnection) -> None:
        connection._socket.transport.write(frame)
        await connection._socket.wait_closed()

    ear = Ear()
    async with LoopbackServer(hostile, []) as server, connected(server, ear):
        lost = await ear.until("connection_status", status="reconnecting")
    assert re.match(told, lost.reason)
