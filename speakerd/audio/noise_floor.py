"""The room's own noise: a level that follows the quietest of the last seconds.

Speech has gaps and noise has none, so the minimum of the smoothed level over a few seconds is noise, talking or
not (minimum statistics, Martin 2001, in its plainest form). The window is kept as a few minima of shorter
stretches, so that a frame costs one comparison. A new noise, a fan switched on, is believed after one window;
quiet is believed at once.
"""

from typing import Final

from speakerd.audio.frames import FLOOR_DBFS

STRETCH_FRAMES: Final = 15
"""300 ms: longer than the gaps between words."""
STRETCHES: Final = 8
"""2.4 s: longer than anyone speaks without a gap."""
SMOOTHING: Final = 0.7
"""Weight of the past in the smoothed level: about three frames."""
BIAS_DB: Final = 1.5
"""The minimum of a fluctuating level lies below its mean by about this."""


class NoiseFloor:
    """Feed it the level of every frame; read `level`."""

    def __init__(self) -> None:
        self._minima: list[float] = []
        self._stretch = 0.0
        self._count = 0
        self._smoothed: float | None = None
        self.level = FLOOR_DBFS
        """The floor in dBFS."""

    def update(self, level: float) -> float:
        """Take a frame's level in dBFS; the floor now."""
        smoothed = level if self._smoothed is None else SMOOTHING * self._smoothed + (1 - SMOOTHING) * level
        self._smoothed = smoothed
        self._stretch = smoothed if self._count == 0 else min(self._stretch, smoothed)
        self._count += 1
        lowest = min([self._stretch, *self._minima])
        if self._count == STRETCH_FRAMES:
            self._minima.append(self._stretch)
            del self._minima[:-STRETCHES]
            self._count = 0
        self.level = max(FLOOR_DBFS, lowest + BIAS_DB)
        return self.level

    def reset(self) -> None:
        """A new room: forget everything."""
        self._minima.clear()
        self._count = 0
        self._smoothed = None
        self.level = FLOOR_DBFS
