"""The panel on the pins of a Raspberry Pi: opens, connects and closes its parts.

Edges come from gpiozero as the kernel reports them, bounces included; `buttons` debounces them. `lights` draws the
light.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Literal, Self

import gpiozero

from speakerd.panel.gpio.apa102 import Apa102Lamp
from speakerd.panel.gpio.lamps import LedLamp, PwmLamp, RgbLamp
from speakerd.panel.gpio.pins import lgpio_factory, pin_errors
from speakerd.panel.header import gpio_of
from speakerd.panel.light_settings import LightSettings
from speakerd.panel.lights import RenderedPanel, Renderer
from speakerd.panel.port import Lamp, OnEdge, OnFailure
from speakerd.panel.settings import ButtonSettings, PanelSettings
from speakerd.panel.types import ButtonName, Pin

_Level = Literal["low", "high"]
_Pull = Literal["up", "down", "none"]

_log = logging.getLogger(__name__)


class GpioPanel(RenderedPanel):
    """Buttons and lights on GPIO pins, and a strip on SPI. Implements `port.Panel`.

    `pin_factory` is gpiozero's, for its mock pins; by default lgpio on this machine, opened by `start` and
    only if a pin is named at all.
    """

    def __init__(
        self,
        button: ButtonSettings,
        light: LightSettings,
        *,
        pin_factory: Any = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._button = button
        self._light = light
        self._pin_factory = pin_factory
        self._clock = clock
        self._open = ExitStack()
        self._started = False

    def start(self, on_edge: OnEdge, on_failure: OnFailure | None = None) -> None:
        """Open all parts and show `starting`. A button that is down already is reported as an edge at once.

        Raises PanelError, with nothing left open, if a part cannot be opened; RuntimeError if called twice.
        """
        if self._started:
            raise RuntimeError("a panel starts once")
        self._started = True
        with ExitStack() as opening:
            if self._needs_pins and self._pin_factory is None:
                self._pin_factory = lgpio_factory()
                opening.callback(self._pin_factory.close)
            lamps: list[Lamp] = []
            for lamp in self._lamps():
                opening.callback(lamp.close)
                lamps.append(lamp)
            renderer = Renderer(self._light, lamps, on_failure=on_failure, clock=self._clock)
            opening.callback(renderer.close)
            contacts = [
                opening.enter_context(_Contact(name, device, on_edge, self._clock))
                for name, device in self._inputs(opening)
            ]
            renderer.start()
            for contact in contacts:
                contact.listen()
            self._renderer = renderer
            self._open = opening.pop_all()

    def close(self) -> None:
        """Light off, threads ended, pins released. Idempotent."""
        self._open.close()

    @property
    def _needs_pins(self) -> bool:
        return bool(PanelSettings(button=self._button, light=self._light).named_pins())

    def _lamps(self) -> Iterator[Lamp]:
        light = self._light
        if light.led_pin != "":
            with pin_errors("panel.light.led_pin", light.led_pin):
                lamp: Lamp = LedLamp(light.led_pin, light, self._pin_factory)
            yield lamp
        if light.pwm_pin != "":
            with pin_errors("panel.light.pwm_pin", light.pwm_pin):
                lamp = PwmLamp(light.pwm_pin, light, self._pin_factory)
            yield lamp
        if light.rgb_pins:
            with pin_errors("panel.light.rgb_pins", light.rgb_pins):
                lamp = RgbLamp(light.rgb_pins, light, self._pin_factory)
            yield lamp
        if light.strip_leds:
            yield Apa102Lamp(light)

    def _inputs(self, opening: ExitStack) -> Iterator[tuple[ButtonName, Any]]:
        button = self._button
        wired: tuple[tuple[ButtonName, str, Pin, _Level, _Pull], ...] = (
            ("button", "pin", button.pin, button.active, button.pull),
            (
                "mute_switch",
                "mute_switch_pin",
                button.mute_switch_pin,
                button.mute_switch_active,
                button.mute_switch_pull,
            ),
            ("volume_up", "volume_up_pin", button.volume_up_pin, button.active, button.pull),
            ("volume_down", "volume_down_pin", button.volume_down_pin, button.active, button.pull),
        )
        for name, key, pin, active, pull in wired:
            if pin == "":
                continue
            with pin_errors(f"panel.button.{key}", pin):
                # Not gpiozero.Button: each has a thread for holding, which wakes ten times a second and takes
                # 0.1 s to end. The gesture recogniser detects holding.
                device = gpiozero.DigitalInputDevice(
                    gpio_of(pin),
                    pull_up={"up": True, "down": False, "none": None}[pull],
                    active_state=active == "high" if pull == "none" else None,
                    pin_factory=self._pin_factory,
                )
            opening.callback(device.close)
            yield name, device


class _Contact:
    """One input: reports each change of state once, in order, beginning with a closed contact at the start."""

    def __init__(self, name: ButtonName, device: Any, on_edge: OnEdge, clock: Callable[[], float]) -> None:
        self._name = name
        self._device = device
        self._on_edge = on_edge
        self._clock = clock
        self._pressed = False
        self._ended = False
        self._lock = threading.Lock()

    def listen(self) -> None:
        """Report edges from now on; a contact that is closed already is reported first."""
        self._device.when_activated = lambda: self._change(pressed=True)
        self._device.when_deactivated = lambda: self._change(pressed=False)
        if self._device.is_active:
            self._change(pressed=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # No edge may follow close(): releasing a pin can look like one.
        with self._lock:
            self._ended = True
        # gpiozero keeps lgpio's callback when the device is closed; the next edge on that line would then end
        # lgpio's thread, and with it every button that is opened later.
        self._device.pin.when_changed = None

    def _change(self, *, pressed: bool) -> None:
        at = self._clock()
        with self._lock:
            if self._ended or pressed == self._pressed:
                return
            self._pressed = pressed
            try:
                self._on_edge(self._name, pressed, at)
            except Exception:  # noqa: BLE001  see below; it is logged with its traceback
                # This is gpiozero's thread: an exception would end it, and with it all buttons.
                _log.exception("a press of %s was lost: what listens to it failed", self._name)
