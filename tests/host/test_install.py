"""The installer as far as it can be tried without changing this machine; the container and the guest do the rest."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INSTALL, UNINSTALL = ROOT / "scripts/install", ROOT / "scripts/uninstall"
TEXT = INSTALL.read_text()


def run(script: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [script, *words], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=50
    )


def footprints() -> list[bool]:
    names = (
        "/opt/speakerd/versions",
        "/etc/speakerd",
        "/etc/systemd/system/speakerd.service",
        "/usr/local/bin/speakerd",
    )
    return [os.path.lexists(name) for name in names]


@pytest.mark.skipif(not Path("/usr/bin/apt-get").exists(), reason="the installer is for Debian")
def test_a_dry_run_names_each_step_and_does_none() -> None:
    before = footprints()
    done = run(INSTALL, "--dry-run")
    assert done.returncode == 0, done.stderr
    steps = re.findall(r"^would: (.*)$", done.stderr, re.MULTILINE)
    for words in ("user, service", "switching to", "systemd", "waiting until sound", "doctor"):
        assert any(words in step for step in steps), words
    assert footprints() == before


def test_a_dry_run_of_the_removal() -> None:
    before = footprints()
    done = run(UNINSTALL, "--dry-run", "--purge")
    assert done.returncode == 0
    assert "would: removing configuration, key, state and user" in done.stderr
    assert footprints() == before


@pytest.mark.parametrize("script", [INSTALL, UNINSTALL])
def test_help_and_wrong_words(script: Path) -> None:
    assert "sudo" in run(script, "--help").stdout
    done = run(script, "--nonsense")
    assert done.returncode == 2
    assert "--nonsense" in done.stderr


@pytest.mark.parametrize("script", [INSTALL, UNINSTALL])
def test_the_shell_understands_it(script: Path) -> None:
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
    assert os.access(script, os.X_OK)


def test_every_file_that_it_puts_somewhere_exists() -> None:
    names = re.findall(r"\bput (\S+) ", TEXT)
    assert len(names) >= 5
    for name in names:
        assert (ROOT / "systemd" / name).is_file(), name


def test_everything_that_is_put_is_removed_again() -> None:
    removal = UNINSTALL.read_text()
    for target in re.findall(r"\bput \S+ \"?(\S+?)\"?$", TEXT, re.MULTILINE):
        assert target.replace("$units", "/etc/systemd/system") in removal, target


def test_what_pip_and_debian_bring_is_what_the_project_needs() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {re.split(r"[<>=;\[ ]", line)[0].lower() for line in project["dependencies"]}
    found = re.search(r"^wheels=\((.*)\)$", TEXT, re.MULTILINE)
    assert found
    by_debian = {"pyaudio", "systemd-python"}
    assert set(found[1].split()) | by_debian == needed


def test_the_key_is_in_no_argument_and_in_no_environment() -> None:
    assert not re.search(r"export .*key|API_KEY=", TEXT, re.IGNORECASE)
    assert "read -rs answer" in TEXT
