"""What each script says of itself: at once, and before it installs anything."""

import argparse
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.mutation.main import parser as mutation_parser
from speakerd.cli.demo import command as demo

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(
    str(path.relative_to(ROOT / "scripts"))
    for path in (ROOT / "scripts").rglob("*")
    if path.is_file() and os.access(path, os.X_OK) and "guest" not in path.parent.parts
)
"""All but those that `guest-test` runs."""


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """A copy of the scripts alone, in which nothing could be installed without being seen."""
    ignored = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(ROOT / "scripts", tmp_path / "scripts", ignore=ignored))


def run(script: Path, *words: str) -> subprocess.CompletedProcess[str]:
    # Without a Python there can be no environment, and whoever tries to make one fails with another exit code.
    nothing = {"PATH": "/usr/bin:/bin", "PYTHON": "/bin/false", "HOME": str(script.parents[1])}
    return subprocess.run([script, *words], env=nothing, capture_output=True, text=True, check=False)


def test_these_are_the_scripts() -> None:
    assert {"test", "demo", "install", "uninstall", "bench/run", "mutation/run"} < set(SCRIPTS)


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("word", ["--help", "-h"])
def test_help_is_printed_and_nothing_is_installed(scripts: Path, name: str, word: str) -> None:
    before = sorted(scripts.parent.rglob("*"))
    done = run(scripts / name, word)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"scripts/{name}" in done.stdout
    assert sorted(scripts.parent.rglob("*")) == before


@pytest.mark.parametrize("name", SCRIPTS)
def test_an_option_that_it_does_not_know_is_named_and_nothing_is_installed(scripts: Path, name: str) -> None:
    before = sorted(scripts.parent.rglob("*"))
    done = run(scripts / name, "--no-such-option")
    assert (done.returncode, done.stdout) == (2, "")
    first, *rest = done.stderr.splitlines()
    assert first == "error: unknown option --no-such-option" or name == "bench/run"
    assert "--no-such-option" in first
    assert f"scripts/{name}" in "\n".join(rest)
    assert sorted(scripts.parent.rglob("*")) == before


def _demo_parser() -> argparse.ArgumentParser:
    commands = argparse.ArgumentParser().add_subparsers()
    demo.add_parser(commands)
    return commands.choices["demo"]


@pytest.mark.parametrize(
    ("name", "parser"),
    [("demo", _demo_parser()), ("mutation/run", mutation_parser())],
    ids=["demo", "mutation"],
)
def test_the_head_names_every_option_since_no_other_is_taken(
    scripts: Path, name: str, parser: argparse.ArgumentParser
) -> None:
    words = set(re.findall(r"--[a-z-]+", run(scripts / name, "--help").stdout))
    options = {word for action in parser._actions for word in action.option_strings if word.startswith("--")}
    assert options - {"--help"} <= words
