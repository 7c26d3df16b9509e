"""Times and durations in English words, whatever the locale: the model translates them."""

from datetime import datetime
from typing import Final

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_UNITS: Final = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))


def moment_in_words(moment: datetime) -> str:
    """Return time and date: "It is 14:05 on Friday, 20 November 2026."."""
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"It is {moment:%H:%M} on {day}, {moment.day} {month} {moment.year}."


def duration_in_words(seconds: float) -> str:
    """Return the two largest units of a duration, rounded to the smaller: "1 hour 5 minutes"."""
    left = max(0, round(seconds))
    largest = next((index for index, (_, size) in enumerate(_UNITS) if left >= size), len(_UNITS) - 1)
    smallest = min(largest + 1, len(_UNITS) - 1)
    step = _UNITS[smallest][1]
    left = (left + step // 2) // step * step
    words = []
    for name, size in _UNITS[max(0, largest - 1) : smallest + 1]:
        count, left = divmod(left, size)
        if count:
            words.append(f"{count} {name}{'' if count == 1 else 's'}")
    return " ".join(words) or "0 seconds"
