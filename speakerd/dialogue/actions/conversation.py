"""Actions that end a conversation."""

from speakerd.dialogue.actions import announcements, answer, approvals, hand, reports, turn
from speakerd.dialogue.commands import Connect, Disconnect
from speakerd.dialogue.state import Hand
from speakerd.dialogue.transition import Transition


def conclude(t: Transition) -> None:
    """Forget the conversation and let go of what it held. Every way to `idle` does this."""
    st = t.state
    turn.discard(t)
    answer.trust(t)
    reports.answered(t)
    reports.drop_text(t)
    approvals.reject_all(t, "the conversation was ended")
    st.hands_free = st.ending = st.was_silent = False
    answer.abandon_tools(t)
    st.answer = None
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
    reports.interrupted(t)
    reports.drop_text(t)
    announcements.drop_all(t)
    answer.abandon_tools(t)
    st.turn = st.answer = None
    st.ringing, st.hand, st.connected = (), Hand(), False
    hand.forget(t)
    t.out.append(Disconnect())
