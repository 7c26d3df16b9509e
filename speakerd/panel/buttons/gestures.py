"""What a hand does, from the edges of its button.

```
 edge ──────┐_____________________┌── up          tap          known at release, or, if double presses mean
            press_down            │                            something, `double_tap_ms` after it
 edge ──────┐____┌────┐____                       double_tap   at the second press
 edge ──────┐_________|________┌──                hold_start   at `hold_ms`; hold_end at release
 edge ──────┐_________|________|________┌──       long_press   at `long_ms`
 edge ──────┐┌───────────────────                 spike        the press_down was none: undo it
```
A gesture that is set to "none" is not waited for, so nothing is slower for it. `at` of a gesture is the time at
which it happened, however late the clock told us: the gestures depend on the times of the edges only, never on
when `tick` is called.

A button that is down for `stuck_s` is jammed: a hold is ended, `stuck` reported once, `unstuck` when it comes up.

Pure; times are monotonic seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from speakerd.panel.buttons.debounce import Contact
from speakerd.panel.types import Gesture, GestureKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from speakerd.panel.settings import GestureSettings

_Stage: TypeAlias = Literal[
    "up",
    "down",  # pressed, not yet known for what
    "second",  # pressed again after a tap: a double press unless it is a spike
    "doubled",  # the second press of a double, still down
    "held",  # hold_start was reported
    "lengthy",  # long_press was, and no hold
    "stuck",
]


class GestureRecognizer:
    """The main button. Not thread-safe."""

    def __init__(self, settings: GestureSettings) -> None:
        self._settings = settings
        self._contact = Contact(settings.debounce_ms / 1000)
        self._stage: _Stage = "up"
        self._first_tap: tuple[float, float] | None = None
        self._long_reported = False

    @property
    def is_pressed(self) -> bool:
        """Whether the button counts as down."""
        return self._contact.is_pressed

    def edge(self, pressed: bool, now: float) -> tuple[Gesture, ...]:
        """The contact closed or opened at `now`; may be called with a level that is already known."""
        out = list(self.tick(now))
        if self._contact.edge(pressed, now):
            self._long_reported = False
            if self._first_tap is not None:
                self._stage = "second"
            else:
                self._stage = "down"
                out.append(Gesture("press_down", now, now))
            out += self.tick(now)  # without `shortest_press_ms` a second press is known at its edge
        return tuple(out)

    def tick(self, now: float) -> tuple[Gesture, ...]:
        """What has become clear by `now`. Late calls lose nothing."""
        out: list[Gesture] = []
        while True:
            step = self._next()
            if step is None or step[0] > now:
                return tuple(out)
            at, act = step
            out += act(at)

    @property
    def deadline(self) -> float | None:
        """When something becomes clear if no edge comes; None: nothing does."""
        step = self._next()
        return None if step is None else step[0]

    # -- from here on, inside ------------------------------------------------------------------------------

    def _next(self) -> tuple[float, Callable[[float], list[Gesture]]] | None:
        """The earliest thing to happen by itself, and what does it."""
        steps: list[tuple[float, Callable[[float], list[Gesture]]]] = []
        contact, settings = self._contact, self._settings
        released = contact.deadline
        if released is not None:
            steps.append((released, self._release))
        if self._first_tap is not None and self._stage == "up":
            steps.append((self._first_tap[1] + settings.double_tap_ms / 1000, self._tap))
        closed_since = contact.closed_since
        if closed_since is not None:
            for after_s, wanted, act in (
                (settings.hold_ms / 1000, self._holds, self._hold),
                (settings.long_ms / 1000, self._lengthens, self._long),
                (settings.stuck_s, self._stage != "stuck", self._stick),
            ):
                if wanted:
                    # A time that ran out while the contact bounced open counts once it has closed again.
                    steps.append((max(contact.pressed_at + after_s, closed_since), act))
            if self._stage == "second":
                certain = contact.closed_for(settings.shortest_press_ms / 1000)
                if certain is not None:
                    steps.append((certain, self._double))
        return min(steps, key=lambda step: step[0], default=None)

    @property
    def _holds(self) -> bool:
        return self._stage == "down" and self._settings.hold != "none"

    @property
    def _lengthens(self) -> bool:
        return self._settings.long != "none" and self._stage in {"down", "held"} and not self._long_reported

    def _gesture(self, kind: GestureKind, at: float) -> list[Gesture]:
        return [Gesture(kind, at, self._contact.pressed_at)]

    def _hold(self, at: float) -> list[Gesture]:
        self._stage = "held"
        return self._gesture("hold_start", at)

    def _long(self, at: float) -> list[Gesture]:
        self._long_reported = True
        if self._stage == "down":
            self._stage = "lengthy"
        return self._gesture("long_press", at)

    def _double(self, at: float) -> list[Gesture]:
        self._stage, self._first_tap = "doubled", None
        return self._gesture("double_tap", at)

    def _stick(self, at: float) -> list[Gesture]:
        ended = self._gesture("hold_end", at) if self._stage == "held" else []
        self._stage, self._first_tap = "stuck", None
        return ended + self._gesture("stuck", at)

    def _tap(self, at: float) -> list[Gesture]:
        pressed_at = self._first_tap[0] if self._first_tap is not None else at
        self._first_tap = None
        return [Gesture("tap", at, pressed_at)]

    def _release(self, at: float) -> list[Gesture]:
        contact = self._contact
        contact.settle(at)
        stage, self._stage = self._stage, "up"
        if stage == "held":
            return self._gesture("hold_end", contact.released_at)
        if stage == "stuck":
            return self._gesture("unstuck", at)
        if stage == "second":
            return []  # a spike: the first tap goes on waiting for a true second press
        if stage != "down":
            return []
        if contact.closed_s(at) < self._settings.shortest_press_ms / 1000:
            return self._gesture("spike", at)
        if self._settings.double == "none":
            return self._gesture("tap", at)
        self._first_tap = (contact.pressed_at, contact.released_at)
        return []
