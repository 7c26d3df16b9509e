"""The thread that makes the light move: a thin shell around `Animator`.

It sleeps until the animator says that something changes: without limit while the light is steady, until the next
edge of a blink, for a frame while it breathes. This one thread uses all lamps; a lamp that fails is reported and
closed, and the others go on.
"""

import atexit
import logging
import threading
import time
from collections.abc import Callable, Sequence

from speakerd.panel.errors import LampLostError
from speakerd.panel.light_settings import LightSettings
from speakerd.panel.lights.animator import Animator
from speakerd.panel.port import Lamp, OnFailure
from speakerd.panel.types import LightState

_JOIN_S = 2.0
"""Longest wait for the thread at `close`; it looks at the flag every few milliseconds."""

_log = logging.getLogger(__name__)


def local_minute() -> int:
    """Return the minute of the local day, 0..1439."""
    now = time.localtime()
    return now.tm_hour * 60 + now.tm_min


class Renderer:
    """Shows frames on lamps when they are due. Methods may be called from any thread and return at once.

    It owns `lamps`: `close` closes them, also if `start` was never called. Raises
    ValueError if `settings` makes an impossible look.
    """

    def __init__(
        self,
        settings: LightSettings,
        lamps: Sequence[Lamp],
        *,
        on_failure: OnFailure | None = None,
        clock: Callable[[], float] = time.monotonic,
        minute_of_day: Callable[[], int] = local_minute,
    ) -> None:
        self._animator = Animator(settings, "starting", clock())
        self._lamps = list(lamps)
        self._on_failure = on_failure
        self._clock = clock
        self._minute_of_day = minute_of_day
        self._wake = threading.Condition()
        self._dirty = True
        self._closing = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread; without any lamp nothing is started."""
        if not self._lamps or self._thread is not None:
            return
        self._thread = threading.Thread(target=self._run, name="panel-light", daemon=True)
        # If `close` is never called, the light must still go out and the pins be released.
        atexit.register(self.close)
        self._thread.start()

    def show(self, state: LightState) -> None:
        """Show `state` from now on."""
        with self._wake:
            if self._animator.show(state, self._clock()):
                self._dirty = True
                self._wake.notify()

    def set_level(self, dbfs: float) -> None:
        """Report the sound level; cheap while no pattern follows it."""
        with self._wake:
            if self._animator.follows_level:
                self._animator.level(dbfs, self._clock())

    def close(self) -> None:
        """End the thread, put all lamps out and release them. Idempotent."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        thread, self._thread = self._thread, None
        if thread is not None:
            atexit.unregister(self.close)
            thread.join(_JOIN_S)
            if thread.is_alive():
                _log.error("the light's thread did not end within %g s; its lamps stay claimed", _JOIN_S)
                return
        while self._lamps:
            self._lamps.pop().close()

    def draw(self) -> float | None:
        """Show one frame now; return when the next one is due, None if not before `show`.

        Called by the thread; by hand only where `start` is not used, as in a stepped simulation.
        """
        with self._wake:
            self._dirty = False
            frame = self._animator.frame(self._clock(), self._minute_of_day())
        # Outside the lock: a slow bus must not block the caller of show().
        for lamp in tuple(self._lamps):
            try:
                lamp.show(frame)
            except Exception as error:  # noqa: BLE001  whatever a driver throws, the other lamps go on
                self._lose(lamp, error)
        with self._wake:
            return self._animator.next_change(self._clock())

    def _run(self) -> None:
        while not self._closing:
            due = self.draw()
            with self._wake:
                if not (self._dirty or self._closing):
                    self._wake.wait(None if due is None else max(due - self._clock(), 0.0))

    def _lose(self, lamp: Lamp, error: Exception) -> None:
        self._lamps.remove(lamp)
        lamp.close()
        lost = LampLostError(lamp.name, str(error) or type(error).__name__)
        _log.error("%s", lost, exc_info=error)
        if self._on_failure is not None:
            self._on_failure(lost)


class RenderedPanel:
    """The part that all panels share: their light, shown by a `Renderer` that `start` of the panel makes."""

    _renderer: Renderer | None = None

    def show(self, state: LightState) -> None:
        """Show `state` from now on. From any thread; returns at once; ignored before `start` and after `close`."""
        if self._renderer is not None:
            self._renderer.show(state)

    def set_level(self, dbfs: float) -> None:
        """Report the sound level that a level-following light follows. From any thread; returns at once."""
        if self._renderer is not None:
            self._renderer.set_level(dbfs)
