"""What the dialogue is told: plain frozen values, one union (`Event`).

Gestures come from `speakerd.panel.types`, sound events from `speakerd.audio.events`; here are the facts about
the session, the tools and the daemon, and the requests of the control socket (those without arguments are in
`requests`). Sound itself never comes here: its way is decided by `Dialogue.uplink`.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from speakerd.audio.events import (
    BargeInConfirmed,
    BargeInRejected,
    BargeInSuspected,
    DeviceLost,
    DeviceReturned,
    PlaybackDrained,
    PlaybackResumed,
    PlaybackStarted,
    PlaybackUnderrun,
    SpeechEnded,
    SpeechStarted,
    WakeWordHeard,
)
from speakerd.dialogue.requests import PlainRequest
from speakerd.panel.types import Gesture

ResponseStatus: TypeAlias = Literal["completed", "cancelled", "failed", "incomplete"]

ErrorKind: TypeAlias = Literal[
    "account",  # key, quota, billing, unknown model: nothing works until somebody acts
    "server",  # the server failed at what was asked; the next question may do
    "rate_limit",  # too many questions for now
    "empty_turn",  # there was no speech in what was committed: nobody's fault
    "request",  # one request was refused, the conversation goes on
    "notice",  # something is not as it was asked for, the conversation goes on without it
    "caption",  # what was said could not be written down; the model has heard it
    "tool",  # a tool failed; the model was told
    "internal",  # a fault of ours; if an answer fails by it, that is seen by its not coming
]


@dataclass(frozen=True, slots=True)
class Ready:
    """Sound and panel are open; the start-up is over."""


@dataclass(frozen=True, slots=True)
class StopRequested:
    """The process is to end."""


@dataclass(frozen=True, slots=True)
class Connected:
    """The session can take sound and text now."""


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """There is no session, or the attempt to make one failed. `fatal`: trying again cannot help.

    Unless it is fatal, it is tried again until `Disconnect`. Not sent for a connection that we closed, or for one
    that is being renewed between turns.
    """

    reason: str
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class TurnCommitted:
    """The server took the user's turn as complete."""


@dataclass(frozen=True, slots=True)
class ServerSpeechStarted:
    """The server hears speech."""


@dataclass(frozen=True, slots=True)
class ServerSpeechStopped:
    """The server hears speech no longer: where it detects turns, the turn is over."""


@dataclass(frozen=True, slots=True)
class ResponseStarted:
    """The model begins a response in the conversation; out-of-band ones are not told."""

    response_id: str


@dataclass(frozen=True, slots=True)
class ResponseEnded:
    """A response was generated (not: heard). `tool_calls`: how many of its calls await a further response."""

    response_id: str
    status: ResponseStatus = "completed"
    had_audio: bool = True
    tool_calls: int = 0
    had_text: bool = False
    """It has words, be they spoken or written."""
    reason: str = ""
    """Why it was not completed, as one word of the server's; "" if it does not say."""


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A tool began to run."""

    name: str
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class ToolEnded:
    """A tool has ended, well or not. `reply_due`: a further response follows, or `NoReplyDue`."""

    name: str
    call_id: str = ""
    reply_due: bool = True


@dataclass(frozen=True, slots=True)
class NoReplyDue:
    """All tools that a response called have ended, and no further response follows."""

    response_id: str


@dataclass(frozen=True, slots=True)
class ApprovalNeeded:
    """A tool call waits for a yes or a no."""

    call_id: str
    name: str


@dataclass(frozen=True, slots=True)
class ApprovalResolved:
    """The approval of a tool call was answered elsewhere (by the session)."""

    call_id: str


@dataclass(frozen=True, slots=True)
class SessionError:
    """Something failed without the connection being lost."""

    kind: ErrorKind
    message: str


@dataclass(frozen=True, slots=True)
class ConversationEndRequested:
    """The tool `end_conversation` was called: when the answer has been heard, the conversation is over."""


@dataclass(frozen=True, slots=True)
class AnnouncementEnded:
    """The announcement that `Announce` began is over. `problem`: why not all of it was spoken; "" if it was."""

    problem: str = ""


@dataclass(frozen=True, slots=True)
class TimerRinging:
    """A timer has run out."""

    name: str


@dataclass(frozen=True, slots=True)
class TimerSilenced:
    """A timer needs no more ringing, since a tool cancelled it. `name` None: no timer does."""

    name: str | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A typed question, answered aloud. What becomes of it is reported (`RequestReport`), if it has a number."""

    text: str
    request: int = 0


@dataclass(frozen=True, slots=True)
class Say:
    """An announcement: words to be spoken exactly, once, after a chime if wanted. Reported as `Ask` is."""

    text: str
    chime: bool = False
    request: int = 0


AudioFact: TypeAlias = (
    SpeechStarted
    | SpeechEnded
    | BargeInSuspected
    | BargeInConfirmed
    | BargeInRejected
    | PlaybackStarted
    | PlaybackDrained
    | PlaybackUnderrun
    | PlaybackResumed
    | DeviceLost
    | DeviceReturned
    | WakeWordHeard
)

SessionFact: TypeAlias = (
    Ready
    | StopRequested
    | Connected
    | ConnectionLost
    | TurnCommitted
    | ServerSpeechStarted
    | ServerSpeechStopped
    | ResponseStarted
    | ResponseEnded
    | ToolStarted
    | ToolEnded
    | NoReplyDue
    | ApprovalNeeded
    | ApprovalResolved
    | SessionError
    | ConversationEndRequested
    | AnnouncementEnded
    | TimerRinging
    | TimerSilenced
)

Request: TypeAlias = PlainRequest | Ask | Say

Event: TypeAlias = Gesture | AudioFact | SessionFact | Request
