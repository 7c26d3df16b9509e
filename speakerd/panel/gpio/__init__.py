"""Buttons and lights on the pins of a Raspberry Pi. Loads gpiozero.

`panel` puts it together from `pins` (opening them, and the errors of that), `lamps` (LEDs) and `apa102` (strips).
"""

from speakerd.panel.gpio.panel import GpioPanel

__all__ = ["GpioPanel"]
