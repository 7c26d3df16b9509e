"""A panel without hardware, for scripts and tests: its button is pressed by a call, its light is recorded.

In real time it runs the same renderer and thread as the real panels. Stepped (`stepped=True`, with the caller's
clock) it has no thread: `step()` draws one frame and releases the buttons that are due.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from speakerd.panel.frames import Frame
from speakerd.panel.light_settings import LightSettings
from speakerd.panel.lights import RenderedPanel, Renderer
from speakerd.panel.port import OnEdge, OnFailure
from speakerd.panel.types import ButtonName, LightState

_KEPT_FRAMES = 20_000
"""Limit of the record: eleven minutes of a moving light at 30 frames a second."""
_NOON = 12 * 60

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shown:
    """A frame, and when it was shown."""

    at: float
    frame: Frame


class SimulatedPanel(RenderedPanel):
    """A panel that is used by calls. Implements `port.Panel`; methods may be called from any thread.

    It is always noon unless `minute_of_day` says otherwise, so that tests do not depend on the time of day.
    """

    def __init__(
        self,
        light: LightSettings | None = None,
        *,
        stepped: bool = False,
        clock: Callable[[], float] = time.monotonic,
        minute_of_day: Callable[[], int] = lambda: _NOON,
    ) -> None:
        self._light = light or LightSettings()
        self._stepped = stepped
        self._clock = clock
        self._minute_of_day = minute_of_day
        self._lamp = _Recorder(clock)
        self._on_edge: OnEdge | None = None
        self._edges = threading.RLock()
        self._down: set[ButtonName] = set()
        self._letting_go: list[tuple[float, ButtonName]] = []
        self._timers: list[threading.Timer] = []

    def start(self, on_edge: OnEdge, on_failure: OnFailure | None = None) -> None:
        """Show `starting` and report the buttons that are down already. Raises RuntimeError if called twice."""
        if self._renderer is not None:
            raise RuntimeError("a panel starts once")
        self._renderer = Renderer(
            self._light,
            [self._lamp],
            on_failure=on_failure,
            clock=self._clock,
            minute_of_day=self._minute_of_day,
        )
        with self._edges:
            self._on_edge = on_edge
            for button in sorted(self._down):
                self._tell(button, pressed=True)
        if self._stepped:
            self._renderer.draw()
        else:
            self._renderer.start()

    def close(self) -> None:
        """Put the light out, let go of all buttons and end the threads. Idempotent."""
        with self._edges:
            self._on_edge = None
            timers, self._timers = self._timers, []
        for timer in timers:
            timer.cancel()
            timer.join()
        if self._renderer is not None:
            self._renderer.close()

    # --- the hand ---

    def press(self, button: ButtonName = "button") -> None:
        """Close the contact; also before `start`, like a jammed button. Ignored if it is closed already."""
        self._move(button, pressed=True)

    def release(self, button: ButtonName = "button") -> None:
        """Open the contact. Ignored if it is open already."""
        self._move(button, pressed=False)

    def tap(self, duration_s: float = 0.1, button: ButtonName = "button") -> None:
        """Press now, and release `duration_s` later; returns at once."""
        self.press(button)
        with self._edges:
            if self._stepped:
                self._letting_go.append((self._clock() + duration_s, button))
                return
            self._timers = [timer for timer in self._timers if timer.is_alive()]
            timer = threading.Timer(duration_s, self.release, (button,))
            timer.daemon = True
            self._timers.append(timer)
            timer.start()

    def step(self) -> float | None:
        """Do what is due now; return when something is due next, None if nothing is. For a stepped panel only.

        Raises RuntimeError before `start`, or if this panel runs by itself.
        """
        if not self._stepped or self._renderer is None:
            raise RuntimeError("step() is for a started panel with stepped=True")
        now = self._clock()
        with self._edges:
            due = [button for at, button in self._letting_go if at <= now]
            self._letting_go = [later for later in self._letting_go if later[0] > now]
            for button in due:
                self.release(button)
            times = [at for at, _ in self._letting_go]
        drawn = self._renderer.draw()
        return min(times if drawn is None else [*times, drawn], default=None)

    # --- the eye ---

    @property
    def record(self) -> tuple[Shown, ...]:
        """The newest 20,000 frames that were shown, oldest first."""
        return self._lamp.record

    @property
    def states(self) -> tuple[LightState, ...]:
        """The states that were shown, without repetition."""
        states = [shown.frame.state for shown in self.record]
        return tuple(state for i, state in enumerate(states) if i == 0 or states[i - 1] != state)

    @property
    def is_dark(self) -> bool:
        """Whether the light was put out by `close`, or was never lit."""
        return self._lamp.is_dark

    def wait_for(self, state: LightState, timeout_s: float = 5.0) -> Shown:
        """Wait until `state` is shown; return its newest frame. Raises TimeoutError, which names what was shown."""
        return self._lamp.wait_for(state, timeout_s)

    def _move(self, button: ButtonName, *, pressed: bool) -> None:
        # Under the lock, so that edges are reported in order; reentrant, so that a listener may press, too.
        with self._edges:
            if pressed == (button in self._down):
                return
            (self._down.add if pressed else self._down.discard)(button)
            self._tell(button, pressed=pressed)

    def _tell(self, button: ButtonName, *, pressed: bool) -> None:
        if self._on_edge is None:
            return
        try:
            self._on_edge(button, pressed, self._clock())
        except Exception:  # noqa: BLE001  as on real pins: logged with its traceback, and the buttons go on
            _log.exception("a press of %s was lost: what listens to it failed", button)


class _Recorder:
    """A lamp that records its frames."""

    name = "simulated light"

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._shown: deque[Shown] = deque(maxlen=_KEPT_FRAMES)
        self._news = threading.Condition()
        self.is_dark = True

    def show(self, frame: Frame) -> None:
        with self._news:
            self._shown.append(Shown(self._clock(), frame))
            self.is_dark = False
            self._news.notify_all()

    def close(self) -> None:
        with self._news:
            self.is_dark = True

    @property
    def record(self) -> tuple[Shown, ...]:
        with self._news:
            return tuple(self._shown)

    def wait_for(self, state: LightState, timeout_s: float) -> Shown:
        with self._news:
            if not self._news.wait_for(
                lambda: bool(self._shown) and self._shown[-1].frame.state == state, timeout_s
            ):
                last = self._shown[-1].frame.state if self._shown else "nothing"
                raise TimeoutError(f"the light did not show {state!r} within {timeout_s} s, but {last!r}")
            return self._shown[-1]
