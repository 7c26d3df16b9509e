"""What the gestures of a hand mean: one table, and what is read from it.

`GESTURES` has a row for every kind of gesture, `ACTIONS` one for everything that a key of `[panel.gestures]` may
be set to. From them come the trigger of a gesture (`gesture_trigger`), whether it settles a press, and the table
of gestures of the README and of `speakerd lights` (`table_markdown`).

What a press is about is decided when the button goes down, by what the person saw and heard then; what comes
later (a tool that asks for approval while the finger is still on the button) is not answered by it:

1. while a timer rings, or an announcement is heard, a press silences it and does nothing else;
2. while a tool waits for approval, the press is the answer, given when it is known what it becomes;
3. else it is about the conversation, as `[panel.gestures]` says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Literal, TypeAlias, assert_never, get_args

from speakerd.panel.settings import ButtonSettings, GestureSettings, HoldAction
from speakerd.panel.types import GESTURE_KINDS, GestureKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from speakerd.dialogue.settings import DialogueSettings
    from speakerd.dialogue.state import State
    from speakerd.panel.types import Gesture, Pin

GestureTrigger: TypeAlias = Literal[
    "press",  # the button went down, and that is about the conversation
    "press_for_timer",  # it went down, and that silences the timer that rings
    "press_for_announcement",  # it went down, and that silences what is announced
    "press_later",  # it went down, and what that means is known when it is known what it becomes
    "tap",
    "confirm",  # what the press began or did stays as it is, and no more is meant
    "undo",  # the press was none
    "talk_start",
    "talk_end",
    "stop",
    "mute",
    "unmute",
    "approve",
    "reject",
    "switch_on",
    "switch_off",
    "volume",
    "stuck",
    "unstuck",
]


@dataclass(frozen=True, slots=True)
class PressDown:
    """The button went down: what that is about depends on what goes on."""

    settles: ClassVar = False


@dataclass(frozen=True, slots=True)
class Settable:
    """A gesture that means what a key of `[panel.gestures]` says. It settles the press."""

    name: Callable[[GestureSettings], str]
    """What the table of gestures calls it."""
    setting: Callable[[GestureSettings], HoldAction]
    approval: Callable[[DialogueSettings], Literal["approve", "reject", "none"]] | None
    """What it says to a tool that waits for approval; None: nothing, it does what it does always."""
    short: bool
    """It is made of short presses: it means nothing without a press before it, and no more than a press that has
    done its work."""
    settles: ClassVar = True


@dataclass(frozen=True, slots=True)
class Fixed:
    """A gesture that means the same always, whatever is set and whatever goes on."""

    trigger: GestureTrigger
    settles: bool = False
    """Whether after it nobody waits any longer to know what the press was."""
    pin: Callable[[ButtonSettings], Pin] | None = None
    """If its input is wired, the table of gestures has a row for it."""
    name: str = ""
    effect: str = ""


def _gesture(kind: GestureKind) -> PressDown | Settable | Fixed:
    match kind:
        case "press_down":
            return PressDown()
        case "tap":
            return Settable(
                lambda _: "press",
                setting=lambda gestures: gestures.press,
                approval=lambda dialogue: dialogue.approval_press,
                short=True,
            )
        case "hold_start":
            return Settable(
                lambda gestures: f"hold (longer than {gestures.hold_ms / 1000:g} s)",
                setting=lambda gestures: gestures.hold,
                approval=lambda dialogue: dialogue.approval_hold,
                short=False,
            )
        case "hold_end":
            return Fixed("talk_end", settles=True)
        case "double_tap":
            return Settable(
                lambda gestures: f"press twice (within {gestures.double_tap_ms / 1000:g} s)",
                setting=lambda gestures: gestures.double,
                approval=lambda dialogue: dialogue.approval_double,
                short=True,
            )
        case "long_press":
            return Settable(
                lambda gestures: f"hold for {gestures.long_ms / 1000:g} s",
                setting=lambda gestures: gestures.long,
                approval=None,
                short=False,
            )
        case "spike":
            return Fixed("undo", settles=True)
        case "stuck":
            return Fixed("stuck", settles=True)
        case "unstuck":
            return Fixed("unstuck")
        case "mute_on":
            return Fixed(
                "switch_on",
                pin=lambda button: button.mute_switch_pin,
                name="mute switch on",
                effect="mutes, and no press changes that, until it is off",
            )
        case "mute_off":
            return Fixed("switch_off")
        case "volume_up":
            return Fixed(
                "volume",
                pin=lambda button: button.volume_up_pin,
                name="volume up",
                effect="louder; held, it repeats",
            )
        case "volume_down":
            return Fixed(
                "volume",
                pin=lambda button: button.volume_down_pin,
                name="volume down",
                effect="softer; held, it repeats",
            )
        case _:
            assert_never(kind)


GESTURES: Final[Mapping[GestureKind, PressDown | Settable | Fixed]] = {
    kind: _gesture(kind) for kind in GESTURE_KINDS
}


@dataclass(frozen=True, slots=True)
class GestureEffect:
    """Something that a gesture may be set to."""

    effect: str
    """What it does, in the words of the table of gestures."""
    trigger: Callable[[State], GestureTrigger]


def _action(action: HoldAction) -> GestureEffect:
    match action:
        case "conversation":
            return GestureEffect(
                "starts a conversation (it listens from the moment of the press); while it listens: ends it; "
                "while it speaks: interrupts; while a timer rings or something is announced: silences it",
                lambda state: "confirm" if state.hand.press == "began" else "tap",
            )
        case "talk":
            return GestureEffect(
                "push-to-talk: it listens from the moment of the press, and answers when you let go",
                lambda _: "talk_start",
            )
        case "mute":
            return GestureEffect(
                "mutes, and the next time unmutes; muted, nothing leaves the box",
                lambda state: "unmute" if state.muted else "mute",
            )
        case "stop":
            return GestureEffect("silences everything and ends the conversation", lambda _: "stop")
        case "none":
            return GestureEffect("nothing", lambda _: "confirm")
        case _:
            assert_never(action)


ACTIONS: Final[Mapping[HoldAction, GestureEffect]] = {
    action: _action(action) for action in get_args(HoldAction)
}


def gesture_trigger(
    gesture: Gesture, state: State, gestures: GestureSettings, settings: DialogueSettings
) -> GestureTrigger | None:
    """The trigger for this gesture, or None if it means nothing here."""
    row = GESTURES[gesture.kind]
    match row:
        case Fixed():
            return row.trigger
        case PressDown():
            if state.ringing:
                return "press_for_timer"
            if state.phase == "announcing":
                return "press_for_announcement"
            return "press" if gestures.press == "conversation" and not state.approvals else "press_later"
        case Settable():
            if row.short and state.hand.press == "none":
                return None
            if row.short and state.hand.press == "spent":
                return "confirm"
            if row.approval is not None and state.hand.aim:
                said = row.approval(settings)
                return "confirm" if said == "none" else said
            return ACTIONS[row.setting(gestures)].trigger(state)
        case _:
            assert_never(row)


def table_markdown(gestures: GestureSettings | None = None, button: ButtonSettings | None = None) -> str:
    """The table of gestures with these settings; inputs that `button` does not name are left out."""
    gestures, button = gestures or GestureSettings(), button or ButtonSettings()
    lines = ["| gesture | what it does |", "| --- | --- |"]
    for row in GESTURES.values():
        if isinstance(row, Settable):
            lines.append(f"| {row.name(gestures)} | {ACTIONS[row.setting(gestures)].effect} |")
        elif isinstance(row, Fixed) and row.pin is not None and row.pin(button) != "":
            lines.append(f"| {row.name} | {row.effect} |")
    return "\n".join(lines) + "\n"
