"""The light as the last line of a terminal, and the text above it.

If the output is no terminal, each change of state is a plain line. All output goes through here, under one lock, so
that captions, light and control sequences never mix.
"""

import contextlib
import os
import threading
from collections.abc import Mapping
from typing import TextIO

from speakerd.panel.frames import Frame
from speakerd.panel.light_settings import LightSettings
from speakerd.panel.looks import looks
from speakerd.panel.terminal.line import ColorDepth, light_line, plain_line

_CLEAR = "\r\x1b[2K"
_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
_ASK_KITTY = "\x1b[?u"
_PUSH_KITTY = "\x1b[>10u"
"""Report all keys as escape codes (8), with press, repeat and release (2)."""
_POP_KITTY = "\x1b[<u"


class TerminalLamp:
    """Draws on the last line of the terminal, below the text. Methods may be called from any thread."""

    name = "light on the terminal"

    def __init__(
        self, stdout: TextIO, light: LightSettings, environ: Mapping[str, str], *, hint: str
    ) -> None:
        self._out = stdout
        self._hint = hint
        self._looks = looks(light.states)
        self._lock = threading.RLock()
        self._drawn = ""
        self._state = ""
        self._kitty = False
        self._closed = False
        self._is_terminal = stdout.isatty() and environ.get("TERM", "dumb") != "dumb"
        self._utf8 = (getattr(stdout, "encoding", None) or "ascii").lower().replace("-", "") == "utf8"
        self._depth: ColorDepth = "256"
        if environ.get("NO_COLOR"):
            self._depth = "none"
        elif environ.get("COLORTERM") in {"truecolor", "24bit"}:
            self._depth = "true"

    def show(self, frame: Frame) -> None:
        """Draw the light; without a terminal, print a line for a new state."""
        with self._lock:
            if self._closed:
                return
            if not self._is_terminal:
                if frame.state != self._state:
                    self._send(plain_line(frame, self._looks[frame.state]) + "\n")
            else:
                line = light_line(
                    frame, columns=self._columns(), depth=self._depth, utf8=self._utf8, hint=self._hint
                )
                if line != self._drawn:
                    self._send((_HIDE_CURSOR if not self._drawn else "") + _CLEAR + line)
                    self._drawn = line
            self._state = frame.state

    def write(self, text: str) -> None:
        """Print a line of text above the light. Raises OSError if the terminal is gone."""
        with self._lock:
            above = _CLEAR if self._drawn else ""
            self._send(f"{above}{text}\n{self._drawn}")

    def close(self) -> None:
        """Clear the line of the light and show the cursor. Idempotent."""
        with self._lock, contextlib.suppress(OSError, ValueError):
            if not self._closed and self._drawn:
                self._send(_CLEAR + _SHOW_CURSOR)
            self._drawn = ""
            self._closed = True

    def ask_for_releases(self) -> None:
        """Ask the terminal whether it can report releases of keys."""
        if self._is_terminal:
            with self._lock:
                self._send(_ASK_KITTY)

    def report_releases(self) -> None:
        """Switch reports of releases on; the terminal has answered that it can."""
        with self._lock:
            if not self._kitty and not self._closed:
                self._send(_PUSH_KITTY)
                self._kitty = True

    def forget_releases(self) -> None:
        """Switch reports of releases off again."""
        with self._lock, contextlib.suppress(OSError, ValueError):
            if self._kitty:
                self._send(_POP_KITTY)
                self._kitty = False

    def _columns(self) -> int:
        try:
            return os.get_terminal_size(self._out.fileno()).columns or 80
        except (OSError, ValueError):
            return 80

    def _send(self, text: str) -> None:
        if not self._utf8:
            text = text.encode("ascii", "replace").decode("ascii")
        self._out.write(text)
        self._out.flush()
