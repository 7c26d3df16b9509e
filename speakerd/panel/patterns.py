"""How a light moves: from a look and the seconds since it began to a brightness.

Everything is on the **perceived** scale, from 0 (dark) to 1 (the look's peak); `frames` converts it to power. A
pattern is a shape from 0 to 1, scaled to begin at the look's floor::

    value = floor + (1 - floor) * shape

=========  ===============================================================================================
steady     1
blink      `flashes` times `flash_s` lit with `flash_s` between them, then dark until the period is over
breathe    (1 - cos 2πt/T) / 2
pulse      a quick rise over 8 % of the period, then an exponential decay to 1 %
heartbeat  two sin² beats in the first 40 % of the period, the second weaker
level      the sound level, as the caller passes it
fade       once from 1 down to 0 in a straight line, then dark
=========  ===============================================================================================

A plain LED, which is only on or off, is on where the value is one half or more. The looks of any two states differ
even then (see `looks.TABLE`), so that nothing depends on colour or dimming.
"""

import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, assert_never

from annotated_types import Ge, Le

from speakerd.panel.colors import parse_color

Pattern = Literal["steady", "blink", "breathe", "pulse", "heartbeat", "level", "fade"]
"""How a light moves in time."""

FASTEST_FLASH_S = 1 / 3
"""Shortest time from flash to flash: more than three in a second can set off a seizure (WCAG 2.3.1)."""
LIT_FROM = 0.5
"""A plain LED is on from this value of the pattern on."""
_PULSE_RISE = 0.08
_PULSE_DECAY = math.log(100)
_BEATS = ((0.0, 0.16, 1.0), (0.22, 0.16, 0.75))
"""Start, length (parts of a period) and height of a heartbeat's two beats."""
_BEATS_OVER = 0.38
_TICK_S = 1e-6
"""An edge this close counts as reached: a frame due exactly at an edge must not miss it by a rounding error."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a light shows for one state; units and meaning as in `LookChange`.

    Raises ValueError for a blink that does not fit its period or that flashes faster than is safe.
    """

    pattern: Pattern
    color: str
    brightness: float = 1.0
    floor: float = 0.0
    period_s: float = 1.0
    flashes: int = 1
    flash_s: float = 0.2

    def __post_init__(self) -> None:
        """Refuse a blink that does not fit its period, or that is unsafe."""
        if self.pattern != "blink":
            return
        lit_s = (2 * self.flashes - 1) * self.flash_s
        if lit_s >= self.period_s:
            raise ValueError(
                f"{self.flashes} flashes of {self.flash_s} s take {lit_s:.2g} s and do not fit a period of "
                f"{self.period_s} s: make period_s longer or flash_s shorter"
            )
        if self.flashes > 1 and 2 * self.flash_s < FASTEST_FLASH_S:
            raise ValueError(
                f"flash_s = {self.flash_s} makes more than three flashes a second, which can harm: use 0.17 or more"
            )


@dataclass(frozen=True, slots=True)
class LookChange:
    """Changes to the look of one state; what is left out stays as in the built-in table."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    pattern: Pattern | None = None
    """How the light moves in time."""
    color: str | None = None
    """A name or #rrggbb; only RGB lights and strips show it."""
    brightness: Annotated[float, Ge(0), Le(1)] | None = None
    """Peak, as the eye sees it, before the brightness of the whole light."""
    floor: Annotated[float, Ge(0), Le(1)] | None = None
    """The darkest point of the pattern, as a part of its peak."""
    period_s: Annotated[float, Ge(FASTEST_FLASH_S), Le(60)] | None = None
    """Seconds until the pattern repeats; `fade`: until it is dark."""
    flashes: Annotated[int, Ge(1), Le(5)] | None = None
    """`blink`: flashes in each period."""
    flash_s: Annotated[float, Ge(0.05), Le(10)] | None = None
    """`blink`: how long each flash is lit, and the gap between two of them."""

    def __post_init__(self) -> None:
        """Refuse an unknown colour when the settings are read."""
        if self.color is not None:
            parse_color(self.color)


def shape(look: Look, elapsed_s: float, level: float) -> float:
    """Return the pattern at `elapsed_s` (≥ 0) after its beginning, 0 to 1, without the floor; `level` is 0 to 1."""
    phase = (elapsed_s / look.period_s) % 1.0
    match look.pattern:
        case "steady":
            return 1.0
        case "blink":
            slot = sum(edge <= elapsed_s + _TICK_S for edge in _edges(look, elapsed_s))
            return 1.0 if slot % 2 == 0 and slot < 2 * look.flashes else 0.0
        case "breathe":
            return (1 - math.cos(2 * math.pi * phase)) / 2
        case "pulse":
            if phase < _PULSE_RISE:
                return phase / _PULSE_RISE
            return math.exp(-_PULSE_DECAY * (phase - _PULSE_RISE) / (1 - _PULSE_RISE))
        case "heartbeat":
            for start, length, height in _BEATS:
                if start <= phase < start + length:
                    return height * math.sin(math.pi * (phase - start) / length) ** 2
            return 0.0
        case "level":
            return min(max(level, 0.0), 1.0)
        case "fade":
            return max(0.0, 1 - elapsed_s / look.period_s)
        case _:
            assert_never(look.pattern)


def _edges(look: Look, elapsed_s: float) -> list[float]:
    """Return when a blink changes in the current period, its end included: seconds since the pattern began."""
    begun = math.floor((elapsed_s + _TICK_S) / look.period_s) * look.period_s
    return [begun + i * look.flash_s for i in range(1, 2 * look.flashes)] + [begun + look.period_s]


def value(look: Look, elapsed_s: float, level: float = 0.0) -> float:
    """Return the value of the pattern: floor ≤ value ≤ 1."""
    return look.floor + (1 - look.floor) * shape(look, elapsed_s, level)


def next_change(look: Look, elapsed_s: float, frame_s: float) -> float | None:
    """Return when the next frame is due, in seconds after the pattern's beginning; None if nothing will change.

    A moving pattern needs a frame every `frame_s`, a blink only at its edges, which spares wake-ups.
    """
    match look.pattern:
        case "steady":
            return None
        case "fade":
            return None if elapsed_s >= look.period_s else min(elapsed_s + frame_s, look.period_s)
        case "blink":
            return next(edge for edge in _edges(look, elapsed_s) if edge > elapsed_s + _TICK_S)
        case "heartbeat":
            if elapsed_s % look.period_s >= _BEATS_OVER * look.period_s:
                return elapsed_s - elapsed_s % look.period_s + look.period_s
            return elapsed_s + frame_s
        case "breathe" | "pulse" | "level":
            return elapsed_s + frame_s
        case _:
            assert_never(look.pattern)
