"""What the audio room reports: plain frozen values, one union (`AudioEvent`).

`at` is the caller's monotonic clock in seconds, the moment the thing happened as nearly as is known. PCM is
little-endian signed 16-bit mono.
"""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Direction: TypeAlias = Literal["capture", "playback"]

SpeechEndReason: TypeAlias = Literal[
    "silence",  # the hangover passed: the sentence is over (local turns)
    "server",  # the server reported the end of speech (server turns)
    "server_silent",  # the server did not, for longer than `server_patience_s`
    "too_long",  # `longest_turn_s` passed
    "released",  # push-to-talk was let go
    "closed",  # listening was turned off
    "own_voice",  # half duplex: the speaker itself began to sound
    "device_lost",  # the microphone is gone
]


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The gate opened; `at` is the time of the first sample that will follow, pre-roll included."""

    at: float


@dataclass(frozen=True, slots=True)
class SpeechAudio:
    """Sound that may leave the house: 24 kHz. `at` is the time of its first sample."""

    pcm: bytes = field(repr=False)
    at: float


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The gate closed; no SpeechAudio follows until the next SpeechStarted."""

    at: float
    reason: SpeechEndReason


@dataclass(frozen=True, slots=True)
class BargeInSuspected:
    """Perhaps someone speaks over the speaker: duck, and wait for one of the next two."""

    at: float


@dataclass(frozen=True, slots=True)
class BargeInConfirmed:
    """Someone does: flush. A SpeechStarted follows at once, its pre-roll from before the suspicion."""

    at: float


@dataclass(frozen=True, slots=True)
class BargeInRejected:
    """It was nothing: restore."""

    at: float


@dataclass(frozen=True, slots=True)
class PlaybackStarted:
    """The first sample of an item is heard (device latency allowed for)."""

    item_id: str
    at: float


@dataclass(frozen=True, slots=True)
class PlaybackDrained:
    """The last sample of all finished items has been heard. Not sent after a flush."""

    at: float


@dataclass(frozen=True, slots=True)
class PlaybackUnderrun:
    """Speech ran out in the middle of an item; it goes on after a new pre-buffer."""

    item_id: str
    at: float


@dataclass(frozen=True, slots=True)
class Level:
    """Ten times a second: root-mean-square levels in dBFS (full-scale square wave = 0), and the gate."""

    mic_dbfs: float
    speaker_dbfs: float
    gate_open: bool
    at: float


@dataclass(frozen=True, slots=True)
class DeviceLost:
    """A device is gone or hangs; it is being reopened."""

    direction: Direction
    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class DeviceReturned:
    """A lost device works again."""

    direction: Direction
    at: float


@dataclass(frozen=True, slots=True)
class DeviceStuck:
    """The driver hangs and cannot be reopened from inside: only a new process helps. Sent once."""

    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class CaptureSilent:
    """The microphone has given nothing but digital zeros for `seconds`. Once per silence."""

    seconds: float
    at: float


@dataclass(frozen=True, slots=True)
class Xruns:
    """`count` over- or underflows of the device since the last such event."""

    direction: Direction
    count: int
    at: float


@dataclass(frozen=True, slots=True)
class WakeWordHeard:
    """The wake word ended at `at`."""

    word: str
    at: float


AudioEvent: TypeAlias = (
    SpeechStarted
    | SpeechAudio
    | SpeechEnded
    | BargeInSuspected
    | BargeInConfirmed
    | BargeInRejected
    | PlaybackStarted
    | PlaybackDrained
    | PlaybackUnderrun
    | Level
    | DeviceLost
    | DeviceReturned
    | DeviceStuck
    | CaptureSilent
    | Xruns
    | WakeWordHeard
)
