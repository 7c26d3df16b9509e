import argparse
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from speakerd.cli import check
from speakerd.config.settings import Settings

KEY = "sk-test-0123456789abcdef0123"


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    check.add_parser(parser.add_subparsers())
    return check.run(parser.parse_args(["check", *words]))


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "SPEAKERD_API_KEY", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "speakerd.toml"


def test_a_good_file_is_shown_whole_with_its_defaults(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("[audio]\nvolume = 7\n")
    assert run(str(file)) == 0
    shown = tomllib.loads(capsys.readouterr().out)
    assert shown["audio"]["volume"] == 7
    assert shown["audio"]["gate"]["hangover_ms"] == Settings().audio.gate.hangover_ms


def test_only_what_was_changed(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("[audio]\nvolume = 7\n")
    assert run(str(file), "--changed") == 0
    assert tomllib.loads(capsys.readouterr().out) == {"audio": {"volume": 7}}


def test_all_mistakes_and_exit_code_2(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(f'[audio]\nvolum = 7\necho = 1\n[model]\napi_key = "{KEY}"\n')
    assert run(str(file)) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert f"{file}:2: audio.volum = 7: there is no such key\n    Did you mean audio.volume?" in shown.err
    assert f"{file}:3: audio.echo = 1: not allowed" in shown.err
    assert f"{file}:5: model.api_key = ********: a secret in the configuration is refused" in shown.err
    assert KEY not in shown.err


def test_mistakes_as_json(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("[audio]\nvolum = 7\n")
    assert run(str(file), "--json") == 2
    shown = json.loads(capsys.readouterr().out)
    assert [problem["line"] for problem in shown["problems"]] == [2]
    assert run(str(file.parent / "none"), "--json") == 2
    assert not json.loads(capsys.readouterr().out)["ok"]


def test_settings_as_json(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text('[model.headers]\nX-Room = "hunter2"\n')
    assert run(str(file), "--json") == 0
    out = capsys.readouterr().out
    assert "hunter2" not in out
    assert json.loads(out)["settings"]["model"]["headers"] == {"X-Room": "********"}


def test_a_missing_file(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(file)) == 2
    assert "there is no such file" in capsys.readouterr().err


def test_an_unusable_key_file(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = tmp_path / "key"
    key.write_text(KEY)
    key.chmod(0o644)
    file.write_text(f'[model]\napi_key_file = "{key}"\n')
    assert run(str(file)) == 3
    assert "chmod 0600" in capsys.readouterr().err
    assert run(str(file), "--no-key") == 0
    capsys.readouterr()
    key.chmod(0o600)
    assert run(str(file)) == 0
    shown = capsys.readouterr()
    assert f"API key: from {key}" in shown.out
    assert KEY not in shown.out + shown.err


def test_no_key_is_asked_for_where_none_is_needed(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text('[model]\nbackend = "offline"\napi_key_file = "/nonexistent"\n')
    assert run(str(file)) == 0
    assert "not needed" in capsys.readouterr().out


def test_quiet_says_nothing_when_all_is_well(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("")
    assert run(str(file), "--quiet") == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("option", ["--defaults", "--starter"])
def test_the_files_that_come_with_it_are_printed_and_pass(
    option: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(option) == 0
    file.write_text(capsys.readouterr().out)
    assert run(str(file)) == 0


def test_checking_a_faultless_file_loads_nothing_that_it_does_not_need(file: Path) -> None:
    file.write_text("")
    program = (
        "import sys, argparse; from speakerd.cli import check; p = argparse.ArgumentParser();"
        "check.add_parser(p.add_subparsers()); code = check.run(p.parse_args(sys.argv[1:]));"
        "heavy = {'pyaudio', 'gpiozero', 'pocketsphinx', 'numpy', 'websockets', 'speakerd.config.syntax'};"
        "heavy &= set(sys.modules);"
        "print('heavy:', sorted(heavy)); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "check", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("heavy: []\n")


def test_a_server_that_cannot_leave_the_turns_to_us_is_told_of(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text('[model]\nprovider = "speech-to-speech"\nturn_detection = "local"\n')
    assert run(str(file)) == 0
    told = capsys.readouterr()
    assert "over the provider" in told.out
    assert f"{file}:3: warning: model.turn_detection: a server of speech-to-speech cannot do that" in told.err
    file.write_text('[model]\nprovider = "speech-to-speech"\n')
    assert run(str(file)) == 0
    assert "model.turn_detection:" not in capsys.readouterr().err


def test_a_connection_that_a_server_closes_when_silent_is_not_to_be_kept_warm(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text('[model]\nprovider = "qwen"\nurl = "wss://home.example/"\nconnection = "warm"\n')
    assert run(str(file)) == 0
    assert (
        "model.connection: a server of qwen closes a connection that is silent for 180 s"
        in capsys.readouterr().err
    )


def test_a_model_that_only_the_household_can_name_is_asked_for(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text('[model]\nprovider = "localai"\n')
    assert run(str(file)) == 0
    assert "model.model: a server of localai has to be told which of its models" in capsys.readouterr().err


def test_a_line_that_a_server_is_not_known_to_take_is_told_of(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text('[model]\nprovider = "vllm-omni"\nline = "telephone"\n')
    assert run(str(file)) == 0
    assert "model.line: it is not known that a server of vllm-omni takes G.711" in capsys.readouterr().err
