"""One rig for each kind of panel, so that the contract suite sees them all alike: a hand, an eye, and what is left."""

import io
import os
import pty
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol, cast

from gpiozero.pins.mock import MockFactory, MockPWMPin

from speakerd.panel.gpio.panel import GpioPanel
from speakerd.panel.light_settings import LightSettings
from speakerd.panel.port import Panel
from speakerd.panel.settings import ButtonSettings
from speakerd.panel.simulated import SimulatedPanel
from speakerd.panel.terminal.panel import TerminalPanel
from tests.limits import limit

PATIENCE_S = limit(5.0)


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Wait for another thread's doing; not for time to pass."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > end:
            raise AssertionError(f"not within {PATIENCE_S} s: {what}")
        time.sleep(0.002)


class Rig(Protocol):
    panel: Panel

    def press(self) -> None: ...
    def release(self) -> None: ...
    def is_bright(self) -> bool:
        """The light is at least half as bright as it can be."""
        ...

    def is_off(self) -> bool:
        """The light is out and nothing is held any more."""
        ...


class SimulatedRig:
    def __init__(self, light: LightSettings) -> None:
        self.simulated = SimulatedPanel(light)
        self.panel: Panel = self.simulated

    def press(self) -> None:
        self.simulated.press()

    def release(self) -> None:
        self.simulated.release()

    def is_bright(self) -> bool:
        record = self.simulated.record
        return bool(record) and record[-1].frame.brightness >= 0.5

    def is_off(self) -> bool:
        return self.simulated.is_dark


class GpioRig:
    BUTTON, LIGHT = 23, 25

    def __init__(self, light: LightSettings) -> None:
        from dataclasses import replace

        self.pins = MockFactory(pin_class=MockPWMPin)
        self.panel: Panel = GpioPanel(
            ButtonSettings(pin=self.BUTTON), replace(light, pwm_pin=self.LIGHT), pin_factory=self.pins
        )

    def press(self) -> None:
        self.pins.pin(self.BUTTON).drive_low()

    def release(self) -> None:
        self.pins.pin(self.BUTTON).drive_high()

    def is_bright(self) -> bool:
        return bool(self.pins.pin(self.LIGHT).state > 0.5**2.2 - 0.01)

    def is_off(self) -> bool:
        free = not any(self.pins._reservations.values())
        return free and self.pins.pin(self.LIGHT).state == 0


class TerminalRig:
    """A terminal that speaks the kitty protocol: only there has a key two edges that a test can give."""

    def __init__(self, light: LightSettings) -> None:
        self.master, slave = pty.openpty()
        self._slave = os.fdopen(slave, "r+b", buffering=0)
        self._out = io.TextIOWrapper(io.BufferedWriter(cast("io.RawIOBase", self._slave)), "utf-8")
        self._in = os.fdopen(os.dup(slave), "r")
        self.screen = ""
        self._watching = threading.Thread(target=self._watch, daemon=True)
        self._watching.start()
        self.panel: Panel = OnPty(light, stdin=self._in, stdout=self._out, environ={"TERM": "xterm"})

    def _watch(self) -> None:
        while True:
            try:
                data = os.read(self.master, 4096)
            except OSError:
                return
            self.screen += data.decode()
            if not data:
                return

    def type(self, data: bytes) -> None:
        os.write(self.master, data)

    def press(self) -> None:
        self.type(b"\x1b[32;1:1u")

    def release(self) -> None:
        self.type(b"\x1b[32;1:3u")

    def line(self) -> str:
        newest = self.screen.rpartition("\x1b[2K")[2]
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", newest)

    def is_bright(self) -> bool:
        return self.line().count("━") >= 8

    def is_off(self) -> bool:
        # Whatever is typed after that is echoed, as in any terminal.
        hide, show = "\x1b[?25l", "\x1b[?25h"
        wait_until(lambda: self.screen.count(hide) == self.screen.count(show), "the cursor is shown again")
        return hide not in self.screen or self.screen.rpartition(show)[0].endswith("\x1b[2K")

    def hang_up(self) -> None:
        self._in.close()
        # What was not sent any more cannot be, if the other end has gone.
        with suppress(OSError):
            self._out.close()
        os.close(self.master)
        self._watching.join(PATIENCE_S)


class OnPty(TerminalPanel):
    """The terminal panel on a pty that is not this process's controlling terminal."""

    def _may_read_keys(self) -> bool:
        return os.isatty(self._stdin.fileno())


@contextmanager
def rig(kind: str, light: LightSettings) -> Iterator[Rig]:
    if kind == "terminal":
        terminal = TerminalRig(light)
        try:
            yield terminal
        finally:
            terminal.panel.close()
            terminal.hang_up()
        return
    made: Rig = SimulatedRig(light) if kind == "simulated" else GpioRig(light)
    try:
        yield made
    finally:
        made.panel.close()
