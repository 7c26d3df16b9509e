"""The room's own noise in bands, and by how much a frame exceeds it.

A voice at 10 dB is hardly louder than the noise as a whole, but its harmonics and sibilants exceed the noise by far
in the bands where they are. So the power of every frame is measured in nine bands from 150 Hz to 6 kHz (hum lies
below or between them), each band has its own noise floor, and the frame's *excess* is the mean of the three bands
that exceed their floors most.

A floor is the minimum of the smoothed level over the last seconds: speech has gaps and noise has none (minimum
statistics, Martin 2001, in its simplest form). The window is kept as the minima of shorter stretches, so a frame
costs one comparison per band. A new noise, such as a fan, raises the floor after one window; quiet lowers it
at once.
"""

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.pcm import FLOOR_DBFS, MIC_FRAME, MIC_RATE, Samples

EDGES_HZ: Final = (150, 300, 450, 650, 900, 1300, 1900, 2800, 4000, 6000)
BEST_BANDS: Final = 3
STRETCH_FRAMES: Final = 15
"""Frames in a stretch: 300 ms, longer than the gaps between words."""
STRETCHES: Final = 8
"""Stretches in the window: 2.4 s, longer than anyone speaks without a gap."""
SMOOTHING: Final = 0.7
"""Weight of the past in the smoothed level, a mean over about three frames."""
BIAS_DB: Final = 3.0
"""The minimum of a fluctuating level lies below its mean by about this."""

Bands = NDArray[np.float32]


class NoiseFloor:
    """Tracks the noise floor; must get every frame, in order. Not thread-safe: one thread owns it."""

    def __init__(self) -> None:
        hertz = np.fft.rfftfreq(MIC_FRAME, 1 / MIC_RATE)
        members = [(hertz >= low) & (hertz < high) for low, high in pairwise(EDGES_HZ)]
        # Hann's window, so that hum does not leak into the bands above; its power is divided out.
        self._window = np.hanning(MIC_FRAME + 2)[1:-1].astype(np.float32)
        scale = 2 / (32_768.0**2 * MIC_FRAME * float(np.sum(self._window**2)))
        self._bands = np.array(members, dtype=np.float32) * np.float32(scale)
        self._work = np.zeros(MIC_FRAME, dtype=np.float32)
        self._floor = np.full(len(members), FLOOR_DBFS, dtype=np.float32)
        self.reset()

    def reset(self) -> None:
        """Discard everything that was learnt."""
        bands = self._floor.size
        self._smoothed: Bands | None = None
        self._minima = np.full((STRETCHES + 1, bands), np.inf, dtype=np.float32)
        self._row = 0
        self._count = 0

    @property
    def level_dbfs(self) -> float:
        """The level of the noise in all bands together, in dBFS."""
        return float(10 * np.log10(np.sum(10 ** (self._floor / 10))))

    def excess_db(self, samples: Samples, *, learn: bool = True) -> float:
        """Return by how much a frame (320 samples) exceeds the noise in its best bands, in dB.

        With `learn` False the frame may hold sound that is no part of the room's noise, such as an echo, and the
        floor stays as it is. It also ignores digital silence, which a device gives while it starts or falters.
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
