"""The events of the audio room: plain frozen values, in one union (`AudioEvent`).

`at` is the device's monotonic clock in seconds, at the moment when it happened, as exactly as is known. PCM is
little-endian signed 16-bit mono.
"""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Direction: TypeAlias = Literal["capture", "playback"]

SpeechEndReason: TypeAlias = Literal[
    "silence",  # silence for `hangover_ms`: the sentence is over (local turns)
    "server",  # the server reported the end of speech (server turns)
    "server_silent",  # the server did not report the end for longer than `server_patience_s`
    "too_long",  # `longest_turn_s` passed
    "released",  # push-to-talk was released
    "closed",  # listening was turned off
    "own_voice",  # half duplex: the speaker itself began to speak
    "device_lost",  # the microphone was lost
]


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The gate opened; `at` is the time of the first sample that will follow, pre-roll included."""

    at: float


@dataclass(frozen=True, slots=True)
class SpeechAudio:
    """Sound that may leave the house, at 24 kHz. `at` is the time of its first sample."""

    pcm: bytes = field(repr=False)
    at: float


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The gate closed; no SpeechAudio follows until the next SpeechStarted."""

    at: float
    reason: SpeechEndReason


@dataclass(frozen=True, slots=True)
class BargeInSuspected:
    """Someone may be speaking over the speaker: duck. BargeInConfirmed or BargeInRejected follows."""

    at: float


@dataclass(frozen=True, slots=True)
class BargeInConfirmed:
    """Someone speaks over the speaker: flush. SpeechStarted follows, with sound from before the suspicion."""

    at: float


@dataclass(frozen=True, slots=True)
class BargeInRejected:
    """The suspected barge-in was none: restore the volume."""

    at: float


@dataclass(frozen=True, slots=True)
class PlaybackStarted:
    """The first sample of an item is heard, with the device's latency taken into account."""

    item_id: str
    at: float


@dataclass(frozen=True, slots=True)
class PlaybackDrained:
    """All finished items have been heard to their last sample. Not sent after a flush."""

    at: float


@dataclass(frozen=True, slots=True)
class PlaybackUnderrun:
    """Speech ran out in the middle of an item; it continues after a new pre-buffer, with PlaybackResumed."""

    item_id: str
    at: float


@dataclass(frozen=True, slots=True)
class PlaybackResumed:
    """Speech that had run out goes on, in the same item or the next. Not sent if none came, nor after a flush."""

    item_id: str
    at: float


@dataclass(frozen=True, slots=True)
class Level:
    """Levels in dBFS (root mean square, full-scale square wave = 0) and the gate, ten times a second."""

    mic_dbfs: float
    speaker_dbfs: float
    gate_open: bool
    at: float


@dataclass(frozen=True, slots=True)
class DeviceLost:
    """A device was unplugged or hangs; it is being reopened."""

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
    """Only a new process helps: the driver hangs for good, or the audio thread failed. Sent once."""

    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class CaptureSilent:
    """The microphone has delivered only digital zeros for `seconds`. Sent once per silence."""

    seconds: float
    at: float


@dataclass(frozen=True, slots=True)
class Xruns:
    """The device had `count` over- or underflows since the last such event."""

    direction: Direction
    count: int
    at: float


@dataclass(frozen=True, slots=True)
class WakeWordHeard:
    """The wake word was heard; it ended at `at`."""

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
    | PlaybackResumed
    | Level
    | DeviceLost
    | DeviceReturned
    | DeviceStuck
    | CaptureSilent
    | Xruns
    | WakeWordHeard
)
