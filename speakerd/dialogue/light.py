"""Which state the light shows, when several things are true at once.

A state of the light is named after the phase or the flag that it shows. `LIGHT_STATES` names them in order of
precedence: what wants something of a person comes first; then what is being done, since nobody may be listened to
under a light that says otherwise; and when nothing is, why that may be so.
"""

from functools import cache

from speakerd.dialogue.state import Flags, Phase
from speakerd.panel.types import LIGHT_STATES, LightState


@cache
def light_of(phase: Phase, flags: Flags) -> LightState:
    """The state to show. Whoever is going off says nothing else any more."""
    # Every other phase has a light of its own: mypy sees to it.
    own: LightState = "speaking" if phase == "announcing" else phase
    if own == "stopping":
        return own
    if own == "thinking" and flags.offline:
        own = "offline"  # nobody thinks: the answer waits for the connection
    return next(state for state in LIGHT_STATES if state == own or getattr(flags, state, False))
