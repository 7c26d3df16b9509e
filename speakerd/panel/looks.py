"""What the light looks like in each state, and what it means.

The looks differ in three ways, none of which is needed alone: by movement on a light of one colour, by on and off
on a plain LED (no two states blink alike there), and by colour where there is one. Muted and listening are most
different: a short wink in the dark, and a light that stays on and follows the voice.

`[panel.light.states]` changes single fields of a look; `look_of` applies that.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import assert_never

from speakerd.panel.patterns import Look, LookChange
from speakerd.panel.types import LIGHT_STATES, LightState


@dataclass(frozen=True, slots=True)
class LightMeaning:
    """What the light shows in one state, and what that means."""

    look: Look
    """What is shown unless the settings change it."""
    meaning: str
    """What the light says, in the words of the person in the room."""
    plain: str
    """What a plain LED does, in words."""


def _meaning(state: LightState) -> LightMeaning:
    match state:
        case "approval":
            return LightMeaning(
                Look("blink", "magenta", period_s=1.4, flash_s=1.05),
                "I want to do something that needs your yes or no",
                "on, with a short gap each 1.4 s",
            )
        case "ringing":
            return LightMeaning(
                Look("blink", "warm", period_s=0.4, flash_s=0.2),
                "A timer has run out",
                "blinks fast",
            )
        case "starting":
            return LightMeaning(
                Look("breathe", "white", brightness=0.6, period_s=3.0),
                "I am starting",
                "1.5 s on, 1.5 s off",
            )
        case "connecting":
            return LightMeaning(
                Look("breathe", "cyan", brightness=0.8, period_s=1.0),
                "I am calling the voice model; go on speaking, I keep what you say",
                "½ s on, ½ s off",
            )
        case "listening":
            return LightMeaning(
                Look("level", "blue", floor=0.55),
                "I am listening, and what you say is sent",
                "stays on",
            )
        case "thinking":
            return LightMeaning(
                Look("pulse", "violet", period_s=1.2, floor=0.05),
                "I am thinking about the answer, or doing what you asked",
                "a short flash each 1.2 s",
            )
        case "speaking":
            return LightMeaning(
                Look("level", "green", floor=0.15),
                "I am speaking; press, or just talk, to interrupt",
                "flickers with the voice",
            )
        case "stopping":
            return LightMeaning(
                Look("fade", "white", brightness=0.6, period_s=1.0),
                "I am going off",
                "goes out once",
            )
        case "error":
            return LightMeaning(
                Look("blink", "red", period_s=2.6, flashes=3, flash_s=0.2),
                "Something is wrong; the journal says what and what to do",
                "three flashes, pause",
            )
        case "offline":
            return LightMeaning(
                Look("heartbeat", "amber", brightness=0.7, period_s=2.4),
                "I cannot reach the voice model; I keep trying",
                "two flashes, pause",
            )
        case "muted":
            return LightMeaning(
                Look("blink", "red", brightness=0.5, period_s=3.0, flash_s=0.12),
                "Muted: nothing that is said here leaves this box",
                "one short wink each 3 s",
            )
        case "idle":
            return LightMeaning(
                Look("steady", "white", brightness=0.08),
                "I am waiting for a press; nothing is sent",
                "dark",
            )
        case _:
            assert_never(state)


TABLE: Mapping[LightState, LightMeaning] = MappingProxyType(
    {state: _meaning(state) for state in LIGHT_STATES}
)
"""In the order of precedence: if two states apply at once, the upper one is shown."""


def look_of(state: LightState, changes: Mapping[LightState, LookChange]) -> Look:
    """Return the look of `state`, with the changes that `panel.light.states` makes to it.

    Raises ValueError, naming the key, if the changed look is impossible (a blink that does not fit its period).
    """
    change = changes.get(state)
    base = TABLE[state].look
    if change is None:
        return base
    changed = {key: value for key, value in asdict(change).items() if value is not None}
    try:
        return replace(base, **changed)
    except ValueError as error:
        raise ValueError(f"panel.light.states.{state}: {error}") from error


def looks(changes: Mapping[LightState, LookChange]) -> dict[LightState, Look]:
    """Return the look of every state. Raises ValueError like `look_of`."""
    return {state: look_of(state, changes) for state in TABLE}


def describe(look: Look) -> str:
    """Return the look in a few words: "blue, follows the sound"."""
    movement = {
        "steady": "steady" if look.brightness >= 0.3 else "a faint steady glow",
        "blink": _blink(look),
        "breathe": f"breathes, {look.period_s:g} s",
        "pulse": f"pulses, {look.period_s:g} s",
        "heartbeat": f"heartbeat, {look.period_s:g} s",
        "level": "follows the sound",
        "fade": f"fades in {look.period_s:g} s",
    }[look.pattern]
    return f"{look.color}, {movement}"


def _blink(look: Look) -> str:
    if look.flashes == 1 and look.flash_s > look.period_s / 2:
        return f"on, a short gap each {look.period_s:g} s"
    count = {1: "one flash", 2: "two flashes", 3: "three flashes"}.get(
        look.flashes, f"{look.flashes} flashes"
    )
    return f"{count} each {look.period_s:g} s"


def table_markdown(
    changes: Mapping[LightState, LookChange] = MappingProxyType({}),
    meanings: Mapping[LightState, str] = MappingProxyType({}),
) -> str:
    """Return the light table for the README, in order of precedence; `meanings` are those that differ from it.

    The column for a plain LED describes the built-in look; a state that is changed says so instead.
    """
    lines = ["| light | state | means | on a plain LED |", "| --- | --- | --- | --- |"]
    for state, row in TABLE.items():
        look = look_of(state, changes)
        plain = row.plain if look == row.look else "as set in panel.light.states"
        lines.append(f"| {describe(look)} | {state} | {meanings.get(state, row.meaning)} | {plain} |")
    return "\n".join(lines) + "\n"


def voice_dbfs(elapsed_s: float) -> float:
    """Return a sound level that rises and falls like slow speech: syllables, and a breath each 2.4 s."""
    if elapsed_s % 2.4 > 1.9:
        return -70.0
    return -30.0 + 18.0 * math.sin(2 * math.pi * 2.6 * elapsed_s)
