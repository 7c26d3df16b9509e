"""Exchanging an old session for a new one, unnoticed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from speakerd.realtime.items import InputText, UserMessageItem
from speakerd.realtime.model import inputs as i
from speakerd.realtime.model.playback_tracker import RealtimePlaybackTracker
from speakerd.realtime.testing import server_events as s
from speakerd.realtime.testing.loopback import Drop, Expect, LoopbackServer, Refuse, Silent
from speakerd.realtime.transport.retry_policy import ROTATE_AFTER_S, ROTATE_AGAIN_S, ROTATE_AT_LATEST_S
from speakerd.realtime.transport.websocket import OpenAIRealtimeWebSocketModel
from speakerd.realtime.wire.due import DUE
from tests.limits import limit
from tests.realtime.shell import Ear, connected, until
from tests.realtime.virtual_time import VirtualTime


class Old:
    """A model whose session is `age` seconds old."""

    def __init__(self, greeted_within_s: float = 0.3) -> None:
        self.time = VirtualTime()
        self.ear = Ear()
        self.model = OpenAIRealtimeWebSocketModel(
            clock=self.time.clock,
            sleep=self.time.sleep,
            random=lambda: 0.0,
            greeted_within_s=greeted_within_s,
        )

    async def grow(self, seconds: float) -> None:
        await self.time.advance(seconds)
        for _ in range(50):
            await asyncio.sleep(0.002)


async def test_an_old_session_is_exchanged_unnoticed() -> None:
    old = Old()
    async with (
        LoopbackServer([], [Expect("response.create"), *s.spoken_response()]) as server,
        connected(server, old.ear, old.model, initial_model_settings={"instructions": "x"}),
    ):
        await old.grow(ROTATE_AFTER_S - 10)
        assert len(server.connections) == 1
        await old.grow(20)
        assert len(server.connections) == 2
        await old.model.send_event(i.RealtimeModelSendUserInput("Hi"))
        await old.ear.until("turn_ended")
    assert [event.type for event in old.ear.told if event.type == "connection_status"] == [
        "connection_status"
    ] * 3
    assert server.types().count("session.update") == 2


async def test_a_session_is_not_exchanged_while_sound_is_outstanding_until_it_must() -> None:
    old = Old()
    tracker = RealtimePlaybackTracker()
    async with (
        LoopbackServer([Expect("response.create"), *s.spoken_response()], []) as server,
        connected(server, old.ear, old.model, playback_tracker=tracker),
    ):
        await old.model.send_event(i.RealtimeModelSendUserInput("Hi"))
        await old.ear.until("turn_ended")
        await old.grow(ROTATE_AFTER_S + 10)
        assert len(server.connections) == 1
        await old.grow(ROTATE_AT_LATEST_S - ROTATE_AFTER_S)
        assert len(server.connections) == 2


@pytest.mark.parametrize("trouble", [[Refuse(503)], [Refuse(401)], [Silent(), Drop()]])
async def test_an_exchange_that_fails_is_tried_again_and_the_old_session_goes_on(trouble: list[Any]) -> None:
    old = Old()
    async with (
        LoopbackServer([Expect("response.create"), *s.spoken_response()], trouble, []) as server,
        connected(server, old.ear, old.model),
    ):
        await old.grow(ROTATE_AFTER_S + 1)
        assert old.ear.statuses() == ["connecting", "connected"]
        await old.model.send_event(i.RealtimeModelSendUserInput("Hi"))
        await old.ear.until("turn_ended")
        await old.grow(ROTATE_AGAIN_S + 5)
        assert len(server.connections) + server.refused == 3


async def test_an_exchange_that_fails_in_the_program_itself_leaves_the_old_session_as_it_was() -> None:
    old = Old()

    def broken() -> Any:
        raise ZeroDivisionError

    async with (
        LoopbackServer([Expect("response.create"), *s.spoken_response()]) as server,
        connected(server, old.ear, old.model, conversation=broken),
    ):
        await old.grow(ROTATE_AFTER_S + 1)
        await old.model.send_event(i.RealtimeModelSendUserInput("Hi"))
        await old.ear.until("turn_ended")
        assert len(server.connections) == 1


async def test_a_request_that_comes_during_the_exchange_stops_it() -> None:
    old = Old()
    async with (
        LoopbackServer([Expect("response.create"), *s.spoken_response()], [Silent()]) as server,
        connected(server, old.ear, old.model),
    ):
        await old.time.advance(ROTATE_AFTER_S + 1)
        await until(lambda: len(server.connections) == 2)
        await old.model.send_event(i.RealtimeModelSendUserInput("Hi"))
        await old.ear.until("turn_ended")
        assert server.connections[0].received
        assert not server.connections[1].received


async def test_what_the_old_session_owes_during_the_exchange_has_its_limit() -> None:
    old = Old(greeted_within_s=limit(60.0))  # The exchange outlasts the test.
    async with (
        LoopbackServer([], [Silent()], [Expect("response.create"), *s.spoken_response()]) as server,
        connected(server, old.ear, old.model),
    ):
        await old.time.advance(ROTATE_AFTER_S + 1)
        await until(lambda: len(server.connections) == 2)
        await old.model.send_event(i.RealtimeModelSendUserInput("Hi"))
        await old.grow(DUE["created"].within_s + 1)
        await old.ear.until("connection_status", status="reconnecting")
        await old.grow(1)
        await old.ear.until("turn_ended")
        assert len(server.connections) == 3


async def test_a_connection_lost_during_the_exchange_is_healed() -> None:
    old = Old()
    async with (
        LoopbackServer(
            [Expect("response.create"), Drop()], [Silent()], [Expect("response.create"), *s.spoken_response()]
        ) as server,
        connected(server, old.ear, old.model),
    ):
        await old.time.advance(ROTATE_AFTER_S + 1)
        await until(lambda: len(server.connections) == 2)
        await old.model.send_event(i.RealtimeModelSendUserInput("Hi"))
        await old.ear.until("connection_status", status="reconnecting")
        await old.time.advance(1)
        await old.ear.until("turn_ended")
        await old.grow(1)
        assert len(server.connections) == 3


async def test_a_running_call_is_neither_exchanged_nor_told_what_it_knows() -> None:
    old = Old()
    talk: Any = [UserMessageItem("u1", [InputText("Hi")])]
    async with (
        LoopbackServer() as server,
        connected(server, old.ear, old.model, call_id="rtc_1", conversation=lambda: talk),
    ):
        await old.grow(2 * ROTATE_AT_LATEST_S)
        assert len(server.connections) == 1
        server.connections[0].drop()
        await old.ear.until("connection_status", 2, status="connected")
        assert [c.path.rpartition("&")[2] for c in server.connections] == ["call_id=rtc_1"] * 2
        assert not server.received


async def test_time_goes_on_for_requests_that_no_server_answers() -> None:
    old = Old()
    async with LoopbackServer() as server, connected(server, old.ear, old.model):
        await old.model.send_event(i.RealtimeModelSendUserInput("One"))
        await old.model.send_event(i.RealtimeModelSendUserInput("Two"))
        await old.grow(16.0)
        assert server.types().count("response.create") == 2


async def test_a_bug_in_keeping_time_does_not_stop_the_clock(caplog: pytest.LogCaptureFixture) -> None:
    old = Old()
    async with LoopbackServer() as server, connected(server, old.ear, old.model):
        assert old.model._protocol is not None
        healthy, old.model._protocol.is_quiet = old.model._protocol.is_quiet, lambda _now: 1 / 0  # type: ignore[method-assign, assignment, return-value]  # the bug
        await old.grow(5)
        old.model._protocol.is_quiet = healthy  # type: ignore[method-assign]  # the bug goes
        await old.grow(ROTATE_AFTER_S)
        assert len(server.connections) == 2
    assert "ZeroDivisionError" in caplog.text
