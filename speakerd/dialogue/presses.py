"""From what a hand did to what it means now.

What a press is about is decided when the button goes down, by what the person saw and heard then; what comes
later (a tool that asks for approval while the finger is still on the button) is not answered by it:

1. while a timer rings, a press silences it and does nothing else;
2. while a tool waits for approval, the press is the answer, given when it is known what it becomes;
3. else it is about the conversation, as `[panel.gestures]` says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from speakerd.dialogue.settings import DialogueSettings
    from speakerd.dialogue.state import State
    from speakerd.dialogue.table import Trigger
    from speakerd.panel.settings import GestureSettings, HoldAction
    from speakerd.panel.types import Gesture, GestureKind

SETTLING: Final[frozenset[GestureKind]] = frozenset(
    {"tap", "double_tap", "hold_start", "long_press", "spike", "hold_end", "stuck"}
)
"""After one of these nobody waits any longer to know what the press was."""

_PLAIN: Final[dict[GestureKind, Trigger]] = {
    "hold_end": "talk_end",
    "stuck": "stuck",
    "unstuck": "unstuck",
    "mute_on": "switch_on",
    "mute_off": "switch_off",
    "volume_up": "volume",
    "volume_down": "volume",
    "spike": "undo",
}


def meaning(
    gesture: Gesture, state: State, gestures: GestureSettings, settings: DialogueSettings
) -> Trigger | None:
    """The trigger for this gesture, or None if it means nothing here."""
    plain = _PLAIN.get(gesture.kind)
    if plain is not None:
        return plain
    if gesture.kind == "press_down":
        if state.ringing:
            return "press_for_timer"
        return "press" if gestures.press == "conversation" and not state.approvals else "press_later"
    if state.press == "none" and gesture.kind in {"tap", "double_tap"}:
        return None
    if state.press == "spent" and gesture.kind in {"tap", "double_tap"}:
        return "confirm"
    if state.aim and gesture.kind != "long_press":
        return _answer(gesture, settings)
    match gesture.kind:
        case "tap":
            return "confirm" if state.press == "began" else _action(gestures.press, state)
        case "double_tap":
            return _action(gestures.double, state)
        case "long_press":
            return _action(gestures.long, state)
        case _:
            return _action(gestures.hold, state)


def _answer(gesture: Gesture, settings: DialogueSettings) -> Trigger:
    choice: Literal["approve", "reject", "none"]
    if gesture.kind == "tap":
        choice = settings.approval_press
    elif gesture.kind == "double_tap":
        choice = settings.approval_double
    else:
        choice = settings.approval_hold
    return "confirm" if choice == "none" else choice


def _action(action: HoldAction, state: State) -> Trigger:
    match action:
        case "conversation":
            return "confirm" if state.press == "began" else "tap"
        case "talk":
            return "talk_start"
        case "mute":
            return "unmute" if state.muted else "mute"
        case "stop":
            return "end"
        case "none":
            return "confirm"
