"""Which state the light shows, when several things are true at once.

`LIGHT_STATES` names them in order of precedence: what wants something of a person comes first; then what is
being done, since nobody may be listened to under a light that says otherwise; and when nothing is, why that may
be so. Here is when each of them holds.
"""

from functools import cache
from typing import assert_never

from speakerd.dialogue.state import Flags, Phase
from speakerd.panel.types import LIGHT_STATES, LightState


@cache
def light_of(phase: Phase, flags: Flags) -> LightState:
    """The state to show. Whoever is going off says nothing else any more."""
    if phase == "stopping":
        return phase
    return next(state for state in LIGHT_STATES if _holds(state, phase, flags))


def _holds(state: LightState, own: LightState, flags: Flags) -> bool:
    """Whether `state` may be shown; `own` is the light of the phase, which each phase must have."""
    match state:
        case "approval":
            return flags.approval
        case "ringing":
            return flags.ringing
        case "starting" | "connecting" | "listening" | "thinking" | "speaking" | "stopping":
            return state == own
        case "error":
            return flags.error
        case "offline":
            return flags.offline
        case "muted":
            return flags.muted
        case "idle":
            return True
        case _:
            assert_never(state)
