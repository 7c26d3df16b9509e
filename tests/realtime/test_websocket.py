"""The shell around the protocol: connecting, refusals, listeners, closing, exchanging an old session."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.server import serve

from speakerd.realtime import model_inputs as i
from speakerd.realtime.errors import (
    ConnectFailedError,
    ConnectRefusedError,
    NotConnectedError,
    UserError,
)
from speakerd.realtime.items import InputText, UserMessageItem
from speakerd.realtime.model import RealtimeModelListener, RealtimePlaybackTracker
from speakerd.realtime.reconnect import ROTATE_AFTER_S, ROTATE_AGAIN_S, ROTATE_AT_LATEST_S
from speakerd.realtime.testing import server_events as s
from speakerd.realtime.testing.loopback import Close, Drop, Expect, LoopbackServer, Refuse, Silent
from speakerd.realtime.websocket import CONNECT_ATTEMPTS, OpenAIRealtimeWebSocketModel
from tests.realtime.validation import validate_client_event
from tests.realtime.virtual_time import VirtualTime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from speakerd.realtime.model_events import RealtimeModelEvent


class Ear(RealtimeModelListener):
    """Keeps what it is told; `then` is done on each event."""

    def __init__(self, then: Callable[[Any], Any] | None = None) -> None:
        self.told: list[Any] = []
        self.then = then
        self._news = asyncio.Event()

    async def on_event(self, event: RealtimeModelEvent) -> None:
        self.told.append(event)
        self._news.set()
        if self.then is not None:
            await self.then(event)

    async def until(self, kind: str, count: int = 1, **fields: Any) -> Any:
        def found() -> list[Any]:
            return [
                event
                for event in self.told
                if event.type == kind and all(getattr(event, key) == value for key, value in fields.items())
            ]

        async with asyncio.timeout(5):
            while len(found()) < count:
                self._news.clear()
                await self._news.wait()
        return found()[count - 1]

    def statuses(self) -> list[str]:
        return [event.status for event in self.told if event.type == "connection_status"]


@contextlib.asynccontextmanager
async def connected(
    server: LoopbackServer,
    ear: Ear | None = None,
    model: OpenAIRealtimeWebSocketModel | None = None,
    **options: Any,
) -> AsyncIterator[OpenAIRealtimeWebSocketModel]:
    model = model or OpenAIRealtimeWebSocketModel(random=lambda: 0.0)
    if ear is not None:
        model.add_listener(ear)
    await model.connect({"url": server.url, "api_key": "k", **options})  # type: ignore[typeddict-item]  # as given
    try:
        yield model
    finally:
        await model.close()
    for event in server.received:
        validate_client_event(event)


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what no event tells."""
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.001)


def unused_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


# Connecting.


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


# Listeners.


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


# Closing.


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
        async with asyncio.timeout(1):
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
        async with asyncio.timeout(2):
            await model.close()
        server_side.transport.resume_reading()


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


# Exchanging the session.


class Old:
    """A model whose session is `age` seconds old."""

    def __init__(self) -> None:
        self.time = VirtualTime()
        self.ear = Ear()
        self.model = OpenAIRealtimeWebSocketModel(
            clock=self.time.clock, sleep=self.time.sleep, random=lambda: 0.0, greeted_within_s=0.3
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
