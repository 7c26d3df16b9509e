"""Runs commands of `speakerd` as processes of their own, each with streams that are not as they should be.

`python -m tests.cli.cells < CELLS > RESULTS`, both JSON. A process is a fork of this one, which has loaded all commands:
a hundred of them take no longer than a few that load everything themselves. The streams are made as the interpreter
makes them, and flushed at the end as it does.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import tempfile
import traceback
from dataclasses import asdict, dataclass
from typing import Any

LONGEST_S = int(20 * float(os.environ.get("SPEAKERD_TEST_SLOW", "1")))


@dataclass(frozen=True)
class Cell:
    """A command line, and what its streams are connected to."""

    argv: list[str]
    stdout: str = "file"
    stderr: str = "file"
    stdin: str = "nothing"
    encoding: str = "utf-8"


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    code: int
    out: str
    err: str


def run_all(cells: list[Cell]) -> list[Outcome]:
    """Run each in a process of its own."""
    return [_run(cell) for cell in cells]


def _run(cell: Cell) -> Outcome:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            _be(cell, out.fileno(), err.fileno())
        _, status = os.waitpid(child, 0)
        out.seek(0)
        err.seek(0)
        return Outcome(
            os.waitstatus_to_exitcode(status),
            out.read().decode("utf-8", "replace"),
            err.read().decode("utf-8", "replace"),
        )


def _be(cell: Cell, out: int, err: int) -> None:
    code = 99
    try:
        signal.alarm(LONGEST_S)
        _connect(0, cell.stdin, os.open(os.devnull, os.O_RDONLY))
        _connect(1, cell.stdout, out)
        _connect(2, cell.stderr, err)
        sys.stdin = _stream(0, "r", cell.encoding, "strict", cell.stdin)
        sys.stdout = _stream(1, "w", cell.encoding, "strict", cell.stdout)
        sys.stderr = _stream(2, "w", cell.encoding, "backslashreplace", cell.stderr)
        code = _main(cell.argv)
        if sys.stdout is not None:
            try:
                sys.stdout.flush()
            except OSError:
                code = 120  # as the interpreter ends then
    except BaseException:  # noqa: BLE001  # whatever it is, it is what a person would see
        os.write(err, traceback.format_exc().encode())
    finally:
        os._exit(code)


def _main(argv: list[str]) -> int:
    from speakerd.cli import main

    try:
        return main(argv)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1


def _connect(number: int, to: str, file: int) -> None:
    match to:
        case "closed":
            os.close(number)
        case "full":
            os.dup2(os.open("/dev/full", os.O_WRONLY), number)
        case "pipe without a reader":
            reader, writer = os.pipe()
            os.close(reader)
            os.dup2(writer, number)
        case "bytes":
            reader, writer = os.pipe()
            os.write(writer, b"\xff\xfe\x80 y\n" * 3)
            os.close(writer)
            os.dup2(reader, number)
        case _:
            os.dup2(file, number)


def _stream(number: int, mode: str, encoding: str, errors: str, to: str) -> Any:
    if to == "closed":
        return None
    raw = io.FileIO(number, mode, closefd=False)
    buffer: Any = io.BufferedReader(raw) if mode == "r" else io.BufferedWriter(raw)
    return io.TextIOWrapper(buffer, encoding=encoding, errors=errors, line_buffering=number == 2)


if __name__ == "__main__":
    import speakerd.cli
    import speakerd.cli.views
    import speakerd.config.write
    import speakerd.daemon.service
    import speakerd.host.control_client

    speakerd.cli.build_parser()
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    given = [Cell(**cell) for cell in json.load(sys.stdin)]
    json.dump([asdict(outcome) for outcome in run_all(given)], sys.stdout)
