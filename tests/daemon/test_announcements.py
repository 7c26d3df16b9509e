"""`say`: exactly these words, once, in order, at a fitting moment, and whoever asked learns whether they were spoken."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from speakerd.daemon.control import Control
from speakerd.dialogue.refusal import MAX_ANNOUNCEMENTS
from speakerd.dialogue.requests import MUTE, STOP, WAKE
from speakerd.host.errors import CommandError
from tests.daemon.bench import GO_FORWARD, MS_A_LETTER, Household, answering, household
from tests.daemon.scenes import mute_server
from tests.simulation.virtual_loop import in_virtual_time

if TYPE_CHECKING:
    from collections.abc import Awaitable

NOWHERE = "ws://127.0.0.1:9/v1/realtime"
BY_THE_MODEL: dict[str, Any] = {"dialogue": {"announcement_voice": "model"}}


def ctl(house: Household) -> Control:
    nobody: Any = None
    return Control(house.assembly, nobody)


async def say(house: Household, text: str, **more: Any) -> dict[str, Any]:
    return await ctl(house).handle("say", {"text": text, **more})


def saying(house: Household, text: str) -> asyncio.Task[dict[str, Any]]:
    """Somebody has it announced, and waits."""
    return asyncio.create_task(say(house, text, wait_s=60))


async def reason(answer: Awaitable[dict[str, Any]]) -> str:
    """Why it was refused, or was not done."""
    with pytest.raises(CommandError) as caught:
        await answer
    return caught.value.reason


@in_virtual_time
async def test_the_words_are_spoken_exactly_by_the_local_voice_and_no_session_is_opened() -> None:
    async with household() as house:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        answer = await say(house, "dinner is ready", wait_s=60)
        assert answer["spoken"] is True
        assert house.voice.spoken == ["dinner is ready"]
        assert loop.time() - begun > len("dinner is ready") * MS_A_LETTER / 1000, (
            "it was heard before it was told"
        )
        await asyncio.sleep(1)
        assert house.phases == ["idle", "announcing", "idle"]
        assert house.lights[:3] == ["idle", "speaking", "idle"]
        assert not house.server.received, "nothing was paid for"
        assert house.assembly.speaker.turns.conversation == 0


@in_virtual_time
async def test_several_are_spoken_in_order_and_each_once() -> None:
    async with household() as house:
        assert (await say(house, "one"))["now"] is True
        assert (await say(house, "two"))["before_it"] == 0
        assert (await say(house, "three", wait_s=60))["spoken"] is True
        assert house.voice.spoken == ["one", "two", "three"]


@in_virtual_time
async def test_beyond_the_bound_one_more_is_refused_with_the_reason() -> None:
    async with household() as house:
        for number in range(1 + MAX_ANNOUNCEMENTS):
            await say(house, f"number {number}")
        assert "8 announcements wait already" in await reason(say(house, "one too many"))
        assert "8 announcements wait already" in await reason(say(house, "one too many", wait_s=5))
        await house.until(lambda: len(house.voice.spoken) == 9 and house.phases[-1] == "idle", within_s=60)
        assert "one too many" not in house.voice.spoken


@in_virtual_time
async def test_a_chime_comes_before_the_words_if_it_is_wanted() -> None:
    async with household() as house:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await say(house, "now", wait_s=60)
        plain = loop.time() - begun
        begun = loop.time()
        await say(house, "now", chime=True, wait_s=60)
        assert loop.time() - begun > plain + 0.05
        assert "chime must be true or false" in await reason(say(house, "now", chime="yes"))


@in_virtual_time
async def test_over_a_conversation_it_comes_after_the_answer_and_the_next_question_is_listened_to() -> None:
    async with household(answering(ms=2_000)) as house:
        house.panel.tap()
        utterance = house.device.say(GO_FORWARD, after_s=0.2)
        await house.phase("listening")
        waiting = saying(house, "dinner is ready")
        await house.said(utterance)
        assert house.voice.spoken == [], "never in somebody's sentence"
        await house.phase("speaking")
        assert house.voice.spoken == []
        assert (await waiting)["spoken"] is True
        await house.phase("listening")
        assert house.phases[-3:] == ["speaking", "announcing", "listening"]


@in_virtual_time
async def test_an_announcement_that_comes_while_it_listens_waits_for_the_end() -> None:
    async with household() as house:
        house.panel.tap()
        await house.phase("listening")
        answer = await say(house, "dinner is ready")
        assert answer["now"] is False
        await house.phase("announcing", within_s=30)
        assert "listening" in house.phases


@in_virtual_time
async def test_muted_it_is_spoken_all_the_same_and_the_microphone_stays_shut() -> None:
    async with household() as house:
        house.assembly.speaker.handle(MUTE)
        assert (await say(house, "dinner is ready", wait_s=60))["spoken"] is True
        assert house.assembly.speaker.dialogue.flags.muted


@in_virtual_time
async def test_muting_does_not_end_it() -> None:
    async with household() as house:
        waiting = saying(house, "dinner is ready")
        await house.phase("announcing")
        house.assembly.speaker.handle(MUTE)
        assert (await waiting)["spoken"] is True


@in_virtual_time
async def test_a_press_silences_it_and_those_that_wait_and_does_no_more() -> None:
    async with household() as house:
        first = saying(house, "a long story" * 5)
        second = saying(house, "and another one")
        await house.phase("announcing")
        await asyncio.sleep(0.5)
        house.panel.tap()
        assert await reason(first) == "somebody pressed the button"
        assert await reason(second) == "somebody pressed the button"
        await asyncio.sleep(2)
        assert house.phases == ["idle", "announcing", "idle"]
        assert house.voice.spoken == ["a long story" * 5]


@in_virtual_time
@pytest.mark.parametrize(("what", "why"), [(STOP, "it was stopped"), (WAKE, "somebody woke it")])
async def test_stop_and_wake_end_it_and_whoever_waits_is_told(what: Any, why: str) -> None:
    async with household() as house:
        waiting = saying(house, "a long story" * 5)
        await house.phase("announcing")
        house.assembly.speaker.handle(what)
        assert await reason(waiting) == why
        await asyncio.sleep(0.2)
        assert house.phases[-1] == ("idle" if what is STOP else "listening")


@in_virtual_time
async def test_a_voice_that_fails_in_the_middle_is_told_and_the_next_one_is_spoken() -> None:
    async with household() as house:
        first = saying(house, "crash")
        second = saying(house, "dinner is ready")
        assert "ended with code 1" in await reason(first)
        assert (await second)["spoken"] is True


@in_virtual_time
async def test_words_without_a_sound_are_told_so() -> None:
    async with household() as house:
        assert "makes no sound" in await reason(say(house, "...", wait_s=60))
        await house.phase("idle")


@in_virtual_time
async def test_without_espeak_it_is_refused_at_once_with_the_cure() -> None:
    async with household() as house:
        house.voice.missing = True
        assert "apt install espeak-ng" in await reason(say(house, "dinner is ready"))


@in_virtual_time
async def test_without_a_loudspeaker_it_is_refused_and_one_that_waits_comes_when_there_is_one() -> None:
    async with household() as house:
        first = saying(house, "a long story" * 20)
        second = saying(house, "dinner is ready")
        await house.phase("announcing")
        house.device.unplug("playback")
        assert await reason(first) == "the sound card was lost"
        assert "there is no loudspeaker" in await reason(say(house, "and the dog is out"))
        house.device.plug_in()
        assert (await second)["spoken"] is True


@in_virtual_time
async def test_one_that_finds_no_moment_is_dropped_and_told() -> None:
    settings = {"dialogue": {"announcement_wait_s": 2.0}}
    async with household(settings=settings) as house:
        house.panel.tap()
        await house.phase("listening")
        assert "no fitting moment came within 2 s" in await reason(say(house, "dinner is ready", wait_s=60))
        await house.phase("idle", within_s=30)
        assert house.voice.spoken == []


@in_virtual_time
async def test_the_model_speaks_it_where_it_is_so_set_and_is_asked_for_these_words_alone() -> None:
    async with household(settings=BY_THE_MODEL) as house:
        assert (await say(house, "dinner is ready", wait_s=60))["spoken"] is True
        (asked,) = house.sent("response.create")
        assert 'nothing else: "dinner is ready"' in asked["response"]["instructions"]
        assert house.voice.spoken == []
        assert "speaking" in house.phases


@in_virtual_time
@pytest.mark.parametrize(
    ("script", "problem"), [(answering, "could not be reached"), (lambda: mute_server, "did not answer")]
)
async def test_where_the_model_cannot_speak_it_that_is_told(script: Any, problem: str) -> None:
    settings: dict[str, Any] = {"dialogue": {**BY_THE_MODEL["dialogue"], "response_timeout_s": 3.0}}
    if script is answering:
        settings["model"] = {"url": NOWHERE}
    async with household(script(), settings=settings) as house:
        why = await reason(say(house, "dinner is ready", wait_s=60))
        assert why == f"the voice model {problem} in time"


@in_virtual_time
async def test_a_typed_question_is_answered_as_a_turn_that_counts() -> None:
    async with household() as house:
        answer = await ctl(house).handle("ask", {"text": "how are you?", "wait_s": 60})
        assert answer["answer"] == "Certainly."
        await asyncio.sleep(1)
        assert house.assembly.speaker.turns.turns == 1
        assert house.assembly.speaker.usage.report()["today"]["turns"] == 1


@in_virtual_time
async def test_a_question_that_cannot_be_asked_is_not_ok() -> None:
    async with household(settings={"model": {"url": NOWHERE}}) as house:
        assert "could not be reached in time" in await reason(ctl(house).handle("ask", {"text": "hello"}))
    async with household() as house:
        house.assembly.speaker.handle(MUTE)
        assert "it is muted: `speakerd ctl unmute`" in await reason(
            ctl(house).handle("ask", {"text": "hello"})
        )


@in_virtual_time
async def test_a_question_whose_answer_does_not_come_is_told_so_to_whoever_waits() -> None:
    async with household(mute_server, settings={"dialogue": {"response_timeout_s": 3.0}}) as house:
        assert (await ctl(house).handle("ask", {"text": "hello"}))["phase"] == "thinking"
        await house.phase("idle", within_s=30)
        question = ctl(house).handle("ask", {"text": "hello", "wait_s": 60})
        assert "did not answer in time" in await reason(question)
        assert "no answer was heard to its end within 1 s" in await reason(
            ctl(house).handle("ask", {"text": "hello", "wait_s": 1})
        )


@in_virtual_time
async def test_a_question_during_an_announcement_is_asked_after_it() -> None:
    async with household() as house:
        await say(house, "dinner is ready")
        answer = await ctl(house).handle("ask", {"text": "hello", "wait_s": 60})
        assert answer["answer"] == "Certainly."
        assert house.phases[:2] == ["idle", "announcing"]


@in_virtual_time
@pytest.mark.parametrize("text", ["", "  ", "x" * 4_001, 7, None])
async def test_a_text_that_is_none_is_refused(text: Any) -> None:
    async with household() as house:
        for command in ("say", "ask"):
            assert "1 to 4000 characters" in await reason(ctl(house).handle(command, {"text": text}))


@in_virtual_time
@pytest.mark.parametrize("wait_s", [-1, True, "long", 1e9])
async def test_a_time_to_wait_that_is_none_is_refused(wait_s: Any) -> None:
    async with household() as house:
        assert "wait_s must be" in await reason(say(house, "hello", wait_s=wait_s))


@in_virtual_time
async def test_a_reply_that_is_not_heard_to_its_end_in_time_is_not_ok_and_its_words_are_told() -> None:
    async with household(answering(ms=8_000)) as house:
        why = await reason(ctl(house).handle("ask", {"text": "hello", "wait_s": 3}))
        assert why == "no answer was heard to its end within 3 s; so far: Certainly."
        assert house.assembly.speaker.dialogue.phase == "speaking"


@in_virtual_time
async def test_a_reply_that_was_heard_and_of_which_no_words_came_is_an_answer() -> None:
    async with household() as house:
        house.assembly.speaker.turns.caption = lambda *_, **__: None  # type: ignore[method-assign]  # no words
        answer = await ctl(house).handle("ask", {"text": "hello", "wait_s": 60})
        assert answer["answer"] == ""


@in_virtual_time
async def test_words_of_an_earlier_answer_are_none_of_the_one_that_is_waited_for() -> None:
    async with household() as house:
        await say(house, "a long story" * 10)
        question = asyncio.create_task(ctl(house).handle("ask", {"text": "hello", "wait_s": 60}))
        await asyncio.sleep(0.1)
        house.assembly.speaker.turns.caption("assistant", "item_0", "Earlier.", final=True, now=0.0)
        assert (await question)["answer"] == "Certainly."


@in_virtual_time
@pytest.mark.parametrize(
    ("command", "args", "why"),
    [
        ("volume", {"lvel": 10}, "volume takes level, change; found lvel"),
        ("volume", {"level": 10, "change": 5}, "volume takes level or change, not both"),
        ("stop", {"now": True}, "stop takes no arguments; found now"),
        ("ask", {"text": "hello", "chime": True}, "ask takes text, wait_s; found chime"),
    ],
)
async def test_arguments_that_a_command_does_not_take_are_refused(
    command: str, args: dict[str, Any], why: str
) -> None:
    async with household() as house:
        before = house.assembly.speaker.volume.value
        assert await reason(ctl(house).handle(command, args)) == why
        assert house.assembly.speaker.volume.value == before
