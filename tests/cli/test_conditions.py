"""Every command, with bytes that are no text, a terminal that knows ASCII only, a full disk, a reader that has gone.

Made from the list of the commands: one that is added and not named here fails.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from speakerd.cli import COMMANDS, build_parser
from tests.cli.cells import Cell, Outcome
from tests.cli.test_ctl import FakeDaemon
from tests.limits import limit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTROL = ("status", "wake", "stop", "mute", "unmute", "reload", "restart", "new", "usage", "volume")
LINES: dict[str, list[str]] = {
    "run": ["run", "--config", "{missing}"],
    "check": ["check", "{file}"],
    "get": ["get", "--config", "{file}"],
    "set": ["set", "model.instructions", "Grüße", "--config", "{file}"],
    "doctor": ["doctor", "--offline", "--config", "{file}"],
    "devices": ["devices", "--config", "{file}"],
    "calibrate": ["calibrate", "--config", "{missing}"],
    "extras": ["extras", "--config", "{file}"],
    "lights": ["lights", "{file}"],
    "offline": ["offline", "--config", "{missing}"],
    "demo": ["demo", "--help"],
    **{f"ctl {word}": ["ctl", word, "--socket", "{socket}"] for word in CONTROL},
    "ctl say": ["ctl", "say", "Das Essen ist fertig, Schätze", "--socket", "{socket}"],
    "ctl ask": ["ctl", "ask", "wie spät ist es", "--socket", "{socket}"],
    "ctl monitor": ["ctl", "monitor", "--socket", "{socket}"],
}
"""Each command, so that it ends soon; what it does is another test's matter."""

SLOW = {"doctor", "devices"}
"""They look at the machine, which takes seconds: not under every condition."""
QUICK = {name: line for name, line in LINES.items() if name not in SLOW}
WITH_A_FILE = [name for name, line in LINES.items() if "--config" in line or "{file}" in line]
CONDITIONS: dict[str, dict[str, Any]] = {
    "as it should be": {},
    "an ASCII terminal": {"encoding": "ascii"},
    "a full disk": {"stdout": "full"},
    "a full disk for errors, too": {"stdout": "full", "stderr": "full"},
    "a reader that has gone": {"stdout": "pipe without a reader"},
    "no streams": {"stdin": "closed", "stdout": "closed", "stderr": "closed"},
    "bytes that are no text on stdin": {"stdin": "bytes"},
}
ODD = "caf\udce9 \udcff"
"""What the bytes `caf\\xe9 \\xff` of a command line become."""


@pytest.fixture
def places(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A file, one that is not there, a pipe with a name, and a daemon's socket."""
    (tmp_path / "good.toml").write_text(
        '[model]\nbackend = "offline"\ninstructions = "Sei freundlich, süß."\n'
    )
    os.mkfifo(tmp_path / "fifo")
    with FakeDaemon(tmp_path / "control.sock") as daemon:
        daemon.answer = {"applied": True, "changes": [], "days": {}, "volume": 5, "text": "Grüße \udce9"}
        yield {
            "file": str(tmp_path / "good.toml"),
            "missing": str(tmp_path / "missing.toml"),
            "fifo": str(tmp_path / "fifo"),
            "socket": str(daemon.path),
        }


def run(cells: list[Cell]) -> list[Outcome]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.cli.cells"],
        input=json.dumps([asdict(cell) for cell in cells]),
        capture_output=True,
        text=True,
        check=True,
        timeout=limit(50),
    )
    return [Outcome(**outcome) for outcome in json.loads(done.stdout)]


def filled(line: list[str], places: dict[str, str]) -> list[str]:
    return [word.format(**places) if word.startswith("{") else word for word in line]


def tidy(what: str, outcome: Outcome) -> None:
    """It ended by itself, with one of its exit codes, and without a traceback."""
    shown = f"{what}: exit code {outcome.code}\n{outcome.out}\n{outcome.err}"
    assert "Traceback" not in outcome.err, shown
    assert "Exception ignored" not in outcome.err, shown
    assert outcome.code in {0, 1, 2, 3}, shown


@cache
def words_of_ctl() -> set[str]:
    (commands,) = (action for action in build_parser()._actions if action.dest == "command")
    assert isinstance(commands.choices, dict)
    (words,) = (action for action in commands.choices["ctl"]._actions if action.dest == "what")
    return set(words.choices)


def test_every_command_there_is_stands_here() -> None:
    assert {line[0] for line in LINES.values()} == set(COMMANDS)
    assert {name.removeprefix("ctl ") for name in LINES if name.startswith("ctl ")} == words_of_ctl()


@pytest.mark.parametrize("condition", CONDITIONS)
def test_no_command_ends_in_a_traceback_with(condition: str, places: dict[str, str]) -> None:
    streams = CONDITIONS[condition]
    lines = LINES if condition in {"an ASCII terminal", "a full disk"} else QUICK
    outcomes = run([Cell(filled(line, places), **streams) for line in lines.values()])
    for name, outcome in zip(lines, outcomes, strict=True):
        tidy(f"{name} with {condition}", outcome)


def test_what_could_not_be_written_is_no_success(places: dict[str, str]) -> None:
    lines = [filled(line, places) for line in QUICK.values()]
    well = run([Cell(line) for line in lines])
    full = run([Cell(line, stdout="full") for line in lines])
    for name, line, was, now in zip(QUICK, lines, well, full, strict=True):
        if was.out:
            assert now.code == 3, f"{name} {line}: {now}"
            assert "cannot be written: No space left on device" in now.err
        else:
            assert now.code == was.code


def test_bytes_that_are_no_text_on_the_command_line(places: dict[str, str]) -> None:
    """As a further argument, in place of the file, and where a text is wanted."""
    cells = [Cell([*filled(line, places), ODD]) for line in QUICK.values()]
    cells += [Cell([*filled(LINES[name][:1], places), "--config", ODD]) for name in WITH_A_FILE]
    cells += [Cell(["ctl", "say", ODD, "--socket", places["socket"]])]
    cells += [Cell(["get", ODD]), Cell(["set", ODD, "1", "--config", places["file"]])]
    cells += [Cell(["set", "model.instructions", ODD, "--config", places["file"]])]
    cells += [Cell([ODD]), Cell(["ctl", ODD])]
    for cell, outcome in zip(cells, run(cells), strict=True):
        tidy(f"{cell.argv}", outcome)


def test_a_pipe_with_a_name_is_no_configuration(places: dict[str, str]) -> None:
    cells = [Cell([*LINES[name][:1], *_needed(name), "--config", places["fifo"]]) for name in WITH_A_FILE]
    cells += [Cell(["ctl", "status", "--config", places["fifo"]])]
    for cell, outcome in zip(cells, run(cells), strict=True):
        tidy(f"{cell.argv}", outcome)
        if cell.argv[0] != "extras":  # which lists them, whatever the settings are
            assert outcome.code in {1, 2}, f"{cell.argv}: {outcome}"


def _needed(name: str) -> list[str]:
    return {"set": ["audio.volume", "40"], "doctor": ["--offline"], "run": []}.get(name, [])


def test_what_a_command_does_not_know_shows_the_usage_of_that_command(places: dict[str, str]) -> None:
    lines = [[*filled(line, places), "--nonsense"] for name, line in LINES.items() if name != "demo"]
    lines.append(["demo", "--nonsense"])
    for line, outcome in zip(lines, run([Cell(line) for line in lines]), strict=True):
        tidy(f"{line}", outcome)
        words = " ".join(line[: 2 if line[0] == "ctl" else 1])
        assert outcome.code == 2, f"{line}: {outcome}"
        assert outcome.err.startswith(f"usage: speakerd {words} "), f"{line}: {outcome.err}"


def test_json_and_the_file_may_be_named_before_the_command_or_after_it(places: dict[str, str]) -> None:
    for name in ("check", "get", "ctl status"):
        command, *more = name.split()
        with_socket = ["--socket", places["socket"]] if command == "ctl" else []
        file = ["--config", places["file"]]
        before, after, between = run(
            [
                Cell(["--json", *file, command, *more, *with_socket]),
                Cell([command, *more, *with_socket, *file, "--json"]),
                Cell([command, "--json", *more, *with_socket, f"--config={places['file']}"]),
            ]
        )
        assert before == after == between
        assert json.loads(before.out) is not None


@pytest.mark.parametrize("line", ["check", "ctl", "lights"])
@pytest.mark.parametrize("end", [">/dev/full", "| true", ">&-", "2>&1 >/dev/full | cat"])
def test_the_interpreter_itself_has_nothing_to_say_at_its_end(line: str, end: str) -> None:
    """With a shell, and with the interpreter as it is started in an old terminal."""
    words = {"check": "check --defaults", "ctl": "ctl --help", "lights": "lights"}[line]
    done = subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", f"{sys.executable} -m speakerd {words} {end}"],
        capture_output=True,
        env={**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        check=False,
        timeout=limit(50),
    )
    told = done.stderr + done.stdout
    assert b"Traceback" not in told
    assert b"Exception ignored" not in told
    assert done.returncode == (3 if "full" in end else 0), told


@pytest.mark.parametrize(
    ("words", "code"), [("check --config {bad}", 2), ("ctl --socket {none} status", 3), ("ctl bogus", 2)]
)
def test_errors_that_cannot_be_written_leave_the_exit_code_as_it_is(
    tmp_path: Path, words: str, code: int
) -> None:
    (tmp_path / "bad.toml").write_text("[audio]\nvolume = 400\n")
    line = words.format(bad=tmp_path / "bad.toml", none=tmp_path / "none")
    done = subprocess.run(
        ["/bin/bash", "-c", f"{sys.executable} -m speakerd {line} 2>/dev/full"],
        capture_output=True,
        check=False,
        timeout=limit(50),
    )
    assert done.returncode == code


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (["ctl", "--json", "bogus"], 2),
        (["ctl", "--json"], 2),
        (["ctl", "ask", "--json"], 2),
        (["--json", "ctl", "ask", "--wait", "soon", "hello"], 2),
        (["get", "--json", "nope"], 2),
        (["get", "--json", "--config", "{bad}"], 2),
        (["get", "--json", "--config", "{missing}"], 2),
        (["check", "--json", "--config", "{bad}"], 2),
        (["check", "--json", "--defaults"], 0),
        (["check", "--json", "--starter"], 0),
        (["devices", "--json", "--bogus"], 2),
        (["extras", "--json"], 0),
        (["extras", "--json", "list"], 0),
        (["extras", "list", "--json"], 0),
        (["set", "--json", "nope", "1"], 2),
    ],
)
def test_with_json_the_output_is_one_value_whatever_is_wrong(
    line: list[str], code: int, places: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "bad.toml").write_text("[audio]\nvolume = 400\n")
    (outcome,) = run([Cell(filled(line, {**places, "bad": str(tmp_path / "bad.toml")}))])
    assert outcome.code == code
    assert isinstance(json.loads(outcome.out), dict)
    assert outcome.err == ""
