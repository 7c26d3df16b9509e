"""Every limit of real time in the tests goes through `limits.limit`, so that one factor scales them all."""

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent
APART = {"system", "simulation"}
"""The proof runs in the guest's own time; the simulation has virtual time only."""
WAITS = {"timeout", "wait_for", "run", "check_output", "communicate", "settimeout"}
"""Calls that give up after some seconds: those that `asyncio`, `subprocess` and sockets have."""


def fixed(source: str) -> Iterator[int]:
    """Lines of calls that give up after a number of seconds that is written there."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        owner = ast.unparse(node.func).partition(".")[0]
        given = [keyword.value for keyword in node.keywords if keyword.arg == "timeout"]
        if (owner, name) in {("asyncio", "timeout"), ("asyncio", "wait_for")} or name == "settimeout":
            given += node.args[-1:]
        if name in WAITS and any(isinstance(seconds, ast.Constant) and seconds.value for seconds in given):
            yield node.lineno


def test_no_patience_is_a_number_of_its_own() -> None:
    found = {
        f"{path.relative_to(TESTS)}:{line}"
        for path in TESTS.rglob("*.py")
        if not APART & set(path.relative_to(TESTS).parts)
        # Where a module has virtual time, its seconds are not real ones.
        if "virtual_loop" not in (source := path.read_text("utf-8"))
        for line in fixed(source)
    }
    assert found == set(), "write limit(seconds)"


def test_what_is_looked_for_is_found() -> None:
    assert list(fixed("asyncio.timeout(5)")) == [1]
    assert list(fixed("asyncio.wait_for(work(), 5)")) == [1]
    assert list(fixed("subprocess.run(words, timeout=5)")) == [1]
    assert list(fixed("asyncio.timeout(limit(5))")) == []
    assert list(fixed("asyncio.timeout(None)")) == []
