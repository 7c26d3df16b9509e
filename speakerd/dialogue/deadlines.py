"""When something happens by itself: every wait has an end. Times are monotonic seconds, None is never.

In `connecting`, `listening`, `thinking` and `speaking` something is always awaited, with a limit. Behind the limit
there is a sound, or the turn goes on, as if what was waited for had come; the journal has the cause.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, assert_never

if TYPE_CHECKING:
    from speakerd.dialogue.microphone import TurnOwner
    from speakerd.dialogue.settings import DialogueSettings
    from speakerd.dialogue.state import Answer, State, Turn

RELEASE_TAIL_S: Final = 0.25
"""After push-to-talk is let go: how long its last sound may take from the microphone to here. Ten times what it
takes; only for a microphone that says nothing."""

STREAM_LIMIT_S: Final = 60.0
"""Speech that only the server hears: by then it has said that it is over, or the turn is committed for it."""

STALLED_AFTER_S: Final = 2.0
"""An answer whose sound has run out for this long is not being heard, whatever may yet come of it."""

Awaited: TypeAlias = Literal[
    "connection",  # a session that takes speech
    "speech",  # the first word
    "end_of_speech",  # the end of the turn
    "server_notice",  # the server hears it, too
    "press",  # what the press becomes
    "last_sound",  # the last of push-to-talk
    "response",  # anything of the answer
    "tool",  # the end of a tool
    "playback",  # the last sample of the answer
    "approval",  # a yes or a no
]
"""What a phase waits for; beside each, what ends the wait."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """What the phase waits for, and until when."""

    awaited: Awaited
    at: float


def phase_due(state: State, settings: DialogueSettings, owner: TurnOwner) -> Deadline | None:
    """What the phase waits for; at its time, `timeout` is due. None: nothing, it may last for ever."""
    match state.phase:
        case "connecting":
            return Deadline("connection", state.entered_at + settings.connect_timeout_s)
        case "listening":
            return None if state.turn is None else _turn_due(state, state.turn, settings, owner)
        case "thinking" | "speaking" | "announcing":
            return None if state.answer is None else _answer_due(state, state.answer, settings)
        case "starting" | "idle" | "stopping":
            return None
        case _:
            assert_never(state.phase)


def _turn_due(state: State, turn: Turn, settings: DialogueSettings, owner: TurnOwner) -> Deadline:
    if turn.over_at is not None:
        if state.hand.undecided:
            return Deadline("press", turn.over_at + settings.listen_window_s)
        return Deadline("last_sound", turn.over_at + RELEASE_TAIL_S)
    limit = Deadline("end_of_speech", turn.limit_from + settings.turn_limit_s)
    if turn.talking:
        return limit
    if turn.heard_at is None:
        return Deadline("speech", turn.window_until)
    if turn.stream:
        return min(limit, Deadline("end_of_speech", turn.heard_at + STREAM_LIMIT_S), key=lambda due: due.at)
    if owner == "server" and not turn.server_heard:
        notice = Deadline("server_notice", turn.heard_at + settings.server_start_limit_s)
        return min(limit, notice, key=lambda due: due.at)
    return limit


def _answer_due(state: State, answer: Answer, settings: DialogueSettings) -> Deadline:
    if answer.playing:
        return Deadline("playback", answer.progress_at + settings.playback_limit_s)
    if state.approvals:
        return Deadline("approval", state.approvals[0].until)
    if state.tools and not answer.generating:
        return Deadline("tool", answer.progress_at + settings.tool_timeout_s)
    return Deadline("response", answer.progress_at + settings.response_timeout_s)


def working_deadline(state: State, settings: DialogueSettings) -> float | None:
    """When a sound says (again) that a tool is at work, since nobody hears anything of it."""
    answer = state.answer
    if state.phase != "thinking" or answer is None or answer.generating or not state.tools or state.approvals:
        return None
    return max(answer.progress_at, state.worked_at) + settings.working_every_s


def stall_deadline(state: State) -> float | None:
    """When the light no longer says that an answer is heard whose sound has run out in its middle."""
    answer = state.answer
    if state.phase != "speaking" or answer is None or answer.dry_since is None or answer.stalled:
        return None
    return answer.dry_since + STALLED_AFTER_S


def ring_deadline(state: State, settings: DialogueSettings) -> float | None:
    """When the timer rings again, or stops ringing unheard."""
    if not state.ringing:
        return None
    return min(state.rang_at + settings.ring_every_s, state.ringing_since + settings.ring_limit_s)


def approval_deadline(state: State) -> float | None:
    """When the oldest approval is taken to be refused."""
    return state.approvals[0].until if state.approvals else None


def announcement_deadline(state: State) -> float | None:
    """When an announcement has waited for too long."""
    return min((waiting.until for waiting in state.announcements), default=None)


def fault_deadline(state: State) -> float | None:
    """When an error that has passed is no longer shown."""
    return min((fault.until for fault in state.faults if fault.until is not None), default=None)
