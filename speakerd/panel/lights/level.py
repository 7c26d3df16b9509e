"""Following a sound level as a light does: quick up, slow down, and dark when the reports stop.

A one-pole smoother on the mapped level, its time constants different up and down, evaluated whenever a frame
is due:
v(t) = target + (v₀ - target) · exp(-(t - t₀)/τ).
"""

import math

ATTACK_S = 0.04
"""Time constant upwards: a syllable's beginning is seen at once."""
RELEASE_S = 0.18
"""Time constant downwards: slow enough that speech does not flicker at a harmful rate."""
STALE_S = 0.5
"""Reports come ten times a second; without one for this long the sound is taken to have ended."""


class LevelFollower:
    """Turns reports of dBFS into 0..1. Pure; times in seconds, monotonic."""

    def __init__(self, from_dbfs: float, to_dbfs: float) -> None:
        self._from = from_dbfs
        self._span = to_dbfs - from_dbfs
        self._target = 0.0
        self._reported_at = -math.inf
        self._value = 0.0
        self._at = -math.inf

    def report(self, dbfs: float, now: float) -> None:
        """Take in a level; minus infinity is silence."""
        self.value(now)
        self._target = min(max((dbfs - self._from) / self._span, 0.0), 1.0)
        self._reported_at = now

    def value(self, now: float) -> float:
        """The followed level at `now`, 0 to 1."""
        target = self._target if now - self._reported_at <= STALE_S else 0.0
        tau = ATTACK_S if target > self._value else RELEASE_S
        passed = max(now - self._at, 0.0)
        self._value = target + (self._value - target) * math.exp(-passed / tau)
        self._at = now
        return self._value

    def reset(self) -> None:
        """Forget what was heard: the next pattern starts dark."""
        self._target = self._value = 0.0
        self._reported_at = self._at = -math.inf
