"""What the dialogue wants done: plain frozen values, one union (`Command`), carried out in order.

All are orders without an answer. What comes of them returns as events; a command that cannot be carried out
returns as `SessionError` or a lost device.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from speakerd.audio.settings import SoundName

ListenMode: TypeAlias = Literal["closed", "gated", "open"]
"""closed: the microphone goes nowhere. gated: what the gate takes for speech passes. open: all of it."""

TurnEnd: TypeAlias = Literal["gate", "server", "release"]
"""Who ends the turn: our gate by its hangover, the model (the gate must go on through silence), a hand."""


@dataclass(frozen=True, slots=True)
class Connect:
    """Be connected to the model; no order where it is, or is on the way. Now, if it waits to try again."""


@dataclass(frozen=True, slots=True)
class Disconnect:
    """No longer needed; the conversation is over."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Set the microphone. Comes when something changed only.

    With `mode` open or gated, sound since the monotonic time `since` counts too, as far as it was kept;
    None: from now on. Going from `gated` to `open` in the middle of speech nothing is lost or doubled.
    """

    mode: ListenMode
    since: float | None = None
    ends_by: TurnEnd = "gate"


@dataclass(frozen=True, slots=True)
class ArmWakeWord:
    """Whether a wake word may be listened for (never while muted). Comes when it changed only."""

    armed: bool


@dataclass(frozen=True, slots=True)
class SendHeld:
    """Send what was kept while the uplink was "hold", in order, before anything that follows."""


@dataclass(frozen=True, slots=True)
class Commit:
    """The turn is over: commit what was sent of it and ask for the reply."""


@dataclass(frozen=True, slots=True)
class DiscardAudio:
    """Forget the turn: what was kept here and, where `sent`, what the server has of it, uncommitted."""

    sent: bool


@dataclass(frozen=True, slots=True)
class Interrupt:
    """End the answer: session.interrupt, and flush the playback. Both, always, also when one seems idle."""


@dataclass(frozen=True, slots=True)
class Duck:
    """Lower the voice: somebody may be speaking over it."""


@dataclass(frozen=True, slots=True)
class Restore:
    """The voice at its own loudness again."""


@dataclass(frozen=True, slots=True)
class PlaySound:
    """One of the speaker's own short sounds."""

    name: SoundName


@dataclass(frozen=True, slots=True)
class SendText:
    """A typed message to the model; `ask` is answered, `say` is to be said word by word."""

    text: str
    kind: Literal["ask", "say"] = "ask"


@dataclass(frozen=True, slots=True)
class Approve:
    """Let the tool call run."""

    call_id: str


@dataclass(frozen=True, slots=True)
class Reject:
    """Refuse the tool call; `reason` is for the model."""

    call_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class SilenceTimer:
    """The timer of that name has been heard."""

    name: str


@dataclass(frozen=True, slots=True)
class ChangeVolume:
    """One step louder (+1) or softer (-1)."""

    steps: int


@dataclass(frozen=True, slots=True)
class Log:
    """Something worth a line in the journal. `fields` hold no speech and no text of anyone's."""

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
    | Duck
    | Restore
    | PlaySound
    | SendText
    | Approve
    | Reject
    | SilenceTimer
    | ChangeVolume
    | Log
)
