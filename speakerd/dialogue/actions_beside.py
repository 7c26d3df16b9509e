"""Actions beside the conversation: the hand, the connection, mute, faults, timers, approvals, sounds."""

from typing import Final

from speakerd.audio.events import DeviceLost, DeviceReturned
from speakerd.dialogue import commands
from speakerd.dialogue.actions import Action, forget
from speakerd.dialogue.events import (
    ApprovalNeeded,
    ApprovalResolved,
    ConnectionLost,
    SessionError,
    TimerRinging,
    TimerSilenced,
)
from speakerd.dialogue.scene import Scene
from speakerd.dialogue.state import Approval, Fault
from speakerd.panel.types import Gesture

LASTING: Final = None
"""A fault that is shown until it is mended."""


def _set_fault(s: Scene, kind: str, until: float | None) -> None:
    others = tuple(fault for fault in s.state.faults if fault.kind != kind)
    s.state.faults = (*others, Fault(kind, until))


def _clear_fault(s: Scene, kind: str) -> None:
    s.state.faults = tuple(fault for fault in s.state.faults if fault.kind != kind)


# -- the hand -----------------------------------------------------------------------------------------------


def _press(s: Scene) -> None:
    st = s.state
    st.pressed_at = s.event.at if isinstance(s.event, Gesture) else s.now
    st.aim = st.approvals[0].call_id if st.approvals else ""


def press_began(s: Scene) -> None:
    """The press did something at once."""
    _press(s)
    s.state.press, s.state.aim = "began", ""


def press_noted(s: Scene) -> None:
    """What it means is decided when it is known what it becomes."""
    _press(s)
    s.state.press = "noted"


def press_spent(s: Scene) -> None:
    """It has done its work."""
    _press(s)
    s.state.press, s.state.aim = "spent", ""


def remember(s: Scene) -> None:
    """A press during start-up."""
    press_noted(s)
    s.state.wanted_at, s.state.wanted_talk = s.state.pressed_at, False


def remember_talk(s: Scene) -> None:
    """A hold during start-up."""
    if s.state.wanted_at is None:
        s.state.wanted_at = s.event.pressed_at if isinstance(s.event, Gesture) else s.now
    s.state.wanted_talk = True


def approve(s: Scene) -> None:
    """Yes, to what the press was aimed at."""
    _answer(s, commands.Approve(s.state.aim))


def reject(s: Scene) -> None:
    """No."""
    _answer(s, commands.Reject(s.state.aim, "refused by the person at the speaker"))


def _answer(s: Scene, answer: commands.Approve | commands.Reject) -> None:
    s.out.append(answer)
    _drop(s, answer.call_id)


# -- approvals ----------------------------------------------------------------------------------------------


def _drop(s: Scene, call_id: str) -> None:
    s.state.approvals = tuple(waiting for waiting in s.state.approvals if waiting.call_id != call_id)
    s.state.progress_at = s.now


def ask_approval(s: Scene) -> None:
    """A tool waits for a yes: the light says so, and a sound."""
    if isinstance(s.event, ApprovalNeeded):
        until = s.now + s.settings.approval_timeout_s
        s.state.approvals = (*s.state.approvals, Approval(s.event.call_id, s.event.name, until))
        s.state.more_due = True
        s.out.append(commands.PlaySound("wake"))


def reject_unasked(s: Scene) -> None:
    """There is nobody to ask, or too much to be asked."""
    if isinstance(s.event, ApprovalNeeded):
        s.out.append(commands.Reject(s.event.call_id, "nobody could be asked"))


def drop_approval(s: Scene) -> None:
    """Answered elsewhere."""
    if isinstance(s.event, ApprovalResolved):
        _drop(s, s.event.call_id)


# -- the connection -----------------------------------------------------------------------------------------


def connect(s: Scene) -> None:
    """The model is needed."""
    s.out.append(commands.Connect())


def connect_if_warm(s: Scene) -> None:
    """It is, always."""
    if s.warm:
        connect(s)


def disconnect(s: Scene) -> None:
    """It is there, but nobody wants it any more."""
    note_connected(s)
    s.state.connected = False
    s.out.append(commands.Disconnect())


def note_connected(s: Scene) -> None:
    """The model can be reached."""
    s.state.connected, s.state.offline, s.state.offline_until = True, False, None
    _clear_fault(s, "account")


def note_lost(s: Scene) -> None:
    """It cannot."""
    s.state.connected, s.state.stale_due = False, False
    note_offline(s)


def note_offline(s: Scene) -> None:
    """The light says so: while somebody keeps trying, else for a while, since nobody knows any more."""
    s.state.offline = True
    s.state.offline_until = None if s.warm else s.now + s.settings.error_shown_s


# -- faults -------------------------------------------------------------------------------------------------


def note_fatal(s: Scene) -> None:
    """Nothing works until somebody acts."""
    _set_fault(s, "account", LASTING)
    if isinstance(s.event, ConnectionLost):
        s.state.connected, s.state.stale_due = False, False
    s.out.append(commands.Log("account_fault", {}, problem=True))


def note_fault(s: Scene) -> None:
    """Something failed, once. What is nobody's to see is only logged."""
    if isinstance(s.event, SessionError):
        if s.trigger == "answer_failed":
            _set_fault(s, s.event.kind, s.now + s.settings.error_shown_s)
        s.out.append(commands.Log("session_error", {"kind": s.event.kind}, problem=True))


def note_slow(s: Scene) -> None:
    """The answer did not come, or not on."""
    _set_fault(s, "timeout", s.now + s.settings.error_shown_s)
    s.out.append(commands.Log("answer_timeout", {"tools": s.state.tools}, problem=True))


def note_device(s: Scene) -> None:
    """Deaf, or mute."""
    if isinstance(s.event, DeviceLost):
        if s.event.direction == "capture":
            s.state.microphone_lost = True
        else:
            s.state.loudspeaker_lost = True
        _set_fault(s, s.event.direction, LASTING)


def mend_device(s: Scene) -> None:
    """No longer."""
    if isinstance(s.event, DeviceReturned):
        if s.event.direction == "capture":
            s.state.microphone_lost = False
        else:
            s.state.loudspeaker_lost = False
        _clear_fault(s, s.event.direction)


def note_stuck(s: Scene) -> None:
    """The button is down for ever."""
    _set_fault(s, "button", LASTING)
    s.out.append(commands.Log("button_stuck", {}, problem=True))


def mend_button(s: Scene) -> None:
    """It came up."""
    _clear_fault(s, "button")


# -- mute ---------------------------------------------------------------------------------------------------


def shut(s: Scene) -> None:
    """The microphone is shut. A sound says so, once."""
    if not s.state.muted:
        s.out.append(commands.PlaySound("mute"))
    if s.trigger == "switch_on":
        s.state.mute_switch = True
    else:
        s.state.muted_by_hand = True
    forget(s)


def open_up(s: Scene) -> None:
    """It may be opened again. Who moves the switch back means it, whatever else had muted."""
    s.state.mute_switch = s.state.muted_by_hand = False
    s.out.append(commands.PlaySound("unmute"))


def refuse(s: Scene) -> None:
    """No, and why."""
    s.out.append(commands.PlaySound("mute" if s.state.muted else "error"))


# -- timers, volume, sounds ---------------------------------------------------------------------------------


def ring(s: Scene) -> None:
    """A timer has run out."""
    if isinstance(s.event, TimerRinging):
        if not s.state.ringing:
            s.state.ringing_since = s.now
        s.state.ringing = (*s.state.ringing, s.event.name)
        s.state.rang_at = s.now
        s.out.append(commands.PlaySound("timer"))


def stop_ringing(s: Scene) -> None:
    """It was silenced elsewhere."""
    name = s.event.name if isinstance(s.event, TimerSilenced) else None
    s.state.ringing = () if name is None else tuple(other for other in s.state.ringing if other != name)


def silence_timers(s: Scene) -> None:
    """It has been heard."""
    for name in s.state.ringing:
        s.out.append(commands.SilenceTimer(name))
    s.state.ringing = ()


def change_volume(s: Scene) -> None:
    """One step."""
    if isinstance(s.event, Gesture):
        s.out.append(commands.ChangeVolume(1 if s.event.kind == "volume_up" else -1))


def sound_end(s: Scene) -> None:
    """It no longer listens."""
    s.out.append(commands.PlaySound("end"))


def sound_error(s: Scene) -> None:
    """Something went wrong."""
    s.out.append(commands.PlaySound("error"))


def sound_offline(s: Scene) -> None:
    """The model cannot be reached."""
    s.out.append(commands.PlaySound("offline"))


BESIDE_ACTIONS: Final[dict[str, Action]] = {
    action.__name__: action
    for action in (
        press_began,
        press_noted,
        press_spent,
        remember,
        remember_talk,
        approve,
        reject,
        ask_approval,
        reject_unasked,
        drop_approval,
        connect,
        connect_if_warm,
        disconnect,
        note_connected,
        note_lost,
        note_offline,
        note_fatal,
        note_fault,
        note_slow,
        note_device,
        mend_device,
        note_stuck,
        mend_button,
        shut,
        open_up,
        refuse,
        ring,
        stop_ringing,
        silence_timers,
        change_volume,
        sound_end,
        sound_error,
        sound_offline,
    )
}
