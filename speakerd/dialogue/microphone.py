"""What follows from the state about the microphone: computed, never stored, so that it cannot be forgotten.

`uplink` is what may become of captured speech right now:

- closed: it is dropped. Always while muted, whatever else is true.
- hold: it is kept here. While connecting; while nobody knows yet what a press will become (a double press
  mutes: not a sample of what was said between the two may have left); while somebody may be speaking over
  the answer.
- open: it is sent.

`listen` is how the microphone is set: mode, since when, and who ends the turn.
"""

from typing import Literal, TypeAlias, assert_never

from speakerd.dialogue.commands import Listen
from speakerd.dialogue.state import State, Uplink

TurnOwner: TypeAlias = Literal["local", "server"]

CLOSED = Listen("closed")


def uplink(state: State) -> Uplink:
    """What may become of captured speech."""
    if state.muted:
        return "closed"
    match state.phase:
        case "connecting":
            return "closed" if state.turn is None else "hold"
        case "listening":
            return "hold" if state.hand.undecided else "open"
        case "speaking" | "announcing":
            return "hold" if state.answer is not None and state.answer.suspected else "closed"
        case "starting" | "idle" | "thinking" | "stopping":
            return "closed"
        case _:
            assert_never(state.phase)


def listen(state: State, owner: TurnOwner) -> Listen:
    """How the microphone is to be set."""
    if state.muted or state.microphone_lost:
        return CLOSED
    ends_by: Literal["gate", "server"] = "server" if owner == "server" else "gate"
    match state.phase:
        case "connecting" | "listening":
            turn = state.turn
            if turn is None or turn.over:
                return CLOSED
            if turn.talking:
                return Listen("open", turn.since, "release")
            return Listen("open" if turn.stream else "gated", turn.since, ends_by)
        case "thinking" | "speaking" | "announcing":
            return Listen("gated", None, ends_by) if state.hands_free else CLOSED
        case "starting" | "idle" | "stopping":
            return CLOSED
        case _:
            assert_never(state.phase)


def wake_word_armed(state: State) -> bool:
    """Whether a wake word may be listened for: whenever it would start something."""
    match state.phase:
        case "idle" | "thinking" | "speaking" | "announcing":
            return not state.muted and not state.microphone_lost
        case "starting" | "connecting" | "listening" | "stopping":
            return False
        case _:
            assert_never(state.phase)
