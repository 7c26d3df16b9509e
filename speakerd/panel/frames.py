"""From perceived brightness and colour to what the hardware needs.

A `Frame` is what the eye should see. Each kind of light takes what it can show: `is_lit` for a plain LED, `mono`
for a dimmed one, `rgb` for three colours, `apa102` for a strip. Power is perceived brightness to the power of gamma
(2.2 by default), so that half the brightness looks half as bright.
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
    """Whether a light that is only on or off is on."""
    brightness: float
    """Perceived brightness, 0 to 1, with pattern, settings and night included."""
    color: Color
    """Perceived red, green, blue, each 0 to 1, at full brightness."""


def mono(frame: Frame, gamma: float) -> float:
    """Return the duty cycle, 0 to 1, of one dimmed LED; it does not depend on the colour."""
    return float(frame.brightness**gamma)


def rgb(frame: Frame, gamma: float) -> Color:
    """Return the duty cycles, 0 to 1, of red, green and blue."""
    red, green, blue = frame.color
    scale = frame.brightness**gamma
    return red**gamma * scale, green**gamma * scale, blue**gamma * scale


def apa102(frame: Frame, gamma: float, *, leds: int, current: int) -> bytes:
    """Return the bytes that set all `leds` of an APA102 strip to the frame.

    They begin with 32 zero bits. Each LED takes 0b111 and its 5-bit `current` (1..31), then blue, green, red. The
    end takes half a clock for each LED so that the data reaches the last one: leds/2 bits, as whole zero bytes, and
    32 more that latch an SK9822, the common clone. Source: APA102C data sheet, and Tim's blog (cpldcpu),
    "Understanding the APA102 superled" and "SK9822 - a clone of the APA102?".
    """
    red, green, blue = (round(255 * duty) for duty in rgb(frame, gamma))
    one = bytes((0xE0 | current, blue, green, red))
    return bytes(4) + one * leds + bytes(4 + (leds + 15) // 16)


def night_factor(minute_of_day: int, *, begins: str, ends: str, factor: float) -> float:
    """Return the factor on brightness at `minute_of_day` (0..1439, local time); a night may span midnight.

    `begins` and `ends` are "HH:MM"; if either is empty, or both are the same, there is no night.
    """
    if not begins or not ends or begins == ends:
        return 1.0
    start, stop = (int(text[:2]) * 60 + int(text[3:]) for text in (begins, ends))
    at_night = (
        start <= minute_of_day < stop if start < stop else minute_of_day >= start or minute_of_day < stop
    )
    return factor if at_night else 1.0
