"""The words by which the rows of the table are found, and which of them an event is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, assert_never

from speakerd.audio import events as audio
from speakerd.dialogue import events
from speakerd.dialogue.gesture_meaning import GestureTrigger, gesture_trigger
from speakerd.dialogue.requests import PlainRequest, RequestWord
from speakerd.panel.types import Gesture

if TYPE_CHECKING:
    from speakerd.dialogue.settings import DialogueSettings
    from speakerd.dialogue.state import State
    from speakerd.panel.settings import GestureSettings

Trigger: TypeAlias = Literal[
    # The hand, the wake word, the control socket.
    GestureTrigger,
    RequestWord,
    "ask",
    "say",
    # The daemon.
    "ready",
    "stop_requested",
    "timeout",
    # Sound.
    "speech_started",
    "speech_ended",
    "barge_in_suspected",
    "barge_in_confirmed",
    "barge_in_rejected",
    "playback_started",
    "playback_drained",
    "playback_underrun",
    "playback_resumed",
    "device_lost",
    "device_returned",
    # The session.
    "connected",
    "connection_lost",
    "fatal",
    "turn_committed",
    "server_speech_started",
    "server_speech_stopped",
    "response_started",
    "response_ended",
    "answer_failed",
    "nothing_heard",
    "noted",
    "tool_started",
    "tool_ended",
    "no_reply_due",
    "approval_needed",
    "approval_resolved",
    "end_requested",
    # The announcements.
    "announced",
    # The timers.
    "ringing",
    "silenced",
    # From within: a part of the answer has ended; an announcement may begin.
    "finished",
    "announce",
]


def trigger_of(
    event: events.Event, state: State, gestures: GestureSettings, settings: DialogueSettings
) -> Trigger | None:
    """The trigger for this event, or None if it means nothing here."""
    match event:
        case Gesture():
            return gesture_trigger(event, state, gestures, settings)
        case PlainRequest():
            return event.word
        case audio.SpeechStarted():
            return "speech_started"
        case audio.SpeechEnded():
            return "speech_ended"
        case audio.BargeInSuspected():
            return "barge_in_suspected"
        case audio.BargeInConfirmed():
            return "barge_in_confirmed"
        case audio.BargeInRejected():
            return "barge_in_rejected"
        case audio.PlaybackStarted():
            return "playback_started"
        case audio.PlaybackDrained():
            return "playback_drained"
        case audio.PlaybackUnderrun():
            return "playback_underrun"
        case audio.PlaybackResumed():
            return "playback_resumed"
        case audio.DeviceLost():
            return "device_lost"
        case audio.DeviceReturned():
            return "device_returned"
        case audio.WakeWordHeard():
            return "wake"
        case events.Ready():
            return "ready"
        case events.StopRequested():
            return "stop_requested"
        case events.Connected():
            return "connected"
        case events.ConnectionLost():
            return "fatal" if event.fatal else "connection_lost"
        case events.TurnCommitted():
            return "turn_committed"
        case events.ServerSpeechStarted():
            return "server_speech_started"
        case events.ServerSpeechStopped():
            return "server_speech_stopped"
        case events.ResponseStarted():
            return "response_started"
        case events.ResponseEnded():
            return "response_ended"
        case events.ToolStarted():
            return "tool_started"
        case events.ToolEnded():
            return "tool_ended"
        case events.NoReplyDue():
            return "no_reply_due"
        case events.ApprovalNeeded():
            return "approval_needed"
        case events.ApprovalResolved():
            return "approval_resolved"
        case events.SessionError():
            return error_trigger(event.kind)
        case events.ConversationEndRequested():
            return "end_requested"
        case events.TimerRinging():
            return "ringing"
        case events.TimerSilenced():
            return "silenced"
        case events.AnnouncementEnded():
            return "announced"
        case events.Ask():
            return "ask"
        case events.Say():
            return "say"
        case _:
            assert_never(event)


def error_trigger(kind: events.ErrorKind) -> Trigger:
    """What an error of the session does to the conversation."""
    match kind:
        case "account":
            return "fatal"
        case "server" | "rate_limit":
            return "answer_failed"
        case "empty_turn":
            return "nothing_heard"
        case "request" | "notice" | "caption" | "tool" | "internal":
            return "noted"
        case _:
            assert_never(kind)
