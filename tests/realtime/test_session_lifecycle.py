"""Entering, closing and owning a model: in any order, at the same time, twice. No task is left after any of it."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

import pytest

from speakerd.realtime import (
    NotConnectedError,
    OpenAIRealtimeWebSocketModel,
    RealtimeAgent,
    RealtimeRunner,
    UserError,
    function_tool,
)
from speakerd.realtime.errors import SessionNotOpenError
from speakerd.realtime.testing import server_events as s
from speakerd.realtime.testing.loopback import Expect
from tests.limits import limit
from tests.realtime.layer import audio, call, read_all, read_until, session_of, started
from tests.realtime.recording_model import RecordingModel, tasks_left
from tests.realtime.serving import at, serving
from tests.realtime.tool_play import double

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from speakerd.realtime import RealtimeSession


async def settled() -> None:
    async with asyncio.timeout(limit(5)):
        while tasks_left():
            await asyncio.sleep(0)


async def test_closing_while_it_connects_ends_the_entering() -> None:
    model = RecordingModel()
    model.connecting = asyncio.Event()
    session = await session_of(model)
    entering = asyncio.create_task(session.enter())
    while model.options is None:
        await asyncio.sleep(0)
    await session.close()
    with pytest.raises(SessionNotOpenError, match="could not be entered: the session was closed"):
        await entering
    assert model.closed == 1
    assert model.listeners == []
    assert tasks_left() == []


async def test_closing_while_the_instructions_are_made_ends_the_entering() -> None:
    async def slow(*_args: Any) -> str:
        await asyncio.Event().wait()
        return ""

    session = await session_of(RecordingModel(), RealtimeAgent("T", instructions=slow))
    entering = asyncio.create_task(session.enter())
    for _ in range(5):
        await asyncio.sleep(0)
    await session.close()
    with pytest.raises(SessionNotOpenError):
        await entering
    assert tasks_left() == []


async def test_closing_while_the_websocket_connects_ends_the_entering() -> None:
    async def silent(_reader: Any, writer: asyncio.StreamWriter) -> None:
        await reached.put(writer)

    reached: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    runner = RealtimeRunner(RealtimeAgent("T"))
    session = await runner.run(
        model_config={"url": f"ws://127.0.0.1:{port}/v1/realtime?model=m", "api_key": "k"}
    )
    entering = asyncio.create_task(session.enter())
    writer = await reached.get()
    async with asyncio.timeout(limit(5)):
        await session.close()
        with pytest.raises(SessionNotOpenError):
            await entering
    writer.close()
    server.close()
    await settled()


async def test_a_connecting_that_fails_as_the_session_is_closed_is_not_logged_as_forgotten() -> None:
    class Failing(RecordingModel):
        async def connect(self, options: Any) -> None:
            try:
                await super().connect(options)
            except asyncio.CancelledError:
                raise NotConnectedError from None

    forgotten: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: forgotten.append(context))
    model = Failing()
    model.connecting = asyncio.Event()
    session = await session_of(model)
    entering = asyncio.create_task(session.enter())
    while model.options is None:
        await asyncio.sleep(0)
    await session.close()
    await asyncio.wait({entering})
    assert isinstance(entering.exception(), SessionNotOpenError)
    del session, entering, model
    gc.collect()
    assert forgotten == []


async def test_cancelling_the_entering_closes_the_session() -> None:
    model = RecordingModel()
    model.connecting = asyncio.Event()
    session = await session_of(model)
    entering = asyncio.create_task(session.enter())
    while model.options is None:
        await asyncio.sleep(0)
    entering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await entering
    assert model.closed == 1
    assert tasks_left() == []


async def test_a_second_close_waits_for_the_first() -> None:
    model = RecordingModel()
    model.closing = asyncio.Event()
    session = await (await session_of(model)).enter()
    closing = [asyncio.create_task(session.close()) for _ in range(3)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert not any(task.done() for task in closing)
    model.closing.set()
    await asyncio.gather(*closing)
    await session.close()
    assert model.closed == 1
    assert tasks_left() == []


async def test_a_close_that_was_cancelled_is_finished_by_the_next() -> None:
    model = RecordingModel()
    model.closing = asyncio.Event()
    session = await (await session_of(model)).enter()
    first = asyncio.create_task(session.close())
    for _ in range(5):
        await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait({first})
    assert model.closed == 0
    model.closing.set()
    await session.close()
    assert model.closed == 1
    assert tasks_left() == []


async def test_the_connection_is_closed_while_a_tool_that_does_not_heed_its_end_is_waited_for() -> None:
    release = asyncio.Event()
    running = asyncio.Event()

    @function_tool
    async def stubborn() -> str:
        """Wait."""
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            await release.wait()
        return ""

    model = RecordingModel()
    session = await (await session_of(model, RealtimeAgent("T", tools=[stubborn]))).enter()
    await model.emit(call("stubborn", "{}"))
    await running.wait()
    closing = asyncio.create_task(session.close())
    for _ in range(5):
        await asyncio.sleep(0)
    assert (model.closed, closing.done()) == (1, False)
    release.set()
    await closing
    assert tasks_left() == []
    async with await session_of(model):  # The model is free for another session.
        pass


async def test_a_session_that_was_closed_before_it_was_entered_stays_closed() -> None:
    model = RecordingModel()
    session = await session_of(model)
    await session.close()
    with pytest.raises(SessionNotOpenError, match=r"make another with `await runner\.run\(\)`"):
        await session.enter()
    assert await read_all(session) == []
    assert (model.closed, model.options) == (0, None)


async def test_a_second_session_on_one_model_is_refused_and_the_first_lives() -> None:
    model = RecordingModel()
    first, second, third = [await session_of(model, RealtimeAgent("Ada")) for _ in range(3)]
    await first.enter()
    with pytest.raises(UserError, match="RecordingModel belongs to another session, of the agent Ada: close"):
        await second.enter()
    await second.close()
    await model.emit(audio())
    await first.send_message("Still there?")
    assert (len(model.sent), model.closed, model.listeners) == (1, 0, [first])
    await first.close()
    async with third:
        assert model.listeners == [third]
    assert model.closed == 2


async def test_a_second_session_over_a_websocket_is_refused_and_the_first_lives() -> None:
    script: list[Any] = [Expect("response.create"), *s.spoken_response("resp_1", "item_1", "Yes.")]
    runner = RealtimeRunner(RealtimeAgent("T"), model=OpenAIRealtimeWebSocketModel(random=lambda: 0.0))
    async with serving(script) as server:
        async with await runner.run(model_config=at(server)) as first:
            with pytest.raises(UserError, match="belongs to another session"):
                await (await runner.run(model_config=at(server))).enter()
            await first.send_message("Still there?")
            await read_until(first, "audio")
        assert len(server.connections) == 1
    await settled()


async def test_a_model_that_counts_as_false_is_kept() -> None:
    class Empty(RecordingModel):
        def __len__(self) -> int:
            return 0

    model = Empty()
    assert (await session_of(model)).model is model


def sends(session: RealtimeSession[Any]) -> dict[str, Callable[[], Awaitable[Any]]]:
    return {
        "SendUserInput": lambda: session.send_message("Hello"),
        "SendAudio": lambda: session.send_audio(b"\0\0"),
        "SendAudioCommit": session.commit_audio,
        "SendAudioClear": session.clear_audio,
        "SendInterrupt": session.interrupt,
        "SendResponse": session.respond,
        "SendContext": lambda: session.add_context("It rains."),
        "SendSessionUpdate": lambda: session.update_settings(speed=1.0),
        "a new agent": lambda: session.update_agent(RealtimeAgent("T")),
    }


async def test_sending_before_entering_or_after_closing_says_what_to_do() -> None:
    model = RecordingModel()
    session = await session_of(model)
    for closed, cure in (
        (False, "was not entered yet; use it inside `async with"),
        (True, "was closed; make another"),
    ):
        for send in sends(session).values():
            with pytest.raises(UserError, match=cure) as caught:
                await send()
            assert isinstance(caught.value, NotConnectedError)
        if not closed:
            await session.close()
    assert model.sent == []


async def test_closing_at_any_moment_of_a_turn_leaves_no_task() -> None:
    events: list[Any] = [started(), audio(), call("double", '{"number": 1}', response="r1"), audio(item="a2")]
    for count in range(len(events) + 1):
        model = RecordingModel()
        session = await session_of(model, RealtimeAgent("T", tools=[double]))
        async with session:
            for event in events[:count]:
                await model.emit(event)
        assert tasks_left() == []
        await read_all(session)
