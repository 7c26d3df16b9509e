"""`speakerd demo --talk` as a person uses it: a terminal, a space bar, a microphone and a loudspeaker."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
import wave
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.audio.recordings import DATA
from tests.limits import limit

if TYPE_CHECKING:
    from tests.rig import SoundCard


class Terminal:
    """A program on a pseudo-terminal of its own."""

    def __init__(self, words: list[str], env: dict[str, str]) -> None:
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "speakerd", *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**env, "TERM": "xterm-256color"},
            preexec_fn=lambda: os.login_tty(slave),  # noqa: PLW1509  # the terminal must become its controlling one
        )
        os.close(slave)
        self._seen = ""

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def wait_for(self, pattern: str, within_s: float = 40.0) -> str:
        """Read until `pattern` has come since the last one found."""
        end = time.monotonic() + limit(within_s)
        while (found := re.search(pattern, self._seen)) is None:
            ready, _, _ = select.select([self._master], [], [], 0.1)
            if ready:
                try:
                    data = os.read(self._master, 65_536).decode(errors="replace")
                except OSError:
                    data = ""
                if not data:
                    raise AssertionError(f"it ended before {pattern!r} came: {self._seen[-800:]!r}")
                self._seen += re.sub(r"\x1b\[[0-9;?<>=]*[a-zA-Z]", "", data)
            if time.monotonic() > end:
                raise AssertionError(f"{pattern!r} did not come within {within_s} s: {self._seen[-800:]!r}")
        self._seen = self._seen[found.end() :]
        return found.group()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)


@pytest.mark.rig
@pytest.mark.timeout(limit(150))
def test_a_space_bar_a_voice_an_answer_mute_and_quit(rig: SoundCard) -> None:
    terminal = Terminal(["demo", "--talk", "--input", "mic", "--output", "speaker"], rig.env)
    try:
        terminal.wait_for("space: tap")
        terminal.wait_for("idle")
        mark = rig.speaker.mark
        terminal.type(" ")
        terminal.wait_for("listening")
        with wave.open(str(DATA / "goforward.wav")) as recording:
            rig.say(recording.readframes(recording.getnframes()))
        terminal.wait_for(r"person  \| go forward ten meters")
        terminal.wait_for(r"speaker \| Understood: go forward ten meters")
        terminal.wait_for("speaking")
        terminal.wait_for("listening")
        assert np.abs(rig.speaker.since(mark).astype(np.int32)).max() > 1_000
        terminal.type("m")
        terminal.wait_for("muted")
        terminal.type("q")
        assert terminal.process.wait(limit(15)) == 0
    finally:
        terminal.close()


@pytest.mark.rig
def test_without_the_sound_device_it_says_which_there_are_and_what_else_to_do(rig: SoundCard) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "speakerd", "demo", "--talk", "--input", "nowhere"],
        capture_output=True,
        text=True,
        timeout=limit(60),
        env=rig.env,
        check=False,
    )
    assert result.returncode == 3
    assert "nowhere" in result.stderr
    assert "mic" in result.stderr
    assert "--talk --text" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.realtime_clock
def test_typed_questions_are_answered_in_text() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "speakerd", "demo", "--talk", "--text", "--output", "nowhere"],
        input="hello\nrepeat after me I am here\n\n",
        capture_output=True,
        text=True,
        timeout=limit(60),
        check=False,
    )
    assert result.returncode == 0
    assert "| i am here" in result.stdout.lower()
    assert "Traceback" not in result.stderr


@pytest.mark.realtime_clock
def test_ctrl_c_at_the_typed_prompt_ends_it_without_another_key() -> None:
    terminal = Terminal(["demo", "--talk", "--text", "--output", "nowhere"], dict(os.environ))
    try:
        terminal.wait_for("Type a question")
        terminal.wait_for("idle")
        terminal.type("\x03")
        assert terminal.process.wait(limit(10)) == 130
    finally:
        terminal.close()
