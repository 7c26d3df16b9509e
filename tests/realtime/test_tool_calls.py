from __future__ import annotations

import asyncio
import contextvars
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.realtime.agents.tool_errors import ToolThreadsExhaustedError
from speakerd.realtime.session.pending_calls import PendingCalls
from speakerd.realtime.session.task_queue import SerialQueue, until_ended
from speakerd.realtime.session.thread_pool import ToolThreadPool
from tests.limits import limit
from tests.realtime.layer import call


def test_a_call_of_an_unknown_response_is_replied_to_as_it_is_answered() -> None:
    calls = PendingCalls()
    assert calls.begin(call("f"))
    assert calls.answered("c1") is True


def test_the_reply_waits_for_the_end_of_the_response() -> None:
    calls = PendingCalls()
    calls.response_started("r1")
    calls.begin(call("f", response="r1"))
    assert calls.answered("c1") is False
    assert calls.response_ended("r1", "completed") is True
    assert calls.response_ended("r1", "completed") is False


def test_the_reply_waits_for_the_last_call_of_the_response() -> None:
    calls = PendingCalls()
    calls.response_started("r1")
    for call_id in ("c1", "c2"):
        calls.begin(call("f", call_id=call_id, response="r1"))
    assert calls.answered("c1") is False
    assert calls.response_ended("r1", "completed") is False
    assert calls.answered("c2") is True


def test_calls_of_a_cancelled_response_have_no_reply() -> None:
    calls = PendingCalls()
    calls.response_started("r1")
    for call_id in ("c1", "c2"):
        calls.begin(call("f", call_id=call_id, response="r1"))
    assert calls.answered("c1") is False
    assert calls.response_ended("r1", "cancelled") is False
    assert calls.answered("c2") is False


def test_a_reply_to_a_call_that_was_cancelled_with_its_response_is_not_asked_for_later() -> None:
    calls = PendingCalls()
    calls.response_started("r1")
    calls.begin(call("f", response="r1"))
    assert calls.answered("c1") is False
    calls.response_ended("r1", "cancelled")
    assert calls.response_ended("r1", "completed") is False


def test_a_response_without_calls_owes_nothing() -> None:
    calls = PendingCalls()
    calls.response_started("r1")
    calls.response_started(None)
    assert calls.response_ended("r1", "completed") is False
    assert calls.response_ended(None, "completed") is False


def test_a_call_that_comes_twice_is_taken_once() -> None:
    calls = PendingCalls()
    assert calls.begin(call("f"))
    assert not calls.begin(call("f"))
    assert len(calls) == 1
    calls.answered("c1")
    assert not calls.begin(call("f"))


def test_a_new_connection_ends_the_old_ones_responses() -> None:
    calls = PendingCalls()
    calls.response_started("r1")
    calls.response_started("r2")
    calls.begin(call("f", response="r1"))
    assert calls.answered("c1") is False
    assert calls.connection_replaced() is True
    assert calls.connection_replaced() is False


def test_the_one_reply_after_a_new_connection_is_for_all_responses_of_the_old_one() -> None:
    calls = PendingCalls()
    for response in ("r1", "r2"):
        calls.response_started(response)
        calls.begin(call("f", call_id=f"c_{response}", response=response))
        assert calls.answered(f"c_{response}") is False
    assert calls.connection_replaced() is True
    assert calls.response_ended("r2", "completed") is False


def test_all_bookkeeping_is_bounded() -> None:
    calls = PendingCalls(limit=3)
    for number in range(2000):
        calls.response_started(f"r{number}")
        if not calls.is_full:
            calls.begin(call("f", call_id=f"c{number}", response=f"r{number}"))
    assert len(calls) == 3
    for number in range(3):
        calls.answered(f"c{number}")
    for number in range(2000):
        calls.begin(call("f", call_id=f"x{number}", response=f"r{number}"))
        calls.answered(f"x{number}")
        calls.response_ended(f"r{number}", "cancelled")
    assert all(len(each) <= 256 for each in (calls._seen, calls._running, calls._cancelled, calls._owed))


@given(st.permutations(["answer c1", "answer c2", "end"]))
def test_in_whatever_order_answers_and_end_come_one_reply_is_due_and_at_the_last(order: list[str]) -> None:
    calls = PendingCalls()
    calls.response_started("r1")
    for call_id in ("c1", "c2"):
        calls.begin(call("f", call_id=call_id, response="r1"))
    due = [
        calls.response_ended("r1", "completed") if step == "end" else calls.answered(step.split()[1])
        for step in order
    ]
    assert due == [False, False, True]


async def test_plain_functions_run_in_threads_with_the_callers_context() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    variable.set("seen")
    threads = ToolThreadPool(2)
    name, value = await threads.run(lambda: (threading.current_thread().name, variable.get()))
    threads.close()
    assert (name, value) == ("tool-1", "seen")


async def test_no_more_threads_are_made_than_allowed() -> None:
    threads = ToolThreadPool(2)
    at_once = most = 0
    lock = threading.Lock()

    def work() -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.005)
        with lock:
            at_once -= 1

    await asyncio.gather(*(threads.run(work) for _ in range(10)))
    threads.close()
    assert most == 2


async def test_what_a_thread_raises_is_raised_to_the_caller() -> None:
    threads = ToolThreadPool()

    def stop() -> None:
        raise StopIteration

    def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        await threads.run(fail)
    with pytest.raises(RuntimeError, match="StopIteration"):
        await threads.run(stop)
    threads.close()
    threads.close()


async def test_hanging_threads_are_replaced_until_there_are_too_many(
    caplog: pytest.LogCaptureFixture,
) -> None:
    threads = ToolThreadPool(1)
    loop = asyncio.get_running_loop()
    running, ended, release = asyncio.Event(), asyncio.Event(), threading.Event()

    def hang() -> None:
        loop.call_soon_threadsafe(running.set)
        release.wait(limit(30))
        loop.call_soon_threadsafe(ended.set)

    async with asyncio.timeout(limit(5)):
        hanging = asyncio.create_task(threads.run(hang))
        await running.wait()
        waiting = asyncio.create_task(threads.run(lambda: "never"))
        await asyncio.sleep(0)
        waiting.cancel()
        hanging.cancel()
        await asyncio.wait({hanging, waiting})
        assert threads._hanging == 1
        with pytest.raises(ToolThreadsExhaustedError, match="1 tools hang"):
            await threads.run(lambda: "no thread left")
        release.set()
        await ended.wait()
        while threads._hanging:  # its last step is ours to wait for: a callback on this loop
            await asyncio.sleep(0)
        assert await threads.run(lambda: "works again") == "works again"
        running.clear()
        release.clear()
        blocked = asyncio.create_task(threads.run(hang))
        await running.wait()
        threads.close()
        assert "1 tool call(s) still run" in caplog.text
        blocked.cancel()
        await asyncio.wait({blocked})
        release.set()


async def test_work_is_done_in_order_and_what_fails_is_told() -> None:
    told: list[str] = []
    done = asyncio.Event()

    async def on_error(error: Exception, what: str) -> None:
        told.append(f"{what}: {error}")

    async def fail() -> None:
        raise RuntimeError("broken")

    async def note(text: str) -> None:
        told.append(text)
        if text == "last":
            done.set()

    serial = SerialQueue(on_error, limit=3)
    assert serial.add(lambda: note("dropped"), "first")
    assert serial.add(fail, "second")
    assert serial.add(lambda: note("third"), "third")
    assert not serial.add(lambda: note("last"), "last")
    await asyncio.wait_for(done.wait(), limit(5))
    assert told == ["second: broken", "third", "last"]
    assert serial.stop() == set()
    assert serial.stop() == set()
    assert serial.add(fail, "after the end: ignored")


async def test_closing_gives_up_what_runs() -> None:
    started = asyncio.Event()

    async def forever() -> None:
        started.set()
        await asyncio.Event().wait()

    async def on_error(error: Exception, what: str) -> None:
        raise AssertionError(f"{what}: {error}")

    serial = SerialQueue(on_error, limit=3)
    serial.add(forever, "forever")
    await started.wait()
    ending = serial.stop()
    assert len(ending) == 1
    await asyncio.wait_for(until_ended(ending), limit(5))
    assert all(task.done() for task in ending)


async def test_work_that_cancels_itself_does_not_stop_the_rest() -> None:
    done = asyncio.Event()
    told: list[str] = []

    async def on_error(error: Exception, what: str) -> None:
        told.append(f"{what}: {error}")

    async def cancels_itself() -> None:
        raise asyncio.CancelledError

    async def note() -> None:
        done.set()

    serial = SerialQueue(on_error, limit=3)
    serial.add(cancels_itself, "first")
    serial.add(note, "second")
    await asyncio.wait_for(done.wait(), limit(5))
    serial.stop()
    assert told == ["first: first ended in CancelledError instead of a result"]
