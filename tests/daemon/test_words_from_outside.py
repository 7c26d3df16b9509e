"""Text from outside on its way to the journal, the monitor, a client and a terminal: clean, and not without end.

Every event with such a text, with every kind of dirty text there is, through the shells as they are.
"""

from __future__ import annotations

import inspect
import io
import json
import logging
import re
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

from speakerd.audio import events as audio
from speakerd.cli import ctl
from speakerd.cli.views import MonitorView
from speakerd.config.settings import Settings
from speakerd.daemon.core.journal_words import sentence
from speakerd.daemon.live_settings import LiveSettings
from speakerd.daemon.metrics import MonitorFeed, TurnLog
from speakerd.daemon.metrics.monitor import LONGEST_TEXT
from speakerd.dialogue import commands
from speakerd.dialogue.actions import announcements, faults, timers
from speakerd.dialogue.events import ConnectionLost, ResponseStarted
from speakerd.host import control_lines
from speakerd.host.clean_text import REPLACED, clean
from speakerd.host.control_client import ControlClient
from speakerd.host.events import EVENTS
from speakerd.host.journal import LONGEST_FIELD, LONGEST_MESSAGE, UNCUT, Journal, fields, journal_handler
from speakerd.host.log_filters import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DIRTY = {
    "escape sequence": "red \x1b[31m, title \x1b]0;owned\x07, up \x1b[9A",
    "C0": "".join(map(chr, range(32))) + "\x7f",
    "C1": "".join(map(chr, range(0x80, 0xA0))),
    "carriage return": "all is well\rmuted",
    "line feed": "all is well\n12:00:00 host: muted",
    "direction": "".join(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A)))) + "drow",
    "lone surrogate": "half \ud83d of a face, \udcff",
    "long": "x" * 1_000_000,
}
HARM = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a terminal obeys, or what cannot be written; line feeds and tabs are looked at apart."""


class NoUsage:
    """Counts nothing."""

    def count(self, _details: dict[str, Any]) -> None: ...

    def conversation(self, *, ended: bool) -> None: ...


def turn_log(feed: MonitorFeed) -> TurnLog:
    usage: Any = NoUsage()
    return TurnLog(feed, usage, LiveSettings(Settings()))


def unanswered(turns: TurnLog, reason: str) -> None:
    turns.event(ResponseStarted("resp_1"), 0.5)
    turns.command(commands.Log("no_answer", {"status": "failed", "reason": reason}), 1.0)


TOLD: dict[str, Callable[[TurnLog, str], None]] = {
    "caption": lambda turns, text: turns.caption("assistant", text, text, final=True, now=1.0),
    "part of a caption": lambda turns, text: turns.caption("user", text, text, final=False, now=1.0),
    "connection_lost": lambda turns, text: turns.event(ConnectionLost(text), 1.0),
    "session_error": lambda turns, text: turns.detail(
        "session_error", {"kind": "server", "message": text}, 1.0
    ),
    "setting_refused": lambda turns, text: turns.detail(
        "setting_refused", {"setting": "", "parameter": text, "message": text, "speaks_on": True}, 1.0
    ),
    "tool_start": lambda turns, text: turns.detail("tool_start", {"tool": text}, 1.0),
    "tool_failed": lambda turns, text: turns.detail("tool_failed", {"tool": text}, 1.0),
    "tool_end": lambda turns, text: turns.detail("tool_end", {"tool": text}, 1.0),
    "connection": lambda turns, text: turns.detail(
        "connection", {"status": "reconnecting", "reason": text}, 1.0
    ),
    "usage": lambda turns, text: turns.detail("usage", {"total_tokens": 1, "details": {text: text}}, 1.0),
    "no_answer": unanswered,
}
"""What passes on words of a model, a server or a tool, and how it comes to do so."""


@pytest.fixture
def journal() -> Iterator[tuple[io.StringIO, list[tuple[str, dict[str, Any]]]]]:
    """A console, and what journald would get."""
    stream, sent = io.StringIO(), []
    console = Journal(environment={}, stream=stream)
    handler = journal_handler(Redactor(), lambda message, **values: sent.append((message, values)))
    logging.getLogger().addHandler(handler)
    yield stream, sent
    logging.getLogger().removeHandler(handler)
    console.close()


@contextmanager
def unseen() -> Iterator[None]:
    """Keep the records from pytest's report, which a lone surrogate would break."""
    root = logging.getLogger()
    ours = [handler for handler in root.handlers if type(handler).__module__ != "_pytest.logging"]
    with mock.patch.object(root, "handlers", ours):
        yield


def shown(entry: dict[str, Any]) -> str:
    """What a terminal gets of it: by `monitor`, and by its last line."""
    view = MonitorView(columns=200)
    lines = view.feed(entry)
    return "\n".join([*lines, view.frame(1.0).removeprefix("\r\033[K"), *ctl.answer_lines("wake", entry)])


@pytest.mark.parametrize("dirt", DIRTY)
@pytest.mark.parametrize("event", TOLD)
async def test_no_dirt_gets_through(
    event: str, dirt: str, journal: tuple[io.StringIO, list[tuple[str, dict[str, Any]]]]
) -> None:
    console, sent = journal
    feed = MonitorFeed()
    watch = feed.subscribe()
    with unseen():
        TOLD[event](turn_log(feed), f"<{DIRTY[dirt]}>")
    watch.close()
    entries = [entry async for entry in watch]
    assert entries or sent, "it is told somewhere"
    for line in console.getvalue().splitlines():
        assert not HARM.search(line)
        assert re.match(r"\d\d:\d\d:\d\d| {4}", line), "no text looks like a line of its own"
        assert len(line) < LONGEST_MESSAGE + 100
    for message, values in sent:
        assert not HARM.search(message)
        assert len(message) <= LONGEST_MESSAGE
        for value in (str(value) for value in values.values()):
            assert not HARM.search(value)
            assert "\n" not in value
            assert len(value) <= max(LONGEST_FIELD, 200)
    for entry in entries:
        text = json.dumps(entry, ensure_ascii=False)
        assert not HARM.search(text)
        assert "\\n" not in text
        assert len(text) < 4 * LONGEST_TEXT
        assert not HARM.search(shown(entry))
        assert "\n12:00:00" not in shown(entry)


@pytest.mark.parametrize("dirt", DIRTY)
def test_no_dirt_gets_through_the_control_socket_either_way(dirt: str) -> None:
    text = DIRTY[dirt][:50_000]
    for line in (
        control_lines.request_line(control_lines.ControlRequest(1, "say", {"text": text})),
        control_lines.result_line(1, {"missing": text, text: [text, {"problem": text}]}),
        control_lines.error_line(text, "refused", text),
        control_lines.event_line({"event": "caption", "text": text}),
    ):
        assert line.count(b"\n") == 1
        assert not HARM.search(_decoded(json.loads(line)))


@pytest.mark.parametrize("dirt", DIRTY)
def test_a_daemon_that_is_none_of_ours_can_do_no_harm_to_the_terminal(dirt: str) -> None:
    client = ControlClient.__new__(ControlClient)
    client._buffer = json.dumps({"ok": True, "result": {"text": DIRTY[dirt][:50_000]}}).encode() + b"\n"
    answer = client._line()
    assert answer is not None
    assert not HARM.search(_decoded(answer))


def _decoded(value: Any) -> str:
    """All texts in it, names included."""
    if isinstance(value, dict):
        return " ".join(_decoded(part) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return " ".join(map(_decoded, value))
    return str(value)


def test_a_traceback_is_cleaned_and_its_end_is_kept(
    journal: tuple[io.StringIO, list[tuple[str, dict[str, Any]]]],
) -> None:
    console, sent = journal
    try:
        raise RuntimeError("\x1b[31m" + "x" * 100_000 + " the end")
    except RuntimeError:
        with unseen():
            logging.getLogger("speakerd.test").exception("it failed: %s", "y" * 100_000)
    for text in (console.getvalue(), sent[0][0]):
        assert not HARM.search(text)
        assert text.rstrip().endswith("x the end")
        assert len(text) < 25_000


def test_our_own_words_are_not_cut(journal: tuple[io.StringIO, list[tuple[str, dict[str, Any]]]]) -> None:
    console, _ = journal
    problems = "\n".join(f"line {number}: a mistake, and what to write instead" for number in range(200))
    logging.getLogger("speakerd.test").error("%s", problems, extra=fields(event="reload_refused") | UNCUT)
    assert "line 199: a mistake" in console.getvalue()
    assert console.getvalue().count("\n    line ") == 199


def test_harmless_text_passes_as_it_is() -> None:
    for text in ("Grüße aus Köln", "日本語", "العربية", "a \N{LEFT-TO-RIGHT MARK}mark", "👩‍👧"):
        assert clean(text) == text
    assert clean("a\tb\r\nc") == "a b  c"
    assert clean("a\tb\nc", lines=True) == "a\tb\nc"
    assert clean("\x1b[31m") == f"{REPLACED}[31m"
    assert clean("abcdef", longest=4) == "abc…"
    assert clean("abcd", longest=4) == "abcd"


def test_every_line_of_the_dialogue_is_a_sentence() -> None:
    """Made from the sources: an event that is logged and has no sentence of its own fails."""
    from speakerd.dialogue import state_machine

    sources = "".join(map(inspect.getsource, (announcements, faults, timers, state_machine)))
    logged = set(re.findall(r'Log\(\s*"(\w+)"', sources))
    assert {"phase", "no_answer", "announcement_failed"} <= logged <= {event.name for event in EVENTS}
    anything: Any = {
        "from": "idle", "to": "listening", "cause": "press_down", "kind": "server", "status": "failed",
        "reason": "content_filter", "waited_for": "response", "tools": 1, "timers": 2,
    }  # fmt: skip
    for event in logged:
        words = sentence(commands.Log(event, anything))
        assert words != event.replace("_", " "), f"{event} has no sentence"
        assert "=" not in words
        assert len(words.split()) > 4
    assert sentence(commands.Log("phase", anything)) == "went from idle to listening: press down"
    assert sentence(commands.Log("phase", {**anything, "cause": "SpeechEnded"})).endswith(": speech ended")


def test_device_names_are_cleaned_as_well(
    journal: tuple[io.StringIO, list[tuple[str, dict[str, Any]]]],
) -> None:
    """A card is a peer, too: it names itself."""
    event = audio.DeviceLost("capture", DIRTY["escape sequence"], 1.0)
    logging.getLogger("speakerd.daemon").warning("%s lost: %s", event.direction, event.reason)
    assert not HARM.search(journal[0].getvalue())
    assert SimpleNamespace(text=journal[1][0][0]).text.startswith("capture lost: red ")
