"""Turns and tokens by day: what was used today, since the start, and on all days kept. Pure.

A day is a date that the caller gives, in local time. Enough days are kept for this month and the last to be
complete. They are limited by number, not by age: a Pi without a battery clock may believe for its first minute
that it is 1970, or 2099, and must not lose its book by that. For the same reason the day being counted is never
dropped.

Nothing that anyone said is in it.
"""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from speakerd.realtime.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Counts = dict[str, int]
"""A number under each of `NAMES`."""

NAMES: Final = ("turns", *(field.name for field in fields(Usage)))
"""What is counted: turns, and tokens as the server counts them."""

MOST_DAYS: Final = 62

_HIGHEST: Final = 10**18
"""No honest count is higher."""


class UsageBook:
    """Counts by day, and since the start."""

    def __init__(self, days: Mapping[date, Counts] | None = None) -> None:
        """Continue from these days; of too many, keep the latest."""
        latest = sorted((days or {}).items())[-MOST_DAYS:]
        self._days = {day: dict(counts) for day, counts in latest}
        self._since_start = _none()

    def add(self, day: date, counts: Mapping[str, int]) -> None:
        """Add `counts` to that day; names that are not in `NAMES` are ignored."""
        of_day = self._days.setdefault(day, _none())
        for name in NAMES:
            of_day[name] += counts.get(name, 0)
            self._since_start[name] += counts.get(name, 0)
        while len(self._days) > MOST_DAYS:
            del self._days[min(other for other in self._days if other != day)]

    def report(self, today: date) -> dict[str, dict[str, Any]]:
        """Return the sums of today, since the start of the process, and of all days kept with the first of them."""
        return {
            "today": self._days.get(today, _none()).copy(),
            "since_start": self._since_start.copy(),
            "kept": {
                "since": min(self._days).isoformat() if self._days else None,
                **_sum(self._days.values()),
            },
        }

    def by_day(self) -> dict[str, Counts]:
        """Return all days kept by ISO date, the first one first."""
        return {day.isoformat(): dict(counts) for day, counts in sorted(self._days.items())}

    def text(self) -> str:
        """Return it as JSON, for `read_days`."""
        days = {
            day: {name: count for name, count in counts.items() if count}
            for day, counts in self.by_day().items()
        }
        return json.dumps({"days": days}) + "\n"


def read_days(text: str) -> dict[date, Counts]:
    """Read the days that `UsageBook.text` wrote. Raises ValueError."""
    try:
        data = json.loads(text)
    except RecursionError:
        raise ValueError("too deep") from None
    match data:
        case {"days": dict() as days} if all(isinstance(counts, dict) for counts in days.values()):
            return {date.fromisoformat(day): _read_counts(counts) for day, counts in days.items()}
    raise ValueError("it does not hold counts by day")


def _read_counts(data: Mapping[str, Any]) -> Counts:
    counts = {name: data.get(name, 0) for name in NAMES}
    for name, count in counts.items():
        if not isinstance(count, int) or not 0 <= count <= _HIGHEST:
            raise ValueError(f"{name} cannot be {count!r}")
    return counts


def _none() -> Counts:
    return dict.fromkeys(NAMES, 0)


def _sum(days: Iterable[Counts]) -> Counts:
    total = _none()
    for counts in days:
        for name in NAMES:
            total[name] += counts[name]
    return total
