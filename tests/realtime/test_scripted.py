from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from speakerd.realtime import RealtimeAgent
from speakerd.realtime.model.inputs import (
    RealtimeModelSendAudio,
    RealtimeModelSendInterrupt,
    RealtimeModelSendUserInput,
)
from speakerd.realtime.model.port import RealtimeModelListener
from speakerd.realtime.testing.scripted import (
    RealtimeStep,
    ScriptedRealtimeModel,
    ScriptError,
    UnconsumedRealtimeSteps,
    UnexpectedRealtimeSend,
    emit,
    expect,
)
from tests.limits import limit
from tests.realtime.layer import audio, read_all, read_until, session_of

if TYPE_CHECKING:
    from speakerd.realtime.model import events as m


async def test_events_behind_an_expectation_are_told_when_it_is_met() -> None:
    model = ScriptedRealtimeModel([expect(RealtimeModelSendUserInput, user_input="Hi"), emit(audio())])
    async with await session_of(model, RealtimeAgent("Ada")) as session:
        await session.send_message("Hi")
        await read_until(session, "audio")
        await model.finished()


async def test_a_request_of_another_kind_is_refused_where_it_is_made() -> None:
    model = ScriptedRealtimeModel([expect(RealtimeModelSendUserInput)])
    await model.connect({})
    with pytest.raises(
        ScriptError, match="request 1: expected RealtimeModelSendUserInput, found RealtimeModelSendInterrupt"
    ):
        await model.send_event(RealtimeModelSendInterrupt())
    with pytest.raises(ScriptError, match="request 1"):
        await model.finished()


async def test_a_request_with_another_value_is_refused() -> None:
    model = ScriptedRealtimeModel([expect(RealtimeModelSendUserInput, user_input="Hi")])
    await model.connect({})
    with pytest.raises(ScriptError, match="user_input='Hi', found 'Ho'"):
        await model.send_event(RealtimeModelSendUserInput("Ho"))


async def test_a_request_too_many_is_refused() -> None:
    model = ScriptedRealtimeModel([])
    await model.connect({})
    with pytest.raises(ScriptError, match="nothing more is expected"):
        await model.send_event(RealtimeModelSendInterrupt())
    with pytest.raises(ScriptError, match="nothing more is expected"):
        await model.finished()


async def test_a_request_that_never_comes_is_missed() -> None:
    model = ScriptedRealtimeModel([expect(RealtimeModelSendInterrupt)])
    with pytest.raises(ScriptError, match="never connected"):
        await model.finished()
    await model.connect({})
    with pytest.raises(ScriptError, match=r"still expected after 0.01 s: .*RealtimeModelSendInterrupt"):
        await model.finished(0.01)
    await model.close()
    await model.close()
    with pytest.raises(ScriptError, match="closed while it expected"):
        await model.finished()


async def test_requests_to_be_ignored_may_come_at_any_time() -> None:
    model = ScriptedRealtimeModel([expect(RealtimeModelSendInterrupt)], ignore=(RealtimeModelSendAudio,))
    await model.connect({})
    await model.send_event(RealtimeModelSendAudio(b""))
    await model.send_event(RealtimeModelSendInterrupt())
    await model.finished()
    assert len(model.sent) == 2


async def test_what_a_listener_raises_fails_the_script() -> None:
    class Broken(RealtimeModelListener):
        async def on_event(self, event: m.RealtimeModelEvent) -> None:
            raise RuntimeError(f"no {event.type}")

    model = ScriptedRealtimeModel([emit(audio())])
    model.add_listener(Broken())
    await model.connect({})
    with pytest.raises(RuntimeError, match="no audio"):
        await model.finished()


async def test_a_listener_may_close_the_model() -> None:
    class Closing(RealtimeModelListener):
        async def on_event(self, event: m.RealtimeModelEvent) -> None:
            await model.close()

    model = ScriptedRealtimeModel([emit(audio())])
    model.add_listener(Closing())
    await model.connect({})
    await asyncio.wait_for(model.finished(), limit(5))
    assert model.closed


def test_the_package_has_both_tools_of_the_trade() -> None:
    import speakerd.realtime.testing as package
    from speakerd.realtime.testing import loopback, scripted

    assert package.ScriptedRealtimeModel is scripted.ScriptedRealtimeModel
    assert package.LoopbackServer is loopback.LoopbackServer
    assert (package.emit, package.expect) == (scripted.emit, scripted.expect)
    with pytest.raises(AttributeError, match="no attribute 'Mock'"):
        package.Mock  # noqa: B018  # the access is the test


async def test_steps_in_the_form_of_openai_agents() -> None:
    hello = RealtimeModelSendUserInput("Hello")
    model = ScriptedRealtimeModel(
        [
            RealtimeStep(expect=hello, emit=[audio()]),
            RealtimeStep(expect=RealtimeModelSendInterrupt, error=ConnectionError("gone")),
            RealtimeStep(expect=lambda event: event.audio == b"x"),
        ],
        connect_events=[audio(b"\1\0")],
    )
    session = await session_of(model, RealtimeAgent("Ada"))
    async with session:
        await session.send_message("Hello")
        with pytest.raises(ConnectionError, match="gone"):
            await session.interrupt()
        with pytest.raises(UnconsumedRealtimeSteps, match="1 expected requests have not come") as missed:
            model.assert_complete()
        assert missed.value.remaining_steps == model.remaining_steps == 1
        with pytest.raises(UnexpectedRealtimeSend) as unexpected:
            await session.send_audio(b"y")
        assert unexpected.value.actual == RealtimeModelSendAudio(b"y")
        assert model.listeners == (session,)
        await session.send_audio(b"x")
        model.assert_complete()
    assert model.sent_events[0] == hello
    assert [event.type for event in await read_all(session) if event.type == "audio"] == ["audio", "audio"]
    assert model.connect_calls[0]["api_key_provided"] is False


async def test_errors_of_connecting_and_closing_and_a_script_that_is_not_strict() -> None:
    with pytest.raises(ConnectionError, match="no route"):
        async with await session_of(ScriptedRealtimeModel(connect_error=ConnectionError("no route"))):
            pass
    model = ScriptedRealtimeModel(strict=False, close_error=OSError("broken pipe"))
    session = await session_of(model)
    with pytest.raises(OSError, match="broken pipe"):
        async with session:
            await session.send_message("Anything")
    await session.close()
    assert len(model.sent) == 1
