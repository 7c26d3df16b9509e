"""What each gesture does in each situation: found out on the dialogue, and as the table of gestures tells it."""

from collections.abc import Callable
from dataclasses import fields

import pytest

from speakerd.dialogue import commands as c
from speakerd.dialogue.gesture_meaning import ACTIONS, GESTURES, Settable, table_markdown
from speakerd.dialogue.settings import DialogueSettings
from speakerd.dialogue.state import PHASES
from speakerd.dialogue.state_machine import Dialogue
from speakerd.panel.settings import GestureSettings
from tests.dialogue.driver import Driver

SITUATIONS: dict[str, Callable[[Driver], Driver]] = {
    # named after the light that is shown
    "starting": lambda d: d,
    "idle": Driver.idle,
    "connecting": lambda d: d.do("Ready", "Wake", "SpeechStarted"),
    "listening": lambda d: d.idle().do("Wake", "SpeechStarted"),
    "thinking": Driver.thinking,
    "speaking": Driver.speaking,
    "announcing": lambda d: d.idle().do("Say"),
    "muted": lambda d: d.idle().do("Mute"),
    "offline": lambda d: d.idle().do("ConnectionLost"),
    "ringing": lambda d: d.idle().do("TimerRinging"),
    "approval": lambda d: d.thinking().approval(),
}

HANDS: dict[str, Callable[[Driver], Driver]] = {
    "press": Driver.tap,
    "hold": Driver.hold,
    "double": Driver.double,
}


def outcome(situation: str, hand: str, settings: DialogueSettings, gestures: GestureSettings) -> str:
    """What came of it: the phase, what else is true, and the most telling of the orders."""
    d = SITUATIONS[situation](Driver(Dialogue(settings, gestures=gestures, connection="warm", now=100.0)))
    assert d.light == ("speaking" if situation == "announcing" else situation)
    d.take()
    HANDS[hand](d)
    if situation == "starting":
        d.do("Connected", "Ready", after=0.1)
    told = {
        c.Approve: "approved",
        c.Reject: "refused",
        c.SilenceTimer: "silenced",
        c.Interrupt: "interrupted",
        c.HushAnnouncement: "hushed",
        c.Commit: "sent",
        c.DiscardAudio: "discarded",
    }
    orders = d.take()
    words = [d.phase]
    words += ["talking"] if d.talking else []
    words += ["muted"] if d.flags.muted else []
    words += [word for kind, word in told.items() if any(isinstance(order, kind) for order in orders)]
    words += [f"sound {order.name}" for order in orders if isinstance(order, c.PlaySound)]
    return ", ".join(words)


AS_IT_COMES: dict[str, tuple[str, str, str]] = {
    # situation: after a press, a hold, a double press
    "starting": ("listening, sound wake", "listening, talking, sound wake", "idle, muted, sound mute"),
    "idle": ("listening", "listening, talking", "idle, muted, discarded, sound mute"),
    "connecting": (
        "idle, discarded, sound end",
        "connecting, talking",
        "idle, muted, discarded, sound mute",
    ),
    "listening": ("idle, discarded, sound end", "listening, talking", "idle, muted, discarded, sound mute"),
    "thinking": (
        "listening, interrupted",
        "listening, talking, interrupted",
        "idle, muted, interrupted, discarded, sound mute",
    ),
    "speaking": (
        "listening, interrupted",
        "listening, talking, interrupted",
        "idle, muted, interrupted, discarded, sound mute",
    ),
    "announcing": ("idle, hushed", "listening, talking, hushed", "idle, hushed"),
    "muted": ("idle, muted, sound mute", "idle, muted, sound mute", "idle, sound unmute"),
    "offline": ("connecting", "connecting, talking", "idle, muted, discarded, sound mute"),
    "ringing": ("idle, silenced", "listening, talking, silenced", "idle, silenced"),
    "approval": ("thinking, approved", "thinking, refused", "thinking, refused"),
}

OTHERWISE = DialogueSettings(
    press_while_listening="send", press_while_answering="end", press_while_muted="unmute"
)
OTHERWISE_HANDS = GestureSettings(double="none", hold="mute")
AS_SET: dict[str, tuple[str, str]] = {
    # situation: after a press, a hold
    "starting": ("listening, sound wake", "idle, muted, sound mute"),
    "idle": ("listening", "idle, muted, discarded, sound mute"),
    "listening": ("thinking, sent", "idle, muted, discarded, sound mute"),
    "thinking": ("idle, interrupted, sound end", "idle, muted, interrupted, sound end, sound mute"),
    "speaking": ("idle, interrupted, sound end", "idle, muted, interrupted, sound end, sound mute"),
    "announcing": ("idle, hushed", "idle, muted, hushed, sound mute"),
    "muted": ("listening, sound unmute", "idle, sound unmute"),
    "ringing": ("idle, silenced", "idle, muted, silenced, sound mute"),
    "approval": ("thinking, approved", "thinking, refused"),
}


@pytest.mark.parametrize("situation", AS_IT_COMES)
def test_what_each_gesture_does_as_it_comes(situation: str) -> None:
    found = tuple(outcome(situation, hand, DialogueSettings(), GestureSettings()) for hand in HANDS)
    assert found == AS_IT_COMES[situation]


@pytest.mark.parametrize("situation", AS_SET)
def test_what_each_gesture_does_as_it_is_set(situation: str) -> None:
    found = tuple(outcome(situation, hand, OTHERWISE, OTHERWISE_HANDS) for hand in ("press", "hold"))
    assert found == AS_SET[situation]


def test_a_gesture_that_is_set_to_nothing_does_nothing() -> None:
    nothing = DialogueSettings(approval_press="none", remember_press_s=0.0)
    assert outcome("approval", "press", nothing, GestureSettings()) == "thinking"
    assert outcome("starting", "press", nothing, GestureSettings()) == "idle"
    assert outcome("starting", "hold", nothing, GestureSettings()) == "idle"


def test_every_phase_is_a_situation() -> None:
    assert set(SITUATIONS) == set(AS_IT_COMES) >= {*PHASES} - {"stopping"}


def test_the_table_has_a_row_for_every_gesture_that_can_be_set_and_says_what_it_is_set_to() -> None:
    settable = [row for row in GESTURES.values() if isinstance(row, Settable)]
    for gestures in (
        GestureSettings(),
        GestureSettings(press="stop", hold="mute", double="none", long="stop"),
    ):
        lines = table_markdown(gestures).splitlines()[2:]
        assert lines == [
            f"| {row.name(gestures)} | {ACTIONS[row.setting(gestures)].effect} |" for row in settable
        ]


def test_no_two_gestures_are_set_by_the_same_key_or_have_the_same_name() -> None:
    """Each key of `[panel.gestures]` that says what a gesture does belongs to one gesture."""
    settable = [row for row in GESTURES.values() if isinstance(row, Settable)]
    keys = [field.name for field in fields(GestureSettings) if isinstance(field.default, str)]
    for key in keys:
        changed = GestureSettings(**{name: "stop" if name == key else "none" for name in keys})  # type: ignore[arg-type]  # keys of settings
        assert [row.setting(changed) for row in settable].count("stop") == 1
    assert len({row.name(GestureSettings()) for row in settable}) == len(settable) == len(keys)
