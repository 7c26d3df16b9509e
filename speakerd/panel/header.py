"""The 40-pin header of a Raspberry Pi: which GPIO is at which place, and how a pin may be written.

A pin has two numbers: that of its GPIO, which is the chip's, and its place on the header, which drawings show. A
bare number is the GPIO. Pure.
"""

import re
from typing import Final

from speakerd.panel.types import Pin

_HEADER: Final = (
    "3V 5V 2 5V 3 GND 4 14 GND 15 17 18 27 GND 22 23 3V 24 10 GND "
    "9 25 11 8 GND 7 0 1 5 GND 6 12 13 GND 19 16 26 20 GND 21"
)
_GPIO_AT: Final[tuple[int | str, ...]] = tuple(
    int(there) if there.isdigit() else {"3V": "3.3 V", "5V": "5 V", "GND": "ground"}[there]
    for there in _HEADER.split()
)
"""By place, from the first: the GPIO that is there, or what is there instead."""
_PLACE_OF: Final = {gpio: place for place, gpio in enumerate(_GPIO_AT, 1) if isinstance(gpio, int)}
_WIRING_PI: Final = (17, 18, 27, 22, 23, 24, 25, 4, 2, 3, 8, 7, 10, 9, 11, 14, 15)
_WIRING_PI_MORE: Final = dict(zip(range(21, 32), (5, 6, 13, 19, 26, 12, 16, 20, 21, 0, 1), strict=True))
_NAME = re.compile(r"(GPIO|BCM|BOARD|J8:|WPI|)\s*(\d{1,4})")


def gpio_of(pin: Pin) -> int:
    """Return the GPIO number of a pin: 17 for 17, "17", "GPIO17", "BCM17", "BOARD11", "J8:11" and "WPI0".

    Raises:
        ValueError: there is no such GPIO; the text says what is there, and what to write.
    """
    match = _NAME.fullmatch(str(pin).strip().upper())
    if match is None:
        place = re.fullmatch(r"\s*PIN\s*(\d{1,2})\s*", str(pin), re.IGNORECASE)
        if place and 1 <= int(place[1]) <= len(_GPIO_AT):
            raise ValueError(f"a place on the header is written BOARD{place[1]}: {_there(int(place[1]))}")
        raise ValueError(
            'this is no pin: write the number of its GPIO (17), or its place on the header ("BOARD11")'
        )
    kind, number = match[1], int(match[2])
    if kind == "WPI":
        gpio = _WIRING_PI[number] if number < len(_WIRING_PI) else _WIRING_PI_MORE.get(number)
        if gpio is None:
            raise ValueError(f"there is no pin {number} in the numbers of WiringPi")
        return gpio
    if kind in {"BOARD", "J8:"}:
        if not 1 <= number <= len(_GPIO_AT):
            raise ValueError(f"the header has {len(_GPIO_AT)} pins")
        gpio_there = _GPIO_AT[number - 1]
        if isinstance(gpio_there, str):
            raise ValueError(f"pin {number} of the header is {gpio_there}, which cannot be switched or read")
        return gpio_there
    if number not in _PLACE_OF:
        also = (
            f'; pin {number} of the header is written "BOARD{number}": {_there(number)}'
            if 28 <= number <= 40
            else ""
        )
        raise ValueError(f"there is no GPIO{number}: the header has GPIO0 to GPIO27{also}")
    return number


def pin_name(pin: Pin) -> str:
    """Return both numbers of a pin, "GPIO17 (pin 11)"; of what is no pin, the text as it is. Never raises."""
    try:
        gpio = gpio_of(pin)
    except ValueError:
        return str(pin)
    return f"GPIO{gpio} (pin {_PLACE_OF[gpio]})"


def _there(place: int) -> str:
    gpio = _GPIO_AT[place - 1]
    return f"GPIO{gpio}" if isinstance(gpio, int) else f"{gpio}, which cannot be switched or read"
