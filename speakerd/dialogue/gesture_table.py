"""What each gesture does, as a Markdown table: not written down but found out, by doing it.

For every situation a dialogue is brought there, the gesture is made as the panel would report it, and what came
of it is put into words. So the table is true for any settings. `python -m speakerd.dialogue.gesture_table` prints
it for the built-in ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from speakerd.audio.events import PlaybackStarted, SpeechEnded, SpeechStarted
from speakerd.dialogue import commands, events
from speakerd.dialogue.machine import Dialogue
from speakerd.panel.settings import GestureSettings
from speakerd.panel.types import Gesture, GestureKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from speakerd.dialogue.settings import DialogueSettings

Hand: TypeAlias = Literal["press", "hold", "double press"]

HANDS: Final[dict[Hand, tuple[tuple[float, GestureKind], ...]]] = {
    "press": ((0.0, "press_down"), (0.4, "tap")),
    "hold": ((0.0, "press_down"), (0.4, "hold_start")),
    "double press": ((0.0, "press_down"), (0.3, "double_tap")),
}
"""What the panel reports for each, in seconds from the press."""

_READY: Final[tuple[events.Event, ...]] = (events.Ready(), events.Connected())
_HEARD: Final[tuple[events.Event, ...]] = (*_READY, events.Wake(), SpeechStarted(1.0))
_ASKED: Final[tuple[events.Event, ...]] = (
    *_HEARD,
    SpeechEnded(2.0, "silence"),
    events.ResponseStarted("response"),
)
SITUATIONS: Final[dict[str, tuple[events.Event, ...]]] = {
    "starting": (),
    "idle": _READY,
    "connecting": (events.Ready(), events.Wake(), SpeechStarted(1.0)),
    "listening": _HEARD,
    "thinking": _ASKED,
    "speaking": (*_ASKED, PlaybackStarted("item", 3.0)),
    "muted": (*_READY, events.Mute()),
    "offline": (*_READY, events.ConnectionLost("gone")),
    "ringing (a timer)": (*_READY, events.TimerRinging("tea")),
    "approval (a tool asks)": (*_ASKED, events.ApprovalNeeded("call", "tool")),
}
"""Situation -> what brings a dialogue there. Named after the light that is shown."""

_BEGIN_S: Final = 10.0


def gesture_table(settings: DialogueSettings | None = None, gestures: GestureSettings | None = None) -> str:
    """The table, ending in a line break."""
    gestures = gestures or GestureSettings()
    bound = {"press": gestures.press, "hold": gestures.hold, "double press": gestures.double}
    hands = [hand for hand in HANDS if bound[hand] != "none"]
    lines = [
        "| while it shows | " + " | ".join(hands) + " |",
        "| --- |" + " --- |" * len(hands),
    ]
    for situation, history in SITUATIONS.items():
        cells = [_outcome(HANDS[hand], history, settings, gestures) for hand in hands]
        lines.append(f"| {situation} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _outcome(
    hand: tuple[tuple[float, GestureKind], ...],
    history: tuple[events.Event, ...],
    settings: DialogueSettings | None,
    gestures: GestureSettings,
) -> str:
    dialogue = Dialogue(settings, gestures=gestures, connection="warm")
    for index, event in enumerate(history):
        dialogue.handle(event, float(index))
    before = (dialogue.phase, dialogue.flags.muted)
    orders: list[commands.Command] = []
    for after, kind in hand:
        now = _BEGIN_S + after
        orders += dialogue.handle(Gesture(kind, now, _BEGIN_S), now)
    if before[0] == "starting" and not dialogue.flags.muted:
        dialogue.handle(events.Connected(), _BEGIN_S + 0.8)
        orders += dialogue.handle(events.Ready(), _BEGIN_S + 0.9)
        words = _words(dialogue, ("idle", before[1]), orders)
        return words if words == "nothing" else f"as soon as it is ready: {words}"
    return _words(dialogue, before, orders)


def _words(dialogue: Dialogue, before: tuple[str, bool], orders: list[commands.Command]) -> str:
    """What happened, most telling first."""
    phase, muted = before
    said = {type(order) for order in orders}
    answered: tuple[tuple[Callable[[], bool], str], ...] = (
        (lambda: commands.Approve in said, "allows it"),
        (lambda: dialogue.flags.muted and not muted, "mutes"),
        (lambda: muted and not dialogue.flags.muted and phase == dialogue.phase, "unmutes"),
        (lambda: commands.Reject in said, "refuses it"),
        (lambda: commands.SilenceTimer in said and dialogue.phase == phase, "silences it"),
        (lambda: commands.Commit in said, "answers what was said"),
        (lambda: phase == "idle" and dialogue.phase == "idle" and muted, "a low sound: still muted"),
        (lambda: phase == dialogue.phase and not dialogue.state.talking, "nothing"),
        (lambda: dialogue.phase == "idle" and commands.Interrupt in said, "ends the answer"),
        (lambda: dialogue.phase == "idle" and phase == "connecting", "cancels"),
        (lambda: dialogue.phase == "idle", "ends the conversation"),
    )
    for holds, words in answered:
        if holds():
            return words
    cut = "interrupts and " if commands.Interrupt in said else ""
    quiet = "silences it and " if commands.SilenceTimer in said else ""
    kept = ", speech is kept until connected" if dialogue.phase == "connecting" else ""
    opened = "unmutes and " if muted and not dialogue.flags.muted else ""
    listens = "listens while held, answers on release" if dialogue.state.talking else "listens"
    return f"{quiet}{opened}{cut}{listens}{kept}"


if __name__ == "__main__":
    print(gesture_table(), end="")  # noqa: T201  # a command's output
