from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.realtime.items import AssistantAudio, AssistantMessageItem, AssistantText, text_of
from speakerd.realtime.model import events as m
from speakerd.realtime.run_context import RunContextWrapper
from speakerd.realtime.session import event_queue
from speakerd.realtime.session.event_queue import EventQueue, EventsShedError, compact
from speakerd.realtime.session.events import (
    RealtimeAudio,
    RealtimeAudioEnd,
    RealtimeError,
    RealtimeEventInfo,
    RealtimeHistoryUpdated,
    RealtimeRawModelEvent,
    RealtimeSessionEvent,
    RealtimeTranscriptDelta,
)
from tests.simulation.virtual_loop import in_virtual_time

if TYPE_CHECKING:
    from collections.abc import Coroutine

INFO = RealtimeEventInfo(RunContextWrapper(None))


def sound(data: bytes, item: str = "a1", response: str = "r1") -> RealtimeAudio:
    return RealtimeAudio(m.RealtimeModelAudioEvent(data, response, item), item, 0, INFO)


def raw() -> RealtimeRawModelEvent:
    return RealtimeRawModelEvent(m.RealtimeModelRawServerEvent({}), INFO)


def caption(delta: str, item: str = "a1") -> RealtimeTranscriptDelta:
    return RealtimeTranscriptDelta(item, "assistant", delta, INFO)


def error(number: int) -> RealtimeError:
    return RealtimeError(number, INFO)


def at_once(work: Coroutine[Any, Any, None]) -> None:
    """Do it without giving way to the event loop: a queue that made its caller wait would give way."""
    with pytest.raises(StopIteration):
        work.send(None)


async def drain(queue: EventQueue) -> list[RealtimeSessionEvent]:
    events: list[RealtimeSessionEvent] = []
    while len(queue) and (event := await queue.get()) is not None:
        events.append(event)
    return events


def heard(events: list[RealtimeSessionEvent], item: str = "a1") -> bytes:
    return b"".join(
        event.audio.data for event in events if isinstance(event, RealtimeAudio) and event.item_id == item
    )


@in_virtual_time
async def test_events_come_out_in_order() -> None:
    queue = EventQueue(INFO)
    for number in range(5):
        await queue.put(error(number))
    assert [event.error for event in await drain(queue) if isinstance(event, RealtimeError)] == [
        0,
        1,
        2,
        3,
        4,
    ]


@in_virtual_time
async def test_a_reader_waits_for_the_next_event() -> None:
    queue = EventQueue(INFO)
    reader = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    await queue.put(error(1))
    assert await reader == error(1)


@in_virtual_time
async def test_all_that_was_queued_is_read_before_the_end() -> None:
    queue = EventQueue(INFO)
    await queue.put(error(1))
    queue.end()
    await queue.put(error(2))
    assert await queue.get() == error(1)
    assert await queue.get() is None
    assert await queue.get() is None


@in_virtual_time
async def test_all_that_was_queued_is_read_before_a_failure_is_raised() -> None:
    queue = EventQueue(INFO)
    await queue.put(error(1))
    queue.fail(OSError("gone"))
    queue.fail(OSError("too late to count"))
    assert await queue.get() == error(1)
    with pytest.raises(OSError, match="gone"):
        await queue.get()
    assert await queue.get() is None


@in_virtual_time
async def test_when_the_reader_lags_raw_events_go_and_audio_is_joined() -> None:
    queue = EventQueue(INFO, limit=100)
    for number in range(400):
        at_once(queue.put(raw()))
        at_once(queue.put(sound(number.to_bytes(2, "little"))))
    assert len(queue) <= 100
    events = await drain(queue)
    assert heard(events) == b"".join(number.to_bytes(2, "little") for number in range(400))
    told = events.pop()
    assert isinstance(told, RealtimeError)
    assert isinstance(told.error, EventsShedError)
    left = sum(isinstance(event, RealtimeRawModelEvent) for event in events)
    assert told.error.count == 400 - left
    assert "not read fast enough" in str(told.error)


@in_virtual_time
async def test_events_that_mean_something_are_never_dropped() -> None:
    queue = EventQueue(INFO, limit=50)
    for number in range(99):
        at_once(queue.put(error(number)))
    assert [event.error for event in await drain(queue) if isinstance(event, RealtimeError)] == list(
        range(99)
    )


@in_virtual_time
async def test_at_twice_the_limit_the_model_waits_for_room() -> None:
    queue = EventQueue(INFO, limit=10)
    for number in range(20):
        await queue.put(error(number))
    late = asyncio.create_task(queue.put(error(20)))
    await asyncio.sleep(0)
    assert not late.done()
    for _ in range(15):
        await queue.get()
    await late
    assert [event.error for event in await drain(queue) if isinstance(event, RealtimeError)] == [
        15,
        16,
        17,
        18,
        19,
        20,
    ]


@in_virtual_time
async def test_bulk_that_cannot_be_joined_waits_for_room_and_is_not_lost() -> None:
    queue = EventQueue(INFO, limit=10)

    async def model() -> None:
        for number in range(50):
            await queue.put(sound(bytes([number]), item=f"a{number}"))
            await queue.put(error(number))
        queue.end()

    task = asyncio.create_task(model())
    await asyncio.sleep(0)
    assert len(queue) <= 20
    seen: list[RealtimeSessionEvent] = []
    while (event := await queue.get()) is not None:
        seen.append(event)
    await task
    assert [event.audio.data[0] for event in seen if isinstance(event, RealtimeAudio)] == list(range(50))
    assert [event.error for event in seen if isinstance(event, RealtimeError)] == list(range(50))


@in_virtual_time
async def test_the_reader_never_waits_for_itself() -> None:
    queue = EventQueue(INFO, limit=4)
    await queue.put(error(0))
    await queue.get()
    # In the reader's own task, as when a request makes the model speak at once:
    for number in range(40):
        at_once(queue.put(error(number)))
    assert len(queue) >= 40


@in_virtual_time
async def test_a_queue_that_nobody_reads_does_not_stop_the_model_and_tells_what_it_dropped(
    caplog: pytest.LogCaptureFixture,
) -> None:
    queue = EventQueue(INFO, limit=10)
    for number in range(100):
        await queue.put(error(number))
    assert len(queue) <= 20
    left = len(queue)
    assert caplog.text.count("nobody reads") == 1
    first = await queue.get()
    assert isinstance(first, RealtimeError)
    assert isinstance(first.error, EventsShedError)
    assert (first.error.count, first.error.unread) == (100 - left, True)
    assert "iterate over it" in str(first.error)
    assert [event.error for event in await drain(queue) if isinstance(event, RealtimeError)] == list(
        range(100 - left, 100)
    )


@in_virtual_time
async def test_the_end_frees_a_model_that_waits() -> None:
    queue = EventQueue(INFO, limit=2)
    for number in range(4):
        await queue.put(error(number))
    late = asyncio.create_task(queue.put(error(9)))
    await asyncio.sleep(0)
    queue.end()
    await late


@in_virtual_time
async def test_too_many_bytes_make_the_model_wait_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_queue, "_MAX_BYTES", 1000)
    queue = EventQueue(INFO, limit=4096)
    at_once(queue.put(sound(bytes(1000))))
    late = asyncio.create_task(queue.put(sound(bytes(100))))
    await asyncio.sleep(0)
    await queue.put(error(1))
    await asyncio.sleep(0)
    waited = not late.done()
    queue_was = len(queue)
    while len(queue):
        await queue.get()
    await late
    assert waited
    assert queue_was >= 2


@in_virtual_time
async def test_a_ten_minute_reply_fits_whole() -> None:
    queue = EventQueue(INFO)
    second = bytes(48_000)
    for _ in range(600):
        at_once(queue.put(sound(second)))
    assert len(heard(await drain(queue))) == 600 * 48_000


@in_virtual_time
async def test_audio_of_one_response_can_be_taken_out() -> None:
    queue = EventQueue(INFO)
    for event in (sound(b"a"), caption("x"), sound(b"b", response="r2")):
        await queue.put(event)
    queue.drop_audio("r1")
    assert await drain(queue) == [caption("x"), sound(b"b", response="r2")]


@in_virtual_time
async def test_taking_out_all_audio_lets_a_waiting_model_go_on() -> None:
    queue = EventQueue(INFO, limit=2)
    for number in range(2):
        await queue.put(sound(b"a", item=f"a{number}"))
    late = asyncio.create_task(queue.put(sound(b"b", item="late")))
    await asyncio.sleep(0)
    assert not late.done()
    queue.drop_audio()
    await late
    assert await drain(queue) == [sound(b"b", item="late")]


def test_joining_keeps_what_was_said_and_the_last_history() -> None:
    first, last = RealtimeHistoryUpdated([], INFO), RealtimeHistoryUpdated([], INFO)
    end = RealtimeAudioEnd(INFO, "a1")
    events: list[RealtimeSessionEvent] = [
        sound(b"a"),
        caption("x"),
        first,
        raw(),
        sound(b"b"),
        caption("y"),
        last,
        end,
        sound(b"c"),
    ]
    assert compact(events) == ([sound(b"ab"), caption("xy"), last, end, sound(b"c")], 1)


@given(
    st.lists(
        st.tuples(st.sampled_from("acreh"), st.sampled_from("12"), st.binary(min_size=1, max_size=3)),
        max_size=60,
    )
)
def test_joining_loses_no_sound_no_word_and_no_error_and_keeps_their_order(
    parts: list[tuple[str, str, bytes]],
) -> None:
    make: dict[str, Any] = {
        "a": lambda item, data: sound(data, item),
        "c": lambda item, data: caption(data.hex(), item),
        "r": lambda _item, _data: raw(),
        "e": lambda _item, data: error(data[0]),
        "h": lambda _item, _data: RealtimeHistoryUpdated([], INFO),
    }
    events = [make[kind](item, data) for kind, item, data in parts]
    kept, shed = compact(events)
    assert shed == sum(kind == "r" for kind, _, _ in parts)
    assert [event for event in kept if isinstance(event, RealtimeError)] == [
        event for event in events if isinstance(event, RealtimeError)
    ]
    for item in "12":
        assert heard(kept, item) == heard(events, item)
        words = [
            "".join(e.delta for e in es if isinstance(e, RealtimeTranscriptDelta) and e.item_id == item)
            for es in (kept, events)
        ]
        assert words[0] == words[1]
    # A second joining finds nothing to do.
    assert compact(kept) == (kept, 0)


def test_what_comes_in_great_numbers_counts_with_all_that_it_holds() -> None:
    audio = RealtimeAudio(m.RealtimeModelAudioEvent(b"\0" * 3000, "r", "i"), "i", 0, INFO)
    frame = m.RealtimeModelRawServerEvent(
        {"type": "response.output_audio.delta", "delta": "A" * 4000}, size=4100
    )
    odd = m.RealtimeModelRawServerEvent({"type": "response.output_audio.delta", "delta": None})
    weights = [event_queue.weight(event) for event in (audio, RealtimeRawModelEvent(frame, INFO))]
    assert weights == [3000, 4100]
    assert event_queue.weight(RealtimeRawModelEvent(odd, INFO)) == 0
    assert event_queue.weight(caption("x" * 500, "i")) == 500
    said = AssistantMessageItem("i", (AssistantAudio("y" * 700), AssistantText("z" * 60)))
    assert event_queue.weight(RealtimeHistoryUpdated([AssistantMessageItem("h"), said], INFO)) == 760
    assert event_queue.weight(RealtimeHistoryUpdated([], INFO)) == 0


async def test_a_transcript_that_grows_while_nobody_reads_is_held_once() -> None:
    queue = EventQueue(INFO)
    said = ""
    for number in range(4000):
        said += "x" * 100
        event = RealtimeHistoryUpdated([AssistantMessageItem("i", (AssistantAudio(said),))], INFO)
        if not queue.offer(event):
            queue._reader = asyncio.current_task()  # It never waits for itself, so that this goes on.
            await queue.put(event)
        waiting = [event for event in queue._events if isinstance(event, RealtimeHistoryUpdated)]
        held = sum(len(text_of(event.history[-1])) for event in waiting)
        assert held <= event_queue._MAX_BYTES + event_queue._MAX_BYTES // 4 + 2 * len(said), number


def test_merging_makes_no_chunk_of_all_that_waits() -> None:
    piece = b"\0" * 100_000
    events = [RealtimeAudio(m.RealtimeModelAudioEvent(piece, "r", "i"), "i", 0, INFO) for _ in range(100)]
    kept, shed = event_queue.compact(events)
    lengths = [event_queue.weight(event) for event in kept]
    assert (sum(lengths), shed) == (100 * len(piece), 0)
    assert max(lengths) <= event_queue._MERGED_BYTES + len(piece)
    assert len(kept) < 12
