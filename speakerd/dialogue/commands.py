"""What the dialogue wants done: plain frozen values, one union (`Command`), carried out in order.

All are orders without an answer. What comes of them returns as events; a command that cannot be carried out
returns as `SessionError` or a lost device.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from speakerd.audio.settings import SoundName, VoiceMode

ListenMode: TypeAlias = Literal["closed", "gated", "open"]
"""closed: the microphone goes nowhere. gated: what the gate takes for speech passes. open: all of it."""

TurnEnd: TypeAlias = Literal["gate", "server", "release"]
"""Who ends the turn: our gate by its hangover, the model (the gate must go on through silence), a hand."""


@dataclass(frozen=True, slots=True)
class Connect:
    """Connect to the model, at once if it waits to try again. Nothing to do if it is connected or connecting."""


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Close the connection to the model: the conversation is over."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Set the microphone. Sent only when something about it has changed.

    With `mode` open or gated, sound since the monotonic time `since` counts too, as far as it was kept;
    None: from now on. Going from `gated` to `open` in the middle of speech nothing is lost or doubled.
    """

    mode: ListenMode
    since: float | None = None
    ends_by: TurnEnd = "gate"


@dataclass(frozen=True, slots=True)
class ArmWakeWord:
    """Say whether a wake word may be listened for (never while muted). Sent only when that has changed."""

    armed: bool


@dataclass(frozen=True, slots=True)
class SendHeld:
    """Send what was kept while the uplink was "hold", in order, before anything that follows."""


@dataclass(frozen=True, slots=True)
class Commit:
    """End the person's turn: commit what was sent of it and ask for the reply."""


@dataclass(frozen=True, slots=True)
class DiscardAudio:
    """Forget the turn: what was kept here and, where `sent`, what the server has of it, uncommitted."""

    sent: bool


@dataclass(frozen=True, slots=True)
class Interrupt:
    """End the answer: interrupt the session and flush the playback; both, even where one seems idle."""

    silence: bool = True
    """False: what is being played is none of the answer's, and goes on."""


@dataclass(frozen=True, slots=True)
class SetVoice:
    """Play the voice in this mode. `Interrupt` makes it normal."""

    mode: VoiceMode


@dataclass(frozen=True, slots=True)
class PlaySound:
    """Play one of the speaker's own short sounds."""

    name: SoundName


@dataclass(frozen=True, slots=True)
class SendText:
    """Send a typed message to the model; `ask` is answered, `say` is to be said word by word."""

    text: str
    kind: Literal["ask", "say"] = "ask"
    request: int = 0


@dataclass(frozen=True, slots=True)
class Announce:
    """Speak these words by the local voice, after a chime if wanted. `AnnouncementEnded` tells the end."""

    text: str
    chime: bool


@dataclass(frozen=True, slots=True)
class HushAnnouncement:
    """Silence the announcement that is spoken. Nothing tells the end of it any more."""


@dataclass(frozen=True, slots=True)
class RequestReport:
    """What became of the request of that number: it has begun, was done, or has failed for a reason."""

    request: int
    step: Literal["begun", "done", "failed"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Approve:
    """Let the tool call run that waits for approval."""

    call_id: str


@dataclass(frozen=True, slots=True)
class Reject:
    """Refuse the tool call; `reason` is for the model."""

    call_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class SilenceTimer:
    """Let the timer of that name ring no longer: a person has heard it."""

    name: str


@dataclass(frozen=True, slots=True)
class ChangeVolume:
    """Change the volume by one step: louder (+1) or softer (-1)."""

    steps: int


@dataclass(frozen=True, slots=True)
class Log:
    """Write a line into the journal. `fields` hold no speech and no text of anyone's."""

    event: str
    fields: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    problem: bool = False


Command: TypeAlias = (
    Connect
    | Disconnect
    | Listen
    | ArmWakeWord
    | SendHeld
    | Commit
    | DiscardAudio
    | Interrupt
    | SetVoice
    | PlaySound
    | SendText
    | Announce
    | HushAnnouncement
    | RequestReport
    | Approve
    | Reject
    | SilenceTimer
    | ChangeVolume
    | Log
)
