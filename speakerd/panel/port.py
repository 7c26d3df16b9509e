"""The port: what the daemon sees of the button and the light, whatever they are made of.

Three panels stand behind it: `gpio_panel.GpioPanel` (pins of a Pi), `terminal.TerminalPanel` (a keyboard and
a line of text) and `simulated.SimulatedPanel` (a script). One contract suite runs over all of them.

A `Lamp` is one light of a panel: it is handed frames and shows of each what it can.
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
"""Called once for each part that died while the panel was open; from any thread."""


class Lamp(Protocol):
    """One light. Called by one thread at a time."""

    @property
    def name(self) -> str:
        """What the user would call it: "LED on GPIO17"."""
        ...

    def show(self, frame: Frame) -> None:
        """Show `frame`. Raises OSError or PanelError if the light has failed."""
        ...

    def close(self) -> None:
        """Go dark and release what is held. Idempotent; never raises."""
        ...


class Panel(Protocol):
    """A button, further ones if there are, and a light."""

    def start(self, on_edge: OnEdge, on_failure: OnFailure | None = None) -> None:
        """Open all parts and show `starting`. A button that is down already is reported as an edge at once.

        Raises PanelError, with nothing left open, if a part cannot be had; RuntimeError if called twice.
        """
        ...

    def show(self, state: LightState) -> None:
        """Let the light show `state`. From any thread; returns at once; ignored after `close`."""
        ...

    def set_level(self, dbfs: float) -> None:
        """Report the sound level that a level-following light follows. As `show`."""
        ...

    def close(self) -> None:
        """Light off, threads ended, pins released. Idempotent; from any thread but the panel's own callbacks."""
        ...
