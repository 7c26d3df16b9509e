"""Gains that glide instead of stepping, and the volume's perceptual curve."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.pcm import WIRE_RATE

GLIDE_S: Final = 0.02
"""Time in which the gain may cross from 0 to 1: fast enough to duck a syllable, too slow to click."""


class GainRamp:
    """A gain that moves towards its target at a bounded slope."""

    __slots__ = ("now", "target")

    def __init__(self, gain: float) -> None:
        self.now = gain
        self.target = gain

    def apply(self, wide: NDArray[np.float32], ramp: NDArray[np.float32]) -> None:
        """Multiply in place. `ramp` is 1, 2, 3 ... and at least as long."""
        if self.now == self.target:
            if self.now != 1.0:
                wide *= np.float32(self.now)
            return
        slope = 1 / (GLIDE_S * WIRE_RATE)
        n = wide.size
        if self.target > self.now:
            gains = np.minimum(self.now + ramp[:n] * np.float32(slope), self.target)
        else:
            gains = np.maximum(self.now - ramp[:n] * np.float32(slope), self.target)
        wide *= gains
        self.now = float(gains[-1]) if n else self.now
        if abs(self.now - self.target) < slope:
            self.now = self.target


def volume_gain(volume: float) -> float:
    """Amplitude factor of a volume 0..100: the cube, about even steps of loudness; 0 is silence."""
    return float((min(max(volume, 0.0), 100.0) / 100) ** 3)
