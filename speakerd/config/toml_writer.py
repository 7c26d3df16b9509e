"""Writes values and keys as TOML."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import PurePath
from typing import Any


def toml_value(value: Any) -> str:
    """Return a value as TOML. A text of several lines is written as such.

    Raises:
        TypeError: TOML cannot express it; None, for example.
    """
    match value:
        case bool():
            return "true" if value else "false"
        case Enum():
            return toml_value(value.value)
        case int():
            return str(value)
        case float():
            return repr(value)
        case PurePath():
            return toml_value(str(value))
        case str():
            return _text(value)
        case Mapping():
            inside = ", ".join(f"{toml_key(str(name))} = {toml_value(item)}" for name, item in value.items())
            return f"{{ {inside} }}" if inside else "{}"
        case Sequence():
            return "[" + ", ".join(map(toml_value, value)) + "]"
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            shown = {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
            return toml_value({name: item for name, item in shown.items() if item is not None})
    raise TypeError(f"TOML has no way to write {value!r}")


def brief(value: Any, most: int = 60) -> str:
    """Return a plain value on one line, for a person; cut where that has more than `most` characters."""
    if value is None:
        return "(not set)"
    text = quoted(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= most else f"{text[: most - 3]}..."


def toml_key(name: str) -> str:
    """Return one part of a key, quoted only if necessary."""
    bare = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    return name if bare else quoted(name)


def _text(value: str) -> str:
    lines = value.split("\n")
    if len(lines) > 1 and all(line.isprintable() for line in lines) and not value.endswith('"'):
        body = value.replace("\\", "\\\\").replace('"""', '""\\"')
        return f'"""\n{body}"""'
    return quoted(value)


def quoted(value: str) -> str:
    """Return a text in quotes, on one line. The escapes of JSON are valid in TOML, which also wants DEL escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
