"""Simulated rooms: what of the loudspeaker's sound comes back to the microphone.

A room distorts (a small loudspeaker driven hard), delays, reverberates and, where playback and capture run on
clocks of their own, drifts. `echo_db` is the echo's level at the microphone relative to what was played.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.audio.recordings import RATE, Floats

BLOCK = 160


@dataclass(frozen=True)
class RoomPlan:
    name: str
    echo_db: float
    delay_ms: float
    reverberation_s: float
    """Time in which the tail falls by 60 dB."""
    drive: float = 0.0
    """0 is linear; 1 bends a full-scale sine to about 4 % of harmonics."""
    drift_ppm: float = 0.0
    hiss_rms: float = 8.0
    """The room's own noise at the microphone: 8 is -72 dBFS."""


ROOMS = (
    RoomPlan("shelf", -12, 20, 0.20),
    RoomPlan("kitchen", -6, 80, 0.35, drive=1),
    RoomPlan("hall", -3, 160, 0.50, drift_ppm=100),
    RoomPlan("loud", 0, 300, 0.30, drive=1, drift_ppm=100),
)


class Room:
    """Two clocks: `play` takes 240 samples at 24 kHz whenever the loudspeaker `wants` them, `hear` gives 160 at 16."""

    def __init__(self, plan: RoomPlan, seed: int = 0) -> None:
        self.plan = plan
        self.pace = 1 - plan.drift_ppm * 1e-6
        """The loudspeaker's clock as the microphone's counts it."""
        self._rng = np.random.default_rng(seed)
        taps = np.arange(-23, 24)
        self._lowpass = np.sinc(taps / 3) * np.hanning(taps.size + 2)[1:-1] * 2 / 3
        self._doubled = np.zeros(taps.size - 1)
        length = max(1, int(min(plan.reverberation_s, 0.4) * RATE))
        t = np.arange(length) / RATE
        response = self._rng.standard_normal(length) * 10 ** (-3 * t / plan.reverberation_s)
        response[0] = 0
        response *= 0.5 / np.sqrt(np.sum(response**2))
        response[0] = 0.866
        self._size = 1 << (length + BLOCK - 1).bit_length()
        self._spectrum = np.fft.rfft(response * 10 ** (plan.echo_db / 20), self._size)
        self._overlap = np.zeros(self._size)
        self._line = np.zeros(RATE)  # what has been played, convolved, newest last
        self._played = 0
        self._heard = 0

    @property
    def wants(self) -> bool:
        """Whether the loudspeaker must be given a block before the microphone's next one."""
        return self._played < (self._heard + 1) * self.pace

    @property
    def wanted_at(self) -> float:
        """When, by the microphone's clock."""
        return self._played / 100 / self.pace

    def play(self, far: bytes) -> None:
        """The next block of the loudspeaker."""
        wide = np.frombuffer(far, dtype="<i2").astype(np.float32)
        if self.plan.drive:
            x = wide / 32_768
            wide = (32_768 * (x - self.plan.drive * 0.35 * x**3 + self.plan.drive * 0.05 * x**2)).astype(
                np.float32
            )
        block = self._to_16k(wide)
        self._overlap = np.concatenate([self._overlap[BLOCK:], np.zeros(BLOCK)])
        self._overlap += np.fft.irfft(np.fft.rfft(block, self._size) * self._spectrum, self._size)
        self._line = np.concatenate([self._line[BLOCK:], self._overlap[:BLOCK]])
        self._played += 1

    def hear(self, near: Floats | None = None) -> bytes:
        """The microphone's next block: echo, the room's noise, and who speaks in it (up to 160 samples)."""
        heard = self._echo() + self._rng.standard_normal(BLOCK) * self.plan.hiss_rms
        if near is not None:
            heard[: near.size] += near
        return np.clip(np.rint(heard), -32_768, 32_767).astype("<i2").tobytes()

    def _echo(self) -> Floats:
        """What was played `delay_ms` ago by the microphone's clock, by cubic interpolation."""
        now = (self._heard * BLOCK + np.arange(BLOCK)) - self.plan.delay_ms / 1000 * RATE
        self._heard += 1
        where = now * self.pace - self._played * BLOCK + self._line.size
        whole = np.floor(where).astype(int)
        f = where - whole
        p0, p1, p2, p3 = (self._line[whole + k] for k in (-1, 0, 1, 2))
        curve: Floats = 2 * p0 - 5 * p1 + 4 * p2 - p3 + f * (3 * (p1 - p2) + p3 - p0)
        echo: Floats = p1 + 0.5 * f * (p2 - p0 + f * curve)
        return echo

    def _to_16k(self, samples: NDArray[np.float32]) -> Floats:
        """24 to 16 kHz without soxr's look-ahead: twice the rate, a low-pass, every third sample."""
        doubled = np.zeros(samples.size * 2)
        doubled[::2] = samples
        with_past = np.concatenate([self._doubled, doubled])
        self._doubled = with_past[-self._lowpass.size + 1 :]
        return np.convolve(with_past, self._lowpass, "valid")[::3]
