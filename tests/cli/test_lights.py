"""`speakerd lights`: the tables, and the demonstration."""

import argparse
from pathlib import Path

import pytest

from speakerd.cli import lights
from speakerd.dialogue.gesture_meaning import table_markdown
from speakerd.panel.looks import table_markdown as light_table
from speakerd.panel.patterns import LookChange
from speakerd.panel.settings import ButtonSettings, GestureSettings
from speakerd.panel.types import LIGHT_STATES


def call(*words: str) -> int:
    parser = argparse.ArgumentParser()
    lights.add_parser(parser.add_subparsers())
    return lights.run(parser.parse_args(["lights", *words]))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "speakerd.toml"
    file.write_text('board = "button-and-led"\n[panel.light.states.idle]\ncolor = "green"\n')
    return file


def test_both_tables_are_printed(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(str(config)) == 0
    out = capsys.readouterr().out
    assert all(f"| {state} |" in out for state in LIGHT_STATES)
    assert "green, a faint steady glow" in out
    assert "| press | starts a conversation" in out
    assert "| button | GPIO17 (pin 11) |\n| dimmed LED | GPIO27 (pin 13) |\n" in out


def test_the_lights_tell_what_the_button_and_the_voice_can_do_with_these_settings(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(str(config)) == 0
    assert light_table({"idle": LookChange(color="green")}) in capsys.readouterr().out
    config.write_text('[panel.gestures]\npress = "none"\n[audio.barge_in]\nenabled = false\n')
    assert call(str(config)) == 0
    out = capsys.readouterr().out
    assert "| I am waiting for the button to be held; nothing is sent |" in out
    assert "| I am speaking; hold the button to interrupt |" in out
    config.write_text('[panel.gestures]\npress = "none"\nhold = "none"\n[wake_word]\nenabled = true\n')
    assert call(str(config)) == 0
    out = capsys.readouterr().out
    assert "| I am waiting for the wake word; nothing is sent |" in out
    assert "| I am speaking; just talk to interrupt |" in out


def test_pins_are_named_by_both_numbers_however_they_are_written(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text('[panel.light]\nrgb_pins = ["BOARD15", 23, "BCM24"]\n')
    assert call(str(config)) == 0
    rows = "| red | GPIO22 (pin 15) |\n| green | GPIO23 (pin 16) |\n| blue | GPIO24 (pin 18) |\n"
    assert capsys.readouterr().out.endswith(rows)
    config.write_text("")
    assert call(str(config)) == 0
    assert "pin of the header" not in capsys.readouterr().out


def test_the_demonstration_shows_every_state(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(str(config), "--demo", "--terminal", "--seconds", "0.02") == 0
    out = capsys.readouterr().out
    assert all(f"light: {state} (" in out for state in LIGHT_STATES)


def test_one_state_can_be_chosen(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(str(config), "--demo", "--terminal", "--seconds", "0.05", "--state", "speaking") == 0
    assert "light: listening" not in capsys.readouterr().out
    assert call(str(config), "--demo", "--state", "dancing") == 2
    assert "there are: idle" in capsys.readouterr().err


def test_no_light_is_said_and_a_mistake_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "speakerd.toml"
    file.write_text("")
    assert call(str(file), "--demo") == 0
    assert "--terminal" in capsys.readouterr().out
    file.write_text("[panel.light]\nbrightness = 2\n")
    assert call(str(file)) == 2
    assert "panel.light.brightness" in capsys.readouterr().err
    assert call(str(tmp_path / "none.toml")) == 2


def test_a_light_that_cannot_be_opened_is_exit_code_3(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LG_WD", "/nonexistent")
    assert call(str(config), "--demo") == 3
    assert "no GPIO here" in capsys.readouterr().err


def test_the_gesture_table_follows_the_settings() -> None:
    text = table_markdown(
        GestureSettings(press="stop", hold_ms=600),
        ButtonSettings(volume_up_pin=5, volume_down_pin=6, mute_switch_pin=7),
    )
    assert "| press | silences everything" in text
    assert "| hold (longer than 0.6 s) |" in text
    for words in ("volume up", "volume down", "mute switch on"):
        assert f"| {words} |" in text
    assert "volume" not in table_markdown()
