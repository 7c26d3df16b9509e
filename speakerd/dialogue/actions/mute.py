"""Actions that shut the microphone and open it again."""

from speakerd.dialogue.actions import hand
from speakerd.dialogue.commands import PlaySound
from speakerd.dialogue.transition import Transition


def shut(t: Transition) -> None:
    """Shut the microphone, by the mute switch or otherwise; a sound says so if it was not shut already."""
    if not t.state.muted:
        t.out.append(PlaySound("mute"))
    if t.trigger == "switch_on":
        t.state.mute_switch = True
    else:
        t.state.muted_by_hand = True
    hand.forget(t)


def open_up(t: Transition) -> None:
    """Open the microphone again. Who moves the switch back means it, whatever else had muted."""
    t.state.mute_switch = t.state.muted_by_hand = False
    t.out.append(PlaySound("unmute"))
