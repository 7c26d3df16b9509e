"""What the pages for people say is what the code says."""

import re
import tomllib
from pathlib import Path

import pytest

from scripts import generate
from speakerd.cli import COMMANDS, EXIT_DIED, EXIT_MISSING, EXIT_NO, EXIT_OK, EXIT_USAGE, main
from speakerd.config.load import boards, default_file
from tests.docs.pages import PAGES, README, ROOT, name, toml_blocks

every_page = pytest.mark.parametrize("page", PAGES, ids=name)


@pytest.mark.parametrize("name", generate.MADE)
def test_what_is_made_from_the_code_is_up_to_date(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert text == generate.MADE[name](text), "run: .venv/bin/python -m scripts.generate"


def test_every_room_has_its_floor() -> None:
    assert {init.parent.name for init in (ROOT / "speakerd").glob("*/__init__.py")} == set(generate.ROOMS)


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


@every_page
def test_every_file_named_is_there(page: Path) -> None:
    for path in re.findall(
        r"`((?:config|scripts|speakerd|systemd|tests)/[\w./-]+)`", page.read_text("utf-8")
    ):
        assert (ROOT / path).exists(), path


@every_page
def test_every_command_and_script_named_is_there(page: Path) -> None:
    text = page.read_text("utf-8")
    for command in re.findall(r"(?:^ +|`|/bin/)(?:sudo )?speakerd ([a-z]+)", text, re.MULTILINE):
        assert command in COMMANDS, command
    for script in re.findall(r"scripts/([\w/.-]*\w)", text):
        assert (ROOT / "scripts" / script).exists(), script


@every_page
def test_every_request_named_is_one_of_ctl(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["ctl", "--help"])
    known = capsys.readouterr().out
    for request in re.findall(r"speakerd ctl (\w+)", page.read_text("utf-8")):
        assert re.search(rf"\b{request}\b", known), request


@every_page
def test_every_option_named_is_one_of_its_script(page: Path) -> None:
    for script, option in re.findall(r"scripts/(install|test|uninstall) (--[\w-]+)", page.read_text("utf-8")):
        assert option in (ROOT / "scripts" / script).read_text("utf-8"), (script, option)


@every_page
def test_every_module_to_be_run_is_there(page: Path) -> None:
    for module in re.findall(r"python -m ((?:speakerd|tests)[\w.]*)", page.read_text("utf-8")):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


@every_page
def test_the_board_of_the_guide_is_there(page: Path) -> None:
    assert set(re.findall(r'board = "([\w-]+)"', page.read_text("utf-8"))) <= set(boards())


@every_page
def test_settings_named_in_the_text_are_settings(page: Path) -> None:
    settings = tomllib.loads(default_file().read_text("utf-8"))
    sections = "|".join(key for key, value in settings.items() if isinstance(value, dict))
    found = re.findall(rf"`((?:{sections})(?:\.\w+)+)(?: = ([^`]+))?`", page.read_text("utf-8"))
    for key, value in found:
        if (ROOT / key).exists():
            continue
        table = settings
        for part in key.split("."):
            assert part in table, key
            table = table[part]
        if value:
            tomllib.loads(f"value = {value}")


@every_page
def test_every_block_of_settings_is_accepted(
    page: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "speakerd.toml"
    for block in toml_blocks(page.read_text("utf-8")):
        file.write_text(block, "utf-8")
        assert main(["check", "--no-key", "--quiet", str(file)]) == EXIT_OK, capsys.readouterr().err


def test_exit_codes_are_as_told() -> None:
    assert (EXIT_OK, EXIT_NO, EXIT_USAGE, EXIT_MISSING, EXIT_DIED) == (0, 1, 2, 3, 4)


def test_the_prices_are_the_sums_that_they_are_said_to_be() -> None:
    """Tokens a second, dollars for a million tokens: as the text below the table names them."""
    text = README.read_text("utf-8")
    cells = re.findall(
        r"^\| .+ \| (?:about )?([\d.]+) cents \| (?:about )?([\d.]+) cents \|$", text, re.MULTILINE
    )
    spoken, heard, both = ([float(cell) for cell in row] for row in cells)
    for column, (into, out) in enumerate([(32, 64), (10, 20)]):
        a_minute_in, a_minute_out = (60 * rate * price / 10_000 for rate, price in ((10, into), (20, out)))
        assert spoken[column] == pytest.approx(a_minute_in, abs=0.05)
        assert heard[column] == pytest.approx(a_minute_out, abs=0.05)
        # Instructions, tools and transcript are text, some 600 tokens: a sixth of a cent to a quarter.
        sound = (4 * a_minute_in + 8 * a_minute_out) / 60
        assert sound < both[column] < sound + 0.35
