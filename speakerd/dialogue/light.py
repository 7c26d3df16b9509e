"""Which of the light's states is shown, when several things are true at once.

stopping > approval > ringing > what is being done (starting, connecting, listening, thinking, speaking) >
error > offline > muted > idle. What wants something of a person comes first; then what goes on, since nobody
may be listened to under a light that says otherwise; and when nothing goes on, why that may be so.
"""

from speakerd.dialogue.state import Flags, Phase
from speakerd.panel.types import LightState


def light_of(phase: Phase, flags: Flags) -> LightState:
    """The state to show."""
    if phase == "stopping":
        return "stopping"
    if flags.approval:
        return "approval"
    if flags.ringing:
        return "ringing"
    if phase != "idle":
        return phase
    if flags.error:
        return "error"
    if flags.offline:
        return "offline"
    return "muted" if flags.muted else "idle"
