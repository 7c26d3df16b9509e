"""Numbers as people say them, up to 999: "twenty three", "a hundred and five"."""

from __future__ import annotations

import re
from typing import Final

_ONES: Final = tuple(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "  # noqa: SIM905
    "seventeen eighteen nineteen".split()  # twenty quoted words are no easier to read
)
_TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
VALUES: Final = {
    **{word: value for value, word in enumerate(_ONES)},
    **{word: 20 + 10 * index for index, word in enumerate(_TENS)},
    "a": 1,
    "an": 1,
}
_FIRST: Final = "|".join((*sorted(VALUES, key=len, reverse=True), "hundred"))
_NEXT: Final = "|".join((*sorted((*_ONES, *_TENS), key=len, reverse=True), "hundred", "and"))
NUMBER: Final = rf"(?:\d+|(?:{_FIRST})(?:[ -](?:{_NEXT}))*)"
"""A regular expression for a number in words or digits."""


def number(words: str) -> int | None:
    """Return the value of a number in words or digits; None if it is no number. "a hundred and five" is 105."""
    if words.isdecimal():
        return int(words[:9])
    total: int | None = None
    for word in re.split(r"[ -]+", words.strip()):
        if word == "hundred":
            total = (total or 1) * 100
        elif word in VALUES:
            total = (total or 0) + VALUES[word]
        elif word != "and":
            return None
    return total


def spelled(value: int) -> str:
    """Return a number from 0 to 999 in words."""
    if value >= 100:
        rest = value % 100
        return f"{_ONES[value // 100]} hundred" + (f" and {spelled(rest)}" if rest else "")
    if value < 20:
        return _ONES[value]
    ten = _TENS[value // 10 - 2]
    return f"{ten} {_ONES[value % 10]}" if value % 10 else ten


def duration_words(seconds: int) -> str:
    """Return a duration in words: "1 hour and 5 minutes"."""
    parts = []
    for size, name in ((3600, "hour"), (60, "minute"), (1, "second")):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {name}{'' if count == 1 else 's'}")
    if len(parts) > 1:
        return " and ".join((", ".join(parts[:-1]), parts[-1]))
    return parts[0] if parts else "0 seconds"
