"""Putting into words what a tool gave back: plain text as it is, JSON as a sentence."""

from __future__ import annotations

import json
import re
from typing import Any, Final

_SAYING: Final = ("spoken", "speech", "message", "text", "answer", "result", "output", "status")
_LONGEST: Final = 600
_CLOCK: Final = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?(?: ?[AaPp][Mm])?")


def outcome(kind: str | None, output: str) -> str:
    """What to say of a tool's output. `kind`: the intent that it was called for, if known."""
    text = output.strip()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    spoken = _spoken(value).strip()
    if not spoken:
        return "Done."
    if kind == "time" and _CLOCK.fullmatch(spoken):
        return f"It is {spoken}."
    spoken = spoken[0].upper() + spoken[1:]
    return spoken if spoken[-1] in ".!?" else f"{spoken}."


def _spoken(value: Any) -> str:
    if isinstance(value, str):
        return " ".join(value.split())[:_LONGEST]
    if value is True or value is None:
        return ""
    if value is False:
        return "That did not work"
    if isinstance(value, dict):
        return _of_object(value)
    if isinstance(value, list):
        return ("; ".join(_spoken(entry) for entry in value[:10]) or "There are none")[:_LONGEST]
    return str(value)


def _of_object(value: dict[str, Any]) -> str:
    if value.get("error"):
        return f"That did not work: {_spoken(value['error'])}"
    for key in _SAYING:
        if isinstance(value.get(key), str) and value[key]:
            return _spoken(value[key])
    pairs = [f"{key.replace('_', ' ')}: {_spoken(entry) or 'yes'}" for key, entry in list(value.items())[:10]]
    return ", ".join(pairs)[:_LONGEST]
