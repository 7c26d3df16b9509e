"""The presets in config/boards: each is understood whole, and opens on pins that a Pi has."""

import dataclasses
import tomllib
from pathlib import Path
from typing import Any

import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

import speakerd
from speakerd.panel.gpio.panel import GpioPanel
from speakerd.panel.settings import PanelSettings
from tests.panel.rigs import wait_until

BOARDS = sorted((Path(speakerd.__file__).parents[1] / "config" / "boards").glob("*.toml"))
WANTED = {
    "aiy-voice-bonnet",
    "aiy-voice-hat",
    "button-and-led",
    "respeaker-2mic",
    "rgb-button",
    "usb-speakerphone",
}

I2S = {18, 19, 20, 21}
I2C_AND_EEPROM = {0, 1, 2, 3}


def filled(kind: Any, table: dict[str, Any]) -> Any:
    """The settings that a table makes; a key that does not exist raises TypeError."""
    parts = {field.name: field.type for field in dataclasses.fields(kind)}
    return kind(
        **{
            key: filled(parts[key], value) if isinstance(value, dict) else _plain(value)
            for key, value in table.items()
        }
    )


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def panel_of(board: Path) -> PanelSettings:
    settings = filled(PanelSettings, tomllib.loads(board.read_text()).get("panel", {}))
    assert isinstance(settings, PanelSettings)
    return settings


def test_the_presets_that_are_promised_are_there() -> None:
    assert {board.stem for board in BOARDS} >= WANTED


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.stem)
def test_a_preset_holds_nothing_but_known_settings(board: Path) -> None:
    assert set(tomllib.loads(board.read_text())) <= {"audio", "panel"}
    panel_of(board)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.stem)
def test_a_preset_names_where_its_facts_come_from(board: Path) -> None:
    assert "# Facts: " in board.read_text()


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.stem)
def test_a_preset_keeps_off_the_pins_of_sound_and_eeprom(board: Path) -> None:
    settings = panel_of(board)
    pins = {settings.button.pin, settings.light.led_pin, settings.light.pwm_pin, *settings.light.rgb_pins}
    assert not pins & (I2S | I2C_AND_EEPROM)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.stem)
def test_a_preset_opens_and_its_button_works(board: Path) -> None:
    settings = panel_of(board)
    # The strip needs an SPI device, which no machine of ours has; its bytes have tests of their own.
    light = dataclasses.replace(settings.light, strip_leds=0)
    pins = MockFactory(pin_class=MockPWMPin)
    panel = GpioPanel(settings.button, light, pin_factory=pins)
    edges: list[tuple[str, bool]] = []
    panel.start(lambda name, pressed, _at: edges.append((name, pressed)))
    try:
        if settings.button.pin != "":
            pins.pin(settings.button.pin).drive_low()
            wait_until(lambda: edges == [("button", True)], f"the press, seen {edges}")
        else:
            assert settings.kind == "none"
    finally:
        panel.close()
