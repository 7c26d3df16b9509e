"""Computes the frames of the light from the state and the sound level. Pure.

`frame(now)` is what should be seen at `now`; `next_change(now)` is when that changes. `Renderer` is the thread
around it; tests and simulations call it by hand.
"""

import math

from speakerd.panel.colors import parse_color
from speakerd.panel.frames import Frame, night_factor
from speakerd.panel.light_settings import LightSettings
from speakerd.panel.looks import looks
from speakerd.panel.patterns import LIT_FROM, next_change, value
from speakerd.panel.types import LightState

_PLAIN_FROM = 0.1
"""A look that is fainter than this at its peak (the glow of idle) leaves a plain LED dark."""
NIGHT_CHECK_S = 60.0
"""A steady light is updated this often if the settings have a night, since the clock may be set."""
ATTACK_S = 0.04
"""Time constant upwards, short: the beginning of a syllable is visible at once."""
RELEASE_S = 0.18
"""Time constant downwards: slow enough that speech does not flicker at a harmful rate."""
STALE_S = 0.5
"""Reports come ten times a second; after this long without one the sound counts as ended."""


class LevelFollower:
    """Follows a sound level as a light does: quick up, slow down, and dark when the reports stop.

    A one-pole smoother on the level mapped to 0..1, with one time constant up and another down, evaluated whenever
    a frame is due: v(t) = target + (v₀ - target) · exp(-(t - t₀)/τ). Times are monotonic seconds.
    """

    def __init__(self, from_dbfs: float, to_dbfs: float) -> None:
        self._from = from_dbfs
        self._span = to_dbfs - from_dbfs
        self._target = 0.0
        self._reported_at = -math.inf
        self._value = 0.0
        self._at = -math.inf

    def report(self, dbfs: float, now: float) -> None:
        """Take a level; minus infinity is silence."""
        self.value(now)
        self._target = min(max((dbfs - self._from) / self._span, 0.0), 1.0)
        self._reported_at = now

    def value(self, now: float) -> float:
        """Return the followed level at `now`, 0 to 1."""
        target = self._target if now - self._reported_at <= STALE_S else 0.0
        tau = ATTACK_S if target > self._value else RELEASE_S
        passed = max(now - self._at, 0.0)
        self._value = target + (self._value - target) * math.exp(-passed / tau)
        self._at = now
        return self._value

    def reset(self) -> None:
        """Begin again: the next pattern starts dark."""
        self._target = self._value = 0.0
        self._reported_at = self._at = -math.inf


class Animator:
    """Computes frames. Not thread-safe; times are monotonic seconds that never decrease.

    Raises ValueError if `settings` makes an impossible look.
    """

    def __init__(self, settings: LightSettings, state: LightState, now: float) -> None:
        self._settings = settings
        self._looks = looks(settings.states)
        self._colors = {state: parse_color(look.color) for state, look in self._looks.items()}
        self._follower = LevelFollower(settings.level_from_dbfs, settings.level_to_dbfs)
        self._frame_s = 1 / settings.frame_rate_hz
        self._has_night = bool(settings.night_from and settings.night_to) and settings.night_brightness != 1
        self._state = state
        self._since = now

    @property
    def follows_level(self) -> bool:
        """Whether the current pattern follows the sound level."""
        return self._looks[self._state].pattern == "level"

    def show(self, state: LightState, now: float) -> bool:
        """Show `state` from `now` on; return True if it changed. The same state again continues its pattern."""
        if state == self._state:
            return False
        self._state = state
        self._since = now
        self._follower.reset()
        return True

    def level(self, dbfs: float, now: float) -> None:
        """Report the sound level: the microphone's while listening, the speaker's while speaking."""
        self._follower.report(dbfs, now)

    def frame(self, now: float, minute_of_day: int) -> Frame:
        """Return what should be seen at `now`; `minute_of_day` is local time, 0..1439, for the night."""
        settings = self._settings
        look = self._looks[self._state]
        level = self._follower.value(now) if look.pattern == "level" else 0.0
        seen = value(look, max(now - self._since, 0.0), level)
        whole = settings.brightness * night_factor(
            minute_of_day,
            begins=settings.night_from,
            ends=settings.night_to,
            factor=settings.night_brightness,
        )
        return Frame(
            state=self._state,
            is_lit=seen >= LIT_FROM and look.brightness >= _PLAIN_FROM and whole > 0,
            brightness=seen * look.brightness * whole,
            color=self._colors[self._state],
        )

    def next_change(self, now: float) -> float | None:
        """Return when the next frame is due, on the clock of `now`; None: not before the state changes."""
        elapsed = max(now - self._since, 0.0)
        due = next_change(self._looks[self._state], elapsed, self._frame_s)
        if due is not None:
            return self._since + due
        return now + NIGHT_CHECK_S if self._has_night else None
