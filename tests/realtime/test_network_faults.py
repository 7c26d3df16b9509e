"""The shell on virtual time over a network of memory: black holes, mute servers, keys, expiry, pressure, budgets.

After each fault no task is left but the test's own.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from speakerd.realtime.errors import ConnectRefusedError, NotConnectedError
from speakerd.realtime.items import AssistantMessageItem, AssistantText, InputText, UserMessageItem
from speakerd.realtime.model import inputs as i
from speakerd.realtime.testing import server_events as s
from speakerd.realtime.testing.loopback import Close, Drop, Expect, LoopbackConnection, LoopbackServer, Refuse
from speakerd.realtime.transport.websocket import OpenAIRealtimeWebSocketModel
from speakerd.realtime.wire.due import HANDSHAKES, RESPONSES
from tests.realtime.shell import Ear
from tests.simulation.network import Network
from tests.simulation.virtual_loop import simulate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

HISTORY = [UserMessageItem("u1", [InputText("Hi")]), AssistantMessageItem("a1", [AssistantText("Ho")])]
SETTINGS = {"instructions": "x", "turn_detection": None}


class Stage:
    """A network, its loop's time, and who listens to the model."""

    def __init__(self) -> None:
        self.network = Network()
        self.ear = Ear()
        self.model = self.make()

    def make(self, **more: Any) -> OpenAIRealtimeWebSocketModel:
        self.model = OpenAIRealtimeWebSocketModel(random=lambda: 0.5, **more)
        self.model.add_listener(self.ear)
        return self.model

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def errors(self) -> list[str]:
        return [str(event.error) for event in self.ear.told if event.type == "error"]

    @contextlib.asynccontextmanager
    async def talk(self, *scripts: Any, **options: Any) -> AsyncIterator[LoopbackServer]:
        async with LoopbackServer(*scripts) as server:
            given = {"url": server.url, "api_key": "k", "initial_model_settings": SETTINGS, **options}
            await self.model.connect(given)  # type: ignore[arg-type]  # as given
            try:
                yield server
            finally:
                await self.model.close()
                for link in self.network.links:
                    if link.black_hole:
                        link.cut()  # or its other end would wait for ever

    async def ask(self, text: str = "Hi") -> None:
        await self.model.send_event(i.RealtimeModelSendUserInput(text))

    async def until(self, kind: str) -> None:
        """Wait for an event of the model, within the longest of all limits."""
        async with asyncio.timeout(60):
            while not any(event.type == kind for event in self.ear.told):
                await asyncio.sleep(0.05)

    async def until_lost(self, limit_s: float) -> float:
        """The seconds until the loss of the connection is told."""
        begun = self.now
        async with asyncio.timeout(limit_s):
            while "reconnecting" not in self.ear.statuses():
                await asyncio.sleep(0.05)
        return self.now - begun


def staged(test: Callable[[Stage], Awaitable[None]]) -> Callable[[], None]:
    """Run the test on a stage; afterwards nothing of it is alive."""

    def run() -> None:
        async def work() -> None:
            stage = Stage()
            stage.network.attach(asyncio.get_running_loop())  # type: ignore[arg-type]  # it is a virtual one
            asyncio.get_running_loop().network = stage.network  # type: ignore[attr-defined]  # made before the stage
            await test(stage)
            await asyncio.sleep(5)  # what closes has a limit of its own
            left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            assert not left, left
            assert not stage.network.open_links

        simulate(work(), Network())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


async def answering(connection: LoopbackConnection) -> None:
    """A server that answers whatever it is asked."""
    number = 0
    while True:
        await connection.expect("response.create", within_s=1e6)
        number += 1
        for event in s.spoken_response(f"r{connection.number}_{number}", f"i{connection.number}_{number}"):
            await connection.send(event)


# A network that swallows everything.


@staged
async def test_a_black_hole_is_noticed_within_seconds_when_something_is_due(stage: Stage) -> None:
    async with stage.talk(answering):
        await asyncio.sleep(7)
        stage.network.links[-1].black_hole = True
        await stage.ask()
        assert await stage.until_lost(30) <= 6.0
        await stage.until("audio")  # on the next connection


@staged
async def test_a_black_hole_is_noticed_while_the_user_speaks(stage: Stage) -> None:
    async with stage.talk(answering):
        stage.network.links[-1].black_hole = True
        speaking = asyncio.create_task(_speak(stage, 30))
        assert await stage.until_lost(30) <= 10.0
        speaking.cancel()
        await asyncio.wait([speaking])


async def _speak(stage: Stage, seconds: int) -> None:
    for _ in range(seconds * 10):
        await stage.model.send_event(i.RealtimeModelSendAudio(b"\1\0" * 2400))
        await asyncio.sleep(0.1)


@staged
async def test_a_black_hole_while_the_model_speaks_is_noticed_within_seconds(stage: Stage) -> None:
    async def speaks(connection: LoopbackConnection) -> None:
        await connection.expect("response.create")
        for event in [s.response_created(), *s.spoken_begin("resp_1", "item_1")]:
            await connection.send(event)
        while True:
            await connection.send(s.audio_delta("resp_1", "item_1", b"\1\0" * 2400))
            await asyncio.sleep(0.1)

    async with stage.talk(speaks):
        await stage.ask()
        await stage.until("audio")
        stage.network.links[-1].black_hole = True
        assert await stage.until_lost(30) <= 6.0


@staged
async def test_an_idle_connection_is_kept_alive_by_a_ping_now_and_then(stage: Stage) -> None:
    async with stage.talk(answering):
        await asyncio.sleep(1)
        client = stage.network.links[-1].client
        before = client.sent
        await asyncio.sleep(600)
        assert stage.ear.statuses() == ["connecting", "connected"]
        assert 10 * 50 < client.sent - before < 20 * 60  # some 55 pings of 10 bytes
        stage.network.links[-1].black_hole = True
        assert await stage.until_lost(60) <= 22.0


# A server that is there and says nothing.


@staged
async def test_a_mute_server_on_a_living_socket_is_left_and_the_question_is_answered_by_the_next(
    stage: Stage,
) -> None:
    async with stage.talk([], answering, conversation=lambda: HISTORY) as server:
        begun = stage.now
        await stage.ask()
        await stage.until("audio")
        assert stage.now - begun < 15.0
        assert [c.number for c in server.connections] == [0, 1]
        assert len(server.of_type("response.create")) == 2
        replayed = [event["type"] for event in server.connections[1].received]
        assert replayed.count("conversation.item.create") == 3  # the history, and the question


@staged
async def test_a_server_that_stays_mute_is_told_of_and_costs_a_bounded_number_of_requests(
    stage: Stage,
) -> None:
    async with stage.talk([]) as server:
        begun = stage.now
        await stage.ask()
        async with asyncio.timeout(60):
            while not stage.errors():
                await asyncio.sleep(0.1)
        assert stage.now - begun < 25.0
        assert "no reply" in stage.errors()[0]
        await asyncio.sleep(600)
        assert len(server.of_type("response.create")) == 2
        assert len(server.connections) == 3


@staged
async def test_a_server_that_drops_the_connection_on_each_request_is_asked_twice(stage: Stage) -> None:
    async with stage.talk([Expect("response.create", within_s=1e6), Drop()]) as server:
        await stage.ask()
        await asyncio.sleep(600)
        assert len(server.of_type("response.create")) == 2
        assert any("no reply" in error for error in stage.errors())


@pytest.mark.parametrize("fault", [Drop(), Close(1001), Close(1011), s.error("session_expired")])
def test_a_server_that_ends_every_session_at_once_gets_a_bounded_number_of_handshakes(fault: Any) -> None:
    async def test(stage: Stage) -> None:
        stage.make(transport_config={}, connect_attempts=None)
        stage.model._random = lambda: 0.0  # the worst that chance can do
        async with stage.talk([], [fault]) as server:
            server.connections[0].drop()
            await asyncio.sleep(60)
            assert 5 < len(server.connections) <= HANDSHAKES.most_per_minute
            await asyncio.sleep(600)
            assert len(server.connections) <= HANDSHAKES.burst + 11 * HANDSHAKES.refill

    staged(test)()


@staged
async def test_requests_for_responses_are_counted_at_the_server_and_bounded(stage: Stage) -> None:
    async def calls_a_tool(connection: LoopbackConnection) -> None:
        number = 0
        while True:
            await connection.expect("response.create", within_s=1e6)
            number += 1
            for event in s.call_response(f"r{number}", call_id=f"c{number}", item_id=f"i{number}"):
                await connection.send(event)

    async def answer(event: Any) -> None:
        if event.type == "function_call":
            await stage.model.send_event(i.RealtimeModelSendToolOutput(event, "done"))

    stage.ear.then = answer
    async with stage.talk(calls_a_tool) as server:
        await stage.ask()
        await asyncio.sleep(60)
        in_a_minute = len(server.of_type("response.create"))
        assert RESPONSES.burst < in_a_minute <= RESPONSES.most_per_minute
        await asyncio.sleep(600)
        more = len(server.of_type("response.create")) - in_a_minute
        assert more <= 10 * RESPONSES.refill + 1


@staged
async def test_a_session_that_is_begun_anew_has_what_the_one_before_it_has_left(stage: Stage) -> None:
    stage.make(connect_attempts=None)
    connections: list[float] = []

    async def script(connection: LoopbackConnection) -> None:
        connections.append(stage.now)
        await answering(connection)

    begun = stage.now
    while stage.now - begun < 120.0:
        async with stage.talk(script):
            await asyncio.sleep(0.1)
    assert (
        HANDSHAKES.burst < len([at for at in connections if at - begun < 60.0]) <= HANDSHAKES.most_per_minute
    )
    assert "reconnecting" in stage.ear.statuses()


@staged
async def test_a_close_ends_the_wait_for_a_connection_that_is_not_allowed_yet(stage: Stage) -> None:
    for _ in range(HANDSHAKES.burst):
        async with stage.talk(answering):
            pass
    async with LoopbackServer(answering) as server:
        connecting = asyncio.create_task(stage.model.connect({"url": server.url, "api_key": "k"}))
        await asyncio.sleep(1)
        await stage.model.close()
        with pytest.raises(NotConnectedError):
            await connecting
        assert not server.connections


# Keys and refusals.


@staged
async def test_the_key_is_asked_for_at_each_handshake(stage: Stage) -> None:
    keys = iter(["one", "two", "three"])
    async with stage.talk(
        [Expect("response.create"), Drop()], answering, api_key=lambda: next(keys)
    ) as server:
        await stage.ask()
        await stage.until("audio")
        used = [{k.lower(): v for k, v in c.headers.items()}["authorization"] for c in server.connections]
        assert used == ["Bearer one", "Bearer two"]


@staged
async def test_a_rotation_uses_the_key_that_is_valid_then(stage: Stage) -> None:
    keys = ["old"]
    stage.make(rotate_after_s=100.0)
    async with stage.talk(answering, api_key=lambda: keys[0]) as server:
        keys[0] = "new"
        await asyncio.sleep(110)
        used = [{k.lower(): v for k, v in c.headers.items()}["authorization"] for c in server.connections]
        assert used == ["Bearer old", "Bearer new"]


@staged
async def test_a_key_that_is_being_replaced_does_not_end_the_conversation(stage: Stage) -> None:
    keys = ["old"]

    async def replace_later() -> None:
        await asyncio.sleep(1)
        keys[0] = "new"

    scripts = [[Drop()], [Refuse(401)], [Refuse(401)], answering]
    async with stage.talk(*scripts, api_key=lambda: keys[0], conversation=lambda: HISTORY) as server:
        replacing = asyncio.create_task(replace_later())
        await asyncio.sleep(10)
        await stage.ask()
        await stage.until("audio")
        replayed = [event["type"] for event in server.connections[-1].received]
        assert replayed.count("conversation.item.create") == 3
        await replacing


@staged
async def test_a_key_that_stays_refused_ends_it_after_a_few_attempts(stage: Stage) -> None:
    async with stage.talk([Drop()], [Refuse(401, "gone")], api_key=lambda: "k") as server:
        await stage.until("end_of_stream")
        assert server.refused == 3
        (exception,) = [event.exception for event in stage.ear.told if event.type == "exception"]
        assert isinstance(exception, ConnectRefusedError)
        assert exception.status == 401


@staged
async def test_a_key_that_changed_between_two_attempts_is_tried_at_once(stage: Stage) -> None:
    keys = iter(["old", "old", "new"])
    async with stage.talk([Drop()], [Refuse(403)], answering, api_key=lambda: next(keys)) as server:
        await stage.ask()
        await stage.until("audio")
        assert server.refused == 1


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_refusal_of_the_model_is_final_and_told_in_the_servers_words(status: int) -> None:
    async def test(stage: Stage) -> None:
        body = (
            '{"error": {"code": "OperationNotSupported", "message": "The deployment is no realtime model."}}'
        )
        with pytest.raises(ConnectRefusedError, match=f"HTTP {status}: The deployment is no realtime model"):
            async with stage.talk([Refuse(status, body)]):
                pass

    staged(test)()


# Age.


@pytest.mark.parametrize(("minutes", "at"), [(30, 25.0), (120, 50.0), (0.5, 50.0), (-5, 50.0)])
def test_a_session_is_replaced_before_the_time_that_the_server_names(minutes: float, at: float) -> None:
    async def test(stage: Stage) -> None:
        loop = asyncio.get_running_loop()
        stage.make(wall_clock=lambda: loop.time() + 1.7e9)

        async def greets(connection: LoopbackConnection) -> None:
            await connection.send(s.session_created(expires_at=int(loop.time() + 1.7e9 + minutes * 60)))
            await answering(connection)

        begun = stage.now
        async with stage.talk(greets) as server:
            while len(server.connections) == 1:
                await asyncio.sleep(1)
            assert (stage.now - begun) / 60 == pytest.approx(at, abs=0.1)

    staged(test)()


@staged
async def test_an_earlier_time_of_ones_own_holds_over_the_servers(stage: Stage) -> None:
    loop = asyncio.get_running_loop()
    stage.make(wall_clock=lambda: loop.time() + 1.7e9, rotate_after_s=300.0)

    async def greets(connection: LoopbackConnection) -> None:
        await connection.send(s.session_created(expires_at=int(loop.time() + 1.7e9 + 3600)))
        await answering(connection)

    async with stage.talk(greets) as server:
        await asyncio.sleep(310)
        assert len(server.connections) == 2


@staged
async def test_what_an_old_session_sends_while_it_is_being_replaced_is_not_taken_for_the_new_ones(
    stage: Stage,
) -> None:
    renewed = asyncio.Event()

    async def script(connection: LoopbackConnection) -> None:
        if connection.number == 1:
            renewed.set()
        elif connection.number == 0:
            await renewed.wait()
            for _ in range(40):  # one of them arrives when the new connection has just been taken
                await asyncio.sleep(0.002)
                await connection.send(s.response_created("resp_old"))
        await answering(connection)

    stage.make(rotate_after_s=20.0)
    async with stage.talk(script) as server:
        await asyncio.sleep(35)
        begun = [event.response_id for event in stage.ear.told if event.type == "turn_started"]
        ended = [event.response_id for event in stage.ear.told if event.type == "turn_ended"]
        assert begun == ended  # none that nobody ends
        assert stage.ear.statuses() == ["connecting", "connected"]
        assert len(server.connections) == 2


# Pressure.


@staged
async def test_a_listener_that_takes_nothing_stops_the_server(stage: Stage) -> None:
    frame = b"\1\0" * 32_768  # 64 kB, 87 kB on the wire
    sent = [0]

    async def floods(connection: LoopbackConnection) -> None:
        await connection.expect("response.create")
        for event in [s.response_created(), *s.spoken_begin("resp_1", "item_1")]:
            await connection.send(event)
        while True:
            await connection.send(s.audio_delta("resp_1", "item_1", frame))
            sent[0] += 1

    taken = [0]
    gate = asyncio.Event()

    async def takes(event: Any) -> None:
        if event.type == "audio":
            taken[0] += 1
            if taken[0] == 3:
                await gate.wait()

    stage.ear.then = takes
    async with stage.talk(floods):
        await stage.ask()
        await asyncio.sleep(300)
        on_the_way = (sent[0] - taken[0]) * 4 * len(frame) // 3
        assert on_the_way < 1_000_000  # what both ends of the network hold, and two frames
        assert stage.ear.statuses() == ["connecting", "connected"]  # it has not been taken for dead
        stage.ear.told.clear()
        gate.set()
        await asyncio.sleep(1)
        assert taken[0] > 20
        stage.ear.then = None


@staged
async def test_a_server_that_takes_nothing_stops_the_sender_and_is_left(stage: Stage) -> None:
    async def deaf(connection: LoopbackConnection) -> None:
        connection._socket.transport.pause_reading()
        await asyncio.Event().wait()

    async with stage.talk(deaf, answering) as server:
        begun = stage.now
        accepted = 0
        async with asyncio.timeout(60):
            while len(server.connections) == 1:
                await stage.model.send_event(i.RealtimeModelSendAudio(b"\1\0" * 4800))
                accepted += 9600
                await asyncio.sleep(0.01)
        assert stage.now - begun < 15.0
        assert accepted < 1_000_000


@staged
async def test_a_sender_that_is_cancelled_loses_nothing_and_sends_nothing_twice(stage: Stage) -> None:
    paused = asyncio.Event()

    async def slow(connection: LoopbackConnection) -> None:
        connection._socket.transport.pause_reading()
        await paused.wait()
        connection._socket.transport.resume_reading()
        await asyncio.Event().wait()

    stage.make(transport_config={"ping_interval": None})
    async with stage.talk(slow) as server:
        chunks = [bytes([number]) * 9600 for number in range(40)]
        for chunk in chunks:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await stage.model.send_event(i.RealtimeModelSendAudio(chunk))
        paused.set()
        await stage.model.send_event(i.RealtimeModelSendAudioCommit())
        await asyncio.sleep(5)
        appended = [event["audio"] for event in server.of_type("input_audio_buffer.append")]
        assert len(appended) == len(set(appended)) == len(chunks)
        assert server.types()[-1] == "input_audio_buffer.commit"


# The end.


@staged
async def test_a_close_while_connecting_ends_the_connecting(stage: Stage) -> None:
    stage.make(connect_attempts=None)
    stage.network.down = True
    connecting = asyncio.create_task(stage.model.connect({"url": "ws://127.0.0.1:9/", "api_key": "k"}))
    await asyncio.sleep(20)
    await stage.model.close()
    with pytest.raises(NotConnectedError):
        await connecting


@staged
async def test_a_second_close_returns_when_the_first_is_done(stage: Stage) -> None:
    async with stage.talk(answering):
        stage.network.links[-1].black_hole = True
        done: list[str] = []

        async def close(name: str) -> None:
            await stage.model.close()
            done.append(name)

        begun = stage.now
        await asyncio.gather(close("first"), close("second"))
        assert len(done) == 2
        assert stage.now - begun >= 1.0  # both waited for the server that does not answer the close


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4000, 4001, 4003, 1011])
@pytest.mark.parametrize("phase", ["listening", "thinking", "speaking"])
def test_whatever_code_the_server_closes_with_no_task_is_left(code: int, phase: str) -> None:
    async def test(stage: Stage) -> None:
        wait = [] if phase == "listening" else [Expect("response.create")]
        speaks = [s.response_created(), *s.spoken_begin("r", "i")] if phase == "speaking" else []
        async with stage.talk([*wait, *speaks, Close(code)], answering):
            if phase != "listening":
                with contextlib.suppress(NotConnectedError):
                    await stage.ask()
            await asyncio.sleep(10)
        assert stage.ear.statuses()[-1] == "disconnected"

    staged(test)()


@pytest.mark.parametrize("steps", range(1, 40))
def test_a_connect_that_is_cancelled_at_any_step_leaves_nothing(steps: int) -> None:
    async def test(stage: Stage) -> None:
        async with LoopbackServer(answering) as server:
            connecting = asyncio.create_task(
                stage.model.connect({"url": server.url, "api_key": "k", "initial_model_settings": SETTINGS})  # type: ignore[typeddict-item]  # as given
            )
            for _ in range(steps):
                await asyncio.sleep(0.005)
            connecting.cancel()
            await asyncio.wait([connecting])
            assert connecting.cancelled() or connecting.exception() is None
            await stage.model.close()

    staged(test)()
