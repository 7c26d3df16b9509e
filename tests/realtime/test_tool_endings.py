"""Every call is answered, whatever happens: all the ways in which a tool can end, generated."""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import itertools
import json
import math
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from speakerd.realtime import (
    FunctionTool,
    RealtimeAgent,
    RealtimeAgentHooks,
    RunContextWrapper,
    Tool,
    function_tool,
    realtime_handoff,
)
from speakerd.realtime.agents import output_text, tool_invocation
from speakerd.realtime.session import task_queue
from tests.limits import limit
from tests.realtime.layer import call, kinds, read_all, session_of, session_with
from tests.realtime.recording_model import RecordingModel, tasks_left
from tests.realtime.tool_play import double

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Mute:
    def __init__(self, raised: BaseException) -> None:
        self.raised = raised

    def __str__(self) -> str:
        raise self.raised

    __repr__ = __str__


class Dumps:
    def model_dump(self, **_options: Any) -> Any:
        raise RuntimeError("no dump")


class Odd(dict[str, Any]):
    def items(self) -> Any:
        raise SystemExit("no items")


class BadError(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")

    __repr__ = __str__


class OwnBaseError(BaseException):
    """Of a program that did not read the manual."""


@dataclass
class Holds:
    what: Any


def circle() -> list[Any]:
    ring: list[Any] = [1]
    ring.append(ring)
    return ring


def deep() -> list[Any]:
    nested: list[Any] = []
    for _ in range(20_000):
        nested = [nested]
    return nested


RESULTS: dict[str, Callable[[], Any]] = {
    "nothing": lambda: None,
    "a text": lambda: "42",
    "a lone surrogate": lambda: "half \ud83d of it",
    "a lone surrogate in a list": lambda: ["\udc80"],
    "a file name that is no text": lambda: Path(os.fsdecode(b"caf\xe9.wav")),
    "file names": lambda: {Path("a"): [Path(os.fsdecode(b"\xff"))]},
    "bytes": lambda: b"tone",
    "bytes that are no text": lambda: bytes(range(256)),
    "a buffer": lambda: memoryview(bytearray(b"tone")),
    "bytes in a dict": lambda: {"data": b"\xff\x00"},
    "a set": lambda: {1},
    "keys of all kinds": lambda: {(1, 2): 1, None: 2, 3: 4, 2.5: 5, True: 6, b"k": 7},
    "not a number": lambda: [math.nan, math.inf],
    "a circle": circle,
    "a deep list": deep,
    "no text": lambda: Mute(RuntimeError("no text")),
    "no text at all": lambda: Mute(SystemExit("no text")),
    "cancelled text": lambda: Mute(asyncio.CancelledError()),
    "no text in a list": lambda: [1, Mute(RuntimeError("no text")), "kept"],
    "no text as a key": lambda: {Mute(RuntimeError("no text")): "kept"},
    "a dataclass of these": lambda: Holds([Mute(RuntimeError("no text")), "kept"]),
    "a model that does not dump": Dumps,
    "an odd dict": lambda: Odd(a=1),
    "a class": lambda: Holds,
    "a function": lambda: circle,
    "an iterator": lambda: iter([1]),
    "an error": BadError,
    "a huge number": lambda: 10**5000,
}


def _all_errors() -> Iterator[type[BaseException]]:
    for value in vars(builtins).values():
        if isinstance(value, type) and issubclass(value, BaseException):
            yield value
    yield from (asyncio.CancelledError, asyncio.InvalidStateError, BadError, OwnBaseError)


def _made(kind: type[BaseException]) -> BaseException:
    if issubclass(kind, BaseExceptionGroup):
        return kind("several", [ValueError("one")])
    if issubclass(kind, UnicodeDecodeError):
        return kind("utf-8", b"\xff", 0, 1, "why")
    if issubclass(kind, UnicodeEncodeError):
        return kind("utf-8", "\udc80", 0, 1, "why")
    if issubclass(kind, UnicodeTranslateError):
        return kind("\udc80", 0, 1, "why")
    return kind("why")


ERRORS = {kind.__name__: kind for kind in _all_errors()}


async def words(_context: RunContextWrapper[Any], error: Exception) -> str:
    return f"worded {type(error).__name__} \udc80"


def unworded(_context: RunContextWrapper[Any], _error: Exception) -> str:
    raise ZeroDivisionError("no words")


def aborted(_context: RunContextWrapper[Any], _error: Exception) -> str:
    raise SystemExit("no words")


DEFAULT = object()
FAILURE: dict[str, Any] = {
    "default": DEFAULT,
    "words": words,
    "none": None,
    "raises": unworded,
    "exits": aborted,
}


def tool_of(
    end: Callable[[], Any], *, is_async: bool, on_failure: Any = DEFAULT, **options: Any
) -> FunctionTool:
    if on_failure is not DEFAULT:
        options["failure_error_function"] = on_failure
    if is_async:

        async def subject() -> Any:
            await asyncio.sleep(0)
            return end()

        return function_tool(subject, **options)

    def plain() -> Any:
        return end()

    return function_tool(plain, name_override="subject", **options)


async def ending(tool: Tool, *, lives: bool = True, agent: Any = None, **config: Any) -> str:
    """Call the tool, then another one; give the output of the first. No task is left."""
    model = RecordingModel()
    session = await session_with(model, agent or RealtimeAgent("T", tools=[tool, double]), **config)
    await model.emit(call("subject", call_id="c1"))
    output = (await model.outputs())["c1"]
    output.encode()
    if lives:
        await model.emit(call("double", '{"number": 2}', call_id="c2"))
        assert (await model.outputs(2))["c2"] == "4"
    await session.close()
    assert tasks_left() == []
    return output


@pytest.mark.parametrize("is_async", [True, False], ids=["async", "sync"])
@pytest.mark.parametrize("result", RESULTS)
async def test_any_result_is_an_answer(result: str, is_async: bool) -> None:
    await ending(tool_of(RESULTS[result], is_async=is_async))


@pytest.mark.parametrize(
    ("name", "is_async"),
    # Ctrl-C is for the person at the keyboard: the next test.
    [case for case in itertools.product(ERRORS, [True, False]) if case != ("KeyboardInterrupt", True)],
)
async def test_any_error_is_an_answer(name: str, is_async: bool) -> None:
    def fail() -> Any:
        raise _made(ERRORS[name])

    for how, on_failure in FAILURE.items():
        tool = tool_of(fail, is_async=is_async, on_failure=on_failure)
        output = await ending(tool, lives=how in ("default", "words"))
        assert output, how
        if how == "words":
            assert output.startswith("worded")
            assert output.endswith("\\udc80")


def test_ctrl_c_in_an_async_tool_is_answered_and_goes_on_to_the_loop() -> None:
    model = RecordingModel()

    def press() -> Any:
        raise KeyboardInterrupt

    async def main() -> None:
        tool = tool_of(press, is_async=True)
        async with await session_of(model, RealtimeAgent("T", tools=[tool])):
            await model.emit(call("subject"))
            await asyncio.Event().wait()

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(main())
    (output,) = model.sent
    assert "KeyboardInterrupt" in output.output  # type: ignore[union-attr]  # it is the answer
    assert model.closed


@pytest.mark.parametrize("returns", [True, False])
@pytest.mark.parametrize("how", FAILURE)
async def test_a_tool_that_cancels_itself_is_answered(returns: bool, how: str) -> None:
    @function_tool(**({} if FAILURE[how] is DEFAULT else {"failure_error_function": FAILURE[how]}))
    async def subject() -> str:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        if not returns:
            await asyncio.sleep(0)
        return "done"

    output = await ending(subject, lives=how in ("default", "words"))
    expected = {"words": "worded ToolAbortedError", "raises": "no words", "exits": "ended in SystemExit"}
    assert expected.get(how, "ended in CancelledError") in output


@pytest.mark.parametrize("raises", [True, False])
@pytest.mark.parametrize("kind", ["async", "stubborn", "thread"])
async def test_a_tool_that_never_returns_is_answered_at_its_timeout(
    kind: str, raises: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tool_invocation, "GIVEN_UP_WITHIN_S", 0.01)
    release, released = threading.Event(), asyncio.Event()

    async def forever() -> None:
        while not released.is_set():
            with contextlib.suppress(*([asyncio.CancelledError] if kind == "stubborn" else [])):
                await released.wait()

    def blocked() -> None:
        release.wait(limit(30))

    tool = function_tool(
        blocked if kind == "thread" else forever,
        name_override="subject",
        timeout=0.01,
        timeout_behavior="raise_exception" if raises else "error_as_result",
    )
    model = RecordingModel()
    session = await session_with(model, RealtimeAgent("T", tools=[tool, double]))
    await model.emit(call("subject", call_id="c1"))
    assert "did not answer within" in (await model.outputs())["c1"]
    if not raises:
        await model.emit(call("double", '{"number": 2}', call_id="c2"))
        assert (await model.outputs(2))["c2"] == "4"
    release.set()
    released.set()
    await session.close()
    async with asyncio.timeout(limit(5)):
        while tasks_left():
            await asyncio.sleep(0)


async def test_a_result_after_the_session_was_closed_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_queue, "GIVEN_UP_WITHIN_S", 0.01)
    started, release = asyncio.Event(), asyncio.Event()

    @function_tool
    async def subject() -> str:
        started.set()
        while not release.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await release.wait()
        return "late"

    model = RecordingModel()
    session = await session_with(model, RealtimeAgent("T", tools=[subject]))
    await model.emit(call("subject"))
    await started.wait()
    await session.close()
    release.set()
    async with asyncio.timeout(limit(5)):
        while tasks_left():
            await asyncio.sleep(0)
    assert model.sent == []
    assert "error" not in kinds(await read_all(session))


async def test_a_tool_may_close_its_own_session() -> None:
    ended: list[str] = []

    @function_tool
    async def subject() -> str:
        await session.close()
        ended.append("after close")
        return "bye"

    model = RecordingModel()
    session = await session_with(model, RealtimeAgent("T", tools=[subject]))
    await model.emit(call("subject"))
    await read_all(session)
    async with asyncio.timeout(limit(5)):
        while tasks_left():
            await asyncio.sleep(0)
    assert ended == ["after close"]
    assert model.closed == 1
    assert model.sent == []


@pytest.mark.parametrize("stream", [True, False], ids=["in the stream", "beside it"])
async def test_a_hundred_cancelled_tools_do_not_block_the_others(stream: bool) -> None:
    @function_tool
    async def subject() -> None:
        raise asyncio.CancelledError

    model = RecordingModel()
    session = await session_with(
        model, RealtimeAgent("T", tools=[subject, double]), async_tool_calls=not stream
    )
    for number in range(100):
        await model.emit(call("subject", call_id=f"c{number}"))
        await model.outputs(number + 1)
    await model.emit(call("double", '{"number": 2}', call_id="last"))
    assert (await model.outputs(101))["last"] == "4"
    await session.close()
    assert tasks_left() == []


class FailingHooks(RealtimeAgentHooks[Any]):
    def __init__(self, where: str, error: BaseException) -> None:
        self.where, self.error = where, error

    def fail(self, where: str) -> None:
        if where == self.where:
            raise self.error

    async def on_tool_start(self, *_args: Any) -> None:
        self.fail("start")

    async def on_tool_end(self, *_args: Any) -> None:
        self.fail("end")


CALLABLES = ("enabled", "approval", "start", "end", "formatter", "instructions of the next", "on_handoff")


@pytest.mark.parametrize(
    ("where", "error"),
    list(itertools.product(CALLABLES, ["ValueError", "SystemExit", "CancelledError", "GeneratorExit"])),
)
async def test_whatever_a_callable_around_the_tool_ends_in_the_call_is_answered(
    where: str, error: str
) -> None:
    def fail(*_args: Any) -> Any:
        raise _made(ERRORS[error])

    rule = fail if where == "enabled" else True
    asks = fail if where == "approval" else False
    tool = function_tool(lambda: "done", name_override="subject", is_enabled=rule, needs_approval=asks)
    if where == "enabled":
        # It is also asked when the settings are made: only later does it fail.
        tool.is_enabled = True
    successor = RealtimeAgent(
        "S", instructions=lambda _c, _a: fail() if where.startswith("instr") else "", tools=[double]
    )
    handoff = realtime_handoff(
        successor,
        tool_name_override="subject" if "next" in where or "handoff" in where else "other",
        on_handoff=(lambda _c: fail()) if where == "on_handoff" else None,
    )
    hands_over = where in ("instructions of the next", "on_handoff")
    agent = RealtimeAgent(
        "T",
        tools=[double] if hands_over or where == "formatter" else [tool, double],
        handoffs=[handoff],
        hooks=FailingHooks(where, _made(ERRORS[error])),
    )
    model = RecordingModel()
    session = await session_with(
        model, agent, tool_error_formatter=fail if where == "formatter" else lambda _a: None
    )
    tool.is_enabled = rule
    await model.emit(call("subject", call_id="c1"))
    await model.outputs()
    tool.is_enabled = True
    await model.emit(call("double", '{"number": 2}', call_id="c2"))
    assert (await model.outputs(2))["c2"] == "4"
    await session.close()
    assert tasks_left() == []
    assert "error" in kinds(await read_all(session))


def test_what_a_tool_returns_as_text() -> None:
    shown = {name: output_text(make()) for name, make in RESULTS.items()}
    assert shown["a lone surrogate"] == "half \\ud83d of it"
    assert shown["a file name that is no text"] == '"caf\\\\udce9.wav"'
    assert json.loads(shown["file names"]) == {"a": ["\\udcff"]}
    assert shown["bytes"] == shown["a buffer"] == "tone"
    assert shown["bytes that are no text"].startswith("\x00\x01")
    assert shown["bytes that are no text"].endswith("\\xfe\\xff")
    assert json.loads(shown["keys of all kinds"])["(1, 2)"] == 1
    assert json.loads(shown["no text in a list"]) == [1, "<Mute>", "kept"]
    assert json.loads(shown["a dataclass of these"]) == {"what": ["<Mute>", "kept"]}
    assert shown["a circle"].startswith("[1, [1, [1, ")
    assert shown["a huge number"] == '"<int>"'
    assert shown["an error"] == '"<BadError>"'
    assert len(shown["a deep list"]) < 1000
