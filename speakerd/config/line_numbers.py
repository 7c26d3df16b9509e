"""Finds the line of each key in a TOML text.

`tomllib` returns values without lines. This reads the same text again, but only its layout: headers, keys, and
where a value ends. Text that `tomllib` has accepted gives the lines of all keys. Of text that it has refused, the
statements before the mistake are right, and one begins where the mistake's statement does. Keys in an inline table
have the line at which the table begins. Takes time in proportion to the length of the text, whatever is in it.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

KeyPath = tuple[str, ...]

DEEPEST = 30
"""More parts in one key, or more brackets in one another, than any setting has."""

_PART = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*""")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?!"")(?:[^"\\\n]|\\.)*"|\'(?!\'\')[^\'\n]*\'', re.DOTALL
)
_MARK = re.compile(r"""["'#\n\[\]{}.,=]""")


@dataclass(frozen=True, slots=True)
class Statement:
    """A header or an assignment.

    Attributes:
        start: where it begins in the text.
        end: where the next one may begin.
        line: the line of its first character, from 1.
        table: the table that the statement is in; for a header, the table that it begins.
        key: the key that is assigned; empty for a header.
        array: a header of an array of tables, `[[x]]`: the path of the array.
    """

    start: int
    end: int
    line: int
    table: KeyPath
    key: KeyPath = ()
    array: KeyPath = ()

    @property
    def path(self) -> KeyPath:
        """The whole path of the key that is assigned, or of the table that the header begins."""
        return (*self.table, *self.key)


def statements(text: str) -> Iterator[Statement]:
    """Yield the statements of a text whose lines end in a newline alone."""
    elements: dict[KeyPath, int] = {}
    table: KeyPath = ()
    at, line, counted = 0, 1, 0
    while at < len(text):
        char = text[at]
        if char in " \t\n":
            at += 1
            continue
        if char == "#":
            at = _line_end(text, at)
            continue
        line += text.count("\n", counted, at)
        start = counted = at
        if char == "[":
            repeated = text.startswith("[[", at)
            header, at = _dotted(text, at + (2 if repeated else 1))
            table = _resolve(header, elements)
            array = table if repeated else ()
            if repeated:
                elements[table] = elements.get(table, -1) + 1
                table = (*table, str(elements[table]))
            at = _line_end(text, at)
            yield Statement(start, at, line, table, array=array)
        else:
            key, at = _dotted(text, at)
            at = _value_end(text, at + 1)
            yield Statement(start, at, line, table, key)


def locate(text: str) -> dict[KeyPath, int]:
    """Return the line (from 1) of every table and every key, by path.

    Elements of an array of tables are named by their index: `("tools", "commands", "0", "name")`.
    """
    places: dict[KeyPath, int] = {}
    for statement in statements(text.replace("\r\n", "\n")):
        if statement.array:
            places.setdefault(statement.array, statement.line)
        _record(places, statement.path, len(statement.table) if statement.key else 0, statement.line)
    return places


def line_of(places: Mapping[KeyPath, int], path: KeyPath) -> int | None:
    """Return the line of `path`, or of its nearest parent that has one."""
    for length in range(len(path), 0, -1):
        if path[:length] in places:
            return places[path[:length]]
    return None


@dataclass(frozen=True, slots=True)
class TooDeep:
    """Where a text is nested too deep: line and column from 1, and the bracket or dot that is too much."""

    line: int
    column: int
    mark: str


def too_deep(text: str) -> TooDeep | None:
    """Return where brackets, or the dots of a key, are nested more than `DEEPEST` deep; None if they are not.

    `tomllib` and all that comes after it call themselves once for each level. The text need not be valid.
    """
    at = line_start = depth = dots = 0
    while mark := _MARK.search(text, at):
        at = mark.end()
        match mark[0]:
            case '"' | "'":
                string = _STRING.match(text, mark.start())
                at = string.end() if string else max(at, _line_end(text, at) - 1)
            case "#":
                at = max(at, _line_end(text, at) - 1)
            case "\n":
                line_start, dots = at, 0
            case ".":
                dots += 1
            case "," | "=":
                dots = 0
            case "[" | "{":
                depth += 1
            case _:
                depth = max(0, depth - 1)
        if max(depth, dots) > DEEPEST:
            return TooDeep(text.count("\n", 0, line_start) + 1, mark.start() - line_start + 1, mark[0])
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
        parts.append(bare or literal or _unescaped(basic or ""))
        at = match.end()
        if not text.startswith(".", at):
            break
        at += 1
    return tuple(parts), at


def _unescaped(basic: str) -> str:
    if "\\" not in basic:
        return basic
    try:
        return str(tomllib.loads(f'key = "{basic}"')["key"])
    except tomllib.TOMLDecodeError:
        return basic


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _value_end(text: str, at: int) -> int:
    """Return the position after the value that begins at `at`, brackets and multi-line strings included."""
    depth = 0
    while at < len(text):
        char = text[at]
        if char in "\"'":
            if match := _STRING.match(text, at):
                at = match.end()
                continue
            if text.startswith(('"""', "'''"), at):
                return len(text)
            at = max(at, _line_end(text, at) - 1)  # never closed: only the end of the line ends it
            char = text[at]
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
