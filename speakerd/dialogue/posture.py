"""What follows from the state about the microphone: computed, never stored, so that it cannot be forgotten.

`uplink` is what may become of captured speech right now:

- closed: it is dropped. Always while muted, whatever else is true.
- hold: it is kept here. While connecting; while nobody knows yet what a press will become (a double press
  mutes: not a sample of what was said between the two may have left); while somebody may be speaking over
  the answer.
- open: it is sent.

`listen` is how the microphone is set: mode, since when, and who ends the turn.
"""

from typing import Literal, TypeAlias

from speakerd.dialogue.commands import Listen
from speakerd.dialogue.state import State, Uplink

TurnOwner: TypeAlias = Literal["local", "server"]

CLOSED = Listen("closed")


def uplink(state: State) -> Uplink:
    """What may become of captured speech."""
    if state.muted:
        return "closed"
    if state.phase == "connecting":
        return "hold" if state.turn else "closed"
    if state.phase == "listening":
        return "hold" if state.press_open else "open"
    if state.phase == "speaking" and state.suspected:
        return "hold"
    return "closed"


def listen(state: State, owner: TurnOwner) -> Listen:
    """How the microphone is to be set."""
    if state.muted or state.microphone_lost:
        return CLOSED
    ends_by: Literal["gate", "server"] = "server" if owner == "server" else "gate"
    if state.phase in {"connecting", "listening"}:
        if not state.turn or state.turn_over:
            return CLOSED
        if state.talking:
            return Listen("open", state.since, "release")
        return Listen("open" if state.stream else "gated", state.since, ends_by)
    if state.phase in {"thinking", "speaking"} and state.hands_free:
        return Listen("gated", None, ends_by)
    return CLOSED


def wake_word_armed(state: State) -> bool:
    """Whether a wake word may be listened for: whenever it would start something."""
    return state.phase in {"idle", "thinking", "speaking"} and not state.muted and not state.microphone_lost
