"""Settings of the light: which lights there are, how bright they are, and changes to the table of looks.

Any of the four kinds of light may be set, also several at once; all show the same.
"""

import re
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Le, MaxLen

from speakerd.panel.looks import looks
from speakerd.panel.patterns import LookChange
from speakerd.panel.types import LightState, Pin

_CLOCK = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True, slots=True)
class LightSettings:
    """`[panel.light]`: the lights, and what they show."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    led_pin: Pin = ""
    """A plain LED, on or off. "" = none."""
    pwm_pin: Pin = ""
    """An LED that is dimmed by PWM. "" = none."""
    rgb_pins: Annotated[tuple[Pin, ...], MaxLen(3)] = ()
    """Red, green and blue pin of an RGB LED, dimmed by PWM. [] = none."""
    active_high: bool = True
    """Pins light at high level (cathode to ground); false for a common anode, or an LED towards 3.3 V."""
    pwm_hz: Annotated[int, Ge(50), Le(2000)] = 200
    """PWM frequency: above what the eye sees flicker, below what costs a Zero 2 W noticeable time."""
    strip_leds: Annotated[int, Ge(0), Le(300)] = 0
    """Number of APA102 (DotStar) LEDs on the SPI bus; needs the extra `apa102`. 0 = no strip."""
    strip_bus: Annotated[int, Ge(0), Le(9)] = 0
    """SPI bus of the strip: the first number of /dev/spidev0.0."""
    strip_device: Annotated[int, Ge(0), Le(9)] = 0
    """SPI chip select of the strip: the second number of /dev/spidev0.0."""
    strip_current: Annotated[int, Ge(1), Le(31)] = 8
    """APA102's own current step: 31 is about 60 mA for a white LED, too much for eyes and most supplies."""

    brightness: Annotated[float, Ge(0), Le(1)] = 1.0
    """Of the whole light, as the eye sees it; 0 keeps it dark."""
    gamma: Annotated[float, Ge(1), Le(4)] = 2.2
    """Exponent from perceived brightness to power, for the eye's sake; 1 switches the correction off."""
    night_from: str = "22:00"
    """Local time from which the light is dimmed; "" = never."""
    night_to: str = "07:00"
    """Local time at which the night ends."""
    night_brightness: Annotated[float, Ge(0), Le(1)] = 0.4
    """Factor on `brightness` at night; a plain LED cannot be dimmed and only obeys 0."""

    frame_rate_hz: Annotated[int, Ge(5), Le(60)] = 30
    """Frames per second while a pattern moves; a steady light costs none."""
    level_from_dbfs: Annotated[float, Ge(-90), Le(0)] = -50.0
    """Sound level at which a level-following light is at its darkest."""
    level_to_dbfs: Annotated[float, Ge(-90), Le(0)] = -12.0
    """Sound level at which it is at its brightest."""
    states: dict[LightState, LookChange] = field(default_factory=dict)
    """Changes to the table of looks, by state: `[panel.light.states.listening] color = "green"`."""

    def __post_init__(self) -> None:
        """Refuse what the types cannot: a number of pins, a time of day, a range, a look that is impossible."""
        if len(self.rgb_pins) not in {0, 3}:
            raise ValueError(
                f"rgb_pins needs three pins (red, green, blue) or none, not {len(self.rgb_pins)}"
            )
        for key, value in (("night_from", self.night_from), ("night_to", self.night_to)):
            if value and not _CLOCK.fullmatch(value):
                raise ValueError(f'{key} = {value!r} is no time of day: write "22:00", or "" for no night')
        if self.level_from_dbfs >= self.level_to_dbfs:
            raise ValueError("level_from_dbfs must be below level_to_dbfs")
        looks(self.states)
