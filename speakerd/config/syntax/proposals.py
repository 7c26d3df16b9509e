"""Lines to write instead: proposed only if they are TOML, with a value that the setting takes."""

import json
import re
import tomllib
from typing import Any

from pydantic import TypeAdapter, ValidationError

from speakerd.config import schema
from speakerd.config.line_numbers import KeyPath
from speakerd.config.settings import Settings
from speakerd.config.syntax.place import GENERAL, Cure, Place, line_end
from speakerd.config.toml_writer import toml_key, toml_value

LONGEST_PROPOSAL = 200


def is_toml(text: str) -> bool:
    """Return whether `tomllib` accepts the text."""
    try:
        tomllib.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def write(
    place: Place, line: str, otherwise: str = GENERAL, remark: str = "", upto: int | None = None
) -> Cure:
    """Return the proposal to write this line, if it is TOML, and what the setting takes; else other words."""
    line = line.strip()
    if len(line) > LONGEST_PROPOSAL or not line or not is_toml(line):
        return Cure(otherwise)
    if line.startswith("["):
        return Cure(remark, (line,), upto)
    table = place.table
    path, value = _assigned(line, table)
    home = () if schema.hint_at(Settings, path) is not None else _home(table, path, value)
    hint = schema.hint_at(Settings, (*home, *path))
    if hint is None or path == table:
        return Cure(remark, (line,), upto)
    if schema.is_section(hint) and not isinstance(value, dict):
        return _into_table(place, (*home, *path), value)
    if not schema.is_section(hint) and not fits(hint, value):
        return Cure(f"{toml_value(value)[:40]} is not allowed here. Write a value that is.")
    if home:
        return _moved(place, home, line, remark)
    return Cure(remark, (line,), upto)


def fits(hint: Any, value: Any) -> bool:
    """Return whether a setting of this type may have this value."""
    try:
        TypeAdapter(hint).validate_json(json.dumps(value, default=str), strict=True)
    except ValidationError:
        return False
    return True


def _assigned(line: str, table: KeyPath) -> tuple[KeyPath, Any]:
    """Return the setting that a line assigns, and its value."""
    path: KeyPath = table
    value: Any = tomllib.loads(line)
    while isinstance(value, dict) and len(value) == 1:
        if path != table and not schema.is_section(schema.hint_at(Settings, path)):
            break
        ((name, value),) = value.items()
        path = (*path, name)
    return path, value


def _home(table: KeyPath, path: KeyPath, value: Any) -> KeyPath:
    """Return the table that a setting of the top belongs to: the only one of the first level that has it."""
    homes = [
        (name,)
        for name, hint, _ in schema.fields(Settings)
        if schema.is_section(hint)
        and (found := schema.hint_at(hint, path)) is not None
        and fits(found, value)
    ]
    return homes[0] if not table and path and len(homes) == 1 else ()


def _into_table(place: Place, path: KeyPath, value: Any) -> Cure:
    """Return what to do for a table that is given a value: its switch is meant, or one of its settings."""
    name = ".".join(map(toml_key, path))
    if isinstance(value, bool) and schema.hint_at(Settings, (*path, "enabled")) is bool:
        return _moved(place, path, f"enabled = {toml_value(value)}")
    fields = ", ".join(each for each, _, _ in schema.fields(schema.hint_at(Settings, path)))
    lead = f"Write [{name}] alone" if place.head.startswith("[") else "Delete this line"
    return Cure(f"{lead}: {name} is a table, and has no value itself. What it has: {fields}.")


def _moved(place: Place, table: KeyPath, line: str, remark: str = "") -> Cure:
    """Return the proposal to write a setting below the header of a table."""
    name = ".".join(map(toml_key, table))
    if header := re.search(rf"^[ \t]*\[[ \t]*{re.escape(name)}[ \t]*\]", place.text, re.MULTILINE):
        number = place.text.count("\n", 0, header.start()) + 1
        return Cure(f"Move it to below [{name}] in line {number}:  {line}")
    below = place.text[line_end(place.text, place.start) :]
    following = next((each.strip() for each in below.split("\n") if each.strip(" \t#")), "[")
    if following.startswith(("[", "#")):
        return Cure(remark, (f"[{name}]", line))
    return Cure(remark, (f"{'.'.join(map(toml_key, table[len(place.table) :]))}.{line}",))


def assign(
    place: Place, value: str, otherwise: str = GENERAL, remark: str = "", upto: int | None = None
) -> Cure:
    """Return the proposal to give the setting of this statement another value."""
    return write(place, f"{place.name} = {value}", otherwise, remark, upto)


def quoted(text: str) -> str:
    """Return the text in quotes: single ones if there are backslashes or double quotes in it."""
    single = ("\\" in text or '"' in text) and "'" not in text and text.isprintable()
    return f"'{text}'" if single else json.dumps(text, ensure_ascii=False)
