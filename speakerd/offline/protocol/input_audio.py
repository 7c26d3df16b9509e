"""The input audio buffer: what was appended, and the utterances that turn detection or commits make of it.

Without turn detection all audio since the last commit is one utterance, recognised while it comes in. With turn
detection the buffer holds only the prefix padding until speech begins; then the utterance grows until speech ends.
An utterance has the id of the user item that it becomes. Of one that is too long, the beginning is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from speakerd.audio.resample import Resampler, resample
from speakerd.offline.items import BYTES_PER_MS
from speakerd.offline.protocol.effects import DropUtterance, FinishUtterance, StartUtterance, UtteranceAudio
from speakerd.offline.protocol.turn_detection import RATE, SpeechOnset, TurnDetector
from speakerd.offline.request_errors import RequestError
from speakerd.realtime import event_names as names

if TYPE_CHECKING:
    from speakerd.offline.protocol.output import OutputCollector

WIRE_RATE: Final = 24_000
LEAST_COMMIT_MS: Final = 100
_SLICE_BYTES: Final = 100 * BYTES_PER_MS
"""Turn detection takes an append in slices, so that one long append can contain several turns."""
_LAG_MS: Final = 60
"""Kept in addition to the prefix padding: the delay of the resampler, and part of a frame."""


@dataclass(frozen=True, slots=True)
class CommittedUtterance:
    """A finished utterance: the id of its future item, and its audio at 24 kHz."""

    id: str
    pcm: bytes


class InputBuffer:
    """The input buffer of one session. Puts its events and effects into `output`."""

    def __init__(self, output: OutputCollector, longest_s: float) -> None:
        self._output = output
        self._longest_bytes = int(longest_s * 1000) * BYTES_PER_MS
        self._detection: dict[str, Any] | None = None
        self._detector: TurnDetector | None = None
        self._to_detector = Resampler(WIRE_RATE, RATE)
        self._buffer = bytearray()
        self._utterance: str | None = None
        self._to_recognizer = Resampler(WIRE_RATE, RATE)
        self._detector_from_ms = 0
        self.written_bytes = 0
        self.phrases: tuple[str, ...] = ()

    @property
    def speaking(self) -> bool:
        """Whether turn detection hears speech at this moment."""
        return self._detector is not None and self._detector.speaking

    @property
    def written_ms(self) -> int:
        """Milliseconds of audio appended since the session began."""
        return self.written_bytes // BYTES_PER_MS

    def detect(self, turn_detection: dict[str, Any] | None) -> None:
        """Use another turn detection from now on; None for none. The content of the buffer is kept."""
        if turn_detection == self._detection and (turn_detection is None) == (self._detector is None):
            return
        self._detection = turn_detection
        self._begin_detection()
        if turn_detection is None and self._buffer and self._utterance is None:
            self._open(bytes(self._buffer))

    def append(self, pcm: bytes) -> list[SpeechOnset | CommittedUtterance]:
        """Add audio, 24 kHz, 16-bit; return what turn detection found in it, in order."""
        found: list[SpeechOnset | CommittedUtterance] = []
        if self._detector is None:
            self.written_bytes += len(pcm)
            kept = pcm[: max(0, self._longest_bytes - len(self._buffer))]
            if self._utterance is None:
                self._open(b"")
            self._grow(kept)
            return found
        for start in range(0, len(pcm), _SLICE_BYTES):
            found += self._append_slice(pcm[start : start + _SLICE_BYTES], self._detector)
        return found

    def commit(self) -> CommittedUtterance:
        """End the utterance here and return it. Raises RequestError if it is too short."""
        length_ms = len(self._buffer) // BYTES_PER_MS
        if length_ms < LEAST_COMMIT_MS:
            message = (
                f"Error committing input audio buffer: buffer too small. Expected at least {LEAST_COMMIT_MS}ms "
                f"of audio, but buffer only has {length_ms:.2f}ms of audio."
            )
            raise RequestError(names.COMMIT_EMPTY, message)
        if self._utterance is None:
            self._open(bytes(self._buffer))
        utterance = self._close()
        self._begin_detection()
        return utterance

    def clear(self) -> None:
        """Drop the audio that was not committed."""
        if self._utterance is not None:
            self._output.perform(DropUtterance(self._utterance))
            self._utterance = None
        self._buffer.clear()
        self._begin_detection()

    def for_recognizer(self, pcm: bytes) -> bytes:
        """Return a whole recording of 24 kHz at the rate of the recogniser."""
        return resample(pcm, WIRE_RATE, RATE)

    def _begin_detection(self) -> None:
        self._detector = None if self._detection is None else TurnDetector(self._detection)
        self._to_detector.clear()
        self._detector_from_ms = self.written_ms

    def _append_slice(self, pcm: bytes, detector: TurnDetector) -> list[SpeechOnset | CommittedUtterance]:
        self.written_bytes += len(pcm)
        if self._utterance is not None:
            self._grow(pcm[: max(0, self._longest_bytes - len(self._buffer))])
        else:
            self._buffer += pcm
        found: list[SpeechOnset | CommittedUtterance] = []
        for change in detector.feed(self._to_detector.process(pcm)):
            if isinstance(change, SpeechOnset):
                found.append(self._speech_began(self._detector_from_ms + change.at_ms))
            else:
                found.append(self._speech_ended(self._detector_from_ms + change.at_ms))
        if self._utterance is None:
            del self._buffer[: max(0, len(self._buffer) - self._padding_bytes(_LAG_MS + 160))]
        return found

    def _padding_bytes(self, more_ms: int) -> int:
        prefix = 300 if self._detection is None else int(self._detection.get("prefix_padding_ms", 300))
        return (prefix + more_ms) * BYTES_PER_MS

    def _speech_began(self, at_ms: int) -> SpeechOnset:
        buffer_from_ms = self.written_ms - len(self._buffer) // BYTES_PER_MS
        start_ms = max(buffer_from_ms, at_ms - self._padding_bytes(0) // BYTES_PER_MS, 0)
        del self._buffer[: (start_ms - buffer_from_ms) * BYTES_PER_MS]
        if self._utterance is None:
            self._open(bytes(self._buffer))
        self._output.emit(names.SPEECH_STARTED, audio_start_ms=start_ms, item_id=self._utterance)
        return SpeechOnset(start_ms)

    def _speech_ended(self, at_ms: int) -> CommittedUtterance:
        self._output.emit(names.SPEECH_STOPPED, audio_end_ms=at_ms, item_id=self._utterance)
        return self._close()

    def _open(self, pcm: bytes) -> None:
        self._utterance = self._output.new_id("item")
        self._to_recognizer.clear()
        self._output.perform(StartUtterance(self._utterance, self.phrases))
        self._send(self._to_recognizer.process(pcm))

    def _grow(self, pcm: bytes) -> None:
        self._buffer += pcm
        self._send(self._to_recognizer.process(pcm))

    def _close(self) -> CommittedUtterance:
        assert self._utterance is not None  # noqa: S101  # callers open it first
        utterance = CommittedUtterance(self._utterance, bytes(self._buffer))
        self._send(self._to_recognizer.finish())
        self._output.perform(FinishUtterance(utterance.id))
        self._utterance = None
        self._buffer.clear()
        return utterance

    def _send(self, pcm16: bytes) -> None:
        if pcm16 and self._utterance is not None:
            self._output.perform(UtteranceAudio(self._utterance, pcm16))
