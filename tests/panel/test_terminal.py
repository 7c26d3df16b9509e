"""The terminal panel: what stands on the screen, and that the terminal is given back whatever happens."""

import io
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator

import pytest

from speakerd.panel.colors import parse_color
from speakerd.panel.frames import Frame
from speakerd.panel.light_settings import LightSettings
from speakerd.panel.terminal.line import HINT, light_line
from speakerd.panel.terminal.panel import TerminalPanel
from tests.limits import limit
from tests.panel.rigs import OnPty, TerminalRig, wait_until

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
DAY = LightSettings(night_from="")


def frame(brightness: float = 1.0) -> Frame:
    return Frame("listening", is_lit=True, brightness=brightness, color=parse_color("blue"))


# --- the line ---


def test_a_line_shows_dot_state_brightness_and_keys() -> None:
    line = ESCAPES.sub("", light_line(frame(0.5), columns=120, depth="true", utf8=True))
    assert line == f"● listening  ━━━━━━━━────────  {HINT}"


@pytest.mark.parametrize("columns", [0, 1, 10, 40, 80])
def test_a_line_never_wraps(columns: int) -> None:
    line = ESCAPES.sub("", light_line(frame(), columns=columns, depth="256", utf8=True))
    assert len(line) <= max(columns - 1, 1)


def test_colour_is_shown_as_the_terminal_can() -> None:
    assert "\x1b[38;2;32;80;255m" in light_line(frame(), columns=80, depth="true", utf8=True)
    assert re.search(r"\x1b\[38;5;\d+m", light_line(frame(), columns=80, depth="256", utf8=True))
    assert "\x1b" not in light_line(frame(), columns=80, depth="none", utf8=True)


def test_a_terminal_without_unicode_gets_ascii() -> None:
    assert light_line(frame(0.5), columns=120, depth="none", utf8=False).isascii()


# --- without a terminal ---


def test_without_a_terminal_each_state_is_a_plain_line_once() -> None:
    out = io.StringIO()
    panel = TerminalPanel(DAY, stdin=io.StringIO(), stdout=out)
    panel.start(lambda *_: None)
    panel.show("idle")
    wait_until(lambda: "light: idle" in out.getvalue(), "idle")
    panel.show("listening")
    wait_until(lambda: "light: listening" in out.getvalue(), "listening")
    panel.show("listening")
    panel.write("You: what time is it?")
    assert "panel-keys" not in {thread.name for thread in threading.enumerate()}
    panel.close()
    lines = out.getvalue().splitlines()
    assert lines[-3:] == [
        "light: idle (white, a faint steady glow)",
        "light: listening (blue, follows the sound)",
        "You: what time is it?",
    ]
    assert "\x1b" not in out.getvalue()


def test_no_color_and_a_dumb_terminal_are_respected() -> None:
    for environ, painted in (
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "xterm"}, True),
        ({"TERM": "dumb"}, False),
    ):
        master, slave = pty.openpty()
        with os.fdopen(slave, "w", encoding="utf-8") as out:
            panel = TerminalPanel(DAY, stdin=io.StringIO(), stdout=out, environ=environ)
            panel.start(lambda *_: None)
            panel.show("listening")
            seen = b""
            while b"listening" not in seen:
                seen += os.read(master, 4096)
            panel.close()
            assert (b"\x1b[38;" in seen) == painted, environ
        os.close(master)


# --- keys on a pty ---


@pytest.fixture
def rig() -> Iterator[TerminalRig]:
    made = TerminalRig(DAY)
    yield made
    made.panel.close()
    made.hang_up()


class Edges:
    def __init__(self) -> None:
        self.seen: list[tuple[str, bool]] = []

    def __call__(self, name: str, pressed: bool, _at: float) -> None:
        self.seen.append((name, pressed))


def test_keys_are_buttons(rig: TerminalRig) -> None:
    edges = Edges()
    rig.panel.start(edges)
    rig.type(b"m")
    wait_until(lambda: edges.seen == [("mute_switch", True)], "mute")
    rig.type(b"m+-")
    wait_until(lambda: len(edges.seen) == 6, f"unmute and volume, seen {edges.seen}")
    assert edges.seen[1:] == [
        ("mute_switch", False),
        ("volume_up", True),
        ("volume_up", False),
        ("volume_down", True),
        ("volume_down", False),
    ]


def test_a_tapped_space_bar_is_a_press_and_a_release(rig: TerminalRig) -> None:
    edges = Edges()
    rig.panel.start(edges)
    rig.type(b" ")
    wait_until(lambda: edges.seen == [("button", True), ("button", False)], "a tap")


def test_a_terminal_that_can_tell_releases_is_asked_to_and_relieved_of_it_at_the_end(
    rig: TerminalRig,
) -> None:
    rig.panel.start(Edges())
    wait_until(lambda: "\x1b[?u" in rig.screen, "the question")
    assert "\x1b[>10u" not in rig.screen
    rig.type(b"\x1b[?0u")
    wait_until(lambda: "\x1b[>10u" in rig.screen, "the wish")
    rig.panel.close()
    wait_until(lambda: "\x1b[<u" in rig.screen, "taken back")


def test_captions_stand_above_the_light(rig: TerminalRig) -> None:
    assert isinstance(rig.panel, TerminalPanel)
    rig.panel.start(Edges())
    rig.panel.show("listening")
    wait_until(lambda: "listening" in rig.line(), "the light")
    rig.panel.write("You: hello")
    wait_until(lambda: "You: hello" in rig.screen, "the caption")

    def after() -> str:
        return ESCAPES.sub("", rig.screen.rpartition("You: hello")[2])

    wait_until(lambda: after().startswith("\r\n● listening"), "the light below it")


@pytest.mark.parametrize("key", [b"q", b"\x1b[113u", b"\x1b[99;5u"])
def test_q_and_ctrl_c_quit(key: bytes) -> None:
    master, slave = pty.openpty()
    quits = threading.Event()
    with os.fdopen(slave, "r") as keys:
        panel = OnPty(DAY, stdin=keys, stdout=io.StringIO(), on_quit=quits.set)
        panel.start(lambda *_: None)
        os.write(master, key)
        assert quits.wait(limit(5))
        panel.close()
    os.close(master)


def test_a_terminal_that_goes_away_takes_nothing_with_it() -> None:
    master, slave = pty.openpty()
    with os.fdopen(slave, "r") as keys:
        panel = OnPty(DAY, stdin=keys, stdout=io.StringIO())
        panel.start(lambda *_: None)
        os.close(master)
        wait_until(lambda: "panel-keys" not in {t.name for t in threading.enumerate()}, "the reader ends")
        panel.show("listening")
        panel.close()


# --- giving the terminal back ---

PROGRAM = """
import os, signal, sys, threading, time
from speakerd.panel.terminal.panel import TerminalPanel
panel = TerminalPanel()
if sys.argv[1] == "sigterm":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
panel.start(lambda *_: None)
panel.show("idle")
assert "panel-keys" in {thread.name for thread in threading.enumerate()}
print("ready", flush=True)
if sys.argv[1] == "raise":
    raise RuntimeError("a fault")
if sys.argv[1] == "exit":
    sys.exit(4)
if sys.argv[1] == "close":
    panel.close()
    sys.exit(5)
time.sleep(30)
"""


@pytest.mark.parametrize(
    ("way", "code"), [("close", 5), ("raise", 1), ("exit", 4), ("sigterm", 3), ("key q", -signal.SIGINT)]
)
def test_the_terminal_is_given_back_however_the_program_ends(way: str, code: int) -> None:
    """In a session of its own with a pty as its controlling terminal, as in a real shell."""
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    name = os.ttyname(slave)

    def controlling() -> None:
        os.setsid()
        os.close(os.open(name, os.O_RDWR))

    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, way],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        preexec_fn=controlling,  # noqa: PLW1509  a test that has no threads of its own by now
        env={**os.environ, "TERM": "xterm"},
    )
    screen = b""
    while b"ready" not in screen:
        screen += os.read(master, 4096)
    if way in {"sigterm", "key q"}:
        assert not termios.tcgetattr(slave)[3] & termios.ECHO
    if way == "sigterm":
        child.send_signal(signal.SIGTERM)
    if way == "key q":
        os.write(master, b"q")
    assert child.wait(limit(20)) == code
    os.set_blocking(master, False)
    try:
        while data := os.read(master, 4096):
            screen += data
    except BlockingIOError:
        pass
    assert termios.tcgetattr(slave) == before
    assert screen.count(b"\x1b[?25l") == screen.count(b"\x1b[?25h"), "the cursor is shown again"
    os.close(slave)
    os.close(master)
