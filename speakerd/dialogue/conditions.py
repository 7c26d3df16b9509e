"""The conditions that rows of the table name. Pure questions; none changes anything."""

from collections.abc import Callable
from typing import Final, TypeAlias

from speakerd.audio.events import DeviceLost, DeviceReturned, PlaybackStarted, SpeechEnded
from speakerd.dialogue.events import (
    ApprovalResolved,
    ResponseEnded,
    TimerRinging,
    TimerSilenced,
)
from speakerd.dialogue.scene import Scene

Condition: TypeAlias = Callable[[Scene], bool]

MAX_APPROVALS: Final = 8
"""Tool calls that may wait for a yes at a time; a person could not tell more apart either."""
MAX_RINGING: Final = 32
"""Timers that may ring at a time."""

STALE_SOUND_S: Final = 0.05
"""Sound that is reported to have begun this soon after an interruption was on its way when that came. No new
answer can be there as soon; a flushed one never reports its end, and would be waited for."""


def _devices_ok(s: Scene) -> bool:
    return not (s.state.microphone_lost or s.state.loudspeaker_lost)


def _may_listen(s: Scene) -> bool:
    return not s.state.muted and _devices_ok(s)


def _may_follow(s: Scene) -> bool:
    return s.state.hands_free and _may_listen(s) and s.state.connected and not s.state.ending


def _wanted(s: Scene) -> bool:
    at = s.state.wanted_at
    return at is not None and s.now - at <= s.settings.remember_press_s


def _current(s: Scene) -> bool:
    return (
        isinstance(s.event, ResponseEnded)
        and s.state.response_id is not None
        and s.event.response_id == s.state.response_id
    )


def _reason(s: Scene) -> str:
    return s.event.reason if isinstance(s.event, SpeechEnded) else ""


def _rings(s: Scene) -> bool:
    if isinstance(s.event, TimerRinging):
        return s.event.name in s.state.ringing or len(s.state.ringing) >= MAX_RINGING
    if isinstance(s.event, TimerSilenced) and s.event.name is not None:
        return s.event.name in s.state.ringing
    return bool(s.state.ringing)


def _is_lost(s: Scene) -> bool:
    if not isinstance(s.event, DeviceReturned):
        return False
    return s.state.microphone_lost if s.event.direction == "capture" else s.state.loudspeaker_lost


def _waits(s: Scene) -> bool:
    return isinstance(s.event, ApprovalResolved) and any(
        approval.call_id == s.event.call_id for approval in s.state.approvals
    )


CONDITIONS: Final[dict[str, Condition]] = {
    # The world.
    "connected": lambda s: s.state.connected,
    "warm": lambda s: s.warm,
    "muted": lambda s: s.state.muted,
    "mute_switch": lambda s: s.state.mute_switch,
    "may_listen": _may_listen,
    "may_send": lambda s: (not s.state.muted or s.settings.text_while_muted) and not s.state.loudspeaker_lost,
    "may_shut": lambda s: not (s.state.mute_switch if s.trigger == "switch_on" else s.state.muted),
    "may_open": lambda s: (
        s.state.mute_switch if s.trigger == "switch_off" else s.state.muted and not s.state.mute_switch
    ),
    "mute_finishes": lambda s: s.settings.mute_while_answering == "finish" or s.state.muted,
    "loudspeaker": lambda s: isinstance(s.event, DeviceLost) and s.event.direction == "playback",
    "is_lost": _is_lost,
    "rings": _rings,
    "button_fault": lambda s: any(fault.kind == "button" for fault in s.state.faults),
    # The hand.
    "wanted": _wanted,
    "began": lambda s: s.state.press == "began",
    "press_open": lambda s: s.state.press_open,
    "press_sends": lambda s: s.settings.press_while_listening == "send",
    "press_ends_answer": lambda s: s.settings.press_while_answering == "end",
    "press_unmutes": lambda s: (
        s.settings.press_while_muted == "unmute"
        and s.state.muted
        and not s.state.mute_switch
        and _devices_ok(s)
    ),
    "aimed": lambda s: any(waiting.call_id == s.state.aim for waiting in s.state.approvals),
    "room": lambda s: len(s.state.approvals) < MAX_APPROVALS,
    "waits": _waits,
    # The person's turn.
    "turn": lambda s: s.state.turn,
    "text": lambda s: s.state.text is not None,
    "talking": lambda s: s.state.talking,
    "heard": lambda s: s.state.heard,
    "quiet": lambda s: not s.state.heard and not s.state.talking and not s.state.press_open,
    "server_turn": lambda s: s.state.heard and not s.state.talking and not s.state.press_open,
    "turn_over": lambda s: s.state.turn_over,
    "released": lambda s: s.state.turn_over and not s.state.press_open,
    "server_heard": lambda s: s.state.server_heard,
    "local": lambda s: s.owner == "local",
    "owned": lambda s: s.owner == "server",
    "sentence": lambda s: _reason(s) in {"silence", "too_long"},
    "gave_up": lambda s: s.owner == "server" and _reason(s) in {"server_silent", "too_long"},
    "cut_off": lambda s: _reason(s) in {"own_voice", "closed"} and not s.state.talking,
    # The answer.
    "answering": lambda s: s.state.answering or bool(s.state.approvals),
    "current": _current,
    "cancelled": lambda s: isinstance(s.event, ResponseEnded) and s.event.status == "cancelled",
    "stale_due": lambda s: s.state.stale_due,
    "more_due": lambda s: s.state.more_due or s.state.tools > 0,
    "tools": lambda s: s.state.tools > 0,
    "sound_due": lambda s: s.state.sound_due,
    "playing": lambda s: s.state.playing,
    "fresh": lambda s: (
        isinstance(s.event, PlaybackStarted) and s.event.at > s.state.silenced_at + STALE_SOUND_S
    ),
    "suspected": lambda s: s.state.suspected,
    "may_barge_in": lambda s: s.state.hands_free and _may_listen(s) and not s.state.approvals,
    "may_resume": lambda s: (
        s.settings.speech_while_thinking == "listen"
        and s.state.hands_free
        and _may_listen(s)
        and not s.state.approvals
        and not s.state.ending
    ),
    "may_follow": _may_follow,
    "failed": lambda s: s.state.failed,
    "ending": lambda s: s.state.ending,
    "goodbye_said": lambda s: s.state.ending and s.state.sounded,
}
"""Name -> question. In the table "not name" negates."""
