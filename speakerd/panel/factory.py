"""Making the panel that the settings name."""

from typing import assert_never

from speakerd.panel.gpio import GpioPanel
from speakerd.panel.light_settings import LightSettings
from speakerd.panel.port import Panel
from speakerd.panel.settings import ButtonSettings, PanelSettings
from speakerd.panel.simulated import SimulatedPanel
from speakerd.panel.terminal import TerminalPanel


def open_panel(settings: PanelSettings) -> Panel:
    """The panel, not started: `start` opens its pins and raises the PanelError that says what to do.

    `kind = "gpio"` with no pin and no strip named, and `kind = "none"`, give a panel that has nothing and needs
    nothing. Raises ValueError if the settings make an impossible look.
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
