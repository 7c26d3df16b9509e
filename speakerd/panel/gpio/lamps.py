"""Lights on GPIO pins: a plain LED, one dimmed by PWM, and an RGB LED.

lgpio's software PWM takes whole percents and cuts the rest off. Therefore duty cycles are rounded to percents here,
a light that should glow is never rounded to zero, and a frame that would not change a pin is not written.
"""

from typing import Any

import gpiozero

from speakerd.panel.frames import Frame, mono, rgb
from speakerd.panel.header import gpio_of, pin_name
from speakerd.panel.light_settings import LightSettings
from speakerd.panel.types import Pin

_STEPS = 100
_ABOVE = 1e-3
"""Added to each duty cycle so that lgpio, cutting off, gets the intended percent."""


class LedLamp:
    """A plain LED: on or off. Raises what gpiozero raises if the pin cannot be opened."""

    def __init__(self, pin: Pin, settings: LightSettings, pin_factory: Any) -> None:
        self.name = f"LED on {pin_name(pin)}"
        self._led = gpiozero.LED(gpio_of(pin), active_high=settings.active_high, pin_factory=pin_factory)
        self._lit = False

    def show(self, frame: Frame) -> None:
        """Switch the LED on or off."""
        if frame.is_lit != self._lit:
            self._led.value = int(frame.is_lit)
            self._lit = frame.is_lit

    def close(self) -> None:
        """Switch the LED off and release the pin."""
        self._led.close()


class PwmLamp:
    """One dimmed LED. Raises what gpiozero raises if the pin cannot be opened."""

    def __init__(self, pin: Pin, settings: LightSettings, pin_factory: Any) -> None:
        self.name = f"dimmed LED on {pin_name(pin)}"
        self._gamma = settings.gamma
        self._channel = _Channel(pin, settings, pin_factory)

    def show(self, frame: Frame) -> None:
        """Show the brightness; the colour is ignored."""
        duty = mono(frame, self._gamma)
        self._channel.set(_step(duty, at_least=int(duty > 0)))

    def close(self) -> None:
        """Switch the LED off and release the pin."""
        self._channel.close()


class RgbLamp:
    """An RGB LED on three pins. Raises what gpiozero raises if a pin cannot be opened."""

    def __init__(self, pins: tuple[Pin, ...], settings: LightSettings, pin_factory: Any) -> None:
        self.name = f"RGB LED on {', '.join(pin_name(pin) for pin in pins)}"
        self._gamma = settings.gamma
        # Three channels of our own: the PWM frequency of gpiozero's RGBLED cannot be chosen.
        self._channels: list[_Channel] = []
        try:
            for pin in pins:
                self._channels.append(_Channel(pin, settings, pin_factory))
        except Exception:
            self.close()
            raise

    def show(self, frame: Frame) -> None:
        """Show colour and brightness."""
        duties = rgb(frame, self._gamma)
        strongest = max(duties)
        for channel, duty in zip(self._channels, duties, strict=True):
            channel.set(_step(duty, at_least=int(duty == strongest > 0)))

    def close(self) -> None:
        """Switch the LED off and release the pins."""
        for channel in self._channels:
            channel.close()


class _Channel:
    """One pin with PWM, written only when it changes."""

    def __init__(self, pin: Pin, settings: LightSettings, pin_factory: Any) -> None:
        self._led = gpiozero.PWMLED(
            gpio_of(pin), active_high=settings.active_high, frequency=settings.pwm_hz, pin_factory=pin_factory
        )
        self._step = 0

    def set(self, step: int) -> None:
        if step != self._step:
            self._led.value = min(step / _STEPS + _ABOVE, 1.0) if step else 0.0
            self._step = step

    def close(self) -> None:
        self._led.close()


def _step(duty: float, *, at_least: int) -> int:
    return max(round(duty * _STEPS), at_least)
