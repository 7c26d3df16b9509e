"""A line to write instead: proposed only if it is TOML, and a value that the setting takes."""

import json
import tomllib
from typing import Any

from pydantic import TypeAdapter, ValidationError

from speakerd.config import schema
from speakerd.config.line_numbers import KeyPath
from speakerd.config.settings import Settings
from speakerd.config.syntax.place import GENERAL, Place

LONGEST_PROPOSAL = 200
_ALLOWED = "Write a value that is allowed here."


def is_toml(text: str) -> bool:
    """Return whether `tomllib` accepts the text."""
    try:
        tomllib.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def write(place: Place, line: str, otherwise: str = GENERAL, remark: str = "") -> str:
    """Return the proposal to write this line, if it is TOML, and what the setting takes; else other words."""
    line = line.strip()
    if len(line) > LONGEST_PROPOSAL or not line or not is_toml(line):
        return otherwise
    if not line.startswith("[") and (mismatch := _mismatch(line, place.statement.table)):
        return mismatch
    return f"Write: {line}{remark}"


def _mismatch(line: str, table: KeyPath) -> str:
    """Return what to do if the setting does not take the value; "" if it does, or is not known."""
    path: KeyPath = table
    value: Any = tomllib.loads(line)
    while (
        isinstance(value, dict)
        and len(value) == 1
        and schema.is_section(schema.hint_at(Settings, path) or Settings)
    ):
        ((name, value),) = value.items()
        path = (*path, name)
    hint = schema.hint_at(Settings, path)
    if hint is None or path == table:
        return ""
    if schema.is_section(hint):
        return (
            ""
            if isinstance(value, dict)
            else f"Write: [{'.'.join(path)}]   (and its settings on the lines below)"
        )
    try:
        TypeAdapter(hint).validate_json(json.dumps(value, default=str), strict=True)
    except ValidationError:
        return _ALLOWED
    return ""


def assign(place: Place, value: str, otherwise: str = GENERAL, remark: str = "") -> str:
    """Return the proposal to give the setting of this statement another value."""
    return write(place, f"{place.name} = {value}", otherwise, remark)


def quoted(text: str) -> str:
    """Return the text in quotes: single ones if there are backslashes in it."""
    return f"'{text}'" if "\\" in text and "'" not in text else json.dumps(text, ensure_ascii=False)
