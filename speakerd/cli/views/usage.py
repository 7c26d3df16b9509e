"""Turns and tokens in words and as a table. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_COLUMNS: Final = {
    "turns": "turns",
    "tokens": "total_tokens",
    "in": "input_tokens",
    "audio in": "input_audio_tokens",
    "cached": "cached_tokens",
    "out": "output_tokens",
    "audio out": "output_audio_tokens",
}
"""Heading and count of each column: the counts that have different prices."""

_MONTHS_SHOWN: Final = 2
"""Months of which all days are kept."""


def usage_line(usage: Mapping[str, Any]) -> str:
    """Return the usage of today, and of all days that are kept, in one line."""
    kept = usage["kept"]
    today = f"today {_turns_and_tokens(usage['today'])}"
    return f"{today}; {_turns_and_tokens(kept)} since {kept['since']}" if kept["since"] else today


def usage_table(days: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return a line for each day, this month and the last. `days`: counts by ISO date, oldest first."""
    if not days:
        return ["nothing has been used yet"]
    months: dict[str, list[Mapping[str, int]]] = {}
    for day, counts in days.items():
        months.setdefault(day[:7], []).append(counts)
    rows = [["", *_COLUMNS]]
    rows += [_row(day, [counts]) for day, counts in days.items()]
    rows += [_row(month, counts) for month, counts in list(months.items())[-_MONTHS_SHOWN:]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join([f"{row[0]:<{widths[0]}}", *map(str.rjust, row[1:], widths[1:])]) for row in rows]


def _turns_and_tokens(counts: Mapping[str, int]) -> str:
    turns, tokens = counts["turns"], counts["total_tokens"]
    return f"{turns} turn{'' if turns == 1 else 's'}, {tokens} token{'' if tokens == 1 else 's'}"


def _row(name: str, days: Sequence[Mapping[str, int]]) -> list[str]:
    return [name, *(str(sum(counts[key] for counts in days)) for key in _COLUMNS.values())]
