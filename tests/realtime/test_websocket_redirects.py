"""Redirects of the handshake: where they lead, how many requests they cost, and that the key stays at home."""

from __future__ import annotations

import asyncio
import contextlib
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.server import serve

from speakerd.realtime.errors import ConnectFailedError
from speakerd.realtime.testing.loopback import LoopbackServer
from speakerd.realtime.transport.retry_policy import MAX_REQUESTS
from speakerd.realtime.transport.url import redirected
from speakerd.realtime.transport.websocket import CONNECT_ATTEMPTS, OpenAIRealtimeWebSocketModel
from tests.realtime.shell import Ear, connected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from websockets.asyncio.server import ServerConnection
    from websockets.http11 import Request, Response

KEY = "sk-proj-SECRET0123456789"


@contextlib.asynccontextmanager
async def redirecting(location: Callable[[Request], str | None]) -> AsyncIterator[tuple[str, list[Request]]]:
    """A server that answers each handshake with a redirect; yields its address and the requests."""
    requests: list[Request] = []

    async def greet(socket: ServerConnection) -> None:
        await socket.send('{"type": "session.created", "event_id": "e", "session": {}}')
        await socket.wait_closed()

    def redirect(socket: ServerConnection, request: Request) -> Response | None:
        requests.append(request)
        if (to := location(request)) is None:
            return None
        response = socket.respond(HTTPStatus.FOUND, "")
        response.headers["Location"] = to
        return response

    async with serve(greet, "127.0.0.1", 0, process_request=redirect) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}/v1/realtime?model=m", requests


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("https://portal.example/login?token=abcdef", "https://portal.example/login"),
        ("http://portal.example/", "http://portal.example/"),
        ("wss://user:password@other.example/v1", "wss://other.example/v1"),
        ("ftp://files.example/", "ftp://files.example/"),
        ("http://[::1", "http://[::1"),
    ],
)
async def test_a_redirect_elsewhere_is_told_as_one_and_may_be_tried_again(location: str, told: str) -> None:
    async with redirecting(lambda _: location) as (url, requests):
        with pytest.raises(ConnectFailedError) as raised:
            await OpenAIRealtimeWebSocketModel(random=lambda: 0.0).connect({"url": url, "api_key": KEY})
    assert f"it redirects to {told};" in str(raised.value)
    assert not raised.value.fatal
    assert len(requests) == CONNECT_ATTEMPTS


async def test_where_a_portal_lets_it_through_at_last_the_session_begins() -> None:
    asked = 0

    def portal(_request: Request) -> str | None:
        nonlocal asked
        asked += 1
        return "https://portal.example/" if asked <= CONNECT_ATTEMPTS + 1 else None

    ear = Ear()
    async with redirecting(portal) as (url, _):
        model = OpenAIRealtimeWebSocketModel(random=lambda: 0.0, connect_attempts=None)
        model.add_listener(ear)
        await model.connect({"url": url, "api_key": KEY})
        await model.close()
    waited = [
        event for event in ear.told if event.type == "connection_status" and event.status == "reconnecting"
    ]
    assert len(waited) == CONNECT_ATTEMPTS + 1
    assert all("it redirects to https://portal.example/" in event.reason for event in waited)


async def test_the_key_is_not_sent_to_another_server_by_whatever_header() -> None:
    async with LoopbackServer() as other, redirecting(lambda _: other.url) as (url, requests):
        for options in ({"api_key": KEY}, {"headers": {"api-key": KEY}}, {"headers": {"X-Any": KEY}}):
            with pytest.raises(ConnectFailedError, match="it redirects to ws://"):
                await OpenAIRealtimeWebSocketModel(random=lambda: 0.0).connect({"url": url, **options})  # type: ignore[typeddict-item]  # as given
        assert not other.connections
    assert len(requests) == 3 * CONNECT_ATTEMPTS


@pytest.mark.parametrize(
    "form", ["/v1/other?model=m", "ws://{host}/v1/other?model=m", "http://{host}/v1/other?model=m"]
)
async def test_a_redirect_within_the_server_is_followed_with_the_key(form: str) -> None:
    def elsewhere(request: Request) -> str | None:
        return form.format(host=request.headers["Host"]) if "other" not in request.path else None

    async with redirecting(elsewhere) as (url, requests):
        model = OpenAIRealtimeWebSocketModel(random=lambda: 0.0)
        await model.connect({"url": url, "api_key": KEY})
        await model.close()
    assert [request.path for request in requests] == ["/v1/realtime?model=m", "/v1/other?model=m"]
    assert [request.headers["Authorization"] for request in requests] == [f"Bearer {KEY}"] * 2


async def test_a_loop_of_redirects_costs_a_few_requests_and_is_told() -> None:
    async with redirecting(lambda request: request.path) as (url, requests):
        with pytest.raises(ConnectFailedError, match="it redirects to ws://127"):
            await OpenAIRealtimeWebSocketModel(random=lambda: 0.0).connect({"url": url, "api_key": KEY})
    assert len(requests) == CONNECT_ATTEMPTS * MAX_REQUESTS


async def test_the_requests_of_redirects_count_towards_the_handshakes_of_a_minute() -> None:
    slept: list[float] = []
    enough = asyncio.Event()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if seconds > 1.0:
            enough.set()
            await asyncio.Event().wait()

    async with redirecting(lambda request: request.path) as (url, requests):
        model = OpenAIRealtimeWebSocketModel(
            random=lambda: 0.0, connect_attempts=None, sleep=sleep, clock=lambda: 100.0
        )
        connecting = asyncio.create_task(model.connect({"url": url, "api_key": KEY}))
        await enough.wait()
        connecting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await connecting
        await model.close()
    assert len(requests) == 12


@pytest.mark.parametrize(
    ("url", "location", "to"),
    [
        ("wss://h/a", "https://h:443/b#part", "wss://h/b"),
        ("wss://h:443/a", "https://h/b", "wss://h:443/b"),
        ("ws://h/a", "https://h/b", None),
        ("wss://h/a", "http://h/b", None),
        ("wss://h/a", "//other/b", None),
        ("wss://h/a", "https://h:444/b", None),
        ("wss://h/a", "https://h:x/b", None),
        ("wss://h/a", "mailto:me@h", None),
        ("wss://u:p@h/a", "https://v:q@h/b", "wss://u:p@h/b"),
    ],
)
def test_a_redirect_is_followed_to_the_same_scheme_host_and_port_alone(
    url: str, location: str, to: Any
) -> None:
    assert redirected(url, location) == to


async def test_the_session_heals_after_a_redirect_in_the_middle_of_it() -> None:
    """A connection that is lost while a portal has come up waits, and is not given up."""
    portal = False
    ear = Ear()
    async with (
        redirecting(lambda _: "https://portal.example/" if portal else None) as (url, _),
        LoopbackServer() as unused,
        connected(unused, ear, url=url) as model,
    ):
        portal = True
        assert model._link is not None
        model._link.socket.transport.abort()
        told = await ear.until("connection_status", 2, status="reconnecting")
        assert "it redirects to https://portal.example/" in told.reason
        portal = False
        await ear.until("connection_status", 2, status="connected")
