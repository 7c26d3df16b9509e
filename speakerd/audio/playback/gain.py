"""Gains that change gradually, and the volume's perceptual curve."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.pcm import WIRE_RATE

GLIDE_S: Final = 0.02
"""Time for a change from 0 to 1: fast enough to duck a syllable, too slow to click."""


class GainRamp:
    """A gain that moves towards `target` with a limited slope."""

    __slots__ = ("gain", "target")

    def __init__(self, gain: float) -> None:
        self.gain = gain
        self.target = gain

    def apply(self, wide: NDArray[np.float32], ramp: NDArray[np.float32]) -> None:
        """Multiply `wide` in place. `ramp` holds 1, 2, 3 ... and must be at least as long."""
        if self.gain == self.target:
            if self.gain != 1.0:
                wide *= np.float32(self.gain)
            return
        slope = 1 / (GLIDE_S * WIRE_RATE)
        n = wide.size
        if self.target > self.gain:
            gains = np.minimum(self.gain + ramp[:n] * np.float32(slope), self.target)
        else:
            gains = np.maximum(self.gain - ramp[:n] * np.float32(slope), self.target)
        wide *= gains
        self.gain = float(gains[-1]) if n else self.gain
        if abs(self.gain - self.target) < slope:
            self.gain = self.target


def volume_gain(volume: float) -> float:
    """Return the amplitude factor of a volume of 0 to 100: its cube, for even steps of loudness; 0 is silence."""
    return float((min(max(volume, 0.0), 100.0) / 100) ** 3)
