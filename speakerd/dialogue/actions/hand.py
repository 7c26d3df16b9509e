"""Actions that record what a hand did: a press whose meaning waits, a press during start-up, a volume button."""

from speakerd.dialogue.commands import ChangeVolume
from speakerd.dialogue.state import EarlyPress, Hand
from speakerd.dialogue.transition import Transition
from speakerd.panel.types import Gesture


def _pressed_at(t: Transition) -> float:
    return t.event.at if isinstance(t.event, Gesture) else t.now


def press_began(t: Transition) -> None:
    """Record that the press has done something at once, which a hold or a double press may still change."""
    t.state.hand = Hand("began", _pressed_at(t))


def press_noted(t: Transition) -> None:
    """Record a press that acts when it is known what it becomes, and which tool call it would answer."""
    aim = t.state.approvals[0].call_id if t.state.approvals else ""
    t.state.hand = Hand("noted", _pressed_at(t), aim)


def press_spent(t: Transition) -> None:
    """Record that the press has done its work: if it becomes a tap or a double press, that does no more."""
    t.state.hand = Hand("spent", _pressed_at(t))


def remember(t: Transition) -> None:
    """Remember a press during start-up; it is answered when everything is open."""
    press_noted(t)
    t.state.early_press = EarlyPress(_pressed_at(t), talk=False)


def remember_talk(t: Transition) -> None:
    """Remember that the press during start-up became a hold."""
    early = t.state.early_press
    at = early.at if early is not None else t.event.pressed_at if isinstance(t.event, Gesture) else t.now
    t.state.early_press = None if at is None else EarlyPress(at, talk=True)


def forget(t: Transition) -> None:
    """Forget a press that was made during start-up."""
    t.state.early_press = None


def change_volume(t: Transition) -> None:
    """Change the volume by one step, as the volume button says."""
    if isinstance(t.event, Gesture):
        t.out.append(ChangeVolume(1 if t.event.kind == "volume_up" else -1))
