"""The loopback server itself: what it records, what it sends is valid, and each of its faults is a fault."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK, InvalidStatus

from speakerd.realtime.testing import server_events as s
from speakerd.realtime.testing.loopback import (
    Call,
    Close,
    CutFrame,
    Drop,
    Expect,
    LoopbackConnection,
    LoopbackServer,
    Raw,
    Refuse,
    Silent,
    Wait,
)
from speakerd.realtime.testing.scripted import ScriptError
from tests.limits import limit
from tests.realtime.validation import validate_server_event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from websockets.asyncio.client import ClientConnection


def client(server: LoopbackServer) -> Any:
    return connect(server.url, compression=None)


async def receive(socket: ClientConnection) -> Any:
    return json.loads(await asyncio.wait_for(socket.recv(), limit(5)))


BUILDERS: list[Sequence[dict[str, Any]]] = [
    [
        s.session_created(),
        s.session_updated(instructions="x"),
        s.error("code", "text", event_id="e"),
        s.error(None),
    ],
    s.heard(),
    s.user_text("u1", "Hi"),
    s.spoken_response(usage=s.usage()),
    s.written_response(),
    s.written_response(out_of_band=True, metadata={"a": "b"}),
    s.call_response(),
    [
        s.response_done("r", status, reason=reason)
        for status, reason in (
            ("cancelled", "turn_detected"),
            ("incomplete", "max_output_tokens"),
            ("failed", None),
        )
    ],
]


@pytest.mark.parametrize("events", BUILDERS)
def test_every_event_that_scripts_are_made_of_is_valid(events: Sequence[dict[str, Any]]) -> None:
    for number, event in enumerate(events):
        validate_server_event({"event_id": f"e{number}", **event})


def test_the_sound_of_a_reply_has_the_length_asked_for() -> None:
    deltas = [
        e for e in s.spoken_response(ms=250, chunk_ms=100) if e["type"] == "response.output_audio.delta"
    ]
    assert [len(e["delta"]) * 3 // 4 for e in deltas] == [4800, 4800, 2400]


async def test_it_greets_numbers_and_records() -> None:
    async with (
        LoopbackServer([Expect("session.update"), s.session_updated()], confirm=False) as server,
        client(server) as socket,
    ):
        assert (await receive(socket))["type"] == "session.created"
        await socket.send('{"type": "session.update"}')
        assert (await receive(socket))["event_id"] == "event_2"
        await server.until_played()
        assert server.types() == ["session.update"]
        assert server.of_type("session.update") == server.received == server.connections[0].received
        assert [event["type"] for event in server.sent] == ["session.created", "session.updated"]
        assert server.connections[0].path.startswith("/v1/realtime")


async def test_it_can_be_silent() -> None:
    async with LoopbackServer([Silent(), {"type": "first"}]) as server, client(server) as socket:
        assert (await receive(socket))["type"] == "first"
    async with LoopbackServer([{"type": "first"}], greet=False) as server, client(server) as socket:
        assert (await receive(socket))["type"] == "first"


async def test_an_expectation_passes_over_others_looks_back_and_gives_further_steps() -> None:
    script = [Expect("b", lambda event: event["n"] == 2, lambda event: [{"type": "found", "n": event["n"]}])]
    async with LoopbackServer(script) as server, client(server) as socket:
        for n, kind in enumerate(("a", "b", "b")):
            await socket.send(json.dumps({"type": kind, "n": n}))
        await receive(socket)
        assert (await receive(socket))["n"] == 2


async def test_an_expectation_that_is_not_met_says_what_came_instead() -> None:
    async def talk() -> None:
        async with LoopbackServer([Expect("b", within_s=0.1)]) as server, client(server) as socket:
            await socket.send('{"type": "a"}')
            await socket.send("no JSON")
            await server.until_played()

    with pytest.raises(ScriptError, match=r"'b'.*a, not JSON"):
        await talk()


@pytest.mark.parametrize(
    ("error", "told"), [(TimeoutError, ScriptError), (ZeroDivisionError, ZeroDivisionError)]
)
async def test_what_a_test_waits_for_in_vain_the_script_tells_and_nothing_else_is_outshouted(
    error: type[Exception], told: type[Exception]
) -> None:
    async def talk() -> None:
        async with LoopbackServer([Expect("b", within_s=0.0)]) as server, client(server):
            await server._played.wait()
            raise error

    with pytest.raises(told):
        await talk()


async def test_a_script_may_be_a_function() -> None:
    async def script(connection: LoopbackConnection) -> None:
        await connection.expect("hello")
        await connection.play([{"type": "world"}])

    async with LoopbackServer(script) as server, client(server) as socket:
        await receive(socket)
        await socket.send('{"type": "hello"}')
        assert (await receive(socket))["type"] == "world"


async def test_each_connection_has_its_script_and_the_last_one_serves_all_others() -> None:
    async with LoopbackServer([{"type": "first"}], [{"type": "second"}]) as server:
        found = []
        for _ in range(3):
            async with client(server) as socket:
                await receive(socket)
                found.append((await receive(socket))["type"])
        assert found == ["first", "second", "second"]
        assert [connection.number for connection in server.connections] == [0, 1, 2]


async def test_it_refuses_the_handshake() -> None:
    async with LoopbackServer([Refuse(401, "bad key")]) as server:
        with pytest.raises(InvalidStatus) as raised:
            async with client(server):
                pass
        assert raised.value.response.status_code == 401
        assert raised.value.response.body == b"bad key"
        assert server.refused == 1


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        (Close(), ConnectionClosedOK, 1000),
        (Close(1001, "maximum duration"), ConnectionClosedOK, 1001),
        (Close(4000, "no"), ConnectionClosedError, 4000),
        (Drop(), ConnectionClosedError, 1006),
        (CutFrame(s.session_updated()), ConnectionClosedError, 1006),
        (Raw(b"\xff\xfe"), ConnectionClosedError, None),
    ],
)
async def test_each_fault_is_what_it_says(fault: Any, error: type[Exception], code: int | None) -> None:
    async with LoopbackServer([fault]) as server, client(server) as socket:
        await receive(socket)
        with pytest.raises(error):
            await receive(socket)
        await socket.wait_closed()
        assert code in (None, socket.close_code)


async def test_raw_frames_waits_and_calls() -> None:
    called: list[str] = []

    async def later() -> None:
        called.append("async")

    script: list[Any] = [Wait(0.01), Call(lambda: called.append("sync")), Call(later), Raw("{bad")]
    async with LoopbackServer(script) as server, client(server) as socket:
        await receive(socket)
        assert await asyncio.wait_for(socket.recv(), limit(5)) == "{bad"
        assert called == ["sync", "async"]


async def test_a_failing_script_is_raised_where_the_test_waits() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with LoopbackServer([Call(fail)]) as server, client(server):
            await server.until_played()
