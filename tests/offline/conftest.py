"""The embedded server as its own process, started once for all tests that need no special settings."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.limits import limit

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
COMMAND = (
    "import argparse, sys; from speakerd.cli import offline; parser = argparse.ArgumentParser(); "
    "offline.add_parser(parser.add_subparsers()); sys.exit(offline.run(parser.parse_args(['offline', *sys.argv[1:]])))"
)
"""`speakerd offline` alone, whatever state the other commands are in."""


@dataclass(frozen=True)
class Served:
    url: str
    pid: int

    def children(self) -> list[str]:
        """The programs that the server's process has started and that still run."""
        found = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        commands = []
        for child in found:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended since
                commands.append(Path(f"/proc/{child}/cmdline").read_bytes())
        return [command.replace(b"\0", b" ").decode() for command in commands]


def start_offline(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def url_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert "ws://127.0.0.1:" in line, (line, process.stderr.read() if process.stderr else "")
    return line.split()[-1]


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    process = start_offline("--port", "0", "--pace", "20")
    try:
        yield Served(url_of(process), process.pid)
    finally:
        process.terminate()
        assert process.wait(limit(10)) == 0
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
