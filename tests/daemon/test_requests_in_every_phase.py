"""Every request of the control socket in every phase: what is answered with "ok" is seen to happen, all else says why not.

Made from the commands there are: one that is added and has no effect named here fails.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from speakerd.daemon.control import Control, Reloader
from speakerd.daemon.core import RestartRequestedError
from speakerd.dialogue.events import Ask, Say, SessionError, TimerRinging
from speakerd.dialogue.requests import MUTE
from speakerd.host.errors import CommandError
from speakerd.panel.types import Gesture
from tests.daemon.bench import Household, answering, household
from tests.daemon.evidence import nested
from tests.daemon.scenes import calling, mute_server
from tests.daemon.test_all_settings import DOOR_LOCKED
from tests.simulation.virtual_loop import in_virtual_time

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

NOWHERE = {"model": {"url": "ws://127.0.0.1:9/v1/realtime"}}
WORDS = "is the kettle on"
NOTICE = "dinner is ready"


class SilentNotifier:
    """Nobody is told of a reload."""

    def reloading(self) -> None: ...

    def ready(self, _status: str) -> None: ...


# -- phases ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """How a household comes into a phase, and how one sees that it is in it."""

    go: Callable[[Household], Awaitable[None]]
    settings: dict[str, Any] = field(default_factory=dict)
    script: Callable[[], Any] = answering


async def _idle(_house: Household) -> None:
    pass


async def _connecting(house: Household) -> None:
    house.panel.tap()
    await house.phase("connecting")


async def _listening(house: Household) -> None:
    house.panel.tap()
    await house.phase("listening")


async def _thinking(house: Household) -> None:
    house.assembly.speaker.handle(Ask("hello"))
    await house.phase("thinking")


async def _speaking(house: Household) -> None:
    house.assembly.speaker.handle(Ask("hello"))
    await house.phase("speaking")


async def _announcing(house: Household) -> None:
    house.assembly.speaker.handle(Say("a long story" * 5))
    await house.phase("announcing")


async def _approval(house: Household) -> None:
    house.assembly.speaker.handle(Ask("open the door"))
    await house.light("approval")


async def _ringing(house: Household) -> None:
    house.assembly.speaker.handle(TimerRinging("tea"))
    await house.light("ringing")


async def _offline(house: Household) -> None:
    house.panel.tap()
    await house.light("offline", within_s=30)


async def _error(house: Household) -> None:
    house.assembly.speaker.handle(SessionError("account", "no"))
    await house.light("error")


async def _no_sound_card(house: Household) -> None:
    house.device.unplug("playback")
    await house.light("error", within_s=30)
    await asyncio.sleep(3)


async def _muted(house: Household) -> None:
    house.assembly.speaker.handle(MUTE)
    await house.light("muted")


async def _muted_by_switch(house: Household) -> None:
    house.assembly.speaker.handle(Gesture("mute_on", asyncio.get_running_loop().time()))
    await house.light("muted")


async def _stopping(house: Household) -> None:
    house.assembly.speaker.stop()


PLACES: dict[str, Place] = {
    "starting": Place(_idle),  # the request is made before it is ready
    "idle": Place(_idle),
    "connecting": Place(_connecting, NOWHERE),
    "listening": Place(_listening),
    "thinking": Place(_thinking, script=lambda: mute_server),
    "speaking": Place(_speaking, script=lambda: answering(ms=20_000)),
    "announcing": Place(_announcing),
    "approval": Place(_approval, nested(DOOR_LOCKED), script=lambda: calling(("open_door", "{}"))),
    "ringing": Place(_ringing),
    "offline": Place(_offline, NOWHERE),
    "error": Place(_error),
    "no sound card": Place(_no_sound_card),
    "muted": Place(_muted),
    "muted by the switch": Place(_muted_by_switch),
    "stopping": Place(_stopping),
}

# -- requests ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Effect:
    """What is asked for, and what is seen of it from outside, within so many seconds."""

    args: dict[str, Any]
    seen: Callable[[Household], bool]
    within_s: float = 1.0


def _phase(house: Household) -> str:
    return house.assembly.speaker.dialogue.phase


def _heard_by_the_model(house: Household) -> bool:
    items = [event["item"] for event in house.sent("conversation.item.create")]
    return any(part.get("text") == WORDS for item in items for part in item.get("content", ()))


EFFECTS: dict[str, Effect] = {
    "status": Effect({}, lambda _: True),
    "usage": Effect({}, lambda _: True),
    "wake": Effect({}, lambda house: _phase(house) in {"connecting", "listening"}),
    "stop": Effect(
        {}, lambda house: _phase(house) in {"starting", "idle"} and not house.assembly.speaker.engine.speaking
    ),
    "mute": Effect({}, lambda house: house.assembly.speaker.dialogue.flags.muted),
    "unmute": Effect({}, lambda house: not house.assembly.speaker.dialogue.flags.muted),
    "volume": Effect({"level": 33}, lambda house: house.assembly.speaker.engine.volume == 33),
    "say": Effect({"text": NOTICE}, lambda house: NOTICE in house.voice.spoken, within_s=60.0),
    "ask": Effect({"text": WORDS}, _heard_by_the_model),
    "reload": Effect({}, lambda house: house.assembly.speaker.engine.volume == 44),
    "new": Effect(
        {},
        lambda house: (
            not house.assembly.speaker.tools.last_answer() and _phase(house) in {"starting", "idle"}
        ),
    ),
    "restart": Effect({}, lambda house: _phase(house) == "stopping"),
}
LONGEST_ANSWER_S = 15.0
"""Whoever asks is answered by then; the longest wait is for a model that is not there."""
NEVER_REFUSED = {"status", "usage", "volume", "reload", "new", "mute", "stop"}
"""While it is not being stopped."""


def control(house: Household, file: Path) -> Control:
    url = house.assembly.speaker.settings.latest.model.url
    file.write_text(
        f'[model]\nurl = "{url}"\nauth = "none"\n'
        '[audio]\ndriver = "simulated"\necho = "off"\nvolume = 44\n'
        '[panel]\nkind = "simulated"\n[panel.gestures]\nhold = "none"\n'
    )
    notifier: Any = SilentNotifier()
    return Control(house.assembly, Reloader(file, house.assembly.speaker, notifier, lambda: ""))


async def _try(house: Household, phase: str, word: str, file: Path) -> str:
    """Ask, and see what happens; return "done", or the reason why not."""
    effect = EFFECTS[word]
    try:
        async with asyncio.timeout(LONGEST_ANSWER_S):
            await control(house, file).handle(word, dict(effect.args))
    except CommandError as error:
        return error.reason or "refused"
    end = asyncio.get_running_loop().time() + effect.within_s
    while not effect.seen(house):
        assert asyncio.get_running_loop().time() < end, (
            f"{word} while {phase} was ok, and nothing happened; {house.phases}"
        )
        await asyncio.sleep(0.02)
    return "done"


async def _cell(phase: str, word: str, file: Path) -> str:
    place = PLACES[phase]
    outcome = ""

    async def while_starting(house: Household) -> None:
        nonlocal outcome
        if phase == "starting" and word != "say":
            outcome = await _try(house, phase, word, file)
        elif phase == "starting":
            # What is announced is heard when it is ready: it is asked for now, and looked for later.
            outcome = (
                "later"
                if not (await control(house, file).handle(word, dict(EFFECTS[word].args)))["now"]
                else "now"
            )

    with suppress(RestartRequestedError):
        async with household(place.script(), settings=place.settings, while_starting=while_starting) as house:
            if phase != "starting":
                await place.go(house)
                outcome = await _try(house, phase, word, file)
            elif outcome == "later":
                await house.until(lambda: EFFECTS[word].seen(house), within_s=60)
                outcome = "done"
    return outcome


def test_every_command_has_an_effect_here() -> None:
    nobody: Any = type("Nobody", (), {"speaker": None})
    assert set(Control(nobody, nobody)._commands) == set(EFFECTS)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("phase", PLACES)
@in_virtual_time
async def test_what_is_answered_with_ok_happens_and_all_else_says_why_not(phase: str, tmp_path: Path) -> None:
    outcomes = {word: await _cell(phase, word, tmp_path / "speakerd.toml") for word in EFFECTS}
    reasons = {word: outcome for word, outcome in outcomes.items() if outcome != "done"}
    assert all(len(reason) > 10 for reason in reasons.values()), reasons
    refused = {word for word, outcome in outcomes.items() if outcome != "done"}
    if phase == "stopping":
        assert refused == {*EFFECTS} - {"status", "usage"}
    else:
        assert not refused & NEVER_REFUSED, outcomes
    expected = {
        "starting": {"wake", "ask"},
        "connecting": {"ask"},
        "offline": {"ask"},
        "no sound card": {"wake", "say", "ask"},
        "muted": {"wake", "ask"},
        "muted by the switch": {"wake", "unmute", "ask"},
    }
    if phase != "stopping":
        assert refused == expected.get(phase, set()), outcomes
