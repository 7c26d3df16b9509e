"""What a `ServerSession` asks of its shell: plain values, to be carried out in order.

The session does not wait for them. Results come back by its methods `recognized`, `recognition_failed`, `speech`
and `speech_ended`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StartUtterance:
    """Begin to recognise an utterance; its sound follows. `phrases`: this session's own sentences."""

    utterance: str
    phrases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UtteranceAudio:
    """Pass audio of an utterance to the recogniser: 16 kHz, 16-bit, mono."""

    utterance: str
    pcm: bytes


@dataclass(frozen=True, slots=True)
class FinishUtterance:
    """The utterance is over: report its text by `recognized`, or `recognition_failed`."""

    utterance: str


@dataclass(frozen=True, slots=True)
class DropUtterance:
    """Stop recognising an utterance; its result is not needed."""

    utterance: str


@dataclass(frozen=True, slots=True)
class StartSpeaking:
    """Make speech of a text: the audio comes back by `speech` (24 kHz, 16-bit, mono), its end by `speech_ended`."""

    response_id: str
    text: str
    voice: str
    speed: float


@dataclass(frozen=True, slots=True)
class StopSpeaking:
    """Stop making speech for this response."""

    response_id: str


@dataclass(frozen=True, slots=True)
class CloseConnection:
    """Close the connection with this code after all events have been sent."""

    code: int
    reason: str


Effect = (
    StartUtterance
    | UtteranceAudio
    | FinishUtterance
    | DropUtterance
    | StartSpeaking
    | StopSpeaking
    | CloseConnection
)
