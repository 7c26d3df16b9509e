"""Connecting the shell around the protocol: refusals, broken and dumb servers, keys, proxies."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import serve

from speakerd.realtime.errors import ConnectFailedError, ConnectRefusedError, NotConnectedError, UserError
from speakerd.realtime.model import inputs as i
from speakerd.realtime.model.playback_tracker import RealtimePlaybackTracker
from speakerd.realtime.testing import server_events as s
from speakerd.realtime.testing.loopback import Close, Drop, Expect, LoopbackServer, Refuse, Silent
from speakerd.realtime.transport.websocket import CONNECT_ATTEMPTS, OpenAIRealtimeWebSocketModel
from tests.realtime.shell import Ear, connected


def unused_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


async def test_nothing_can_be_sent_before_connect_or_after_close() -> None:
    model = OpenAIRealtimeWebSocketModel()
    with pytest.raises(NotConnectedError):
        await model.send_event(i.RealtimeModelSendInterrupt())
    await model.close()
    async with LoopbackServer() as server:
        await model.connect({"url": server.url})
        await model.close()
        with pytest.raises(NotConnectedError):
            await model.send_event(i.RealtimeModelSendInterrupt())


async def test_a_model_has_one_session_at_a_time_and_may_connect_again() -> None:
    async with LoopbackServer() as server, connected(server) as model:
        with pytest.raises(UserError, match="close"):
            await model.connect({"url": server.url})
        await model.close()
        await model.connect({"url": server.url})
        await model.send_event(i.RealtimeModelSendUserInput("Hi"))
        await model.close()
        assert len(server.connections) == 2
        assert server.types()[-1] == "response.create"


async def test_a_server_that_is_not_there_is_tried_a_few_times_and_then_told() -> None:
    model = OpenAIRealtimeWebSocketModel(random=lambda: 0.0)
    with pytest.raises(ConnectFailedError, match=r"127\.0\.0\.1") as raised:
        await model.connect({"url": f"ws://127.0.0.1:{unused_port()}/v1/realtime?api-key=secret"})
    assert "secret" not in str(raised.value)
    assert not raised.value.fatal


async def test_a_server_that_is_busy_at_first_is_tried_again() -> None:
    async with LoopbackServer([Refuse(503)], [Refuse(429, "busy")], []) as server, connected(server):
        assert server.refused == 2


async def test_a_server_that_stays_busy_is_given_up() -> None:
    async with LoopbackServer([Refuse(503, "closed for today")]) as server:
        with pytest.raises(ConnectFailedError, match="closed for today"):
            async with connected(server):
                pass
        assert server.refused == CONNECT_ATTEMPTS


async def test_where_so_wanted_a_server_that_is_busy_is_tried_until_it_answers_and_each_failure_reported() -> (
    None
):
    refusals = [[Refuse(503, f"busy {number}")] for number in range(CONNECT_ATTEMPTS + 2)]
    async with LoopbackServer(*refusals, []) as server:
        model, ear = OpenAIRealtimeWebSocketModel(random=lambda: 0.0, connect_attempts=None), Ear()
        model.add_listener(ear)
        await model.connect({"url": server.url})
        await model.close()
    reasons = [
        event.reason or ""
        for event in ear.told
        if event.type == "connection_status" and event.status == "reconnecting"
    ]
    assert len(reasons) == server.refused == len(refusals)
    assert all(f"busy {number}" in reason for number, reason in enumerate(reasons))


async def test_a_refusal_ends_also_attempts_without_a_limit() -> None:
    async with LoopbackServer([Refuse(503)], [Refuse(403, "no")]) as server:
        model = OpenAIRealtimeWebSocketModel(random=lambda: 0.0, connect_attempts=None)
        with pytest.raises(ConnectRefusedError):
            await model.connect({"url": server.url})
        assert server.refused == 2


async def test_a_refusal_is_not_tried_again() -> None:
    async with LoopbackServer([Refuse(403, "no")]) as server:
        with pytest.raises(ConnectRefusedError) as raised:
            async with connected(server):
                pass
        assert (raised.value.status, server.refused) == (403, 1)


async def test_a_connection_that_breaks_before_the_greeting_is_tried_again() -> None:
    async with (
        LoopbackServer([Silent(), Drop()], [Silent(), Close(1011)], []) as server,
        connected(server) as model,
    ):
        await model.send_event(i.RealtimeModelSendUserInput("Hi"))
        assert len(server.connections) == 3


async def test_a_connection_that_always_breaks_before_the_greeting_is_given_up() -> None:
    async with LoopbackServer([Silent(), Drop()]) as server:
        with pytest.raises(ConnectFailedError):
            async with connected(server):
                pass
        assert len(server.connections) == CONNECT_ATTEMPTS


async def test_a_refusal_by_an_error_event_is_told_by_connect() -> None:
    script: list[Any] = [Silent(), s.error("invalid_api_key", "wrong key"), Close(3000)]
    async with LoopbackServer(script) as server:
        with pytest.raises(ConnectRefusedError, match="wrong key") as raised:
            async with connected(server):
                pass
        assert raised.value.code == "invalid_api_key"


async def test_a_server_that_never_answers_the_handshake_is_given_up() -> None:
    async def swallow(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await asyncio.sleep(5)
        finally:
            writer.close()

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    model = OpenAIRealtimeWebSocketModel(random=lambda: 0.0, transport_config={"handshake_timeout": 0.05})
    with pytest.raises(ConnectFailedError, match="in time"):
        await model.connect({"url": f"ws://127.0.0.1:{port}/"})
    server.close()


async def test_a_server_that_speaks_no_websocket_is_told() -> None:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(ConnectFailedError):
        await OpenAIRealtimeWebSocketModel(random=lambda: 0.0).connect({"url": f"ws://127.0.0.1:{port}/"})
    server.close()


async def test_a_certificate_that_does_not_verify_is_refused() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).with_name("self_signed.pem"))
    greeted: list[Any] = []

    async def greet(socket: Any) -> None:
        greeted.append(socket)

    async with serve(greet, "127.0.0.1", 0, ssl=context) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        with pytest.raises(ConnectFailedError, match="CERTIFICATE_VERIFY_FAILED"):
            await OpenAIRealtimeWebSocketModel(random=lambda: 0.0).connect(
                {"url": f"wss://127.0.0.1:{port}/"}
            )
    assert not greeted


async def test_the_hosted_service_is_not_asked_without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(UserError, match=r"API key is required.*OPENAI_API_KEY.*api_key"):
        await OpenAIRealtimeWebSocketModel().connect({})


async def test_a_running_call_is_not_given_another_model() -> None:
    model = OpenAIRealtimeWebSocketModel()
    async with LoopbackServer() as server:
        with pytest.raises(UserError, match=r"`call_id` and `model_name`.*'gpt-other'"):
            await model.connect(
                {"url": server.url, "call_id": "rtc_1", "initial_model_settings": {"model_name": "gpt-other"}}
            )
        assert not server.connections
        await model.connect({"url": server.url, "call_id": "rtc_1"})
        await model.close()


@pytest.mark.parametrize("url", ["http://h/", "ws://h:99999/", f"ws://{'h' * 70}/"])
async def test_an_address_that_cannot_be_is_the_callers_mistake(url: str) -> None:
    model = OpenAIRealtimeWebSocketModel(random=lambda: 0.0)
    with pytest.raises(UserError):
        await model.connect({"url": url})
    async with LoopbackServer() as server, connected(server, model=model):
        pass


async def test_the_key_may_come_from_a_coroutine_and_is_fetched_for_each_connection() -> None:
    keys = iter(["first", "second"])

    async def key() -> str:
        return next(keys)

    ear = Ear()
    async with LoopbackServer([Drop()], []) as server, connected(server, ear, api_key=key):
        await ear.until("connection_status", 2, status="connected")
        assert [c.headers["Authorization"] for c in server.connections] == ["Bearer first", "Bearer second"]


async def test_a_key_that_cannot_be_fetched_is_told() -> None:
    def key() -> str:
        raise RuntimeError("vault sealed")

    async with LoopbackServer() as server:
        with pytest.raises(ConnectFailedError, match="vault sealed"):
            async with connected(server, api_key=key):
                pass


async def test_the_environments_key_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "from outside")
    async with LoopbackServer() as server, connected(server, api_key=None):
        assert server.connections[0].headers["Authorization"] == "Bearer from outside"


async def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.close()

    listening = await asyncio.start_server(proxy, "127.0.0.1", 0)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(ConnectFailedError):
        await OpenAIRealtimeWebSocketModel(random=lambda: 0.0).connect({"url": "ws://model.example/v1"})
    assert asked[0].startswith(b"CONNECT model.example:80 ")
    listening.close()


async def test_the_tracker_is_told_the_format() -> None:
    tracker = RealtimePlaybackTracker()
    settings = {"output_audio_format": "g711_ulaw"}
    async with (
        LoopbackServer() as server,
        connected(server, playback_tracker=tracker, initial_model_settings=settings),
    ):
        tracker.on_play_bytes("a", 0, bytes(80))
        assert tracker.played_ms("a") == 10


async def test_a_model_that_the_address_does_not_name_is_named_in_the_settings() -> None:
    async with LoopbackServer([Expect("session.update")]) as server:
        url = server.url.partition("?")[0]
        async with connected(server, url=url, initial_model_settings={"model_name": "m"}):
            await server.until_played()
        assert server.received[0]["session"]["model"] == "m"
