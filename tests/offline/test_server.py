"""The server over real WebSockets: one process, several clients, and what clients do to it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
from typing import TYPE_CHECKING

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from speakerd.offline import OfflineServer, OfflineSettings, PortInUseError
from tests.limits import limit
from tests.offline.peer import Peer, peer
from tests.offline.talk import error_of, kinds, said, silence

if TYPE_CHECKING:
    from tests.offline.conftest import Served


async def test_a_question_is_answered_with_sound(served: Served) -> None:
    async with peer(served.url) as it:
        await it.update()
        done = await it.ask("what can you do")
        assert done["response"]["status"] == "completed"
        assert "repeat after me" in said(it.events)
        pcm = b"".join(
            base64.b64decode(e["delta"]) for e in it.events if e["type"] == "response.output_audio.delta"
        )
        assert 5 < len(pcm) / 48_000 < 20
        assert (
            max(abs(int.from_bytes(pcm[i : i + 2], "little", signed=True)) for i in range(0, len(pcm), 2))
            > 3000
        )


async def test_two_clients_talk_at_the_same_time_and_hear_their_own_answers(served: Served) -> None:
    async with peer(served.url) as one, peer(served.url) as other:
        await asyncio.gather(one.ask("thank you"), other.ask("who are you"))
        assert said(one.events) == "You are welcome."
        assert said(other.events).startswith("I am the offline voice")


async def test_speech_stops_being_made_when_it_is_cancelled(served: Served) -> None:
    async with peer(served.url) as it:
        await it.update(audio={"output": {"speed": 0.25}})
        text = "repeat after me " + "one two three four five six seven eight nine ten " * 30
        content = [{"type": "input_text", "text": text}]
        await it.send(
            "conversation.item.create", item={"type": "message", "role": "user", "content": content}
        )
        await it.send("response.create")
        await it.until("response.output_audio.delta")
        assert any("espeak-ng" in command for command in served.children())
        await it.send("response.cancel")
        assert (await it.until("response.done"))["response"]["status"] == "cancelled"
        await no_voice(served)


async def test_a_client_that_leaves_in_the_middle_leaves_nothing_behind(served: Served) -> None:
    async with peer(served.url) as it:
        await it.update(audio={"output": {"speed": 0.25}})
        content = [{"type": "input_text", "text": "repeat after me " + "word " * 300}]
        await it.send(
            "conversation.item.create", item={"type": "message", "role": "user", "content": content}
        )
        await it.send("input_audio_buffer.append", audio=base64.b64encode(silence(500)).decode())
        await it.send("response.create")
        await it.until("response.output_audio.delta")
        it.socket.transport.abort()
    await no_voice(served)
    async with peer(served.url) as it:
        assert (await it.ask("thanks"))["response"]["status"] == "completed"


async def no_voice(served: Served) -> None:
    async with asyncio.timeout(limit(5)):
        while any("espeak-ng" in command for command in served.children()):  # another process
            await asyncio.sleep(0.01)


async def test_a_hundred_megabytes_of_garbage_cost_one_connection(served: Served) -> None:
    it = await connect(served.url, compression=None)
    with contextlib.suppress(ConnectionClosed, ConnectionError, TimeoutError):
        async with asyncio.timeout(limit(20)):
            await it.send("x" * 100_000_000)
            async for _ in it:
                pass
    # websockets' client closing over a transport that the server has already torn down raises on its own.
    with contextlib.suppress(AttributeError):
        await it.close()
    assert it.close_code in (1009, 1006)
    async with peer(served.url) as another:
        assert (await another.ask("thanks"))["response"]["status"] == "completed"


@pytest.mark.parametrize("frame", ["garbage", b"\x00\xff\x00", '{"type": 1}', "[]"], ids=repr)
async def test_a_bad_frame_costs_an_error_and_no_connection(served: Served, frame: str | bytes) -> None:
    async with peer(served.url) as it:
        await it.socket.send(frame)
        await it.until("error")
        assert error_of(it.events)["type"] == "invalid_request_error"
        assert (await it.ask("thanks"))["response"]["status"] == "completed"


async def test_bytes_that_are_no_websocket_do_no_harm(served: Served) -> None:
    host, port = served.url.split("/")[2].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"\x16\x03\x01" + b"\xff" * 5000 + b"\r\n\r\n")
    await writer.drain()
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(limit(10)):
            await reader.read()
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    async with peer(served.url) as it:
        assert (await it.ask("thanks"))["response"]["status"] == "completed"


async def test_another_path_is_not_found(served: Served) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(served.url.replace("/v1/realtime", "/v1/chat"))
    assert refused.value.response.status_code == 404


async def test_a_model_and_a_key_are_taken_and_ignored(served: Served) -> None:
    async with peer(
        f"{served.url}?model=gpt-realtime", additional_headers={"Authorization": "Bearer x"}
    ) as it:
        assert kinds(it.events) == ["session.created"]


async def test_the_beta_header_is_refused_as_the_hosted_service_does(served: Served) -> None:
    async with connect(served.url, additional_headers={"OpenAI-Beta": "realtime=v1"}) as it:
        with pytest.raises(ConnectionClosed):
            await it.recv()
        assert it.close_code == 4000


@pytest.fixture
def quick() -> OfflineSettings:
    """A server that needs no recogniser: typed questions only."""
    return OfflineSettings(port=0, load="first_use", pace=20)


def own_address() -> str:
    """By which this machine is reached from others. Nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError as error:
            pytest.skip(f"this machine has no network: {error}")
        return str(probe.getsockname()[0])


async def test_it_listens_on_loopback_only(quick: OfflineSettings) -> None:
    async with OfflineServer(quick) as server:
        assert server.url == f"ws://127.0.0.1:{server.port}/v1/realtime"
        with pytest.raises(OSError):
            await asyncio.wait_for(asyncio.open_connection(own_address(), server.port), limit(2))


async def test_too_many_clients_are_told_to_come_later() -> None:
    async with OfflineServer(OfflineSettings(port=0, load="first_use", max_connections=1)) as server:
        async with peer(server.url):
            async with connect(server.url) as late:
                with pytest.raises(ConnectionClosed):
                    await late.recv()
                assert late.close_code == 1013
            assert server.connections == 1
        async with asyncio.timeout(limit(5)):
            while server.connections:  # the server has no event for it
                await asyncio.sleep(0.01)
        async with peer(server.url):
            pass


async def test_a_session_at_its_greatest_age_is_closed_with_1001() -> None:
    async with (
        OfflineServer(OfflineSettings(port=0, load="first_use", max_session_s=1)) as server,
        peer(server.url) as it,
    ):
        with pytest.raises(ConnectionClosed):
            await it.until("response.done")
        assert error_of(it.events)["code"] == "session_expired"
        assert (it.socket.close_code, it.socket.close_reason) == (1001, "maximum duration")


async def test_a_taken_port_says_what_to_do(quick: OfflineSettings) -> None:
    async with OfflineServer(quick) as server:
        with pytest.raises(PortInUseError, match="in use by another program") as refused:
            await OfflineServer(OfflineSettings(port=server.port)).start()
        assert f"port {server.port} " in str(refused.value)


async def test_closing_ends_the_clients_and_may_be_done_twice(quick: OfflineSettings) -> None:
    server = OfflineServer(quick)
    await server.start()
    await server.start()
    async with peer(server.url) as it:
        await server.close()
        await server.close()
        with pytest.raises(ConnectionClosed):
            await it.until("response.done")
        assert it.socket.close_code == 1001
    assert server.port == 0


async def test_clients_that_neither_read_nor_ask_do_not_hold_up_the_end(quick: OfflineSettings) -> None:
    server = OfflineServer(quick)
    await server.start()
    _, half_open = await asyncio.open_connection("127.0.0.1", server.port)
    async with connect(server.url, compression=None, max_queue=1) as deaf:
        for _ in range(300):
            await deaf.send('{"type": "input_audio_buffer.clear"}')
        loop = asyncio.get_running_loop()
        began = loop.time()
        await server.close()
        assert loop.time() - began < limit(1.8)
        deaf.transport.abort()
    half_open.close()
    with contextlib.suppress(ConnectionError):
        await half_open.wait_closed()


async def test_a_client_that_does_not_read_is_not_made_speech_for(
    quick: OfflineSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from speakerd.offline import client_handler

    monkeypatch.setattr(client_handler, "PLENTY_BYTES", 20_000)
    async with OfflineServer(quick) as server, connect(server.url, compression=None, max_queue=1) as socket_:
        it = Peer(socket_)
        text = "repeat after me " + "one two three four five six seven eight nine ten " * 15
        content = [{"type": "input_text", "text": text}]
        await it.send(
            "conversation.item.create", item={"type": "message", "role": "user", "content": content}
        )
        await it.send("response.create")
        await asyncio.sleep(1.0)  # while nobody reads
        (held,) = server._connections
        assert held._unsent_bytes < 1_500_000
        done = await it.until("response.done")
        assert done["response"]["status"] == "completed", "and once it reads, it gets all of it"
        pcm = sum(len(e["delta"]) * 3 // 4 for e in it.events if e["type"] == "response.output_audio.delta")
        assert pcm / 48_000 > 30


async def test_a_client_that_never_reads_is_cut_off(
    quick: OfflineSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from speakerd.offline import client_handler

    monkeypatch.setattr(client_handler, "MAX_UNSENT_BYTES", 200_000)
    async with OfflineServer(quick) as server, connect(server.url, compression=None, max_queue=1) as deaf:
        with contextlib.suppress(ConnectionClosed):
            async with asyncio.timeout(limit(120)):
                while server.connections or deaf.close_code is None:
                    await deaf.send('{"type": "input_audio_buffer.clear"}' + " " * 1000)
        async with asyncio.timeout(limit(5)):
            while server.connections:  # the server has no event for it
                await asyncio.sleep(0.01)
