"""Reading a session: its end, coming back, a slow reader, a long talk."""

from __future__ import annotations

import asyncio
import gc
from types import FunctionType, ModuleType

import pytest

from speakerd.realtime.model import events as m
from speakerd.realtime.testing.scripted import ScriptedRealtimeModel, emit
from tests.realtime.layer import (
    audio,
    ended,
    kinds,
    read_all,
    read_until,
    said,
    session_of,
    session_with,
    started,
)


async def test_a_models_failure_is_raised_after_all_that_was_queued() -> None:
    model = ScriptedRealtimeModel([emit(audio(), m.RealtimeModelExceptionEvent(OSError("gone")), audio())])
    session = await session_with(model)
    await model.finished()
    types: list[str] = []
    with pytest.raises(OSError, match="gone"):
        await read_all(session, types)
    assert types.count("audio") == 1
    assert model.closed
    assert await read_all(session) == []


async def test_the_end_of_the_stream_ends_the_iteration_after_all_that_was_queued() -> None:
    model = ScriptedRealtimeModel([emit(audio(), m.RealtimeModelEndOfStreamEvent())])
    async with await session_of(model) as session:
        assert kinds(await read_all(session)) == ["history_updated", "audio"]


async def test_leaving_the_loop_and_coming_back_loses_nothing() -> None:
    model = ScriptedRealtimeModel([emit(*(audio(bytes([n, 0])) for n in range(5)))])
    async with await session_of(model) as session:
        heard: list[int] = []
        while len(heard) < 5:
            (*_, event) = await read_until(session, "audio")
            assert event.type == "audio"
            heard.append(event.audio.data[0])
    assert heard == [0, 1, 2, 3, 4]


async def test_a_cancelled_reader_loses_nothing() -> None:
    model = ScriptedRealtimeModel()
    async with await session_of(model) as session:
        await read_until(session, "history_updated")
        reader = asyncio.create_task(read_until(session, "audio"))
        await asyncio.sleep(0)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        await model.emit(audio())
        assert kinds(await read_until(session, "audio")) == ["audio"]


async def test_closing_ends_a_waiting_reader_and_may_be_done_again() -> None:
    model = ScriptedRealtimeModel()
    session = await session_with(model)
    reader = asyncio.create_task(read_all(session))
    await asyncio.sleep(0)
    await session.close()
    await session.close()
    assert kinds(await reader) == ["history_updated"]
    await session.on_event(audio())
    assert await read_all(session) == []


async def test_a_slow_reader_makes_the_model_wait_and_loses_no_sound() -> None:
    model = ScriptedRealtimeModel()
    async with await session_of(model, max_queued_events=8) as session:

        async def talk() -> None:
            for number in range(200):
                await model.emit(audio(bytes([number, 0]), item=f"a{number}"))
            await model.emit(ended())

        talking = asyncio.create_task(talk())
        await asyncio.sleep(0)
        assert len(session._state.queue) <= 16
        events = await read_until(session, "agent_end")
        await talking
    assert [event.audio.data[0] for event in events if event.type == "audio"] == list(range(200))


def held_by(*roots: object) -> int:
    """How many objects these hold, directly or not. Other work of this process does not change it."""
    seen: dict[int, object] = {}
    waiting: list[object] = list(roots)
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, type | ModuleType | asyncio.AbstractEventLoop):
            continue
        seen[id(one)] = one
        waiting += (one.__closure__ or ()) if isinstance(one, FunctionType) else gc.get_referents(one)
    return len(seen)


async def test_memory_stays_bounded_over_a_long_talk() -> None:
    model = ScriptedRealtimeModel()
    async with await session_of(model, max_history_items=50, tools=[]) as session:
        sizes: list[int] = []
        for turn in range(300):
            response, item = f"r{turn}", f"a{turn}"
            await model.emit(
                started(response),
                m.RealtimeModelInputAudioTranscriptionCompletedEvent(f"u{turn}", "question"),
                said("answer", item=item, response=response),
                audio(bytes(4800), item=item, response=response),
                m.RealtimeModelItemTruncatedEvent(item, 0, 10, 100),
                ended(response),
            )
            await read_until(session, "agent_end")
            await asyncio.sleep(0)
            if turn in (150, 299):
                sizes.append(held_by(session, model))
        assert len(session.history) == 50
    assert sizes[1] - sizes[0] < 200
