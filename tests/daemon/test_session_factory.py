"""Which server a session is opened with, and what becomes of one that cannot be reached."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from speakerd.config.settings import Settings
from speakerd.daemon.live_settings import LiveSettings
from speakerd.daemon.session import EmbeddedServer, PlaybackTracker, SessionFactory
from speakerd.realtime.errors import ConnectFailedError, ConnectRefusedError
from speakerd.realtime.testing.loopback import LoopbackConnection, LoopbackServer, Refuse
from speakerd.realtime.wire.due import HANDSHAKES, RESPONSES
from tests.simulation.virtual_loop import VirtualLoop, in_virtual_time

if TYPE_CHECKING:
    from speakerd.daemon.session import Backend
    from speakerd.realtime.session import RealtimeSession

NOWHERE = "ws://127.0.0.1:9/v1/realtime"


class Embedded:
    """In place of the embedded server: a scripted one."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.asked = 0

    async def url(self) -> str:
        self.asked += 1
        return self._url


class Bench:
    def __init__(self, *, embedded: str = NOWHERE, **model: Any) -> None:
        self.live = LiveSettings(Settings.model_validate({"model": {"auth": "none", **model}}))
        self.embedded = Embedded(embedded)
        self.backends: list[Backend] = []
        self.failures: list[str] = []
        self.factory = SessionFactory(
            self.live,
            key=None,
            embedded=cast("EmbeddedServer", self.embedded),
            on_backend=self.backends.append,
            clock=asyncio.get_running_loop().time,
        )

    async def open(self) -> RealtimeSession[None]:
        return await self.factory.open(
            PlaybackTracker(lambda _item, _part: None, list), (), self.failures.append
        )


@in_virtual_time
async def test_the_server_of_the_settings_is_tried_until_it_answers_and_each_failure_reported() -> None:
    async with LoopbackServer(*([Refuse(503)] for _ in range(6)), []) as server:
        bench = Bench(url=server.url)
        session = await bench.open()
        await session.close()
    assert bench.backends == ["remote"]
    assert len(bench.failures) == 6
    assert bench.embedded.asked == 0


@in_virtual_time
async def test_one_that_refuses_is_not_tried_again() -> None:
    async with LoopbackServer([Refuse(401)]) as server:
        bench = Bench(url=server.url)
        with pytest.raises(ConnectRefusedError):
            await bench.open()
    assert (server.refused, bench.failures, bench.backends) == (1, [], [])


@in_virtual_time
async def test_where_so_set_the_embedded_server_answers_for_one_that_cannot_be_reached() -> None:
    async with LoopbackServer() as embedded:
        bench = Bench(url=NOWHERE, fallback="offline", embedded=embedded.url)
        session = await bench.open()
        await session.close()
    assert bench.backends == ["offline"]
    assert bench.failures == []


@in_virtual_time
async def test_where_neither_answers_no_further_attempt_is_made() -> None:
    bench = Bench(url=NOWHERE, fallback="offline", connect_timeout_s=5)
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    began = loop.time()
    with pytest.raises(ConnectFailedError):
        await bench.open()
    assert loop.time() - began <= 10
    assert bench.backends == []


@in_virtual_time
async def test_however_many_sessions_are_opened_no_more_is_asked_for_than_the_budgets_allow() -> None:
    loop = asyncio.get_running_loop()
    connected: list[float] = []
    asked: list[float] = []

    async def serve(connection: LoopbackConnection) -> None:
        connected.append(loop.time())
        while True:
            await connection.expect("response.create", within_s=1e6)
            asked.append(loop.time())

    async with LoopbackServer(serve) as server:
        bench = Bench(url=server.url)
        begun = loop.time()
        while loop.time() - begun < 180.0:  # Somebody presses, again and again.
            session = await bench.open()
            for _ in range(3):
                await session.respond(conversation="none")
            await asyncio.sleep(0.1)
            await session.close()
    for times, most in ((connected, HANDSHAKES.most_per_minute), (asked, RESPONSES.most_per_minute)):
        assert (
            0.9 * most < max(len([at for at in times if 0 <= at - first < 60.0]) for first in times) <= most
        )
    assert bench.failures
    assert all("at most 24 are made in a minute" in reason for reason in bench.failures)


@in_virtual_time
async def test_another_address_or_another_backend_is_that_of_the_next_session() -> None:
    async with LoopbackServer() as first, LoopbackServer() as second, LoopbackServer() as embedded:
        bench = Bench(url=first.url, embedded=embedded.url)
        changes: tuple[dict[str, Any], ...] = ({}, {"url": second.url}, {"backend": "offline"})
        for change in changes:
            model = replace(bench.live.latest.model, **change)
            await bench.live.change(bench.live.latest.model_copy(update={"model": model}))
            bench.live.between_turns()
            await (await bench.open()).close()
        assert [len(server.connections) for server in (first, second, embedded)] == [1, 1, 1]
    assert bench.backends == ["remote", "remote", "offline"]
