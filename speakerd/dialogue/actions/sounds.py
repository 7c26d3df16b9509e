"""Actions that play one of the speaker's own short sounds."""

from speakerd.dialogue.commands import PlaySound
from speakerd.dialogue.transition import Transition


def end(t: Transition) -> None:
    """Play the sound that says that it no longer listens."""
    t.out.append(PlaySound("end"))


def error(t: Transition) -> None:
    """Play the sound that says that something went wrong."""
    t.out.append(PlaySound("error"))


def offline(t: Transition) -> None:
    """Play the sound that says that the model cannot be reached."""
    t.out.append(PlaySound("offline"))


def refuse(t: Transition) -> None:
    """Play the sound that says that this cannot be done now: because it is muted, or for another reason."""
    t.out.append(PlaySound("mute" if t.state.muted else "error"))
