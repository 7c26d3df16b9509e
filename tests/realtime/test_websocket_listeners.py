"""The shell's listeners: that fail, that react, that lag, and a network that died."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from speakerd.realtime.model import inputs as i
from speakerd.realtime.testing import server_events as s
from speakerd.realtime.testing.loopback import Expect, LoopbackServer
from speakerd.realtime.transport.websocket import OpenAIRealtimeWebSocketModel
from tests.realtime.shell import Ear, connected, until

if TYPE_CHECKING:
    import pytest


async def test_a_listener_is_told_once_however_often_it_was_added_and_not_after_it_was_removed() -> None:
    ear, other = Ear(), Ear()
    async with LoopbackServer([Expect("response.create"), *s.spoken_response()]) as server:
        model = OpenAIRealtimeWebSocketModel()
        for listener in (ear, ear, other):
            model.add_listener(listener)
        model.remove_listener(other)
        model.remove_listener(other)
        async with connected(server, model=model):
            await model.send_event(i.RealtimeModelSendUserInput("Hi"))
            await ear.until("turn_ended")
        assert len([event for event in ear.told if event.type == "turn_started"]) == 1
        assert not other.told


async def test_a_listener_that_fails_harms_neither_the_others_nor_the_session(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(_event: Any) -> None:
        raise RuntimeError("a listener's bug")

    ear = Ear()
    async with LoopbackServer([Expect("response.create"), *s.spoken_response()]) as server:
        model = OpenAIRealtimeWebSocketModel()
        model.add_listener(Ear(fail))
        async with connected(server, ear, model):
            await model.send_event(i.RealtimeModelSendUserInput("Hi"))
            await ear.until("turn_ended")
    assert "a listener's bug" in caplog.text


async def test_a_listener_may_send_and_even_close() -> None:
    model = OpenAIRealtimeWebSocketModel()

    async def react(event: Any) -> None:
        if event.type == "function_call":
            await model.send_event(i.RealtimeModelSendToolOutput(event, "done"))
        elif event.type == "audio_done":
            await model.close()

    script: list[Any] = [
        Expect("response.create"),
        *s.call_response(),
        Expect("response.create"),
        *s.spoken_response("resp_2"),
    ]
    async with LoopbackServer(script) as server, connected(server, Ear(react), model):
        await model.send_event(i.RealtimeModelSendUserInput("Hi"))
        await server.until_played()
        await until(lambda: model._protocol is None)


async def test_a_slow_listener_holds_up_the_reading_and_loses_nothing() -> None:
    released = asyncio.Event()

    async def wait(event: Any) -> None:
        if event.type == "turn_started":
            await released.wait()

    ear = Ear(wait)
    async with (
        LoopbackServer([Expect("response.create"), *s.spoken_response(ms=3000)]) as server,
        connected(server, ear) as model,
    ):
        await model.send_event(i.RealtimeModelSendUserInput("Hi"))
        await ear.until("turn_started")
        await server.until_played()
        await model.send_event(i.RealtimeModelSendInterrupt())
        assert len(model._events) < 10
        released.set()
        await ear.until("turn_ended")


async def test_a_listener_that_lags_is_not_taken_for_a_dead_network() -> None:
    async def lag(event: Any) -> None:
        if event.type == "turn_started":
            await asyncio.sleep(0.5)

    ear = Ear(lag)
    model = OpenAIRealtimeWebSocketModel(transport_config={"ping_interval": 0.1, "ping_timeout": 0.1})
    async with (
        LoopbackServer([Expect("response.create"), *s.spoken_response(ms=20_000)]) as server,
        connected(server, ear, model),
    ):
        await model.send_event(i.RealtimeModelSendUserInput("Hi"))
        await ear.until("turn_ended")
        assert "reconnecting" not in ear.statuses()


async def test_a_network_that_died_in_silence_is_noticed() -> None:
    ear = Ear()
    model = OpenAIRealtimeWebSocketModel(
        transport_config={"ping_interval": 0.05, "ping_timeout": 0.05}, random=lambda: 0.0
    )
    async with LoopbackServer() as server, connected(server, ear, model):
        server.connections[0]._socket.transport.pause_reading()
        await ear.until("connection_status", 2, status="connected")
        assert len(server.connections) == 2
        server.connections[0].drop()


async def test_a_listener_that_ends_in_a_cancellation_costs_neither_the_connection_nor_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def cancelled(_event: Any) -> None:
        raise asyncio.CancelledError

    ear = Ear()
    async with LoopbackServer([Expect("response.create"), *s.spoken_response()]) as server:
        model = OpenAIRealtimeWebSocketModel()
        model.add_listener(Ear(cancelled))
        async with connected(server, ear, model):
            await model.send_event(i.RealtimeModelSendUserInput("Hi"))
            await ear.until("turn_ended")
            assert ear.statuses() == ["connecting", "connected"]
        assert len(server.connections) == 1
    assert "a listener ended in a cancellation" in caplog.text


async def test_a_listener_that_never_returns_is_left_a_while_after_the_close(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from speakerd.realtime.transport import websocket

    monkeypatch.setattr(websocket, "LISTENERS_WITHIN_S", 0.05)
    entered, ended = asyncio.Event(), asyncio.Event()

    async def hang(event: Any) -> None:
        if event.type == "connection_status" and event.status == "disconnected":
            entered.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

    async with LoopbackServer() as server:
        model = OpenAIRealtimeWebSocketModel()
        model.add_listener(Ear(hang))
        async with connected(server, model=model):
            await model.close()
            await entered.wait()
        await ended.wait()
        await until(lambda: not [t for t in asyncio.all_tasks() if t.get_name().startswith("realtime")])
