"""The latencies of one turn, from marks that the daemon sets as they happen.

A mark is a name and a monotonic time. A latency is the time between two marks of the same turn; where one of
the two is missing or they stand in the wrong order there is none, rather than a wrong one.

Pure: time is a parameter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Mark = Literal[
    "press",
    "listening",
    "speech_start",
    "speech_end",
    "commit",
    "response",
    "first_sound",
    "interrupt",
    "silence",
]

LATENCIES: dict[str, tuple[Mark, Mark]] = {
    "press_to_listening": ("press", "listening"),
    "speech_end_to_sound": ("speech_end", "first_sound"),
    "commit_to_sound": ("commit", "first_sound"),
    "interrupt_to_silence": ("interrupt", "silence"),
}
"""Latency -> (from, to): what a person waits for, and how fast it falls silent."""

_LONGEST_S = 300.0
"""A pair further apart than this belongs to two turns."""


@dataclass(slots=True)
class Stopwatch:
    """Marks of the running turn and the latencies that became known."""

    _marks: dict[Mark, float] = field(default_factory=dict)

    def mark(self, name: Mark, now: float) -> dict[str, float]:
        """Set `name` to `now` (seconds); return the latencies in seconds that this completes.

        A mark that begins something (the left column of `LATENCIES`) overwrites an older one; one that ends
        something counts once for its beginning.
        """
        self._marks[name] = now
        done: dict[str, float] = {}
        for latency, (begin, end) in LATENCIES.items():
            if end != name or begin not in self._marks:
                continue
            elapsed = now - self._marks[begin]
            if 0.0 <= elapsed <= _LONGEST_S:
                done[latency] = elapsed
        for latency in done:
            self._marks.pop(LATENCIES[latency][0], None)
        return done

    def reset(self) -> None:
        """A new conversation: no mark of the old one may pair with one of the new."""
        self._marks.clear()
