"""`speakerd doctor --sound` over real PortAudio: in a room, and with a microphone that hears nothing."""

import argparse
import json
from pathlib import Path

import pytest

from speakerd.cli import doctor
from tests.rig import SoundCard, about_the_sound, may_be_torn

pytestmark = pytest.mark.rig


def findings(file: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, str]]:
    file.write_text('[model]\nbackend = "offline"\n[audio]\ninput = "mic"\noutput = "speaker"\n')
    parser = argparse.ArgumentParser()
    doctor.add_parser(parser.add_subparsers())
    capsys.readouterr()
    doctor.run(parser.parse_args(["doctor", "--json", "--sound", "--config", str(file)]))
    return {finding["name"]: finding for finding in json.loads(capsys.readouterr().out)["findings"]}


@may_be_torn
def test_the_tone_goes_through_the_room(
    rig: SoundCard, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mark = rig.speaker.mark
    room = rig.room("--echo-db=-10")
    try:
        found = findings(tmp_path / "speakerd.toml", capsys)
    finally:
        room.kill()
        room.wait()
    with about_the_sound():
        assert found["sound"]["verdict"] == "OK", found["sound"]
        assert found["loudspeaker"]["verdict"] == "OK", found["loudspeaker"]
        assert abs(rig.speaker.since(mark)).max() > 1000, "the tone was played"


def test_a_dead_microphone_is_told(
    rig: SoundCard, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = findings(tmp_path / "speakerd.toml", capsys)
    assert found["sound"]["verdict"] == "OK", found["sound"]
    assert found["microphone"]["verdict"] == "FAIL"
    assert "Capture" in found["microphone"]["cure"]
    assert found["loudspeaker"]["verdict"] == "WARN"
