"""A contact that bounces: from raw edges to presses and releases.

A press counts at its first edge, since a person waits for it; a release counts once the contact has stayed open
for the debounce time, since nobody waits for that, and letting go too early would cut a sentence. Bounces of a
closing contact are openings shorter than the debounce time, those of an opening contact closings that restart
it: one rule deals with both. A spike on a long wire looks like a press, too; how long it was closed in all
(`closed_s`) tells them apart afterwards.

Pure; times are monotonic seconds.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class Contact:
    """One contact. Feed it every edge, and call `settle` when `deadline` has come."""

    debounce_s: float
    is_pressed: bool = False
    """Whether it counts as pressed."""
    pressed_at: float = 0.0
    """First edge of the press that is on, or of the last one."""
    released_at: float = 0.0
    """When the last press ended: the last time it opened, not the time at which that was certain."""
    _closed_at: float | None = None
    _opened_at: float = 0.0
    _closed_before_s: float = 0.0

    def edge(self, closed: bool, now: float) -> bool:
        """Take an edge; True if it begins a press. Edges that repeat the known level change nothing."""
        if closed:
            if self._closed_at is not None:
                return False
            self._closed_at = now
            if self.is_pressed:
                return False
            self.is_pressed, self.pressed_at, self._closed_before_s = True, now, 0.0
            return True
        if self._closed_at is not None:
            self._closed_before_s += now - self._closed_at
            self._closed_at, self._opened_at = None, now
        return False

    def settle(self, now: float) -> bool:
        """True if by now the press has ended; once for each press."""
        deadline = self.deadline
        if deadline is None or now < deadline:
            return False
        self.is_pressed, self.released_at = False, self._opened_at
        return True

    @property
    def deadline(self) -> float | None:
        """When an open contact counts as released."""
        if self.is_pressed and self._closed_at is None:
            return self._opened_at + self.debounce_s
        return None

    @property
    def closed_since(self) -> float | None:
        """The raw level: since when it has been closed without a gap, None while it is open."""
        return self._closed_at

    def closed_s(self, now: float) -> float:
        """For how long, in all, it was closed during this press."""
        on = 0.0 if self._closed_at is None else now - self._closed_at
        return self._closed_before_s + on

    def closed_for(self, seconds: float) -> float | None:
        """When it will have been closed for `seconds` in all if it stays closed; None while it is open."""
        if self._closed_at is None:
            return None
        return self._closed_at + (seconds - self._closed_before_s)
