"""From what shall be seen to what the hardware wants.

A `Frame` says what the eye shall see. Each kind of light takes from it what it can show: `is_lit` for a plain
LED, `mono` for a dimmed one, `rgb` for three colours, `apa102` for a strip. Power is perceived brightness to
the power of gamma (2.2 by default), so that half as bright looks half as bright.
"""

from dataclasses import dataclass

from speakerd.panel.colors import Color
from speakerd.panel.types import LightState


@dataclass(frozen=True, slots=True)
class Frame:
    """What the light shows at one moment."""

    state: LightState
    """The state that is shown."""
    is_lit: bool
    """For a light that is on or off only."""
    brightness: float
    """Perceived, 0 dark to 1, with pattern, settings and night in it."""
    color: Color
    """Perceived red, green, blue, each 0 to 1, at full brightness."""


def mono(frame: Frame, gamma: float) -> float:
    """Duty cycle 0..1 of one dimmed LED: colour plays no part."""
    return float(frame.brightness**gamma)


def rgb(frame: Frame, gamma: float) -> Color:
    """Duty cycles 0..1 of red, green and blue."""
    red, green, blue = frame.color
    scale = frame.brightness**gamma
    return red**gamma * scale, green**gamma * scale, blue**gamma * scale


def apa102(frame: Frame, gamma: float, *, leds: int, current: int) -> bytes:
    """The bytes that set all `leds` of an APA102 strip to the frame.

    32 zero bits begin; each LED is 0b111 and its 5-bit `current` (1..31), then blue, green, red; the end
    needs half a clock for each LED so that the data reaches the last one: leds/2 bits, in whole zero bytes,
    and 32 more that latch an SK9822, the common clone. Source: APA102C data sheet, and Tim's blog (cpldcpu),
    "Understanding the APA102 superled" and "SK9822 - a clone of the APA102?".
    """
    red, green, blue = (round(255 * duty) for duty in rgb(frame, gamma))
    one = bytes((0xE0 | current, blue, green, red))
    return bytes(4) + one * leds + bytes(4 + (leds + 15) // 16)


def night_factor(minute_of_day: int, *, begins: str, ends: str, factor: float) -> float:
    """The factor on brightness at `minute_of_day` (0..1439, local time); a night may run over midnight.

    `begins` and `ends` are "HH:MM"; if either is empty, or both are the same, there is no night.
    """
    if not begins or not ends or begins == ends:
        return 1.0
    start, stop = (int(text[:2]) * 60 + int(text[3:]) for text in (begins, ends))
    at_night = (
        start <= minute_of_day < stop if start < stop else minute_of_day >= start or minute_of_day < stop
    )
    return factor if at_night else 1.0
