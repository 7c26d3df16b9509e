"""`speakerd check`: programs and files that a configuration names, and whether the service's user can use them."""

import json
import os
import pwd
import tempfile
from pathlib import Path

import pytest

from speakerd.cli import main, named_files
from speakerd.config.load import read_text

BUTTON = "[panel.button]\npin = 17\n"
root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act for another user")


def command(program: str, *arguments: str) -> str:
    return (
        BUTTON
        + f'[[tools.commands]]\nname = "a"\ndescription = "d"\nargv = {json.dumps([program, *arguments])}\n'
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "speakerd.toml"


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pwd.struct_passwd:
    """Stands for the service's user. The folders of a test are its own, so that only the file itself decides."""
    user = pwd.getpwnam("nobody")
    monkeypatch.setattr(named_files, "SERVICE_USER", "nobody")
    top = Path(tempfile.gettempdir()).resolve()
    for folder in (tmp_path, *tmp_path.parents):
        if top in folder.resolve().parents:
            folder.chmod(0o755)
    return user


def check(file: Path, text: str, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    file.write_text(text)
    code = main(["check", "--no-key", *words, str(file)])
    return code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("/usr/bin/no-such-program", "there is no program /usr/bin/no-such-program\n    Install it"),
        ("/nowhere/true", "there is no program /nowhere/true\n    Did you mean "),
        ("/usr/bin", "/usr/bin is a folder, not a program"),
        ("/etc/passwd", "/etc/passwd cannot be run by "),
    ],
)
def test_a_program_that_cannot_be_run_is_told_with_its_line(
    program: str, words: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, err = check(file, command(program), capsys)
    assert code == 3
    assert f"{file}:6: the first tools.commands: argv: {words}" in err
    assert check(file, command(program), capsys, "--quiet") == (3, err)


def test_a_program_that_can_be_run_is_not_spoken_of(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(file, command("/bin/true", "x"), capsys) == (0, "")


def test_a_program_in_a_home_is_warned_of(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    loaded = read_text(command("/home/pi/lamp.sh"), file)
    (problem,) = named_files.findings(loaded, file, None)
    assert problem.what == "there is no program /home/pi/lamp.sh"
    home = Path("/root" if os.access("/root", os.W_OK) else Path.home())
    if not any(home.is_relative_to(there) for there in ("/home", "/root", "/run/user")):
        pytest.skip("no home folder here to put a program into")
    program = home / f".speakerd-test-{os.getpid()}"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    try:
        (problem,) = named_files.findings(read_text(command(str(program)), file), file, None)
    finally:
        program.unlink()
    assert (problem.severity, problem.line) == ("warning", 6)
    assert "sees no home folders" in problem.what


@root
def test_as_root_it_is_tried_as_the_user_of_the_service(
    file: Path, nobody: pwd.struct_passwd, capsys: pytest.CaptureFixture[str]
) -> None:
    program = file.parent / "lamp"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    file.write_text(command(str(program)))
    file.chmod(0o600)
    found = named_files.findings(read_text(file.read_text(), file), file, named_files.service_user("nobody"))
    assert [(problem.severity, problem.key) for problem in found] == [
        ("warning", ""),
        ("error", "tools.commands.0.argv"),
    ]
    assert found[0].what == "the service runs as nobody, who cannot read this file"
    assert found[1].what == f"{program} cannot be run by nobody"
    file.chmod(0o644)
    program.chmod(0o755)
    assert named_files.findings(read_text(file.read_text(), file), file, nobody) == []


@root
def test_the_services_own_file_must_be_readable_for_it(
    file: Path, nobody: pwd.struct_passwd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(named_files, "DEFAULT_FILE", file)
    file.write_text(BUTTON)
    file.chmod(0o640)
    (problem,) = named_files.findings(read_text(BUTTON, file), file, nobody)
    assert problem.severity == "error"
    assert problem.cure.startswith(f"sudo chmod a+r {file}")
    file.chmod(0o644)
    file.parent.chmod(0o700)
    assert len(named_files.findings(read_text(BUTTON, file), file, nobody)) == 1, "nor the folder entered"


@root
def test_a_key_file_must_belong_to_the_service(file: Path, nobody: pwd.struct_passwd) -> None:
    key = file.parent / "key"
    key.write_text("sk-x")
    key.chmod(0o600)
    text = BUTTON + f'[model]\napi_key_file = "{key}"\n'
    file.write_text(text)
    file.chmod(0o644)
    (problem,) = named_files.findings(read_text(text, file), file, nobody)
    assert (problem.line, problem.key) == (4, "model.api_key_file")
    assert problem.cure == f"sudo chown nobody {key}"
    os.chown(key, nobody.pw_uid, nobody.pw_gid)
    assert named_files.findings(read_text(text, file), file, nobody) == []


def test_where_there_is_no_such_user_it_is_tried_as_oneself() -> None:
    assert named_files.service_user("no-such-user-here") is None


def test_warnings_are_told_and_change_no_exit_code(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, err = check(file, "[panel.button]\npin = 11\n", capsys)
    assert code == 0
    assert f"{file}:2: warning: panel.button.pin: a bare number is that of the GPIO" in err
    assert check(file, "[panel.button]\npin = 11\n", capsys, "--quiet") == (0, "")


def test_warnings_and_errors_can_be_told_apart_by_programs(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(
        command("/no/program")
        + "[dialogue]\nstart_muted = true\n[control]\nenabled = false\n[panel.gestures]\ndouble = 'none'\n"
    )
    assert main(["check", "--no-key", "--json", str(file)]) == 3
    shown = json.loads(capsys.readouterr().out)
    assert not shown["ok"]
    assert [(problem["severity"], problem["line"]) for problem in shown["problems"]] == [
        ("warning", 8),
        ("error", 6),
    ]
