"""All inputs of a panel together: the button, and what else may be wired.

`Inputs` takes edges by the name of the button, as a panel reports them, and answers with gestures of all of them.
The mute switch is a level: shut at its first contact, open again once the contact stayed open. The volume
buttons act at the press and repeat while held.

Pure; times are monotonic seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from speakerd.panel.buttons.debounce import Contact
from speakerd.panel.buttons.gestures import GestureRecognizer
from speakerd.panel.types import Gesture, GestureKind

if TYPE_CHECKING:
    from speakerd.panel.settings import GestureSettings

MOST_REPEATS: Final = 100
"""More than any volume needs: a jammed volume button falls silent after these."""


class MuteSwitch:
    """A switch that stays where it is put. Not thread-safe."""

    def __init__(self, settings: GestureSettings) -> None:
        self._contact = Contact(settings.debounce_ms / 1000)

    def edge(self, pressed: bool, now: float) -> tuple[Gesture, ...]:
        """Take an edge of the contact (True: closed); return the gestures that are known by `now`."""
        out = self.tick(now)
        return (*out, Gesture("mute_on", now)) if self._contact.edge(pressed, now) else out

    def tick(self, now: float) -> tuple[Gesture, ...]:
        """Return the gestures that have become known by `now`."""
        deadline = self._contact.deadline
        if deadline is not None and self._contact.settle(now):
            return (Gesture("mute_off", deadline),)
        return ()

    @property
    def deadline(self) -> float | None:
        """When something becomes clear if no edge comes."""
        return self._contact.deadline


class VolumeKey:
    """A button that acts at once and again and again. Not thread-safe."""

    def __init__(self, settings: GestureSettings, kind: GestureKind) -> None:
        self._settings = settings
        self._kind = kind
        self._contact = Contact(settings.debounce_ms / 1000)
        self._repeat_at = 0.0
        self._repeats = 0

    def edge(self, pressed: bool, now: float) -> tuple[Gesture, ...]:
        """Take an edge of the contact (True: closed); return the gestures that are known by `now`."""
        out = self.tick(now)
        if not self._contact.edge(pressed, now):
            return out
        self._repeat_at, self._repeats = now + self._settings.repeat_after_ms / 1000, 0
        return (*out, Gesture(self._kind, now, now))

    def tick(self, now: float) -> tuple[Gesture, ...]:
        """Return the gestures that have become known by `now`: one repetition at most, also when called late."""
        self._contact.settle(now)
        deadline = self._repeat_deadline
        if deadline is None or now < deadline:
            return ()
        self._repeats += 1
        self._repeat_at = now + self._settings.repeat_every_ms / 1000
        return (Gesture(self._kind, now, self._contact.pressed_at),)

    @property
    def _repeat_deadline(self) -> float | None:
        if self._contact.closed_since is None or self._repeats >= MOST_REPEATS:
            return None
        return self._repeat_at

    @property
    def deadline(self) -> float | None:
        """When something becomes clear if no edge comes."""
        times = (self._contact.deadline, self._repeat_deadline)
        return min((time for time in times if time is not None), default=None)


class Inputs:
    """Every input there may be. Not thread-safe: edges come from any thread, so post them to one."""

    def __init__(self, settings: GestureSettings) -> None:
        self.button = GestureRecognizer(settings)
        """The main one."""
        self._parts: dict[str, GestureRecognizer | MuteSwitch | VolumeKey] = {
            "button": self.button,
            "mute_switch": MuteSwitch(settings),
            "volume_up": VolumeKey(settings, "volume_up"),
            "volume_down": VolumeKey(settings, "volume_down"),
        }

    def edge(self, name: str, pressed: bool, now: float) -> tuple[Gesture, ...]:
        """`name` (a `ButtonName`) went down or up at `now`. Raises KeyError for any other."""
        return self._parts[name].edge(pressed, now)

    def tick(self, now: float) -> tuple[Gesture, ...]:
        """What has become clear by `now`, of all inputs, in order of time."""
        gestures = [gesture for part in self._parts.values() for gesture in part.tick(now)]
        return tuple(sorted(gestures, key=lambda gesture: gesture.at))

    @property
    def deadline(self) -> float | None:
        """When something becomes clear if no edge comes."""
        times = (part.deadline for part in self._parts.values())
        return min((time for time in times if time is not None), default=None)
