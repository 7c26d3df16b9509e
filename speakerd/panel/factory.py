"""Making the panel that the settings name."""

from typing import assert_never

from speakerd.panel.gpio import GpioPanel
from speakerd.panel.light_settings import LightSettings
from speakerd.panel.port import Panel
from speakerd.panel.settings import ButtonSettings, PanelSettings
from speakerd.panel.simulated import SimulatedPanel
from speakerd.panel.terminal import TerminalPanel


def open_panel(settings: PanelSettings) -> Panel:
    """Return the panel; its `start` opens the pins, and raises a PanelError that says what to do.

    With `kind = "none"`, or `kind = "gpio"` and neither pin nor strip, the panel has no parts and needs no
    hardware. Raises ValueError if the settings make an impossible look.
    """
    match settings.kind:
        case "gpio":
            return GpioPanel(settings.button, settings.light)
        case "terminal":
            return TerminalPanel(settings.light)
        case "simulated":
            return SimulatedPanel(settings.light)
        case "none":
            return GpioPanel(ButtonSettings(), LightSettings())
        case _:
            assert_never(settings.kind)
