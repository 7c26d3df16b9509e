"""The catalog of the journal names the events that the sources really write, and no others."""

import re
from pathlib import Path

from speakerd.host.events import EVENTS, QUESTIONS, catalog

ROOT = Path(__file__).resolve().parents[2]
NAMES = {event.name for event in EVENTS}
BY_DETAIL = {"tool_start", "tool_end", "tool_failed", "usage"}
"""Written under the name of a session event (`TurnLog.detail`)."""


def written() -> set[str]:
    names: set[str] = set()
    for path in (ROOT / "speakerd").rglob("*.py"):
        text = path.read_text()
        names.update(re.findall(r'\bfields\(\s*event="(\w+)"', text))
        if "dialogue" in path.parts:
            names.update(re.findall(r'\bLog\(\s*"(\w+)"', text))
    return names


def test_every_event_that_is_written_is_in_the_catalog() -> None:
    assert written() - NAMES == set(), "add them to speakerd/host/events.py"


def test_no_event_in_the_catalog_is_stale() -> None:
    assert NAMES - written() - BY_DETAIL == set()


def test_questions_ask_for_events_that_exist() -> None:
    for question in QUESTIONS:
        assert set(re.findall(r"SPEAKERD_EVENT=(\w+)", question.command)) <= NAMES


def test_questions_ask_for_fields_that_exist() -> None:
    known = {f"SPEAKERD_{field}" for event in EVENTS for field in event.fields} | {"SPEAKERD_EVENT"}
    for question in QUESTIONS:
        assert set(re.findall(r"SPEAKERD_[A-Z_]+", question.command)) <= known


def test_the_guide_is_made_from_the_catalog() -> None:
    assert (ROOT / "systemd/JOURNAL.md").read_text() == catalog(), "run: .venv/bin/python -m scripts.generate"
