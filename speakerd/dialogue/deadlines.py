"""When something happens by itself: every wait has an end. Times are monotonic seconds, None is never."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from speakerd.dialogue.posture import TurnOwner
    from speakerd.dialogue.settings import DialogueSettings
    from speakerd.dialogue.state import State

RELEASE_TAIL_S: Final = 0.25
"""After push-to-talk is let go: how long its last sound may take from the microphone to here. Ten times what it
takes; only for a microphone that says nothing."""


def phase_deadline(state: State, settings: DialogueSettings, owner: TurnOwner) -> float | None:
    """When the phase has lasted for too long and `timeout` is due."""
    match state.phase:
        case "connecting":
            return state.entered_at + settings.connect_timeout_s
        case "listening":
            if state.turn_over:
                return state.over_at + (settings.listen_window_s if state.press_open else RELEASE_TAIL_S)
            if not (state.heard or state.talking):
                return state.window_until
            limit = state.turn_at + settings.turn_limit_s
            if owner == "server" and not state.server_heard and not state.talking:
                limit = min(limit, state.heard_at + settings.server_start_limit_s)
            return limit
        case "thinking":
            return None if state.approvals else state.progress_at + _answer_patience(state, settings)
        case "speaking":
            if state.playing:
                return state.progress_at + settings.playback_limit_s
            return None if state.approvals else state.progress_at + _answer_patience(state, settings)
        case _:
            return None


def _answer_patience(state: State, settings: DialogueSettings) -> float:
    return settings.tool_timeout_s if state.tools else settings.response_timeout_s


def ring_deadline(state: State, settings: DialogueSettings) -> float | None:
    """When the timer rings again, or stops ringing unheard."""
    if not state.ringing:
        return None
    return min(state.rang_at + settings.ring_every_s, state.ringing_since + settings.ring_limit_s)


def approval_deadline(state: State) -> float | None:
    """When the oldest approval is taken to be refused."""
    return state.approvals[0].until if state.approvals else None


def fault_deadline(state: State) -> float | None:
    """When an error that has passed is no longer shown, or offline no longer known."""
    times = [fault.until for fault in state.faults if fault.until is not None]
    if state.offline and state.offline_until is not None:
        times.append(state.offline_until)
    return min(times, default=None)
