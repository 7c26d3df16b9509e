"""Actions that record what does not work, and that it works again. The light shows it while it lasts."""

from typing import Final, assert_never

from speakerd.audio.events import DeviceLost, DeviceReturned, Direction
from speakerd.dialogue import commands
from speakerd.dialogue.deadlines import phase_due
from speakerd.dialogue.events import ConnectionLost, SessionError
from speakerd.dialogue.state import Fault, FaultKind
from speakerd.dialogue.transition import Transition

LASTING: Final = None
"""The end of a fault that is shown until it is mended."""


def show(t: Transition, kind: FaultKind, until: float | None) -> None:
    """Record a fault of this kind in place of an earlier one. Not an action by itself."""
    clear(t, kind)
    t.state.faults = (*t.state.faults, Fault(kind, until))


def clear(t: Transition, kind: FaultKind) -> None:
    """Forget the fault of this kind. Not an action by itself."""
    t.state.faults = tuple(fault for fault in t.state.faults if fault.kind != kind)


def mended(t: Transition) -> None:
    """Forget the faults that would pass by themselves, since an answer is heard. Not an action by itself."""
    t.state.faults = tuple(fault for fault in t.state.faults if fault.until is LASTING)


def expire(t: Transition) -> None:
    """Forget faults that were shown for long enough."""
    st = t.state
    if any(fault.until is not None and fault.until <= t.now for fault in st.faults):
        st.faults = tuple(fault for fault in st.faults if fault.until is None or fault.until > t.now)


def note_fatal(t: Transition) -> None:
    """Record that the model refuses us: no key, no quota. Nothing works until somebody acts."""
    show(t, "account", LASTING)
    if isinstance(t.event, ConnectionLost):
        # It was reached, and nobody tries again: that is no question of the network.
        t.state.connected = t.state.offline = t.state.stale_due = t.state.result_due = False
        t.state.tools = ()
    t.out.append(commands.Log("account_fault", {}, problem=True))


def note_fault(t: Transition) -> None:
    """Log an error of the session; show it for a while if an answer failed by it."""
    if isinstance(t.event, SessionError):
        if t.trigger == "answer_failed":
            show(t, t.event.kind, t.now + t.settings.error_shown_s)
        t.out.append(commands.Log("session_error", {"kind": t.event.kind}, problem=True))


def note_no_answer(t: Transition, status: str, reason: str) -> None:
    """Log and show that an answer, or the end of one, did not come. Not an action by itself."""
    show(t, "answer", t.now + t.settings.error_shown_s)
    t.out.append(commands.Log("no_answer", {"status": status, "reason": reason}, problem=True))


def note_slow(t: Transition) -> None:
    """Record that the answer did not come, or did not go on, within its time."""
    show(t, "timeout", t.now + t.settings.error_shown_s)
    due = phase_due(t.state, t.settings, t.owner)
    waited_for = "" if due is None else due.awaited
    _log_timeout(t, waited_for)


def _log_timeout(t: Transition, waited_for: str) -> None:
    t.out.append(
        commands.Log("answer_timeout", {"waited_for": waited_for, "tools": len(t.state.tools)}, problem=True)
    )


def note_unreachable(t: Transition) -> None:
    """Record that the answer did not come because the model is out of reach; the light says so already."""
    _log_timeout(t, "connection")


def note_device(t: Transition) -> None:
    """Record that the microphone or the loudspeaker is lost."""
    if isinstance(t.event, DeviceLost):
        _set_lost(t, t.event.direction, lost=True)
        show(t, t.event.direction, LASTING)


def mend_device(t: Transition) -> None:
    """Record that the microphone or the loudspeaker works again."""
    if isinstance(t.event, DeviceReturned):
        _set_lost(t, t.event.direction, lost=False)
        clear(t, t.event.direction)


def _set_lost(t: Transition, direction: Direction, *, lost: bool) -> None:
    match direction:
        case "capture":
            t.state.microphone_lost = lost
        case "playback":
            t.state.loudspeaker_lost = lost
        case _:
            assert_never(direction)


def note_stuck(t: Transition) -> None:
    """Record that the button is jammed: it does not come up."""
    show(t, "button", LASTING)
    t.out.append(commands.Log("button_stuck", {}, problem=True))


def mend_button(t: Transition) -> None:
    """Record that the jammed button came up."""
    clear(t, "button")
