"""Actions that open and close the connection to the model, or record what became of it."""

from speakerd.dialogue.actions import faults
from speakerd.dialogue.commands import Connect, Disconnect
from speakerd.dialogue.transition import Transition


def connect(t: Transition) -> None:
    """Connect to the model."""
    t.out.append(Connect())


def connect_if_wanted(t: Transition) -> None:
    """Connect to the model if the connection is kept while nobody talks, or to see when it is back."""
    if t.warm or t.state.offline:
        connect(t)


def disconnect(t: Transition) -> None:
    """Close a connection that came when nobody wanted it any more; being offline is over."""
    note_connected(t)
    t.state.connected = False
    t.out.append(Disconnect())


def note_connected(t: Transition) -> None:
    """Record that the model can be reached, and that the account is in order."""
    t.state.connected, t.state.offline = True, False
    faults.clear(t, "account")


def note_lost(t: Transition) -> None:
    """Record that the connection was lost; the light shows that it is offline."""
    t.state.connected, t.state.stale_due = False, False
    note_offline(t)


def note_offline(t: Transition) -> None:
    """Let the light show that it is offline, until a connection is there."""
    t.state.offline = True
