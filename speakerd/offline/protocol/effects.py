"""What the protocol core asks of its shell: plain values, to be carried out in the order given.

The core never waits for one. What comes of a job is told to it by `heard`, `hearing_failed`, `speech`,
`speech_ended`.
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
    """More of an utterance: 16 kHz, 16-bit, mono."""

    utterance: str
    pcm: bytes


@dataclass(frozen=True, slots=True)
class FinishUtterance:
    """The utterance is over: say what it was, with `heard` or `hearing_failed`."""

    utterance: str


@dataclass(frozen=True, slots=True)
class DropUtterance:
    """Nobody wants to know what this utterance was."""

    utterance: str


@dataclass(frozen=True, slots=True)
class StartSpeaking:
    """Say this; the sound comes back by `speech` (24 kHz, 16-bit, mono), its end by `speech_ended`."""

    response_id: str
    text: str
    voice: str
    speed: float


@dataclass(frozen=True, slots=True)
class StopSpeaking:
    """Stop making speech for this response; nothing more is wanted of it."""

    response_id: str


@dataclass(frozen=True, slots=True)
class CloseConnection:
    """End the connection with this close code, once what was said before has been sent."""

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
