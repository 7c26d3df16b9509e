"""The panel of the settings in force.

Two panels cannot hold the same pins, so other settings are tried by exchange: the old panel releases its pins, the
new one takes its own, and where it cannot, the old one takes them back. That is done in some milliseconds, and is
the only trial that shows what the kernel says of a pin.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING

from speakerd.daemon.live_settings import PreparedChange, UnworkableSettingError
from speakerd.panel.errors import PanelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from speakerd.config.settings import Settings
    from speakerd.daemon.live_settings import LiveSettings
    from speakerd.panel.port import OnEdge, OnFailure, Panel
    from speakerd.panel.settings import PanelSettings
    from speakerd.panel.types import LightState

log = logging.getLogger(__name__)


class LivePanel:
    """Owns the one panel there is, and is one. Event loop only, but for `show` and `set_level`."""

    def __init__(
        self,
        settings: LiveSettings,
        *,
        make_panel: Callable[[PanelSettings], Panel],
        clock: Callable[[], float],
        die: Callable[[str], None],
    ) -> None:
        """Nothing is opened yet.

        Args:
            settings: Those of the panel are read, but for what the gestures mean.
            make_panel: Returns the panel that the settings name, not started.
            clock: The panel's: monotonic seconds.
            die: Called with the reason where there can be no panel any more.
        """
        self._make = make_panel
        self._clock = clock
        self._die = die
        self._settings = settings.subscribe(
            "panel", but=("panel.gestures",), prepare=self._prepare, when="now", disturbs=True
        ).panel
        self._panel = make_panel(self._settings)
        self._state: LightState = "starting"
        self._down: set[str] = set()
        self._on_edge: OnEdge | None = None
        self._on_failure: OnFailure | None = None

    def start(self, on_edge: OnEdge, on_failure: OnFailure | None = None) -> None:
        """Open the panel. Raises PanelError if it cannot be opened."""
        self._on_edge, self._on_failure = on_edge, on_failure
        self._panel.start(self._edge, on_failure)

    def show(self, state: LightState) -> None:
        """Show `state`, also on a panel that replaces this one."""
        self._state = state
        self._panel.show(state)

    def set_level(self, dbfs: float) -> None:
        """Report the sound level that a level-following light follows."""
        self._panel.set_level(dbfs)

    def close(self) -> None:
        """Put the light out and release the pins. Idempotent."""
        self._panel.close()

    def _edge(self, button: str, pressed: bool, at: float) -> None:
        (self._down.add if pressed else self._down.discard)(button)
        if self._on_edge is not None:
            self._on_edge(button, pressed, at)

    async def _prepare(self, settings: Settings) -> PreparedChange:
        old = self._settings
        await self._exchange(settings.panel)
        return PreparedChange(lambda: None, partial(self._exchange, old))

    async def _exchange(self, settings: PanelSettings) -> None:
        """Replace the panel. Raises UnworkableSettingError where it cannot be opened; the old one is open again."""
        if self._on_edge is None:
            self._panel, self._settings = self._make(settings), settings
            return
        held, self._down = self._down, set()
        await asyncio.to_thread(self._panel.close)
        try:
            await self._open(settings)
        except PanelError as error:
            try:
                await self._open(self._settings)
            except PanelError as obstacle:
                self._die(f"neither the new panel nor the old one can be opened: {error}; {obstacle}")
            raise UnworkableSettingError(error.key, str(error)) from error
        finally:
            # Whoever held a button of the old panel cannot release it any more.
            for button in held - self._down:
                self._edge(button, False, self._clock())
        self._settings = settings

    async def _open(self, settings: PanelSettings) -> None:
        panel = self._make(settings)
        await asyncio.to_thread(panel.start, self._edge, self._on_failure)
        self._panel = panel
        panel.show(self._state)
