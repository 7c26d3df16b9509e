"""Actions that record what does not work, and that it works again. The light shows it while it lasts."""

from typing import Final, assert_never

from speakerd.audio.events import DeviceLost, DeviceReturned, Direction
from speakerd.dialogue import commands
from speakerd.dialogue.events import ConnectionLost, SessionError
from speakerd.dialogue.state import Fault
from speakerd.dialogue.transition import Transition

LASTING: Final = None
"""The end of a fault that is shown until it is mended."""


def show(t: Transition, kind: str, until: float | None) -> None:
    """Record a fault of this kind in place of an earlier one. Not an action by itself."""
    clear(t, kind)
    t.state.faults = (*t.state.faults, Fault(kind, until))


def clear(t: Transition, kind: str) -> None:
    """Forget the fault of this kind. Not an action by itself."""
    t.state.faults = tuple(fault for fault in t.state.faults if fault.kind != kind)


def expire(t: Transition) -> None:
    """Forget faults that were shown for long enough, and being offline if nobody tries to connect."""
    st = t.state
    if any(fault.until is not None and fault.until <= t.now for fault in st.faults):
        st.faults = tuple(fault for fault in st.faults if fault.until is None or fault.until > t.now)
    if st.offline and st.offline_until is not None and st.offline_until <= t.now:
        st.offline, st.offline_until = False, None


def note_fatal(t: Transition) -> None:
    """Record that the model refuses us: no key, no quota. Nothing works until somebody acts."""
    show(t, "account", LASTING)
    if isinstance(t.event, ConnectionLost):
        t.state.connected, t.state.stale_due = False, False
    t.out.append(commands.Log("account_fault", {}, problem=True))


def note_fault(t: Transition) -> None:
    """Log an error of the session; show it for a while if an answer failed by it."""
    if isinstance(t.event, SessionError):
        if t.trigger == "answer_failed":
            show(t, t.event.kind, t.now + t.settings.error_shown_s)
        t.out.append(commands.Log("session_error", {"kind": t.event.kind}, problem=True))


def note_slow(t: Transition) -> None:
    """Record that the answer did not come, or did not go on, within its time."""
    show(t, "timeout", t.now + t.settings.error_shown_s)
    t.out.append(commands.Log("answer_timeout", {"tools": t.answer.tools}, problem=True))


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
