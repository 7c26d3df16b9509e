"""The default file names every setting, and says nothing else than the defaults."""

import re
import tomllib
from pathlib import Path

import pytest

from speakerd.config import load, schema, template
from speakerd.config.settings import Settings

ALL = schema.settings(Settings)


def test_default_file_is_what_the_settings_say() -> None:
    text = load.default_file().read_text("utf-8")
    assert text == template.template(), "run: .venv/bin/python -m scripts.generate"


def test_default_file_loads_to_the_defaults() -> None:
    assert load.load(load.default_file()) == Settings()


def test_default_file_holds_every_setting() -> None:
    data = tomllib.loads(template.template())
    commented = [
        key
        for key, entry in ALL.items()
        if entry.default is None or ((entry.group or entry.element) and not entry.default)
    ]
    for key, entry in ALL.items():
        here: object = data
        for part in entry.path:
            if key in commented:
                break
            assert isinstance(here, dict)
            assert part in here, key
            here = here[part]


@pytest.mark.parametrize("key", sorted(ALL))
def test_every_setting_says_what_it_is_for(key: str) -> None:
    assert len(ALL[key].doc) > 10, f"{key} has no line below it"


def test_boards_load_over_the_defaults(tmp_path: Path) -> None:
    for name in load.boards():
        path = tmp_path / f"{name}.toml"
        path.write_text(f'board = "{name}"\n')
        assert load.load(path) != Settings()


STARTER = load.starter_file().read_text("utf-8")


def test_what_is_installed_is_short_and_sets_nothing() -> None:
    assert load.load(load.starter_file()) == Settings()
    assert len([line for line in STARTER.splitlines() if line and not line.startswith("# ")]) <= 25


def test_each_line_of_it_can_be_switched_on() -> None:
    lines = STARTER.splitlines()
    off = [number for number, line in enumerate(lines) if re.match(r"#[\w[]", line)]
    assert len(off) > 15
    for number in off:
        if "tools.commands" not in lines[number] and lines[number][1:].split()[0] not in {
            "name",
            "description",
            "argv",
        }:
            load.read_text("\n".join([*lines[:number], lines[number][1:], *lines[number + 1 :]]))
    settings = load.read_text(
        re.sub(r"^#(?=[\w[])", "", STARTER, flags=re.MULTILINE).replace('backend = "offline"', "")
    ).settings
    assert settings.tools.commands[0].name == "kitchen_light_on"
    assert settings.board == "button-and-led"
    assert settings.wake_word.enabled


def test_what_it_shows_as_the_default_is_the_default() -> None:
    for key in (
        "volume = 60",
        'voice = "marin"',
        'model = "okay_nabu"',
        'night_from = "22:00"',
        "night_brightness = 0.4",
    ):
        assert f"#{key}" in STARTER
        assert f"\n{key}" in load.default_file().read_text("utf-8")
