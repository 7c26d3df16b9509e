"""What the README says is what the code says."""

import re
import tomllib
from pathlib import Path

from speakerd.cli import COMMANDS, EXIT_DIED, EXIT_MISSING, EXIT_NO, EXIT_OK, EXIT_USAGE
from speakerd.config.load import boards, default_file
from speakerd.panel.buttons.gesture_table import table_markdown as gesture_table
from speakerd.panel.looks import table_markdown as light_table

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def test_the_tables_of_gestures_and_lights_are_the_ones_in_force() -> None:
    assert gesture_table().strip() in README
    assert light_table().strip() in README


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", README):
        assert (ROOT / target).exists(), target


def test_every_command_and_script_named_is_there() -> None:
    for command in re.findall(r"`(?:sudo )?speakerd (\w+)", README):
        assert command in COMMANDS, command
    for script in re.findall(r"scripts/([\w-]+)", README):
        assert (ROOT / "scripts" / script).exists(), script


def test_the_board_of_the_guide_is_there() -> None:
    assert set(re.findall(r'board = "([\w-]+)"', README)) <= set(boards())


def test_settings_named_in_the_text_are_settings() -> None:
    settings = tomllib.loads(default_file().read_text("utf-8"))
    for key in re.findall(r"`((?:audio|model|log|panel|wake_word|dialogue|control)(?:\.\w+)+)`", README):
        table = settings
        for part in key.split("."):
            assert part in table, key
            table = table[part]


def test_exit_codes_are_as_told() -> None:
    assert (EXIT_OK, EXIT_NO, EXIT_USAGE, EXIT_MISSING, EXIT_DIED) == (0, 1, 2, 3, 4)
