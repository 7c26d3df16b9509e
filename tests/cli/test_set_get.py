"""`speakerd set` and `speakerd get`: one setting, with the comments kept, checked before it is written."""

import json
import os
import socket
import stat
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from speakerd.cli import main
from speakerd.config.errors import Problem
from tests.limits import limit

OWN = """# mine
board = "button-and-led"

[audio]  # sound
volume = 30   # quiet
[[tools.commands]]
name = "lamp"          # the lamp
description = "Lamp."
argv = ["/bin/true"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "speakerd.toml"
    path.write_text(OWN)
    return path


def put(file: Path, *words: str) -> int:
    return main(["set", "--config", str(file), *words])


def shown(file: Path, *words: str, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(["get", "--config", str(file), *words]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("key", "word", "line"),
    [
        ("audio.volume", "40", "volume = 40   # quiet"),
        ("audio.input_gain_db", "-6", "input_gain_db = -6"),
        ("audio.echo", "off", 'echo = "off"'),
        ("audio.echo", '"off"', 'echo = "off"'),
        ("wake_word.enabled", "yes", "enabled = true"),
        ("wake_word.enabled", "Off", "enabled = false"),
        ("model.voice", "true", 'voice = "true"'),
        ("model.model", "5", 'model = "5"'),
        ("model.instructions", 'Say "hi".', 'instructions = "Say \\"hi\\"."'),
        ("panel.button.pin", "22", "pin = 22"),
        ("panel.button.pin", "BOARD15", 'pin = "BOARD15"'),
        ("panel.light.rgb_pins", "22, 23, 24", "rgb_pins = [22, 23, 24]"),
        ("panel.light.rgb_pins", "[22, 23, 24]", "rgb_pins = [22, 23, 24]"),
        ("panel.light.states.idle.color", "green", 'color = "green"'),
        ("model.headers.X-Room", "kitchen", 'X-Room = "kitchen"'),
        ("tools.commands.0.name", "light", 'name = "light"          # the lamp'),
        ("board", "respeaker-2mic", 'board = "respeaker-2mic"'),
    ],
)
def test_one_line_is_changed_or_added_and_all_else_stays(
    file: Path, key: str, word: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert put(file, key, word) == 0, capsys.readouterr().err
    assert line in file.read_text().splitlines()
    for kept in OWN.splitlines():
        assert kept in file.read_text() or kept.split()[0] in line
    out = capsys.readouterr().out
    assert f"{key} = " in out
    assert f"Next: speakerd ctl --config {file} reload" in out
    value = shown(file, key, "--json", capsys=capsys)
    assert json.loads(value) is not None


def test_a_text_of_several_lines_stays_one_to_read(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert put(file, "model.instructions", "Be brief.\nBe kind.") == 0
    assert '[model]\ninstructions = """\nBe brief.\nBe kind."""' in file.read_text()
    assert shown(file, "model.instructions", capsys=capsys) == "Be brief.\nBe kind.\n"


@pytest.mark.parametrize(
    ("key", "word", "said"),
    [
        (
            "audio.volume",
            "400",
            'audio.volume = "400": not allowed\n    allowed: a whole number from 0 to 100',
        ),
        ("audio.volume", "loud", "allowed: a whole number from 0 to 100"),
        ("audio.volum", "4", "Did you mean audio.volume?"),
        ("zzz", "4", "check --defaults"),
        ("audio", "4", "this is a table\n    Name one of its settings: driver, input"),
        ("panel.light.led_pin", "BOARD11", "GPIO17 (pin 11) is taken by panel.button.pin"),
        ("panel.button.pin", "pin 11", "a place on the header is written BOARD11: GPIO17"),
        ("board", "no-such", "no preset of this name"),
        ("model.url", "https://x", "Write wss:// instead of https://."),
        ("audio.gate.onset_frames", "9", "the gate could never open"),
        ("tools.commands.0.argv", "/no/such/program", "there is no program /no/such/program"),
        ("tools.commands.5.name", "x", "there is no element 5"),
        ("model.api_key", "sk-proj-A1b2C3d4A1b2C3d4A1b2C3d4", "a secret in the configuration is refused"),
        ("model.voice", "sk-proj-A1b2C3d4A1b2C3d4A1b2C3d4", "a secret in the configuration is refused"),
    ],
)
def test_what_check_would_refuse_is_not_written(
    file: Path, key: str, word: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert put(file, key, word) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.endswith("nothing was changed\n")
    assert "A1b2" not in err
    assert file.read_text() == OWN
    assert list(file.parent.iterdir()) == [file]


def test_a_file_with_another_mistake_is_left_alone_unless_this_mends_it(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("[audio]\nvolume = 300\n")
    assert put(file, "model.voice", "cedar") == 2
    assert f"{file}:2: audio.volume = 300" in capsys.readouterr().err
    assert put(file, "audio.volume", "30") == 0
    file.write_text("[audio]\nvolume = 30%\n")
    assert put(file, "audio.volume", "30") == 2
    assert f"{file}:2: audio.volume: % stands after" in capsys.readouterr().err
    assert put(file.parent / "none.toml", "audio.volume", "30") == 2
    assert "there is no such file" in capsys.readouterr().err


def test_a_setting_can_go_back_to_its_default(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert put(file, "audio.volume", "--default") == 0
    assert "volume" not in file.read_text()
    assert f"audio.volume is out of {file}; what counts without it: 60\n" in capsys.readouterr().out
    assert put(file, "audio.gate.margin_db", "--default") == 0
    assert "was so already" in capsys.readouterr().out
    assert put(file, "audio.volum", "--default") == 2


def test_nothing_is_written_where_nothing_changes(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = file.stat().st_mtime_ns
    assert put(file, "audio.volume", "30") == 0
    assert "was so already" in capsys.readouterr().out
    assert file.stat().st_mtime_ns == before


def test_mode_and_owner_are_kept_and_a_link_stays_one(file: Path) -> None:
    link = file.parent / "link.toml"
    link.symlink_to(file)
    file.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(file, 12345, 54321)
    before = file.stat()
    assert put(link, "audio.volume", "44") == 0
    after = file.stat()
    assert link.is_symlink()
    assert "volume = 44" in file.read_text()
    assert (after.st_uid, after.st_gid, stat.S_IMODE(after.st_mode)) == (before.st_uid, before.st_gid, 0o640)


def test_windows_line_ends_stay(file: Path) -> None:
    file.write_bytes(OWN.replace("\n", "\r\n").encode())
    assert put(file, "audio.volume", "44") == 0
    assert put(file, "wake_word.enabled", "true") == 0
    raw = file.read_bytes()
    assert b"volume = 44   # quiet\r\n" in raw
    assert raw.count(b"\n") == raw.count(b"\r\n")


def test_a_warning_is_told_and_does_not_hinder(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert put(file, "panel.button.pin", "11") == 0
    assert "warning: panel.button.pin: a bare number is that of the GPIO" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_to_leaves_the_file(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("speakerd.config.write.replace_file", refuse)
    assert put(file, "audio.volume", "44") == 2
    assert "cannot be written: Permission denied. Run this with sudo" in capsys.readouterr().err


def test_getting_one_a_table_and_what_differs(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(file, "audio.volume", capsys=capsys) == "30\n"
    assert shown(file, "panel.button.pin", capsys=capsys) == "17\n", "the board's"
    assert shown(file, "tools.commands.0.argv", capsys=capsys) == '["/bin/true"]\n'
    assert shown(file, "tools.commands.7.argv", capsys=capsys) == "\n"
    gate = shown(file, "audio.gate", capsys=capsys).splitlines()
    assert "audio.gate.hangover_ms = 700" in gate
    assert len(gate) > 10
    assert shown(file, capsys=capsys).splitlines() == [
        'board = "button-and-led"',
        "audio.volume = 30",
        "panel.button.pin = 17",
        "panel.light.pwm_pin = 27",
        'tools.commands = [{ name = "lamp", description = "Lamp.", argv = ["/bin/true"], timeout_s = 10.0, approval = false }]',
    ]


def test_secrets_are_not_printed(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert put(file, "model.headers.X-Room", "hunter2") == 0
    assert "hunter2" not in capsys.readouterr().out
    for words in ([], ["model.headers"], ["model.headers.X-Room"], ["model"], ["--json"]):
        assert "hunter2" not in shown(file, *words, capsys=capsys)


def test_what_there_is_not_cannot_be_got(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["get", "--config", str(file), "audio.volum"]) == 2
    assert "Did you mean audio.volume?" in capsys.readouterr().err
    assert main(["get", "--config", str(file.parent / "none.toml")]) == 2


@contextmanager
def daemon(path: Path, result: dict[str, object]) -> Iterator[list[str]]:
    """A speaker's control socket that gives one answer."""
    asked: list[str] = []
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(1)

        def answer() -> None:
            client, _ = server.accept()
            with client, client.makefile("rw") as lines:
                request = json.loads(lines.readline())
                asked.append(request["cmd"] if "cmd" in request else str(request))
                lines.write(json.dumps({"id": request["id"], "ok": True, "result": result}) + "\n")
                lines.flush()

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield asked
        thread.join(5)


@pytest.mark.parametrize(
    ("result", "code", "said"),
    [
        (
            {"applied": True, "changes": [{"key": "audio.volume", "counts": "in force"}], "restart": []},
            0,
            "audio.volume: in force",
        ),
        ({"applied": True, "changes": [], "restart": ["audio.driver"]}, 0, "sudo systemctl restart speakerd"),
        ({"applied": True, "changes": [], "restart": []}, 0, "had it already"),
        ({"applied": False, "problem": "no such device"}, 1, "no such device"),
    ],
)
def test_reload_gives_it_to_the_running_speaker(
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    result: dict[str, object],
    code: int,
    said: str,
) -> None:
    path = tmp_path / "s.sock"
    monkeypatch.setattr("speakerd.host.socket_path.calling_paths", lambda *_: (path,))
    with daemon(path, result) as asked:
        assert put(file, "audio.volume", "31", "--reload") == code
    assert "reload" in asked[0]
    assert said in capsys.readouterr().out


def test_without_a_speaker_the_file_is_written_all_the_same(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("speakerd.host.socket_path.calling_paths", lambda *_: (tmp_path / "none",))
    assert put(file, "audio.volume", "31", "--reload") == 3
    assert "the file is written, and no speaker has taken it" in capsys.readouterr().err
    assert "volume = 31" in file.read_text()


def test_reload_goes_to_the_speaker_of_that_file_and_again_though_the_file_has_it(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "own.sock"
    file.write_text(f'{OWN}\n[control]\nsocket = "{path}"\n')
    for _ in range(2):
        with daemon(path, {"applied": True, "changes": [], "restart": []}) as asked:
            assert put(file, "audio.volume", "31", "--reload") == 0
        assert "reload" in asked[0]
        path.unlink()
    assert "was so already" in capsys.readouterr().out


def test_a_socket_that_is_moved_is_taken_by_the_speaker_that_listens_on_the_old_one(
    file: Path, tmp_path: Path
) -> None:
    old, new = tmp_path / "old.sock", tmp_path / "new.sock"
    file.write_text(f'{OWN}\n[control]\nsocket = "{old}"\n')
    with daemon(old, {"applied": True, "changes": [], "restart": []}) as asked:
        assert put(file, "control.socket", str(new), "--reload") == 0
    assert "reload" in asked[0]


def test_what_is_wrong_with_another_key_that_begins_alike_does_not_stop_it(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def findings(*_: object) -> list[Problem]:
        return [Problem(file, None, key, "is bad", severity="error") for key in told]

    monkeypatch.setattr("speakerd.cli.named_files.findings", findings)
    told = ["audio.echo_tail_ms", "audio.volume"]
    assert put(file, "audio.echo", "off") == 0
    told = ["tools.commands.0.argv"]
    assert put(file, "tools.commands.0.name", "light") == 0
    told = ["audio.echo"]
    assert put(file, "audio.echo", "aec") == 2


@pytest.mark.parametrize("locale", [{"LC_ALL": "C", "PYTHONUTF8": "0"}, {"LC_ALL": "C.UTF-8"}])
def test_what_is_typed_in_utf_8_is_that_whatever_the_locale_says(file: Path, locale: dict[str, str]) -> None:
    def typed(value: bytes) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "speakerd", "set", "--config", file, "offline.greeting", value],
            env={**os.environ, "PYTHONCOERCECLOCALE": "0", **locale},
            capture_output=True,
            check=False,
            timeout=limit(50),
        )

    done = typed("Grüße".encode())
    assert (done.returncode, done.stderr) == (0, b"")
    assert tomllib.loads(file.read_text("utf-8"))["offline"]["greeting"] == "Grüße"
    refused = typed("Grüße".encode("latin-1"))
    assert refused.returncode == 2
    assert b"offline.greeting: byte 0xFC of the text is not UTF-8" in refused.stderr


def test_as_json_all_is_one_value_with_the_answer_of_the_speaker(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "own.sock"
    file.write_text(f'{OWN}\n[control]\nsocket = "{path}"\n')
    with daemon(path, {"applied": True, "changes": [], "restart": []}):
        assert put(file, "audio.volume", "31", "--json", "--reload") == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["ok"], answer["value"], answer["changed"]) == (True, 31, True)
    assert answer["reload"]["applied"] is True
    path.unlink()
    assert put(file, "audio.volume", "31", "--json", "--reload") == 3
    answer = json.loads(capsys.readouterr().out)
    assert (answer["ok"], answer["changed"], answer["reload"]["applied"]) == (False, False, False)
    assert put(file, "audio.volume", "400", "--json") == 2
    told = capsys.readouterr()
    assert json.loads(told.out)["problems"][0]["key"] == "audio.volume"
    assert told.err == ""


def test_only_what_the_change_brings_is_warned_of(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert put(file, "panel.kind", "none") == 0
    assert "no button and no wake word" in capsys.readouterr().err
    assert put(file, "audio.volume", "41") == 0
    assert capsys.readouterr().err == ""
