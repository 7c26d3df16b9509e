"""The settings in force, as TOML or as JSON-safe values, with secrets masked."""

import dataclasses
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import PurePath
from typing import Any

from speakerd.config import schema, secrets
from speakerd.config.settings import Settings
from speakerd.config.toml_writer import quoted, toml_value


def values(settings: Settings) -> dict[str, Any]:
    """Return the value of every setting by dotted key, unmasked."""
    return {key: value_of(settings, entry.path) for key, entry in schema.settings(Settings).items()}


def value_of(settings: Settings, path: tuple[str, ...]) -> Any:
    """Return the value of the setting at that path, which has to exist, unmasked."""
    here: Any = settings
    for part in path:
        here = getattr(here, part)
    return here


def value_at(settings: Settings, path: tuple[str, ...]) -> Any:
    """Return the plain value at a path, through lists (by index) and tables (by name); None if there is none."""
    here: Any = plain({name: getattr(settings, name) for name in Settings.model_fields})
    for part in path:
        if isinstance(here, dict):
            here = here.get(part)
        elif isinstance(here, list) and part.isdigit() and int(part) < len(here):
            here = here[int(part)]
        else:
            return None
    return here


def toml_line(value: Any) -> str:
    """Return a plain value as TOML on one line."""
    if value is None:
        return "(not set)"
    return quoted(value) if isinstance(value, str) else toml_value(_without_none(value))


def masked(settings: Settings) -> dict[str, Any]:
    """Return nested tables of JSON-safe values with secrets masked."""
    tables: dict[str, Any] = {}
    for entry in schema.settings(Settings).values():
        here = tables
        for part in entry.path[:-1]:
            here = here.setdefault(part, {})
        here[entry.path[-1]] = secrets.masked(entry.path, plain(value_of(settings, entry.path)))
    return tables


def show(settings: Settings, *, changed_only: bool = False) -> str:
    """Return TOML with secrets masked; a comment gives the default of each value that differs.

    Args:
        settings: the settings to show.
        changed_only: leave out the values that are at their defaults.
    """
    return "\n".join(_lines(settings, changed_only)).strip() + "\n"


def plain(value: Any) -> Any:
    """Return the value made of dict, list, str, numbers, bool and None only."""
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, (tuple, list, frozenset)):
        return [plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    return value


def _lines(settings: Settings, changed_only: bool) -> Iterator[str]:
    header = ""
    for entry in schema.entries(Settings):
        if isinstance(entry, schema.Section):
            header = f"\n[{'.'.join(entry.path)}]" if entry.path else ""
            continue
        value = plain(value_of(settings, entry.path))
        default = plain(entry.default)
        if changed_only and value == default:
            continue
        if header:
            yield header
            header = ""
        shown = secrets.masked(entry.path, value)
        if shown is None:
            yield f"# {entry.path[-1]} is not set"
            continue
        line = f"{entry.path[-1]} = {toml_value(_without_none(shown))}"
        yield line if value == default else f"{line}   # default: {_short(default)}"


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_none(item) for name, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list) else value


def _short(value: Any) -> str:
    text = "not set" if value is None else toml_value(_without_none(value)).replace("\n", " ")
    return text if len(text) <= 40 else text[:37] + "..."
