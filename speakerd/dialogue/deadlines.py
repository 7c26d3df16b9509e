"""When something happens by itself: every wait has an end. Times are monotonic seconds, None is never.

`WAITS` is the table of what is waited for. In `connecting`, `listening`, `thinking` and `speaking` something of it
is always due, with a limit; behind the limit there is a sound, or the turn goes on, and the journal has the cause.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, assert_never

if TYPE_CHECKING:
    from collections.abc import Mapping

    from speakerd.audio.settings import SoundName
    from speakerd.dialogue.microphone import TurnOwner
    from speakerd.dialogue.settings import DialogueSettings
    from speakerd.dialogue.state import Answer, Phase, State, Turn

RELEASE_TAIL_S: Final = 0.25
"""After push-to-talk is let go: how long its last sound may take from the microphone to here. Ten times what it
takes; only for a microphone that says nothing."""

Awaited: TypeAlias = Literal[
    "connection",
    "speech",
    "end_of_speech",
    "server_notice",
    "press",
    "last_sound",
    "response",
    "tool",
    "playback",
    "approval",
]
"""What a phase waits for; `WAITS` says in words what each is."""


@dataclass(frozen=True, slots=True)
class WaitRule:
    """One row: in which phases, what ends the wait, the setting of its limit, and what is heard when it is over."""

    phases: tuple[Phase, ...]
    ended_by: str
    limit: str
    sound: SoundName | None
    """None: the turn goes on, as if what was waited for had come."""


WAITS: Final[Mapping[Awaited, WaitRule]] = {
    "connection": WaitRule(("connecting",), "a session that takes speech", "connect_timeout_s", "offline"),
    "speech": WaitRule(("listening",), "the first word", "listen_window_s, follow_up_window_s", "end"),
    "end_of_speech": WaitRule(("listening",), "the end of the turn", "turn_limit_s", None),
    "server_notice": WaitRule(("listening",), "the server hears it, too", "server_start_limit_s", None),
    "press": WaitRule(("listening",), "what the press becomes", "listen_window_s", None),
    "last_sound": WaitRule(("listening",), "the last of push-to-talk", "RELEASE_TAIL_S", None),
    "response": WaitRule(("thinking", "speaking"), "anything of the answer", "response_timeout_s", "error"),
    "tool": WaitRule(("thinking", "speaking"), "the end of a tool", "tool_timeout_s", "error"),
    "playback": WaitRule(("speaking",), "the last sample of the answer", "playback_limit_s", "error"),
    "approval": WaitRule(("thinking", "speaking"), "a yes or a no", "approval_timeout_s", None),
}
"""Where the model is found to be out of reach, the sound is the one for that instead."""


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
        case "thinking" | "speaking":
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


def ring_deadline(state: State, settings: DialogueSettings) -> float | None:
    """When the timer rings again, or stops ringing unheard."""
    if not state.ringing:
        return None
    return min(state.rang_at + settings.ring_every_s, state.ringing_since + settings.ring_limit_s)


def approval_deadline(state: State) -> float | None:
    """When the oldest approval is taken to be refused."""
    return state.approvals[0].until if state.approvals else None


def fault_deadline(state: State) -> float | None:
    """When an error that has passed is no longer shown."""
    return min((fault.until for fault in state.faults if fault.until is not None), default=None)
