"""`speakerd devices` and `speakerd calibrate`, as they are typed."""

import json
from pathlib import Path

import pytest

from speakerd.cli import main
from tests.rig import SoundCard

FILE = """# the owner's own words
[audio]
driver = "simulated"
echo = "off"   # since it is a test
"""


@pytest.mark.rig
def test_devices_are_listed_and_a_missing_one_is_exit_code_3(
    rig: SoundCard, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "speakerd.toml"
    file.write_text('[audio]\ninput = "mic"\noutput = "speaker"\n')
    assert main(["devices", str(file)]) == 0
    printed = capsys.readouterr().out
    assert " * mic" in printed
    assert " * speaker" in printed
    file.write_text('[audio]\ninput = "no such"\noutput = "speaker"\n')
    assert main(["devices", "--json", str(file)]) == 3
    assert "no such" in json.loads(capsys.readouterr().out)["problems"]["capture"]


def test_calibrate_prints_what_it_proposes_and_writes_only_when_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "speakerd.toml"
    file.write_text(FILE)
    assert main(["calibrate", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "echo return" in printed
    assert '[audio]\necho = "' in printed
    assert file.read_text() == FILE
    assert main(["calibrate", "--write", str(file)]) == 0
    written = file.read_text()
    assert "# the owner's own words" in written
    assert "# since it is a test" in written
    assert 'echo = "off"' not in written
    capsys.readouterr()
    assert main(["calibrate", str(file)]) == 0
    assert "The settings fit." in capsys.readouterr().out


@pytest.mark.parametrize("command", ["devices", "calibrate"])
def test_a_mistake_in_the_file_is_exit_code_2(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "speakerd.toml"
    file.write_text("[audio]\nvolume = 400\n")
    assert main([command, str(file)]) == 2
    assert "volume" in capsys.readouterr().err


@pytest.mark.rig
def test_calibrating_a_device_that_is_not_there_is_exit_code_3(
    rig: SoundCard, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "speakerd.toml"
    file.write_text('[audio]\ninput = "no such"\noutput = "speaker"\n')
    assert main(["calibrate", str(file)]) == 3
    assert "there are: " in capsys.readouterr().err
