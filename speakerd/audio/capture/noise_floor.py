"""The room's own noise, band by band, and how far a frame stands out of it.

A voice at 10 dB is hardly louder than the noise as a whole, but its harmonics and hisses stand far out of the noise
in the bands where they are. So the power of every frame is taken in nine bands from 150 Hz to 6 kHz (hum lies below
or between them), each band has a noise floor of its own, and the frame's *excess* is the mean of its three
best bands above theirs.

A floor is the minimum of the smoothed level over the last seconds: speech has gaps and noise has none (minimum
statistics, Martin 2001, in its plainest form). The window is kept as the minima of shorter stretches, so a frame
costs one comparison per band. A new noise, a fan switched on, is believed after one window; quiet at once.
"""

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.pcm import FLOOR_DBFS, MIC_FRAME, MIC_RATE, Samples

EDGES_HZ: Final = (150, 300, 450, 650, 900, 1300, 1900, 2800, 4000, 6000)
BEST_BANDS: Final = 3
STRETCH_FRAMES: Final = 15
"""300 ms: longer than the gaps between words."""
STRETCHES: Final = 8
"""2.4 s: longer than anyone speaks without a gap."""
SMOOTHING: Final = 0.7
"""Weight of the past in the smoothed level: about three frames."""
BIAS_DB: Final = 3.0
"""The minimum of a fluctuating level lies below its mean by about this."""

Bands = NDArray[np.float32]


class NoiseFloor:
    """Feed it every frame. Not thread-safe: one owner."""

    def __init__(self) -> None:
        hertz = np.fft.rfftfreq(MIC_FRAME, 1 / MIC_RATE)
        members = [(hertz >= low) & (hertz < high) for low, high in pairwise(EDGES_HZ)]
        # Hann's window, so that hum does not leak into the bands above; its own power is taken out again.
        self._window = np.hanning(MIC_FRAME + 2)[1:-1].astype(np.float32)
        scale = 2 / (32_768.0**2 * MIC_FRAME * float(np.sum(self._window**2)))
        self._bands = np.array(members, dtype=np.float32) * np.float32(scale)
        self._work = np.zeros(MIC_FRAME, dtype=np.float32)
        self._floor = np.full(len(members), FLOOR_DBFS, dtype=np.float32)
        self.reset()

    def reset(self) -> None:
        """A new room: forget everything."""
        bands = self._floor.size
        self._smoothed: Bands | None = None
        self._minima = np.full((STRETCHES + 1, bands), np.inf, dtype=np.float32)
        self._row = 0
        self._count = 0

    @property
    def level_dbfs(self) -> float:
        """The noise in all bands together, in dBFS."""
        return float(10 * np.log10(np.sum(10 ** (self._floor / 10))))

    def excess_db(self, samples: Samples, *, learn: bool = True) -> float:
        """How far a frame (320 samples) stands out of the noise in its best bands, in dB.

        `learn` False: the frame may hold what is no part of the room (an echo), and the floor stays. Digital
        silence, which a device gives while it starts or stumbles, is no part of it either.
        """
        np.multiply(samples, self._window, out=self._work)
        spectrum = np.fft.rfft(self._work)
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
        level: Bands = 10 * np.log10(self._bands @ power + np.float32(1e-11))
        if learn and samples.any():
            self._learn(level)
        above = level - self._floor
        above.partition(above.size - BEST_BANDS)
        return float(above[-BEST_BANDS:].mean())

    def _learn(self, level: Bands) -> None:
        if self._smoothed is None:
            self._smoothed = level.copy()
        else:
            self._smoothed += np.float32(1 - SMOOTHING) * (level - self._smoothed)
        row = self._minima[self._row]
        np.minimum(row, self._smoothed, out=row)
        np.add(self._minima.min(axis=0), np.float32(BIAS_DB), out=self._floor)
        self._count += 1
        if self._count == STRETCH_FRAMES:
            self._count = 0
            self._row = (self._row + 1) % len(self._minima)
            self._minima[self._row].fill(np.inf)
