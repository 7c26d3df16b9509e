"""What was used, in words and as a table. Pure."""

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
"""Heading -> what is counted: what the prices of models tell apart."""

_MONTHS_SHOWN: Final = 2
"""As many as are kept whole."""


def usage_line(usage: Mapping[str, Any]) -> str:
    """Today in one line, and all that is kept."""
    kept = usage["kept"]
    today = f"today {_turns_and_tokens(usage['today'])}"
    return f"{today}; {_turns_and_tokens(kept)} since {kept['since']}" if kept["since"] else today


def usage_table(days: Mapping[str, Mapping[str, int]]) -> list[str]:
    """A line for each day, and for this month and the last, of counts by ISO date, the first date first."""
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
