"""Finds out from a terminal's key codes when a key went down and up. Pure.

A terminal reports that a key was typed, and repeats it while the key is held; it does not report the release.
Terminals with the "kitty keyboard protocol" do, and `parse` reads that. For all others `HeldKey` decides by the
times alone, so that a tap reacts at once and holding still works:

* a code after a pause is a **tap**: down at once, up `TAP_S` later. A held key begins like that, too, since a
  keyboard waits before it repeats;
* a code that comes as long after a tap as the first repetition would may be that, or another tap. What follows
  within `REPEAT_S` decides: a third code means held, none means a second tap;
* three codes in quick succession cannot be taps: the key is **held**;
* a held key is **up** when no code has come for `GAP_S`.

Thus holding is reported as a tap and then a hold: the speaker listens, and goes on until the key is released.
"""

import re
from dataclasses import dataclass
from typing import Literal

TAP_S = 0.08
"""Length of a reported tap: longer than the debounce time, shorter than a hold."""
FIRST_REPEAT_S = (0.2, 0.9)
"""A held key repeats first after this long: 0.25 s on a Linux console, 0.66 s by default in X11."""
REPEAT_S = 0.12
"""Longest time between two repetitions: the slowest default is 10.9 a second (Linux console)."""
GAP_S = 0.25
"""A held key that has not repeated for this long was released; one lost repetition is tolerated."""

KeyAction = Literal["press", "repeat", "release", "typed"]
"""What happened to a key. `typed`: a plain key code, which may be a press or a repetition."""


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """One key event: a character, and what happened to it."""

    char: str
    action: KeyAction
    ctrl: bool = False


_KITTY = re.compile(rb"\x1b\[(\d{1,7})(?::[\d:]*)?(?:;(\d{0,3})(?::(\d))?)?(?:;[\d:]*)?u")
"""CSI code ; modifiers : event u. Modifiers are 1 + a bit field, 4 = ctrl; events: 1 press, 2 repeat, 3 release."""
_KITTY_REPLY = re.compile(rb"\x1b\[\?\d*u")
"""The answer to `CSI ? u`: this terminal speaks the protocol."""
_SEQUENCE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|O[ -~])")
_PARTIAL = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|O)?\Z")
_LONGEST = 64
"""Bytes; a longer escape sequence is taken for noise."""
_CTRL = 4

_EVENTS: dict[bytes, KeyAction] = {b"1": "press", b"2": "repeat", b"3": "release"}


@dataclass(frozen=True, slots=True)
class Parsed:
    """The content of some bytes from a terminal."""

    keys: tuple[KeyEvent, ...]
    speaks_kitty: bool
    """Whether the terminal has answered that it can report releases."""
    rest: bytes
    """An unfinished escape sequence, to be put before the next bytes."""


def parse(data: bytes) -> Parsed:
    """Split `data` into key events. Sequences of other keys (arrows and the like) are skipped."""
    keys: list[KeyEvent] = []
    speaks_kitty = False
    at = 0
    while at < len(data):
        if data[at] != 0x1B:
            keys.append(KeyEvent(chr(data[at]), "typed"))
            at += 1
        elif found := _KITTY.match(data, at):
            code, modifiers = int(found[1]), int(found[2] or b"1") - 1
            if code < 0x110000:
                keys.append(
                    KeyEvent(chr(code), _EVENTS.get(found[3] or b"1", "press"), bool(modifiers & _CTRL))
                )
            at = found.end()
        elif found := _KITTY_REPLY.match(data, at):
            speaks_kitty = True
            at = found.end()
        elif found := _SEQUENCE.match(data, at):
            at = found.end()
        elif _PARTIAL.match(data, at) and len(data) - at < _LONGEST:
            return Parsed(tuple(keys), speaks_kitty, data[at:])
        else:
            at += 1
    return Parsed(tuple(keys), speaks_kitty, b"")


class HeldKey:
    """The edges of one key, derived from its codes, or reported by the terminal.

    Every method returns the edges that are due at `now`: True for down, False for up, strictly alternating.
    """

    def __init__(self) -> None:
        self._down = False
        self._held = False
        self._up_at: float | None = None
        self._tapped_at: float | None = None
        self._undecided_until: float | None = None
        self._run = 0
        self._last: float | None = None

    @property
    def deadline(self) -> float | None:
        """When `tick` will return an edge if nothing is typed until then; None if it will not."""
        times = [at for at in (self._up_at, self._undecided_until) if at is not None]
        return min(times, default=None)

    def press(self, now: float) -> tuple[bool, ...]:
        """The terminal reports that the key went down; return the edges that are known by now, True for down."""
        edges = self.tick(now)
        self._up_at = self._undecided_until = self._tapped_at = None
        return (*edges, *self._move(down=True))

    def release(self, now: float) -> tuple[bool, ...]:
        """The terminal reports that the key went up; return the edges that are known by now, False for up."""
        edges = self.tick(now)
        self._up_at = self._undecided_until = self._tapped_at = None
        self._held = False
        return (*edges, *self._move(down=False))

    def typed(self, now: float) -> tuple[bool, ...]:
        """A terminal that reports no edges sent the key's code: for a tap, or again as the key is held.

        Return the edges that are known by now: True for down, False for up.
        """
        edges = self.tick(now)
        quick = self._last is not None and now - self._last <= REPEAT_S
        self._run = self._run + 1 if quick else 1
        self._last = now
        if self._held:
            self._up_at = now + GAP_S
            return edges
        if self._run >= 3 or (quick and self._undecided_until is not None):
            self._held, self._up_at = True, now + GAP_S
            self._tapped_at = self._undecided_until = None
            # A tap that is still down becomes the hold.
            return (*edges, *self._move(down=True))
        earliest, latest = FIRST_REPEAT_S
        if self._tapped_at is not None and earliest <= now - self._tapped_at <= latest:
            self._undecided_until = now + REPEAT_S
            return edges
        return (*edges, *self._tap(now))

    def tick(self, now: float) -> tuple[bool, ...]:
        """Return the edges that follow from the time alone."""
        edges: tuple[bool, ...] = ()
        if self._up_at is not None and now >= self._up_at:
            self._up_at, self._held = None, False
            edges = self._move(down=False)
        if self._undecided_until is not None and now > self._undecided_until:
            self._undecided_until = None
            edges = (*edges, *self._tap(now))
        return edges

    def _tap(self, now: float) -> tuple[bool, ...]:
        self._tapped_at, self._up_at = now, now + TAP_S
        return (*self._move(down=False), *self._move(down=True))

    def _move(self, *, down: bool) -> tuple[bool, ...]:
        if down == self._down:
            return ()
        self._down = down
        return (down,)
