"""A pytest plugin: keeps the wanted tests, and writes how each ended."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

WANTED: dict[str, list[str]] = json.loads(Path(os.environ["PEER_WANTED"]).read_text())
RESULTS: dict[str, str] = {}


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """Keep the wanted tests."""
    kept = [
        item
        for item in items
        if item.nodeid.partition("::")[2].partition("[")[0] in WANTED.get(Path(item.fspath).name, ())
    ]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def pytest_collectreport(report: Any) -> None:
    """Note a module that cannot be imported."""
    if report.failed:
        RESULTS[report.nodeid] = f"the module cannot be imported: {_last_line(str(report.longrepr))}"


def pytest_runtest_logreport(report: Any) -> None:
    """Note how a test ended: an empty text if it passed."""
    if report.failed:
        crash = getattr(report.longrepr, "reprcrash", None)
        RESULTS[report.nodeid] = _last_line(crash.message if crash else str(report.longrepr), first=True)
    elif report.when == "call":
        RESULTS.setdefault(report.nodeid, "skipped" if report.skipped else "")


def pytest_sessionfinish() -> None:
    """Write how all tests ended."""
    Path(os.environ["PEER_REPORT"]).write_text(json.dumps(RESULTS))


def _last_line(text: str, *, first: bool = False) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [""]
    return (lines[0] if first else lines[-1])[:160]
