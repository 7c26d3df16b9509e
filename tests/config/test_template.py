"""The default file names every setting, and says nothing else than the defaults."""

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
        key for key, entry in ALL.items() if entry.default is None or (entry.group and not entry.default)
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
