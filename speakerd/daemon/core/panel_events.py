"""Hears the panel: edges of its buttons become gestures for the dialogue."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from speakerd.host.journal import fields
from speakerd.panel.buttons import Inputs

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from speakerd.config.settings import Settings
    from speakerd.daemon.live_settings import LiveSettings
    from speakerd.panel.errors import PanelError
    from speakerd.panel.types import Gesture

log = logging.getLogger(__name__)


class PanelEvents:
    """Recognises gestures, with one timer for those that need time to become clear."""

    def __init__(
        self,
        settings: LiveSettings,
        *,
        post: Callable[..., None],
        handle: Callable[[Gesture], None],
        call_at: Callable[[float | None, Callable[[], None]], asyncio.TimerHandle | None],
        clock: Callable[[], float],
    ) -> None:
        """Nothing is heard yet.

        Args:
            settings: Those of gestures are read.
            post: Brings a call from any thread into the event loop.
            handle: Gives a gesture to the dialogue.
            call_at: Makes a timer for a monotonic time; None where there is none.
            clock: Monotonic seconds, the panel's.
        """
        self._post = post
        self._handle = handle
        self._call_at = call_at
        self._clock = clock
        self._timer: asyncio.TimerHandle | None = None
        self._down: set[str] = set()
        self._settings = settings.subscribe("panel.gestures", take=self._take, when="now").panel.gestures
        self._inputs = Inputs(self._settings)
        self._made_of = self._settings

    def _take(self, settings: Settings) -> None:
        self._settings = settings.panel.gestures
        self._renew()

    def _renew(self) -> None:
        """Tell gestures apart by other times, unless a press is going on: it ends as it began."""
        if (
            self._made_of is self._settings
            or self._down - {"mute_switch"}
            or self._inputs.deadline is not None
        ):
            return
        self._made_of = self._settings
        self._inputs = Inputs(self._settings)
        if "mute_switch" in self._down:
            self._inputs.edge("mute_switch", True, self._clock())

    def edge(self, button: str, pressed: bool, at: float) -> None:
        """Take an edge of a button. Any thread."""
        self._post(self._edge, button, pressed, at)

    def failed(self, error: PanelError) -> None:
        """Take the report that a part of the panel has died; the rest of it goes on. Any thread."""
        self._post(lambda: log.error("%s", error, extra=fields(event="panel_failed")))

    def close(self) -> None:
        """Stop the timer: no gesture comes of a button that is still down. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()

    def _edge(self, button: str, pressed: bool, at: float) -> None:
        (self._down.add if pressed else self._down.discard)(button)
        self._gestured(self._inputs.edge(button, pressed, at))

    def _due(self) -> None:
        # Behind the edges that wait already: a loop that was late must not take a tap for a hold because it looks
        # at the clock before it looks at the release.
        self._post(self._tick)

    def _tick(self) -> None:
        self._gestured(self._inputs.tick(self._clock()))

    def _gestured(self, gestures: tuple[Gesture, ...]) -> None:
        for gesture in gestures:
            self._handle(gesture)
        self.close()
        self._renew()
        self._timer = self._call_at(self._inputs.deadline, self._due)
