"""The settings whose effect is seen at a sound card's driver, at pins, or in real time only."""

from __future__ import annotations

import asyncio
import sys
import time
import types
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pyaudio
import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from speakerd.audio.devices import PyAudioDevice
from speakerd.audio.simulation import SimulatedDevice
from speakerd.config.settings import Settings
from speakerd.daemon.assemble import assemble
from speakerd.daemon.live_settings import LiveSettings
from speakerd.dialogue.requests import STOP
from speakerd.panel.gpio import GpioPanel
from speakerd.panel.settings import ButtonSettings
from speakerd.panel.simulated import SimulatedPanel
from tests.daemon.evidence import nested, with_changes
from tests.limits import limit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from speakerd.audio.settings import AudioSettings
    from speakerd.daemon.core import Assembly, Speaker
    from speakerd.panel.port import Panel
    from speakerd.panel.settings import PanelSettings

BASE: dict[str, Any] = {
    "model.url": "ws://127.0.0.1:9/v1/realtime",
    "model.auth": "none",
    "audio.driver": "simulated",
    "audio.echo": "off",
    "panel.kind": "simulated",
}


@asynccontextmanager
async def assembly_of(
    base: Mapping[str, Any],
    make_device: Callable[[AudioSettings], Any] = lambda _settings: SimulatedDevice(),
    make_panel: Callable[[PanelSettings], Panel] = lambda settings: SimulatedPanel(settings.light),
) -> AsyncIterator[Assembly]:
    """A running speaker, by the wall clock, with what belongs to it."""
    settings = Settings.model_validate(nested({**BASE, **base}))
    assembly = assemble(LiveSettings(settings), make_device=make_device, make_panel=make_panel)
    opened = asyncio.Event()
    running = asyncio.create_task(assembly.speaker.run(ready=opened.set, wait_for_device=True))
    try:
        await asyncio.wait({running, asyncio.create_task(opened.wait())}, return_when="FIRST_COMPLETED")
        yield assembly
    finally:
        assembly.speaker.stop()
        await asyncio.gather(running, return_exceptions=True)
        await assembly.close()


@asynccontextmanager
async def speaker_of(base: Mapping[str, Any], *make: Any, **makes: Any) -> AsyncIterator[Speaker]:
    """A running speaker, by the wall clock; arguments as for `assembly_of`."""
    async with assembly_of(base, *make, **makes) as assembly:
        yield assembly.speaker


async def reload(speaker: Speaker, **changes: Any) -> None:
    """Reload; `__` stands for a dot."""
    flat = {key.replace("__", "."): value for key, value in changes.items()}
    assert await speaker.reconfigure(with_changes(speaker.settings.latest, flat)) == ()


async def until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + limit(5)
    while not holds():
        assert time.monotonic() < end, what
        await asyncio.sleep(0.01)


# -- the sound card --------------------------------------------------------------------------------------------


class Driver:
    """In place of PortAudio: two cards, and a record of what was opened."""

    def __init__(self) -> None:
        self.opened: list[dict[str, Any]] = []

    def get_device_count(self) -> int:
        return 2

    def get_device_info_by_index(self, index: int, /) -> Mapping[str, Any]:
        return {
            "index": index,
            "name": ("default", "kitchen")[index],
            "hostApi": 0,
            "maxInputChannels": 2,
            "maxOutputChannels": 2,
            "defaultLowInputLatency": 0.01,
            "defaultHighInputLatency": 0.04,
        }

    def get_host_api_info_by_index(self, _index: int, /) -> Mapping[str, Any]:
        return {"type": pyaudio.paALSA}

    def open(self, **options: Any) -> Any:
        self.opened.append(options)
        return types.SimpleNamespace(start_stream=lambda: None, close=lambda: None)

    def terminate(self) -> None:
        pass

    def last(self, direction: str) -> tuple[int, int, int]:
        """Index, rate and channels of what was opened last."""
        options = next(options for options in reversed(self.opened) if direction in options)
        return options[f"{direction}_device_index"], options["rate"], options["channels"]


CARD: dict[str, tuple[Any, Callable[[Driver], bool]]] = {
    "audio.driver": ("simulated", lambda driver: not driver.opened),
    "audio.input": ("kitchen", lambda driver: driver.last("input")[0] == 1),
    "audio.output": ("kitchen", lambda driver: driver.last("output")[0] == 1),
    "audio.input_channel": (1, lambda driver: driver.last("input")[2] == 2),
    "audio.input_rate_hz": (48_000, lambda driver: driver.last("input")[1] == 48_000),
    "audio.output_rate_hz": (48_000, lambda driver: driver.last("output")[1] == 48_000),
}


@pytest.fixture
def no_latency(monkeypatch: pytest.MonkeyPatch) -> None:
    from speakerd.audio.devices import portaudio

    monkeypatch.setattr(portaudio, "enlarge_capture_buffer", lambda *_: None)


@pytest.mark.usefixtures("no_latency")
@pytest.mark.parametrize("key", CARD)
async def test_another_card_or_rate_is_what_the_driver_is_asked_for(key: str) -> None:
    value, holds = CARD[key]
    driver = Driver()

    def make_device(settings: AudioSettings) -> Any:
        return (
            SimulatedDevice() if settings.driver == "simulated" else PyAudioDevice(settings, lambda: driver)
        )

    async with speaker_of({"audio.driver": "portaudio"}, make_device) as speaker:
        await until(lambda: len(driver.opened) >= 2, "it is opened")
        assert not holds(driver)
        driver.opened.clear()
        await reload(speaker, **{key: value})
        assert holds(driver)


# -- real time -------------------------------------------------------------------------------------------------

REAL_TIME = ("audio.capture_queue_ms", "panel.light.frame_rate_hz")


class Stalling(SimulatedPanel):
    """Its light takes half a second now and then, and with it the thread that handles captured sound."""

    stalls = False

    def set_level(self, dbfs: float) -> None:
        if self.stalls:
            time.sleep(0.5)
        super().set_level(dbfs)


async def test_captured_sound_waits_for_as_long_as_the_settings_say() -> None:
    panels: list[Stalling] = []

    def make_panel(settings: PanelSettings) -> Panel:
        panels.append(Stalling(settings.light))
        return panels[-1]

    async with speaker_of({"audio.capture_queue_ms": 10_000}, make_panel=make_panel) as speaker:
        panels[-1].stalls = True
        await asyncio.sleep(1)
        assert speaker.engine.stats.dropped_blocks == 0
        panels[-1].stalls = False
        await reload(speaker, audio__capture_queue_ms=50)
        panels[-1].stalls = True
        await until(lambda: speaker.engine.stats.dropped_blocks > 0, "blocks are dropped")
        panels[-1].stalls = False


async def test_a_light_that_moves_has_so_many_frames_a_second() -> None:
    panels: list[SimulatedPanel] = []

    def make_panel(settings: PanelSettings) -> Panel:
        panels.append(SimulatedPanel(settings.light))
        return panels[-1]

    def gaps_s() -> list[float]:
        times = [shown.at for shown in panels[-1].record][-20:]
        return sorted(after - before for before, after in pairwise(times))

    breathing = {"idle": {"pattern": "breathe", "period_s": 4.0}}
    async with speaker_of({"panel.light.states": breathing}, make_panel=make_panel) as speaker:
        await until(lambda: len(panels[-1].record) > 20, "it moves")
        assert gaps_s()[0] < 0.1
        await reload(speaker, panel__light__frame_rate_hz=5)
        await until(lambda: len(panels[-1].record) > 8, "it moves")
        assert gaps_s()[len(gaps_s()) // 2] > 0.15


# -- pins ------------------------------------------------------------------------------------------------------


class Spi:
    """In place of the module `spidev`: what was opened, and what was sent last."""

    def __init__(self) -> None:
        self.opened: tuple[int, int] | None = None
        self.sent = b""

    def SpiDev(self) -> Spi:  # noqa: N802  # the module's name for it
        return self

    def open(self, bus: int, device: int) -> None:
        self.opened = (bus, device)

    def writebytes2(self, data: Any) -> None:
        self.sent = bytes(data)

    def close(self) -> None:
        self.opened = None


class Board:
    """Mock pins and a mock SPI bus, and what they are used for."""

    def __init__(self, spi: Spi) -> None:
        self.spi = spi
        self.pins: Any = None

    def make_panel(self, settings: PanelSettings) -> Panel:
        self.pins = MockFactory(pin_class=MockPWMPin)
        if settings.kind == "gpio":
            return GpioPanel(settings.button, settings.light, pin_factory=self.pins)
        return GpioPanel(ButtonSettings(), type(settings.light)(), pin_factory=self.pins)

    def used(self) -> dict[str, Any]:
        """What each pin is set to, and the strip."""
        seen: dict[str, Any] = {
            str(number): (
                pin.function,
                pin.pull,
                pin.frequency,
                round(float(pin.state), 3) if pin.function == "output" else "",
            )
            for number, pin in self.pins.pins.items()
            if pin.function == "output" or pin.when_changed is not None
        }
        seen["spi"] = (self.spi.opened, self.spi.sent[:8], len(self.spi.sent)) if self.spi.opened else None
        return seen


LIT = {
    "panel.light.states": {"idle": {"pattern": "steady", "brightness": 0.5, "color": "white"}},
    "panel.light.night_from": "",
}
LED, DIMMED, STRIP = {"panel.light.led_pin": 5}, {"panel.light.pwm_pin": 6}, {"panel.light.strip_leds": 3}
SWITCH = {"panel.button.mute_switch_pin": 22}

PINS: dict[str, tuple[Any, dict[str, Any]]] = {
    "panel.kind": ("none", LED),
    "panel.button.pin": (18, {}),
    "panel.button.active": ("high", {"panel.button.pull": "none"}),
    "panel.button.pull": ("none", {}),
    "panel.button.mute_switch_pin": (22, {}),
    "panel.button.mute_switch_active": ("high", {**SWITCH, "panel.button.mute_switch_pull": "none"}),
    "panel.button.mute_switch_pull": ("none", SWITCH),
    "panel.button.volume_up_pin": (23, {}),
    "panel.button.volume_down_pin": (24, {}),
    "panel.light.led_pin": (5, {}),
    "panel.light.pwm_pin": (6, {}),
    "panel.light.rgb_pins": ((12, 13, 19), {}),
    "panel.light.active_high": (False, LED),
    "panel.light.pwm_hz": (500, DIMMED),
    "panel.light.gamma": (1.0, DIMMED),
    "panel.light.strip_leds": (5, STRIP),
    "panel.light.strip_bus": (1, STRIP),
    "panel.light.strip_device": (1, STRIP),
    "panel.light.strip_current": (31, STRIP),
}
LEVELS = ("panel.button.active", "panel.button.mute_switch_active")
"""What these change is not how a pin is set up, but which level of it is a press."""


@pytest.mark.parametrize("key", PINS)
async def test_other_pins_and_lights_are_in_force_at_once(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value, base = PINS[key]
    spi = Spi()
    monkeypatch.setitem(sys.modules, "spidev", spi)
    board = Board(spi)
    async with speaker_of(
        {"panel.kind": "gpio", "panel.button.pin": 17, **LIT, **base}, make_panel=board.make_panel
    ) as speaker:
        if key in LEVELS:
            await _press_means(board, speaker, key, low=True)
            await reload(speaker, **{key: value})
            await _press_means(board, speaker, key, low=False)
            return
        # The light's own thread shows the first frame.
        await asyncio.sleep(0.05)
        before = board.used()
        await reload(speaker, **{key: value})
        await until(lambda: board.used() != before, f"the pins are as before: {before}")


async def _press_means(board: Board, speaker: Speaker, key: str, *, low: bool) -> None:
    """A pin driven to that level is a press (or the mute switch on), and at the other level is none."""
    pin = board.pins.pin(22 if "mute_switch" in key else 17)

    def pressed() -> bool:
        return speaker.dialogue.flags.muted if "mute_switch" in key else speaker.dialogue.phase != "idle"

    drive, rest = (pin.drive_low, pin.drive_high) if low else (pin.drive_high, pin.drive_low)
    rest()
    await asyncio.sleep(0.5)  # longer than a contact bounces, and than a double press takes
    speaker.handle(STOP)  # what a pin that floats until now has begun
    await until(lambda: not pressed(), "at rest it is no press")
    drive()
    await until(pressed, "it is a press")
    rest()
    speaker.handle(STOP)
    await until(lambda: not pressed(), "released")
