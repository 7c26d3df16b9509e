"""The port: what the daemon sees of the button and the light.

There are three panels: `gpio.GpioPanel` (pins of a Pi), `terminal.TerminalPanel` (a keyboard and a line of text)
and `simulated.SimulatedPanel` (a script). One suite of contract tests runs over all of them.

A `Lamp` is one light of a panel: it is given frames, and shows of each what it can.
"""

from collections.abc import Callable
from typing import Protocol

from speakerd.panel.errors import PanelError
from speakerd.panel.frames import Frame
from speakerd.panel.types import LightState

OnEdge = Callable[[str, bool, float], None]
"""Called with the button's name, whether it is down, and when (monotonic seconds); from any thread, never at the
same time as itself for one button, and only when that button's state has changed."""

OnFailure = Callable[[PanelError], None]
"""Called once for each part that fails while the panel is open; from any thread."""


class Lamp(Protocol):
    """One light. Called by one thread at a time."""

    @property
    def name(self) -> str:
        """Its name for the user: "LED on GPIO17"."""
        ...

    def show(self, frame: Frame) -> None:
        """Show `frame`. Raises OSError or PanelError if the light has failed."""
        ...

    def close(self) -> None:
        """Go dark and release the hardware. Idempotent; never raises."""
        ...


class Panel(Protocol):
    """The inputs and the light of a speaker."""

    def start(self, on_edge: OnEdge, on_failure: OnFailure | None = None) -> None:
        """Open all parts and show `starting`. A button that is down already is reported as an edge at once.

        Raises PanelError, with nothing left open, if a part cannot be opened; RuntimeError if called twice.
        """
        ...

    def show(self, state: LightState) -> None:
        """Show `state`. From any thread; returns at once; ignored before `start` and after `close`."""
        ...

    def set_level(self, dbfs: float) -> None:
        """Report the sound level that a level-following light follows. From any thread; returns at once."""
        ...

    def close(self) -> None:
        """Put the light out, end the threads, release the pins. Idempotent; not to be called from the callbacks."""
        ...
