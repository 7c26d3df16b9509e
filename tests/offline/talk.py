"""A client of the protocol core with a clock of its own: plays recogniser and voice, and validates every event."""

from __future__ import annotations

import base64
import itertools
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from speakerd.offline.protocol.effects import (
    CloseConnection,
    DropUtterance,
    FinishUtterance,
    StartSpeaking,
    StartUtterance,
    StopSpeaking,
    UtteranceAudio,
)
from speakerd.offline.protocol.session import ServerSession
from speakerd.offline.settings import OfflineSettings
from speakerd.offline.understanding.responder import Responder
from tests.realtime.validation import validate_client_event, validate_server_event

if TYPE_CHECKING:
    from speakerd.offline.protocol.output import Output

BYTES_PER_MS = 48
NOON = datetime(2026, 3, 1, 12, 5)  # noqa: DTZ001  # what the wits get is the local time, whatever it is


def silence(ms: int) -> bytes:
    return bytes(ms * BYTES_PER_MS)


def base64_of(pcm: bytes) -> str:
    return base64.b64encode(pcm).decode("ascii")


class Talk:
    """`says` is what the recogniser hears, in turn; the voice makes `voice_ms` of sound of any text."""

    def __init__(self, *says: str, voice_ms: int = 300, manual: bool = True, **settings: Any) -> None:
        self.now = 100.0
        self.says = list(says)
        self.voice_ms = voice_ms
        self.hears_at_once = True
        self.speaks_at_once = True
        self.events: list[dict[str, Any]] = []
        self.utterances: dict[str, bytearray] = {}
        self.phrases: tuple[str, ...] = ()
        self.waiting_utterances: list[str] = []
        self.spoken: list[StartSpeaking] = []
        self.waiting_speech: list[str] = []
        self.hushed: list[str] = []
        self.closed: CloseConnection | None = None
        options = OfflineSettings(**settings)
        self.protocol = ServerSession(options, Responder(options, lambda: NOON), "t")
        self._ids = itertools.count(1)
        self.perform(self.protocol.start(self.now))
        if manual:
            self.update(audio={"input": {"turn_detection": None, "transcription": {"model": "any"}}})

    def send(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        """A valid client event; the events that came of it."""
        event = {"type": kind, "event_id": f"ev{next(self._ids)}", **fields}
        validate_client_event(event)
        return self.send_raw(json.dumps(event))

    def send_raw(self, text: str | bytes) -> list[dict[str, Any]]:
        return self.perform(self.protocol.receive(text, self.now))

    def update(self, **session: Any) -> list[dict[str, Any]]:
        return self.send("session.update", session={"type": "realtime", **session})

    def append(self, pcm: bytes) -> list[dict[str, Any]]:
        return self.send("input_audio_buffer.append", audio=base64_of(pcm))

    def user_says(self, text: str) -> str:
        """A typed message; its id."""
        content = [{"type": "input_text", "text": text}]
        events = self.send(
            "conversation.item.create", item={"type": "message", "role": "user", "content": content}
        )
        return str(events[0]["item"]["id"])

    def ask(self, text: str, **response: Any) -> list[dict[str, Any]]:
        """A typed question and the whole answer."""
        self.user_says(text)
        return self.respond(**response)

    def respond(self, **response: Any) -> list[dict[str, Any]]:
        """Ask for a response and wait until all is quiet; the events."""
        before = len(self.events)
        self.send("response.create", **({"response": response} if response else {}))
        self.settle()
        return self.events[before:]

    def settle(self) -> None:
        """Let time pass until nothing more is due within the next minute."""
        while (deadline := self.protocol.deadline) is not None and deadline < self.now + 60:
            self.now = max(self.now, deadline)
            self.perform(self.protocol.tick(self.now))

    def wait(self, seconds: float) -> list[dict[str, Any]]:
        self.now += seconds
        return self.perform(self.protocol.tick(self.now))

    def hear(self) -> list[dict[str, Any]]:
        """The recogniser answers the oldest question."""
        utterance = self.waiting_utterances.pop(0)
        text = self.says.pop(0) if self.says else ""
        return self.perform(self.protocol.recognized(utterance, text, self.now))

    def perform(self, output: Output) -> list[dict[str, Any]]:
        for event in output.events:
            validate_server_event(event)
        self.events += output.events
        found = list(output.events)
        for effect in output.effects:
            found += self._do(effect)
        return found

    def _do(self, effect: Any) -> list[dict[str, Any]]:
        match effect:
            case StartUtterance(utterance, phrases):
                self.utterances[utterance] = bytearray()
                self.phrases = phrases
            case UtteranceAudio(utterance, pcm):
                self.utterances[utterance] += pcm
            case FinishUtterance(utterance):
                self.waiting_utterances.append(utterance)
                if self.hears_at_once:
                    return self.hear()
            case DropUtterance(utterance):
                del self.utterances[utterance]
            case StartSpeaking():
                self.spoken.append(effect)
                self.waiting_speech.append(effect.response_id)
                if self.speaks_at_once:
                    return self.speak()
            case StopSpeaking(response_id):
                self.hushed.append(response_id)
            case CloseConnection():
                self.closed = effect
        return []

    def speak(
        self, ms: int | None = None, *, end: bool = True, error: str | None = None
    ) -> list[dict[str, Any]]:
        """The voice makes sound for the oldest response that wants some."""
        response_id = self.waiting_speech[0]
        found: list[dict[str, Any]] = []
        if error is None:
            pcm = b"\1\0" * ((self.voice_ms if ms is None else ms) * 24)
            found += self.perform(self.protocol.speech(response_id, pcm, self.now))
        if end:
            self.waiting_speech.pop(0)
            found += self.perform(self.protocol.speech_ended(response_id, error, self.now))
        return found


def kinds(events: list[dict[str, Any]]) -> list[str]:
    """Their types, repeated deltas once."""
    names = [event["type"] for event in events]
    return [name for index, name in enumerate(names) if index == 0 or name != names[index - 1]]


def only(events: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """The one event of a type."""
    found = [event for event in events if event["type"] == kind]
    assert len(found) == 1, f"{len(found)} of {kind} in {kinds(events)}"
    return found[0]


def said(events: list[dict[str, Any]]) -> str:
    """What the assistant said, by its transcripts."""
    done = "response.output_audio_transcript.done"
    return " ".join(event["transcript"] for event in events if event["type"] == done)


def error_of(events: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = only(events, "error")["error"]
    return found


def speech_like(ms: int, level: float = 6000.0) -> bytes:
    """Something that webrtcvad calls a voice: a buzz with formants, in syllables."""
    import numpy as np

    count = ms * 24
    time = np.arange(count) / 24_000
    buzz = sum(
        np.sin(2 * np.pi * 120 * k * time) * (1.0 if k in (4, 5, 6, 10, 11) else 0.3) for k in range(1, 24)
    )
    syllables = 0.6 + 0.4 * np.sin(2 * np.pi * 4 * time)
    wave = np.asarray(buzz * syllables)
    pcm: bytes = (wave / np.abs(wave).max() * level).astype("<i2").tobytes()
    return pcm
