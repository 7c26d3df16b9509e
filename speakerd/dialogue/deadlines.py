"""When something happens by itself: every wait has an end. Times are monotonic seconds, None is never."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

if TYPE_CHECKING:
    from speakerd.dialogue.microphone import TurnOwner
    from speakerd.dialogue.settings import DialogueSettings
    from speakerd.dialogue.state import Answer, State, Turn

RELEASE_TAIL_S: Final = 0.25
"""After push-to-talk is let go: how long its last sound may take from the microphone to here. Ten times what it
takes; only for a microphone that says nothing."""


def phase_deadline(state: State, settings: DialogueSettings, owner: TurnOwner) -> float | None:
    """When the phase has lasted for too long and `timeout` is due."""
    match state.phase:
        case "connecting":
            return state.entered_at + settings.connect_timeout_s
        case "listening":
            return None if state.turn is None else _turn_deadline(state, state.turn, settings, owner)
        case "thinking" | "speaking":
            return None if state.answer is None else _answer_deadline(state, state.answer, settings)
        case "starting" | "idle" | "stopping":
            return None
        case _:
            assert_never(state.phase)


def _turn_deadline(state: State, turn: Turn, settings: DialogueSettings, owner: TurnOwner) -> float:
    if turn.over_at is not None:
        return turn.over_at + (settings.listen_window_s if state.hand.undecided else RELEASE_TAIL_S)
    limit = turn.limit_from + settings.turn_limit_s
    if turn.talking:
        return limit
    if turn.heard_at is None:
        return turn.window_until
    if owner == "server" and not turn.server_heard:
        return min(limit, turn.heard_at + settings.server_start_limit_s)
    return limit


def _answer_deadline(state: State, answer: Answer, settings: DialogueSettings) -> float | None:
    if answer.playing:
        return answer.progress_at + settings.playback_limit_s
    if state.approvals:
        return None  # each has a limit of its own
    patience_s = settings.tool_timeout_s if answer.tools else settings.response_timeout_s
    return answer.progress_at + patience_s


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
