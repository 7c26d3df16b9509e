"""A panel in a terminal: the keyboard is the button, a line of text is the light.

Keys: space is the button, m the mute switch, + and - the volume, q (or Ctrl-C) quits. `keys` distinguishes a held
space bar from a tapped one; terminals that can report releases are asked to.

`close` restores the terminal, at the latest when the interpreter ends. If the output is no terminal, each change of
state is a plain line; if the input is none, or this is a background job, there are no keys.
"""

import atexit
import contextlib
import logging
import os
import select
import signal
import sys
import termios
import threading
import time
from collections.abc import Callable, Mapping
from typing import TextIO, assert_never

from speakerd.panel.light_settings import LightSettings
from speakerd.panel.lights import RenderedPanel, Renderer, local_minute
from speakerd.panel.port import OnEdge, OnFailure
from speakerd.panel.terminal.keys import HeldKey, KeyAction, KeyEvent, parse
from speakerd.panel.terminal.lamp import TerminalLamp
from speakerd.panel.terminal.line import HINT
from speakerd.panel.types import ButtonName

_JOIN_S = 2.0

_log = logging.getLogger(__name__)


def interrupt_main() -> None:
    """Send SIGINT to the main thread, as Ctrl-C does."""
    main = threading.main_thread().ident
    if main is not None:
        signal.pthread_kill(main, signal.SIGINT)


class TerminalPanel(RenderedPanel):
    """A panel on `stdin` and `stdout`. Implements `port.Panel`.

    `on_quit` is called, in the panel's thread, when q is typed; by default the process is interrupted as by
    Ctrl-C. Without `with_keys` the keyboard is left alone: only the light is drawn.
    """

    def __init__(
        self,
        light: LightSettings | None = None,
        *,
        stdin: TextIO | None = None,
        stdout: TextIO | None = None,
        with_keys: bool = True,
        on_quit: Callable[[], None] = interrupt_main,
        clock: Callable[[], float] = time.monotonic,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._light = light or LightSettings()
        self._stdin = stdin or sys.stdin
        self._with_keys = with_keys
        self._on_quit = on_quit
        self._clock = clock
        self._line = TerminalLamp(stdout or sys.stdout, self._light, environ, hint=HINT if with_keys else "")
        self._on_edge: OnEdge = lambda _name, _pressed, _at: None
        self._saved: list[int | list[bytes | int]] | None = None
        self._wake: tuple[int, int] | None = None
        self._thread: threading.Thread | None = None
        self._closing = threading.Lock()
        self._space = HeldKey()
        self._muted = False

    def start(self, on_edge: OnEdge, on_failure: OnFailure | None = None) -> None:
        """Take the keyboard, if it may be read, and show `starting`. Raises RuntimeError if called twice."""
        if self._renderer is not None:
            raise RuntimeError("a panel starts once")
        self._renderer = Renderer(
            self._light, [self._line], on_failure=on_failure, clock=self._clock, minute_of_day=local_minute
        )
        self._on_edge = on_edge
        atexit.register(self.close)
        if self._with_keys and self._may_read_keys():
            self._take_keyboard()
        self._renderer.start()

    def write(self, text: str) -> None:
        """Print a line of text (a caption) above the light. From any thread."""
        self._line.write(text)

    def close(self) -> None:
        """Give the terminal back as it was and end the threads. Idempotent; from any thread."""
        with self._closing:
            if self._wake is not None and self._thread is not None:
                os.write(self._wake[1], b"x")
                if self._thread is not threading.current_thread():
                    self._thread.join(_JOIN_S)
            self._give_back_keyboard()
            if self._renderer is not None:
                self._renderer.close()
            self._line.close()
            atexit.unregister(self.close)

    def _may_read_keys(self) -> bool:
        try:
            descriptor = self._stdin.fileno()
            # A background job that reads from the terminal would be stopped.
            return os.isatty(descriptor) and os.tcgetpgrp(descriptor) == os.getpgrp()
        except (OSError, ValueError):
            return False

    def _take_keyboard(self) -> None:
        descriptor = self._stdin.fileno()
        self._saved = termios.tcgetattr(descriptor)
        changed = termios.tcgetattr(descriptor)
        # No line editing and no echo; Ctrl-C and Ctrl-Z keep their meaning.
        changed[3] &= ~(termios.ICANON | termios.ECHO)
        changed[6][termios.VMIN], changed[6][termios.VTIME] = 1, 0
        termios.tcsetattr(descriptor, termios.TCSANOW, changed)
        self._wake = os.pipe()
        self._line.ask_for_releases()
        self._thread = threading.Thread(target=self._read, name="panel-keys", daemon=True)
        self._thread.start()

    def _give_back_keyboard(self) -> None:
        saved, self._saved = self._saved, None
        if saved is not None:
            self._line.forget_releases()
            # The terminal may be gone (its window closed); then there is nothing to restore.
            with contextlib.suppress(OSError, ValueError, termios.error):
                termios.tcsetattr(self._stdin.fileno(), termios.TCSANOW, saved)
                # The rest of an escape code must not be typed into the shell.
                termios.tcflush(self._stdin.fileno(), termios.TCIFLUSH)
        wake, self._wake = self._wake, None
        if wake is not None and not (self._thread is not None and self._thread.is_alive()):
            for descriptor in wake:
                os.close(descriptor)

    def _read(self) -> None:
        if self._wake is None:
            return
        stdin, wake = self._stdin.fileno(), self._wake[0]
        rest = b""
        while True:
            deadline = self._space.deadline
            timeout = None if deadline is None else max(deadline - self._clock(), 0.0) + 1e-3
            ready, _, _ = select.select([stdin, wake], [], [], timeout)
            if wake in ready:
                return
            self._press("button", self._space.tick(self._clock()))
            if stdin not in ready:
                continue
            try:
                data = os.read(stdin, 1024)
            except OSError:
                data = b""
            if not data:
                _log.info("the terminal has gone; no more keys")
                return
            parsed = parse(rest + data)
            rest = parsed.rest
            if parsed.speaks_kitty:
                self._line.report_releases()
            for key in parsed.keys:
                self._key(key)

    def _key(self, key: KeyEvent) -> None:
        now = self._clock()
        if key.char == " ":
            self._press("button", self._edges_of_space(key.action, now))
        elif key.action in {"release", "repeat"}:
            return
        elif key.char == "q" or (key.ctrl and key.char == "c"):
            self._on_quit()
        elif key.char == "m":
            self._muted = not self._muted
            self._press("mute_switch", (self._muted,))
        elif key.char in "+=":
            self._press("volume_up", (True, False))
        elif key.char == "-":
            self._press("volume_down", (True, False))

    def _edges_of_space(self, action: KeyAction, now: float) -> tuple[bool, ...]:
        match action:
            case "typed":
                return self._space.typed(now)
            case "press":
                return self._space.press(now)
            case "release":
                return self._space.release(now)
            case "repeat":
                return self._space.tick(now)
            case _:
                assert_never(action)

    def _press(self, button: ButtonName, edges: tuple[bool, ...]) -> None:
        for pressed in edges:
            try:
                self._on_edge(button, pressed, self._clock())
            except Exception:  # noqa: BLE001  logged with its traceback; the keyboard must go on
                _log.exception("a press of %s was lost: what listens to it failed", button)
