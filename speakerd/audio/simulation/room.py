"""A room between the simulated loudspeaker and the simulated microphone. Pure.

What the loudspeaker plays reaches the microphone delayed, attenuated, distorted and reverberated:

    far ─▶ soft clipping ─▶ impulse response (delay, first sound, reverberation) ─▶ echo

The clipping, `tanh(k x) / k`, models a small loudspeaker at high volume. The impulse response is the usual model of
a small room: the direct sound, then white noise that decays exponentially, by 60 dB in `reverb_s`. It is applied
by uniformly partitioned overlap-add convolution, so that every block costs the same.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.pcm import FULL_SCALE, MIC_BLOCK, MIC_RATE, Samples, gain_of, samples_of

_REVERB_LEVEL: Final = 0.25
"""Level of the reverberation's first samples, relative to the direct sound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomShape:
    """What a room does to the loudspeaker's sound on its way to the microphone."""

    echo_db: float = -6.0
    """Energy of the echo relative to what was played."""
    delay_ms: float = 20.0
    """Delay of the direct sound: distance, and buffers that no device reports."""
    reverb_s: float = 0.3
    """Time in which the reverberation falls by 60 dB."""
    distortion: float = 0.0
    """The k of tanh(k x) / k: 0 is a perfect loudspeaker, 2 a cheap one."""
    seed: int = 1
    """Seed of the reverberation's noise; the same seed is the same room."""


class Room:
    """The echo path at 16 kHz, block by block. Not thread-safe."""

    def __init__(self, shape: RoomShape) -> None:
        self._shape = shape
        self._size = 2 * MIC_BLOCK
        self._response = self._partitions(impulse_response(shape))
        self._history = np.zeros_like(self._response)
        self._newest = 0
        self._overlap = np.zeros(MIC_BLOCK)

    def echo(self, far: bytes) -> Samples:
        """Return what the microphone hears of `far`, `MIC_BLOCK` samples at 16 kHz."""
        sound = samples_of(far) / FULL_SCALE
        if self._shape.distortion:
            sound = np.tanh(self._shape.distortion * sound) / self._shape.distortion
        parts = len(self._response)
        self._newest = (self._newest - 1) % parts
        self._history[self._newest] = np.fft.rfft(sound, self._size)
        order = (self._newest + np.arange(parts)) % parts
        summed = np.fft.irfft((self._history[order] * self._response).sum(axis=0), self._size)
        heard = summed[:MIC_BLOCK] + self._overlap
        self._overlap = summed[MIC_BLOCK:]
        return np.clip(np.rint(heard * FULL_SCALE), -32_768, 32_767).astype(np.int16)

    def _partitions(self, response: NDArray[np.float64]) -> NDArray[np.complex128]:
        parts = -(-len(response) // MIC_BLOCK)
        padded = np.pad(response, (0, parts * MIC_BLOCK - len(response)))
        return np.fft.rfft(padded.reshape(parts, MIC_BLOCK), self._size)


def impulse_response(shape: RoomShape) -> NDArray[np.float64]:
    """Return the room's impulse response at 16 kHz; its energy is `echo_db`."""
    random = np.random.default_rng(shape.seed)
    length = max(1, int(MIC_RATE * shape.reverb_s * 1.1))
    decay = 10 ** (-3 * np.arange(length) / MIC_RATE / shape.reverb_s) if shape.reverb_s else np.zeros(length)
    tail = random.standard_normal(length) * decay * _REVERB_LEVEL
    tail[0] = 1.0
    tail *= gain_of(shape.echo_db) / np.sqrt(np.dot(tail, tail))
    return np.concatenate([np.zeros(int(shape.delay_ms * MIC_RATE / 1000)), tail])
