"""The panel on pins: wiring, further buttons, several lights at once, and errors that say what to do."""

import builtins
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory, MockPin, MockPWMPin

from speakerd.panel.colors import parse_color
from speakerd.panel.errors import (
    DriverMissingError,
    GpioUnavailableError,
    LampLostError,
    PanelError,
    PinBusyError,
    PinUnknownError,
    SpiUnavailableError,
)
from speakerd.panel.factory import open_panel
from speakerd.panel.frames import Frame
from speakerd.panel.gpio import pins as gpio_pins
from speakerd.panel.gpio.apa102 import Apa102Lamp
from speakerd.panel.gpio.panel import GpioPanel
from speakerd.panel.light_settings import LightSettings
from speakerd.panel.lights.render_thread import Renderer, local_minute
from speakerd.panel.settings import ButtonSettings, PanelSettings
from speakerd.panel.simulated import SimulatedPanel
from speakerd.panel.terminal.panel import TerminalPanel
from tests.panel.clock import Clock
from tests.panel.rigs import wait_until

DAY = LightSettings(night_from="")


class Edges:
    def __init__(self) -> None:
        self.seen: list[tuple[str, bool]] = []

    def __call__(self, name: str, pressed: bool, _at: float) -> None:
        self.seen.append((name, pressed))


def pwm_pins() -> Any:
    return MockFactory(pin_class=MockPWMPin)


# --- buttons ---


@pytest.mark.parametrize(
    ("active", "pull", "rest", "pressed"),
    [
        ("low", "up", True, False),
        ("high", "down", False, True),
        ("low", "none", True, False),
        ("high", "none", False, True),
    ],
)
def test_a_button_is_read_as_it_is_wired(active: Any, pull: Any, rest: bool, pressed: bool) -> None:
    pins = pwm_pins()
    pin = pins.pin(17)
    panel = GpioPanel(ButtonSettings(pin=17, active=active, pull=pull), DAY, pin_factory=pins)

    def drive(high: bool) -> None:
        (pin.drive_high if high else pin.drive_low)()

    drive(rest)
    edges = Edges()
    panel.start(edges)
    assert pin.pull == {"up": "up", "down": "down", "none": "floating"}[pull]
    drive(pressed)
    drive(rest)
    panel.close()
    assert edges.seen == [("button", True), ("button", False)]


def test_bounces_are_passed_on_for_the_recogniser_to_judge() -> None:
    pins = pwm_pins()
    panel = GpioPanel(ButtonSettings(pin=17), DAY, pin_factory=pins)
    edges = Edges()
    panel.start(edges)
    for _ in range(3):
        pins.pin(17).drive_low()
        pins.pin(17).drive_high()
    panel.close()
    assert edges.seen == [("button", True), ("button", False)] * 3


def test_what_is_down_at_the_start_is_reported_at_the_start() -> None:
    pins = pwm_pins()
    settings = ButtonSettings(pin=17, pull="none", mute_switch_pin=22, mute_switch_pull="none")
    pins.pin(17).drive_high()
    pins.pin(22).drive_low()
    panel = GpioPanel(settings, DAY, pin_factory=pins)
    edges = Edges()
    panel.start(edges)
    assert edges.seen == [("mute_switch", True)]
    panel.close()


def test_further_pins_are_told_apart() -> None:
    pins = pwm_pins()
    settings = ButtonSettings(
        pin=17,
        mute_switch_pin="GPIO22",
        mute_switch_active="high",
        mute_switch_pull="down",
        volume_up_pin="BOARD29",
        volume_down_pin=6,
    )
    panel = GpioPanel(settings, DAY, pin_factory=pins)
    edges = Edges()
    panel.start(edges)
    pins.pin(22).drive_high()
    pins.pin(5).drive_low()  # place 29 of the header
    pins.pin(6).drive_low()
    panel.close()
    assert edges.seen == [("mute_switch", True), ("volume_up", True), ("volume_down", True)]


# --- lights ---


def test_several_lights_shine_at_once() -> None:
    pins = pwm_pins()
    light = replace(DAY, led_pin=5, pwm_pin=6, rgb_pins=(13, 19, 26))
    panel = GpioPanel(ButtonSettings(), light, pin_factory=pins)
    panel.start(Edges())
    panel.show("listening")
    wait_until(lambda: pins.pin(26).state > 0.2, "blue")
    assert pins.pin(5).state == 1
    assert pins.pin(6).state > 0.2
    panel.close()
    assert [pins.pin(n).state for n in (5, 6, 13, 19, 26)] == [0, 0, 0, 0, 0]


def test_without_pins_nothing_is_opened_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speakerd.panel.gpio.panel.lgpio_factory", lambda: pytest.fail("no pin was named"))
    before = threading.active_count()
    panel = GpioPanel(ButtonSettings(), LightSettings())
    panel.start(Edges())
    panel.show("listening")
    panel.set_level(-20)
    assert threading.active_count() <= before
    panel.close()


class Bus:
    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.broken = self.closed = False

    def writebytes2(self, data: Any) -> None:
        if self.broken:
            raise OSError(5, "Input/output error")
        self.sent.append(bytes(data))

    def close(self) -> None:
        self.closed = True


def test_a_strip_shows_all_its_leds_and_goes_dark_at_the_end() -> None:
    bus, clock = Bus(), Clock()
    light = replace(DAY, strip_leds=3, strip_current=31, gamma=1.0)
    renderer = Renderer(light, [Apa102Lamp(light, bus)], clock=clock)
    renderer.show("error")
    renderer.draw()
    assert bus.sent[-1][4:16] == bytes((0xFF, 0, 0, 255)) * 3
    renderer.draw()
    assert len(bus.sent) == 1, "the same picture is not sent twice"
    renderer.close()
    renderer.close()
    assert bus.sent[-1][4:16] == bytes((0xFF, 0, 0, 0)) * 3
    assert bus.closed


def test_a_lamp_that_fails_is_reported_once_and_the_others_go_on() -> None:
    bus, pins, clock = Bus(), pwm_pins(), Clock()
    light = replace(DAY, strip_leds=3)
    from speakerd.panel.gpio.lamps import LedLamp

    lost: list[PanelError] = []
    renderer = Renderer(
        light, [Apa102Lamp(light, bus), LedLamp(5, light, pins)], on_failure=lost.append, clock=clock
    )
    bus.broken = True
    renderer.show("listening")
    renderer.draw()
    renderer.draw()
    assert pins.pin(5).state == 1
    assert [type(error) for error in lost] == [LampLostError]
    assert "light strip on /dev/spidev0.0 failed" in str(lost[0])
    assert bus.closed
    renderer.close()


def test_a_renderer_draws_at_the_rate_it_is_told_and_sleeps_when_steady() -> None:
    class Counter:
        name = "counter"

        def __init__(self) -> None:
            self.frames: list[Frame] = []

        def show(self, frame: Frame) -> None:
            self.frames.append(frame)

        def close(self) -> None:
            pass

    counter = Counter()
    renderer = Renderer(replace(DAY, frame_rate_hz=50), [counter])
    renderer.start()
    renderer.start()
    wait_until(lambda: len(counter.frames) > 20, "frames of a breathing light")
    renderer.show("idle")
    wait_until(lambda: counter.frames[-1].state == "idle", "idle")
    count = len(counter.frames)
    renderer.set_level(-20)
    renderer.show("idle")
    assert not threading.Event().wait(0.15)
    assert len(counter.frames) == count, "a steady light draws nothing"
    renderer.close()
    assert 0 <= local_minute() < 1440


# --- errors ---


def refused(button: ButtonSettings, light: LightSettings = DAY, pins: Any = None) -> PanelError:
    pins = pins or pwm_pins()
    before = threading.active_count()
    panel = GpioPanel(button, light, pin_factory=pins)
    with pytest.raises(PanelError) as caught:
        panel.start(Edges())
    # Of the pin that could not be had gpiozero itself keeps a reservation; all that were had are free again.
    assert not [name for name, taken in pins._reservations.items() if taken and name.name == "GPIO17"]
    assert threading.active_count() <= before
    panel.close()
    return caught.value


@pytest.mark.parametrize("pin", [99, "GPIO99", "BOARD1", "nonsense", -3])
def test_a_pin_that_is_not_there_is_named_with_its_key(pin: int | str) -> None:
    error = refused(ButtonSettings(pin=17, volume_up_pin=pin))
    assert isinstance(error, PinUnknownError)
    assert isinstance(error, ValueError)
    assert f"panel.button.volume_up_pin = {pin!r}" in str(error)
    assert "pinout" in str(error)


def test_a_pin_used_twice_is_refused() -> None:
    error = refused(ButtonSettings(pin=17), replace(DAY, led_pin="GPIO17"))
    assert isinstance(error, PinBusyError)
    assert "in use" in str(error)
    error = refused(ButtonSettings(), replace(DAY, rgb_pins=(5, 6, 5)))
    assert isinstance(error, PinBusyError)
    assert str(error).startswith("panel.light.rgb_pins = ")


def test_a_pin_that_cannot_be_dimmed_is_refused() -> None:
    error = refused(ButtonSettings(), replace(DAY, pwm_pin=5), MockFactory(pin_class=MockPin))
    assert isinstance(error, PinUnknownError)
    assert "cannot be dimmed" in str(error)


def test_a_pull_that_the_board_has_fixed_is_refused() -> None:
    error = refused(ButtonSettings(pin=2, active="high", pull="down"))
    assert isinstance(error, PinUnknownError)
    assert "resistor of its own" in str(error)


@pytest.mark.parametrize(
    ("raised", "kind", "words"),
    [
        (Exception("GPIO busy"), PinBusyError, "another program"),
        (Exception("GPIO not allocated"), GpioUnavailableError, "gpioinfo"),
        (gpiozero.PinInvalidPin("17 is not a valid pin name"), PinUnknownError, "no GPIO of this name"),
        (gpiozero.PinInvalidFunction("no output"), PinUnknownError, "no output"),
        (PinBusyError("k", 1, "r"), PinBusyError, "in use"),
    ],
)
def test_what_lgpio_says_is_put_into_words(raised: Exception, kind: type[PanelError], words: str) -> None:
    with pytest.raises(kind, match=words), gpio_pins.pin_errors("panel.button.pin", 17):
        raise raised


def without(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    real = builtins.__import__

    def importing(module: str, *rest: Any, **words: Any) -> Any:
        if module == name:
            raise ImportError(name)
        return real(module, *rest, **words)

    monkeypatch.setattr(builtins, "__import__", importing)


def test_missing_lgpio_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    without("gpiozero.pins.lgpio", monkeypatch)
    panel = GpioPanel(ButtonSettings(pin=17), DAY)
    with pytest.raises(DriverMissingError, match="sudo speakerd extras add gpio") as caught:
        panel.start(Edges())
    assert isinstance(caught.value, ImportError)


def test_missing_spidev_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    without("spidev", monkeypatch)
    panel = GpioPanel(ButtonSettings(), replace(DAY, strip_leds=3))
    with pytest.raises(DriverMissingError, match="sudo speakerd extras add apa102"):
        panel.start(Edges())


def test_an_spi_bus_that_is_off_says_how_to_switch_it_on(monkeypatch: pytest.MonkeyPatch) -> None:
    class SpiDev:
        def open(self, bus: int, device: int) -> None:
            raise FileNotFoundError(2, "No such file or directory")

    module = type(sys)("spidev")
    module.SpiDev = SpiDev  # type: ignore[attr-defined]  # a module made here
    monkeypatch.setitem(sys.modules, "spidev", module)
    panel = GpioPanel(ButtonSettings(), replace(DAY, strip_leds=3, strip_bus=1))
    with pytest.raises(SpiUnavailableError, match=r"/dev/spidev1\.0.*dtparam=spi=on"):
        panel.start(Edges())


def lgpio_that(raises: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def factory() -> None:
        raise raises

    module = type(sys)("gpiozero.pins.lgpio")
    module.LGPIOFactory = factory  # type: ignore[attr-defined]  # a module made here
    monkeypatch.setitem(sys.modules, "gpiozero.pins.lgpio", module)


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (gpiozero.PinUnknownPi("unable to locate Pi revision"), "not a Raspberry Pi"),
        (Exception("can not open gpiochip"), "group gpio"),
    ],
)
def test_a_machine_without_gpio_says_so(
    raised: Exception, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lgpio_that(raised, monkeypatch)
    panel = GpioPanel(ButtonSettings(pin=17), DAY)
    with pytest.raises(GpioUnavailableError, match=words) as caught:
        panel.start(Edges())
    assert isinstance(caught.value, OSError)


def test_a_directory_that_lgpio_cannot_write_into_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LG_WD", str(tmp_path / "gone"))
    with pytest.raises(GpioUnavailableError, match="gone is not writable"):
        gpio_pins.lgpio_factory()


# --- factory ---


@pytest.mark.parametrize(
    ("kind", "made"),
    [("gpio", GpioPanel), ("none", GpioPanel), ("terminal", TerminalPanel), ("simulated", SimulatedPanel)],
)
def test_the_settings_name_the_panel(kind: Any, made: type) -> None:
    panel = open_panel(PanelSettings(kind=kind))
    assert isinstance(panel, made)
    panel.close()


def test_kind_none_wins_over_pins() -> None:
    panel = open_panel(
        PanelSettings(kind="none", button=ButtonSettings(pin=17), light=LightSettings(pwm_pin=18))
    )
    panel.start(Edges())
    panel.show("listening")
    panel.close()


def test_a_frame_keeps_what_the_eye_shall_see() -> None:
    assert Frame("idle", is_lit=False, brightness=0.0, color=parse_color("white")).state == "idle"


def test_closing_takes_the_callbacks_off_the_pins() -> None:
    """With lgpio, one left behind ends its thread at the next edge, and no later button would work."""
    pins = pwm_pins()
    panel = GpioPanel(ButtonSettings(pin=17), DAY, pin_factory=pins)
    panel.start(Edges())
    assert pins.pin(17).when_changed is not None
    panel.close()
    assert pins.pin(17).when_changed is None


def test_a_panel_can_be_opened_again_on_the_same_pins() -> None:
    pins = pwm_pins()
    for _ in range(3):
        panel, edges = GpioPanel(ButtonSettings(pin=17), replace(DAY, led_pin=5), pin_factory=pins), Edges()
        panel.start(edges)
        pins.pin(17).drive_low()
        pins.pin(17).drive_high()
        panel.close()
        assert edges.seen == [("button", True), ("button", False)]


def test_lgpio_that_cannot_make_its_fifo_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def importing(module: str, *rest: Any, **words: Any) -> Any:
        if module == "gpiozero.pins.lgpio":
            raise FileNotFoundError(2, "No such file or directory", ".lgd-nfy0")
        return real(module, *rest, **words)

    monkeypatch.setattr(builtins, "__import__", importing)
    with pytest.raises(GpioUnavailableError, match="not writable"):
        gpio_pins.lgpio_factory()
