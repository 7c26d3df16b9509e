"""Actions that end a conversation."""

from speakerd.dialogue.actions import answer, approvals, hand, turn
from speakerd.dialogue.commands import Connect, Disconnect
from speakerd.dialogue.state import Hand
from speakerd.dialogue.transition import Transition


def conclude(t: Transition) -> None:
    """Forget the conversation and let go of what it held. Every way to `idle` does this."""
    st = t.state
    turn.discard(t)
    answer.trust(t)
    approvals.reject_all(t, "the conversation was ended")
    st.hands_free = st.ending = st.was_silent = False
    answer.abandon_tools(t)
    st.text = st.answer = None
    if not t.warm:
        st.connected = st.stale_due = False
        t.out.append(Disconnect())
        if st.offline:
            t.out.append(Connect())  # without the conversation, to see when the model is back


def leave(t: Transition) -> None:
    """End everything, since the process ends: as `conclude`, and no timer rings any more."""
    st = t.state
    answer.trust(t)
    approvals.reject_all(t, "the speaker is being switched off")
    answer.abandon_tools(t)
    st.turn = st.answer = st.text = None
    st.ringing, st.hand, st.connected = (), Hand(), False
    hand.forget(t)
    t.out.append(Disconnect())
