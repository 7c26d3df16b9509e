"""Actions about timers that ring."""

from speakerd.dialogue import commands
from speakerd.dialogue.events import TimerRinging, TimerSilenced
from speakerd.dialogue.transition import Transition


def ring(t: Transition) -> None:
    """Let a timer ring that has run out."""
    if isinstance(t.event, TimerRinging):
        if not t.state.ringing:
            t.state.ringing_since = t.now
        t.state.ringing = (*t.state.ringing, t.event.name)
        t.state.rang_at = t.now
        t.out.append(commands.PlaySound("timer"))


def stop_ringing(t: Transition) -> None:
    """Let a timer ring no longer that a tool has cancelled, or all of them."""
    name = t.event.name if isinstance(t.event, TimerSilenced) else None
    t.state.ringing = () if name is None else tuple(other for other in t.state.ringing if other != name)


def silence(t: Transition) -> None:
    """Silence every timer that rings: a person has heard it."""
    for name in t.state.ringing:
        t.out.append(commands.SilenceTimer(name))
    t.state.ringing = ()


def ring_on(t: Transition) -> None:
    """Ring again if it is time to, or give up if nobody has come for too long."""
    st = t.state
    if not st.ringing:
        return
    if t.now >= st.ringing_since + t.settings.ring_limit_s:
        t.out.append(commands.Log("timer_unheard", {"timers": len(st.ringing)}))
        silence(t)
    elif t.now >= st.rang_at + t.settings.ring_every_s:
        st.rang_at = t.now
        t.out.append(commands.PlaySound("timer"))
