"""`speakerd ctl` against a real control socket."""

import argparse
import asyncio
import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any, Self

import pytest

from speakerd.cli import ctl
from speakerd.daemon.control import Control
from speakerd.dialogue.requests import PLAIN_REQUESTS
from speakerd.host.control import ControlServer
from speakerd.host.errors import CommandError
from tests.limits import limit

STATUS = {"version": "1", "phase": "idle", "light": "idle", "flags": {"muted": False, "offline": True}, "connected": False,
          "volume": 60, "uptime_s": 12.345, "usage": {"today": {"turns": 1, "total_tokens": 150}, "since_start": {},
          "kept": {"since": "2026-02-27", "turns": 12, "total_tokens": 4321}}}  # fmt: skip
CHANGES = [
    {"key": "audio.volume", "old": 60, "new": 40, "when": "now", "counts": "in force"},
    {"key": "panel.button.pin", "old": "", "new": 17, "when": "restart", "counts": "needs a restart"},
]
STORY: list[dict[str, Any]] = [
    {"event": "state", "at": 1.0, "light": "listening", "phase": "listening"},
    {"event": "level", "at": 1.1, "mic": -20.0, "speaker": -60.0, "gate": True},
    {
        "event": "caption",
        "at": 1.2,
        "role": "user",
        "item_id": "a",
        "text": "What is the time?",
        "final": True,
    },
    {"event": "caption", "at": 1.3, "role": "assistant", "item_id": "b", "text": "Noon.", "final": True},
]


class Story:
    def close(self) -> None: ...

    async def __aiter__(self) -> AsyncIterator[Mapping[str, Any]]:
        for event in STORY:
            yield event
        await asyncio.sleep(3600)


class Told(Story):
    """A view that ends after the story, as when the daemon ends."""

    async def __aiter__(self) -> AsyncIterator[Mapping[str, Any]]:
        for event in STORY:
            yield event


class FakeDaemon:
    """A control server in a thread of its own, with a handler that remembers what it was asked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answer: dict[str, Any] = {}
        self.view: type[Story] = Told
        self._ready = Event()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_until_complete, args=(self._serve(),))

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        async with ControlServer(self.path, self._handle, self._watch):
            self._ready.set()
            await self._stop.wait()

    def _watch(self) -> Story:
        return self.view()

    async def _handle(self, command: str, args: dict[str, Any]) -> dict[str, Any]:
        self.asked.append((command, args))
        if command == "wake":
            raise CommandError("muted", "it is muted")
        if command == "say" and "bad" in args["text"]:
            raise CommandError("bad_arguments", "no")
        return STATUS if command == "status" else self.answer

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(limit(20))
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(limit(20))
        self._loop.close()


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[FakeDaemon]:
    with FakeDaemon(tmp_path / "control.sock") as daemon:
        yield daemon


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    ctl.add_parser(parser.add_subparsers())
    return parser.parse_args(["ctl", *words])


def run(daemon: FakeDaemon, *words: str) -> int:
    return ctl.run(parse("--socket", str(daemon.path), *words))


def test_status_in_words_and_as_json(daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(daemon, "status") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "flags          offline yes" in lines
    assert "uptime_s       12.3" in lines
    assert "connected      no" in lines
    assert "usage          today 1 turn, 150 tokens; 12 turns, 4321 tokens since 2026-02-27" in lines
    assert run(daemon, "--json", "status") == 0
    assert json.loads(capsys.readouterr().out) == STATUS


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        *(([request.word], (request.word, {})) for request in PLAIN_REQUESTS if request.word != "wake"),
        (["new"], ("new", {})),
        (["volume"], ("volume", {})),
        (["volume", "40"], ("volume", {"level": 40})),
        (["volume", "+5"], ("volume", {"change": 5})),
        (["volume", "-10"], ("volume", {"change": -10})),
        (["say", "good", "morning"], ("say", {"text": "good morning"})),
        (
            ["say", "--chime", "--wait", "now"],
            ("say", {"text": "now", "chime": True, "wait_s": 86_400.0}),
        ),
        (["ask", "what time is it"], ("ask", {"text": "what time is it"})),
        (["ask", "--wait", "20", "time?"], ("ask", {"text": "time?", "wait_s": 20.0})),
    ],
)
def test_each_word_is_one_command(
    daemon: FakeDaemon, words: list[str], asked: tuple[str, dict[str, Any]]
) -> None:
    assert run(daemon, *words) == 0
    assert daemon.asked == [asked]


def test_usage_is_a_table_of_days_and_of_two_months(
    daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.answer = {"days": {}}
    assert run(daemon, "usage") == 0
    assert capsys.readouterr().out == "nothing has been used yet\n"
    day = {"turns": 1, "total_tokens": 1500, "input_tokens": 1000, "input_audio_tokens": 900, "cached_tokens": 64,
           "output_tokens": 500, "output_audio_tokens": 400}  # fmt: skip
    daemon.answer = {
        "today": day,
        "days": {
            "2026-01-30": day,
            "2026-02-27": day,
            "2026-03-01": day,
            "2026-03-02": dict.fromkeys(day, 9),
        },
    }
    assert run(daemon, "usage") == 0
    assert capsys.readouterr().out.splitlines() == [
        "            turns  tokens    in  audio in  cached  out  audio out",
        "2026-01-30      1    1500  1000       900      64  500        400",
        "2026-02-27      1    1500  1000       900      64  500        400",
        "2026-03-01      1    1500  1000       900      64  500        400",
        "2026-03-02      9       9     9         9       9    9          9",
        "2026-02         1    1500  1000       900      64  500        400",
        "2026-03        10    1509  1009       909      73  509        409",
    ]
    assert run(daemon, "--json", "usage") == 0
    assert json.loads(capsys.readouterr().out) == daemon.answer
    assert daemon.asked == [("usage", {})] * 3


def test_every_word_is_a_command_of_the_daemon() -> None:
    nobody: Any = SimpleNamespace(speaker=None)
    assert set(Control(nobody, nobody)._commands) == {*ctl._PLAIN, "volume", "say", "ask"}


def test_a_refusal_is_exit_code_1_and_a_wrong_word_2(
    daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(daemon, "wake") == 1
    assert capsys.readouterr().err == "speakerd ctl: it is muted\n"
    assert run(daemon, "--json", "wake") == 1
    assert json.loads(capsys.readouterr().out) == {"error": {"kind": "muted", "message": "it is muted"}}
    assert run(daemon, "say", "bad") == 2
    assert run(daemon, "volume", "loud") == 2
    assert "0 to 100" in capsys.readouterr().err


def test_no_daemon_is_exit_code_3_with_the_cure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ctl.run(parse("--socket", str(tmp_path / "none"), "status")) == 3
    assert "systemctl start speakerd" in capsys.readouterr().err


def test_a_reload_says_what_changed_and_when_it_counts(
    daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.answer = {"applied": True, "changes": CHANGES, "restart": ["panel.button.pin"]}
    assert run(daemon, "reload") == 0
    assert capsys.readouterr().out.splitlines() == [
        "audio.volume: 60 -> 40 (in force)",
        'panel.button.pin: "" -> 17 (needs a restart)',
        "still as at the start: panel.button.pin. `speakerd ctl reload --restart` restarts it",
    ]
    assert daemon.asked[-1][0] == "reload"
    assert run(daemon, "reload", "--restart") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "it restarts now"
    assert daemon.asked[-1][0] == "restart"
    daemon.answer = {"applied": True, "changes": []}
    assert run(daemon, "reload") == 0
    assert capsys.readouterr().out == "nothing has changed\n"
    daemon.answer = {"applied": False, "problem": "line 3: no"}
    assert run(daemon, "reload") == 1
    assert capsys.readouterr().out == "line 3: no\nnothing was changed\n"


def test_the_monitor_off_a_terminal_is_plain_lines(
    daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(daemon, "monitor") == 3, "the daemon ended, which one should notice"
    shown = capsys.readouterr()
    assert [line[9:] for line in shown.out.splitlines()] == [
        "idle, not connected, volume 60",
        "* listening",
        "  gate open",
        "you: What is the time?",
        "speaker: Noon.",
    ]
    assert "\033" not in shown.out
    assert "has ended" in shown.err


def test_the_monitor_as_json(daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(daemon, "--json", "monitor") == 3
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line) for line in lines[:-1]] == STORY


@pytest.mark.parametrize(
    ("words", "answer", "shown"),
    [
        (["ask", "--wait", "20", "time?"], {"answer": "Noon.", "phase": "idle"}, "Noon."),
        (["ask", "time?"], {"phase": "thinking"}, "it is asked"),
        (["say", "now"], {"now": True, "phase": "announcing"}, "it is spoken now"),
        (
            ["say", "now"],
            {"now": False, "before_it": 2},
            "it waits until nobody speaks or is listened to, after 2 that came before",
        ),
        (["say", "--wait", "now"], {"spoken": True}, "it was spoken"),
    ],
)
def test_what_is_said_and_asked_is_answered_with_what_became_of_it(
    daemon: FakeDaemon,
    words: list[str],
    answer: dict[str, Any],
    shown: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    daemon.answer = answer
    assert run(daemon, *words) == 0
    assert capsys.readouterr().out == f"{shown}\n"
    assert run(daemon, "--json", *words) == 0
    assert json.loads(capsys.readouterr().out) == answer


def test_options_may_come_before_the_word_or_after_it_and_the_file_names_the_socket(
    daemon: FakeDaemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "speakerd.toml"
    file.write_text(f'[control]\nsocket = "{daemon.path}"\n')
    for words in (
        ["--json", "--config", str(file), "status"],
        ["status", "--json", "--config", str(file)],
        ["--json", "status", "--socket", str(daemon.path)],
    ):
        assert ctl.run(parse(*words)) == 0
        assert json.loads(capsys.readouterr().out) == STATUS
    file.write_text("[control]\nsocket = 7\n")
    assert ctl.run(parse("--config", str(file), "status")) == 2
    assert "control.socket" in capsys.readouterr().err


def test_a_wrong_word_shows_the_usage_of_its_command(
    daemon: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(daemon, "volume", "loud") == 2
    assert "ctl volume [-h]" in capsys.readouterr().err


def test_on_a_terminal_it_draws_one_line_over_and_over_and_leaves_it_clean(daemon: FakeDaemon) -> None:
    daemon.view = Story
    program = (
        "import argparse, sys; from speakerd.cli import ctl; p = argparse.ArgumentParser(); ctl.add_parser(p.add_subparsers())\n"
        "try: sys.exit(ctl.run(p.parse_args(sys.argv[1:])))\n"
        "except KeyboardInterrupt: sys.exit(130)"
    )
    ours, theirs = pty.openpty()
    words = [sys.executable, "-c", program, "ctl", "--socket", str(daemon.path), "monitor"]
    with subprocess.Popen(
        words, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as process:
        os.close(theirs)
        shown = b""
        end = time.monotonic() + limit(30)
        while b"Noon." not in shown and time.monotonic() < end:
            if select.select([ours], [], [], 0.1)[0]:
                shown += os.read(ours, 65536)
        process.send_signal(2)
        while select.select([ours], [], [], 0.5)[0]:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # the other side of the terminal is closed
                break
        assert process.wait(limit(20)) == 130
    os.close(ours)
    assert b"speaker: Noon.\r\n" in shown
    assert b"\r\x1b[K" in shown
    assert b"mic [" in shown
    assert shown.endswith(b"\r\x1b[K\x1b[0m")


def test_what_there_is_none_of_is_a_dash_in_status() -> None:
    lines = ctl.answer_lines("status", {"missing": None, "left_out": None, "restart": None})
    assert [line.split() for line in lines] == [["missing", "-"], ["left_out", "-"], ["restart", "-"]]


def test_a_wait_that_is_no_number_is_told_with_what_to_write(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse("ask", "--wait", "what time is it")
    told = capsys.readouterr().err
    assert "found 'what time is it': ask --wait 20 WORDS" in told
    assert "_seconds" not in told


def test_a_reply_without_words_is_told_to_be_one() -> None:
    assert ctl.answer_lines("ask", {"answer": ""}) == ["it was answered; the server sent no words of it"]


def test_where_nobody_listens_a_file_that_may_have_moved_the_socket_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "speakerd.toml"
    file.write_text(f'[control]\nsocket = "{tmp_path / "new"}"\n')
    assert ctl.run(parse("--config", str(file), "reload")) == 3
    told = capsys.readouterr().err
    assert f"If control.socket was changed in {file}" in told
    assert "--socket" in told
    assert ctl.run(parse("--socket", str(tmp_path / "none"), "reload")) == 3
    assert "was changed" not in capsys.readouterr().err
