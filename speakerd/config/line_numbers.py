"""Finds the line of each key in a TOML text.

`tomllib` returns values without lines. This reads the same text again, but only its layout: headers, keys, and
where a value ends. It is used only for text that `tomllib` has accepted, and need not check the syntax. Keys in an
inline table have the line at which the table begins.
"""

import re
import tomllib
from collections.abc import Mapping

KeyPath = tuple[str, ...]

_PART = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*""")
_STRING = re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'', re.DOTALL)


def locate(text: str) -> dict[KeyPath, int]:
    """Return the line (from 1) of every table and every key, by path.

    Elements of an array of tables are named by their index: `("tools", "commands", "0", "name")`.
    """
    text = text.replace("\r\n", "\n")
    places: dict[KeyPath, int] = {}
    elements: dict[KeyPath, int] = {}
    table: KeyPath = ()
    at = 0
    while at < len(text):
        line = text.count("\n", 0, at) + 1
        char = text[at]
        if char in " \t\n":
            at += 1
        elif char == "#":
            at = _line_end(text, at)
        elif char == "[":
            repeated = text.startswith("[[", at)
            header, at = _dotted(text, at + (2 if repeated else 1))
            table = _resolve(header, elements)
            if repeated:
                elements[table] = elements.get(table, -1) + 1
                places.setdefault(table, line)
                table = (*table, str(elements[table]))
            _record(places, table, 0, line)
            at = _line_end(text, at)
        else:
            key, at = _dotted(text, at)
            _record(places, (*table, *key), len(table), line)
            at = _value_end(text, at + 1)
    return places


def line_of(places: Mapping[KeyPath, int], path: KeyPath) -> int | None:
    """Return the line of `path`, or of its nearest parent that has one."""
    for length in range(len(path), 0, -1):
        if path[:length] in places:
            return places[path[:length]]
    return None


def _record(places: dict[KeyPath, int], path: KeyPath, above: int, line: int) -> None:
    for length in range(above + 1, len(path) + 1):
        places.setdefault(path[:length], line)


def _resolve(header: KeyPath, elements: dict[KeyPath, int]) -> KeyPath:
    """Return the path of a header; below an array of tables it means the last element of the array."""
    path: KeyPath = ()
    for depth, part in enumerate(header):
        path = (*path, part)
        if path in elements and depth + 1 < len(header):
            path = (*path, str(elements[path]))
    return path


def _dotted(text: str, at: int) -> tuple[KeyPath, int]:
    parts: list[str] = []
    while match := _PART.match(text, at):
        basic, literal, bare = match.groups()
        plain = basic is None or "\\" not in basic
        parts.append(bare or literal or (basic or "" if plain else tomllib.loads(f'key = "{basic}"')["key"]))
        at = match.end()
        if not text.startswith(".", at):
            break
        at += 1
    return tuple(parts), at


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _value_end(text: str, at: int) -> int:
    """Return the position after the value that begins at `at`, brackets and multi-line strings included."""
    depth = 0
    while at < len(text):
        char = text[at]
        if char in "\"'" and (match := _STRING.match(text, at)):
            at = match.end()
            continue
        if char in "[{":
            depth += 1
        elif char in "]}":
            depth -= 1
        elif char == "#":
            at = _line_end(text, at) - 1
            char = text[at] if at < len(text) else "\n"
        if char == "\n" and depth <= 0:
            return at + 1
        at += 1
    return at
