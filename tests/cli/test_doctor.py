import argparse
import json
from pathlib import Path

import pytest

from speakerd.cli.doctor import command as doctor
from speakerd.cli.doctor import probes
from speakerd.config.load import read_text

SIMULATED = '[audio]\ndriver = "simulated"\n[model]\nbackend = "offline"\n'


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    doctor.add_parser(parser.add_subparsers())
    return doctor.run(parser.parse_args(["doctor", *words]))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "speakerd.toml"


def findings(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, str]]:
    return {finding["name"]: finding for finding in json.loads(capsys.readouterr().out)["findings"]}


def test_it_looks_at_everything_and_says_so_as_json(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(SIMULATED)
    code = run("--json", "--config", str(file))
    found = findings(capsys)
    assert {
        "power",
        "heat",
        "system",
        "python",
        "service",
        "memory",
        "storage",
        "clock",
        "config",
        "groups",
        "echo",
    } <= set(found)
    assert {"offline", "key", "cards", "resampling", "sound", "gpio", "model"} <= set(found)
    assert found["config"]["verdict"] == "OK"
    assert found["key"]["verdict"] == found["model"]["verdict"] == found["sound"]["verdict"] == "SKIP"
    assert code == any(finding["verdict"] == "FAIL" for finding in found.values())


def test_in_words_with_a_count_at_the_end(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(SIMULATED)
    run("--config", str(file))
    out = capsys.readouterr().out
    assert "OK   config" in out
    assert out.splitlines()[-1].endswith("in the way")


def test_a_bad_configuration_is_in_the_way_with_all_its_mistakes(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("[audio]\nvolum = 1\necho = 2\n")
    assert run("--json", "--offline", "--config", str(file)) == 1
    listed = json.loads(capsys.readouterr().out)["findings"]
    found = next(each for each in listed if each["name"] == "config")
    assert "Did you mean audio.volume?" in found["cause"]
    assert "audio.echo" in found["cause"]
    assert f"speakerd check {file}" in found["cure"]
    # What the defaults would need says nothing of what the owner wants.
    later = listed[listed.index(found) + 1 :]
    assert [(each["name"], each["verdict"]) for each in later] == [("the rest", "SKIP")]


def test_a_program_that_is_missing_is_in_the_way_with_its_line(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = '[[tools.commands]]\nname = "a"\ndescription = "b"\nargv = ["/nowhere/a"]\n'
    file.write_text(SIMULATED + command)
    assert run("--json", "--config", str(file)) == 1
    listed = json.loads(capsys.readouterr().out)["findings"]
    [found] = [each for each in listed if "argv" in each["seen"]]
    assert (found["verdict"], found["name"]) == ("FAIL", "setting")
    assert f"{file}:8: " in found["cause"]
    assert "there is no program /nowhere/a" in found["cause"]


def test_pins_that_are_named_are_looked_for(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(SIMULATED + "[panel.button]\npin = 17\n[panel.light]\nrgb_pins = [5, 6, 13]\n")
    run("--json", "--config", str(file))
    assert findings(capsys)["gpio"]["verdict"] in {"OK", "FAIL"}
    assert doctor.named_pins(read_text(file.read_text()).settings) == {
        "panel.button.pin": 17,
        "panel.light.rgb_pins.0": 5,
        "panel.light.rgb_pins.1": 6,
        "panel.light.rgb_pins.2": 13,
    }
    assert doctor.named_pins(read_text(file.read_text() + '[panel]\nkind = "none"\n').settings) == {}


def test_the_sound_of_a_service_that_waits_for_its_card_is_not_called_fine(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    status = "waiting for the sound card: no capture device 'default'"
    monkeypatch.setattr(probes, "unit", lambda: {"ActiveState": "active", "StatusText": status})
    file.write_text('[model]\nbackend = "offline"\n')
    assert run("--json", "--config", str(file)) == 1
    found = findings(capsys)["sound"]
    assert (found["verdict"], found["cause"]) == ("FAIL", f"The service is {status}.")


def test_the_lights_are_walked_and_the_button_waited_for(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "LIGHT_S", 0.0)
    monkeypatch.setattr(doctor, "BUTTON_LIMIT_S", 0.01)
    file.write_text(SIMULATED + '[panel]\nkind = "simulated"\n')
    run("--json", "--light", "--button", "--config", str(file))
    shown = capsys.readouterr()
    found = {finding["name"]: finding for finding in json.loads(shown.out)["findings"]}
    assert found["light"]["verdict"] == "OK"
    assert found["button"]["verdict"] == "WARN"
    assert "light: listening" in shown.err


def test_a_key_that_others_may_read_is_in_the_way(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "SPEAKERD_API_KEY", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    key = tmp_path / "key"
    key.write_text("sk-test-0123456789abcdef")
    key.chmod(0o644)
    file.write_text(f'[audio]\ndriver = "simulated"\n[model]\napi_key_file = "{key}"\n')
    assert run("--json", "--offline", "--config", str(file)) == 1
    out = capsys.readouterr().out
    assert "chmod 0600" in out
    assert "0123456789abcdef" not in out
