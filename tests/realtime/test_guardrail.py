from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.realtime import (
    GuardrailFunctionOutput,
    OutputGuardrail,
    RealtimeAgent,
    RunContextWrapper,
    output_guardrail,
)
from speakerd.realtime.model.inputs import RealtimeModelSendInterrupt, RealtimeModelSendUserInput
from speakerd.realtime.session.events import RealtimeAudio, RealtimeError, RealtimeGuardrailTripped
from speakerd.realtime.session.guardrail_runner import Debounce
from speakerd.realtime.testing.scripted import ScriptedRealtimeModel, emit, expect
from tests.limits import limit
from tests.realtime.layer import audio, ended, read_all, read_until, said, session_of, session_with, started
from tests.realtime.recording_model import RecordingModel


def watcher(word: str, seen: list[str]) -> OutputGuardrail[Any]:
    @output_guardrail(name=f"no_{word}")
    async def check(
        _ctx: RunContextWrapper[Any], _agent: RealtimeAgent[Any], text: str
    ) -> GuardrailFunctionOutput:
        seen.append(text)
        return GuardrailFunctionOutput(output_info={"word": word}, tripwire_triggered=word in text)

    return check


async def test_a_guardrail_looks_at_each_multiple_of_the_length_and_at_the_end() -> None:
    seen: list[str] = []
    model = ScriptedRealtimeModel([emit(started(), *(said("x" * 40) for _ in range(6)), ended())])
    async with await session_of(model, output_guardrails=[watcher("y", seen)]) as session:
        await read_until(session, "agent_end")
        async with asyncio.timeout(limit(5)):
            while len(seen) < 3:  # the checks run beside the stream, on this loop
                await asyncio.sleep(0)
    assert [len(text) for text in seen] == [120, 200, 240]


async def test_a_trip_cancels_that_response_silences_it_and_tells_the_model() -> None:
    seen: list[str] = []
    told = "guardrail triggered: no_secret. Your last answer was cut off because of it; say something that keeps to the rule."
    model = ScriptedRealtimeModel(
        [
            emit(started(), audio(b"\1\0"), said("The secret is")),
            expect(RealtimeModelSendInterrupt, force_response_cancel=True, response_id="r1"),
            expect(RealtimeModelSendUserInput, user_input=told, start_response=True),
            emit(
                audio(b"\2\0"),
                said(" out, the secret!"),
                ended(status="cancelled"),
                audio(b"\3\0", response="r2"),
            ),
        ]
    )
    session = await session_with(
        model, output_guardrails=[watcher("secret", seen)], guardrails_settings={"debounce_text_length": 5}
    )
    await model.finished()
    await session.close()
    events = await read_all(session)
    (tripped,) = [event for event in events if isinstance(event, RealtimeGuardrailTripped)]
    assert tripped.message == "The secret is"
    (result,) = tripped.guardrail_results
    assert (result.guardrail.get_name(), result.output.output_info) == ("no_secret", {"word": "secret"})
    assert [event.audio.data for event in events if isinstance(event, RealtimeAudio)] == [b"\3\0"]
    assert seen == ["The secret is"]
    assert tripped.to_dict()["guardrail_results"][0]["guardrail"] == "no_secret"


async def test_a_short_text_is_looked_at_when_it_ends() -> None:
    seen: list[str] = []
    model = ScriptedRealtimeModel(
        [
            emit(started(), said("secret"), ended()),
            expect(RealtimeModelSendInterrupt, response_id="r1"),
            expect(RealtimeModelSendUserInput),
        ]
    )
    async with await session_of(model, output_guardrails=[watcher("secret", seen)]):
        await model.finished()


async def test_the_agents_guardrails_run_beside_the_runs_and_each_once() -> None:
    seen: list[str] = []
    both, own = watcher("x", seen), watcher("secret", seen)
    agent = RealtimeAgent("T", output_guardrails=[own, both])
    model = ScriptedRealtimeModel(
        [
            emit(started(), said("secret"), ended()),
            expect(RealtimeModelSendInterrupt),
            expect(RealtimeModelSendUserInput),
        ]
    )
    async with await session_of(model, agent, output_guardrails=[both]):
        await model.finished()
    assert seen == ["secret", "secret"]


async def test_a_guardrail_that_fails_is_reported_and_the_others_count() -> None:
    @output_guardrail
    def broken(_ctx: Any, _agent: Any, _text: str) -> GuardrailFunctionOutput:
        raise RuntimeError("cannot judge")

    model = ScriptedRealtimeModel(
        [
            emit(started(), said("secret"), ended()),
            expect(RealtimeModelSendInterrupt),
            expect(RealtimeModelSendUserInput),
        ]
    )
    session = await session_with(model, output_guardrails=[broken, watcher("secret", [])])
    await model.finished()
    await session.close()
    events = await read_all(session)
    assert [str(event.error) for event in events if isinstance(event, RealtimeError)] == ["cannot judge"]
    assert broken.get_name() == "broken"


async def test_a_slow_guardrail_does_not_hold_up_audio() -> None:
    release = asyncio.Event()

    @output_guardrail
    async def slow(_ctx: Any, _agent: Any, _text: str) -> GuardrailFunctionOutput:
        await release.wait()
        return GuardrailFunctionOutput(None, tripwire_triggered=False)

    model = ScriptedRealtimeModel([emit(started(), said("x" * 200), audio(), ended())])
    async with await session_of(model, output_guardrails=[slow]) as session:
        await read_until(session, "agent_end")
        assert not release.is_set()


async def test_a_server_that_gives_no_ids_is_guarded_at_each_response() -> None:
    model = ScriptedRealtimeModel()
    for _ in range(2):
        model._steps += [
            emit(started(""), said("secret", response=""), ended("")),
            expect(RealtimeModelSendInterrupt, response_id=None),
            expect(RealtimeModelSendUserInput),
        ]
    model = ScriptedRealtimeModel(model._steps)
    async with await session_of(model, output_guardrails=[watcher("secret", [])]):
        await model.finished()


def held(release: asyncio.Event) -> Any:
    """A guardrail that judges only when it is released, and trips at the word `secret`."""

    @output_guardrail
    async def late(_ctx: Any, _agent: Any, text: str) -> GuardrailFunctionOutput:
        await release.wait()
        return GuardrailFunctionOutput(None, tripwire_triggered="secret" in text)

    return late


@pytest.mark.parametrize("ids", [("r1", "r2"), ("", "")], ids=["with ids", "without ids"])
async def test_a_guardrail_that_trips_late_leaves_the_next_response_alone(ids: tuple[str, str]) -> None:
    release = asyncio.Event()
    first, second = ids
    model = RecordingModel()
    session = await session_with(
        model, output_guardrails=[held(release)], guardrails_settings={"debounce_text_length": 5}
    )
    await model.emit(started(first), said("The secret is", response=first), ended(first))
    await model.emit(started(second), audio(b"\1\0", item="a2", response=second))
    release.set()
    await read_until(session, "guardrail_tripped")
    await model.until(RealtimeModelSendUserInput)
    await model.emit(audio(b"\2\0", item="a2", response=second), ended(second))
    await session.close()
    heard = [event.audio.data for event in await read_all(session) if isinstance(event, RealtimeAudio)]
    assert heard[-1:] == [b"\2\0"]
    assert [event.response_id for event in model.of(RealtimeModelSendInterrupt)] == ([first] if first else [])


async def test_the_end_of_a_response_checks_only_its_own_texts() -> None:
    seen: list[str] = []
    model = RecordingModel()
    async with await session_of(model, output_guardrails=[watcher("secret", seen)]) as session:
        await model.emit(started("r1"), said("one", "a1", "r1"), started("r2"), said("secret", "a2", "r2"))
        await model.emit(ended("r1"))
        await read_until(session, "agent_end")
        await asyncio.sleep(0)
        assert model.sent == []
        await model.emit(ended("r2"))
        await model.until(RealtimeModelSendUserInput)
    assert seen == ["one", "secret"]
    assert [event.response_id for event in model.of(RealtimeModelSendInterrupt)] == ["r2"]


@pytest.mark.parametrize(
    "ending", [SystemExit("no"), asyncio.CancelledError(), GeneratorExit(), "not a verdict"]
)
async def test_a_guardrail_that_ends_in_anything_else_is_reported_and_the_others_count(ending: Any) -> None:
    @output_guardrail
    def broken(_ctx: Any, _agent: Any, _text: str) -> GuardrailFunctionOutput:
        if isinstance(ending, BaseException):
            raise ending
        return ending  # type: ignore[no-any-return]  # the mistake

    model = RecordingModel()
    session = await session_with(model, output_guardrails=[broken, watcher("secret", [])])
    await model.emit(started(), said("secret"), ended())
    await model.until(RealtimeModelSendUserInput)
    await session.close()
    errors = [str(event.error) for event in await read_all(session) if isinstance(event, RealtimeError)]
    assert len(errors) == 1
    assert ("has to return a GuardrailFunctionOutput" if ending == "not a verdict" else "ended in") in errors[
        0
    ]


async def test_without_guardrails_nothing_is_collected() -> None:
    model = ScriptedRealtimeModel([emit(started(), said("x" * 500))])
    async with await session_of(model) as session:
        await model.finished()
        assert session._guardrails._debounce._texts == {}


def test_items_followed_are_bounded() -> None:
    debounce = Debounce(10)
    for number in range(1000):
        debounce.feed(f"a{number}", "x")
    assert len(debounce._texts) == 32


@given(st.integers(1, 20), st.lists(st.text(alphabet="ab", max_size=15), max_size=30))
def test_every_multiple_is_looked_at_and_the_end_once(length: int, deltas: list[str]) -> None:
    debounce = Debounce(length)
    looks: list[str] = []
    text = ""
    for delta in deltas:
        before, text = len(text), text + delta
        look = debounce.feed("a", delta)
        assert (look is not None) == (len(text) // length > before // length)
        looks += [look] if look is not None else []
    looks += debounce.end()
    assert looks[-1:] == ([text] if text else [])
    assert len(looks) == len(set(looks))
    assert debounce.end() == []


@pytest.mark.parametrize("named", [True, False])
def test_a_guardrail_is_named_by_its_name_or_its_function(named: bool) -> None:
    def rude(_ctx: Any, _agent: Any, _text: str) -> GuardrailFunctionOutput:
        return GuardrailFunctionOutput(None, tripwire_triggered=False)

    guardrail = output_guardrail(name="polite")(rude) if named else output_guardrail(rude)
    assert guardrail.get_name() == ("polite" if named else "rude")
