"""No part of the daemon waits by `asyncio.wait_for`: on Python 3.11 it swallows a cancellation that comes with the result."""

import ast
from collections.abc import Iterator
from pathlib import Path

import speakerd

ROOT = Path(speakerd.__file__).parent
ROOMS = ("daemon", "host", "offline", "realtime", "tools")


def uses_of_wait_for(source: str) -> Iterator[int]:
    """The lines that call `asyncio.wait_for`, or import it by its name."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(value=ast.Name(id="asyncio"), attr="wait_for"):
                yield node.lineno
            case ast.ImportFrom(module="asyncio", names=names) if "wait_for" in {each.name for each in names}:
                yield node.lineno


def test_asyncio_timeout_is_used_in_its_place() -> None:
    files = [file for room in ROOMS for file in sorted((ROOT / room).rglob("*.py"))]
    assert len(files) > 80
    found = [f"{file}:{line}" for file in files for line in uses_of_wait_for(file.read_text("utf-8"))]
    assert not found


def test_its_uses_are_found() -> None:
    assert list(uses_of_wait_for("import asyncio\nasync def f(): await asyncio.wait_for(g(), 1)")) == [2]
    assert list(uses_of_wait_for("from asyncio import wait_for")) == [1]
