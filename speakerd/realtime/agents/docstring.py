"""Reads a docstring for a tool: what the tool does, and what each of its parameters is.

Three styles of parameter sections are understood: Google (`Args:` with an indented list), NumPy (`Parameters`
underlined) and Sphinx (`:param name: ...`). Sections on results, errors and examples are for people who read the
code and are left out of what the model gets.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field

_PARAMETERS = frozenset({"args", "arguments", "parameters", "params", "other parameters", "keyword args"})
_SKIPPED = frozenset(
    {
        "returns",
        "return",
        "yields",
        "raises",
        "example",
        "examples",
        "note",
        "notes",
        "see also",
        "references",
    }
)
_SECTION = re.compile(r"^([A-Za-z][A-Za-z ]*):\s*$")
_GOOGLE_PARAMETER = re.compile(r"^\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)$")
_SPHINX_FIELD = re.compile(r"^:(\w+)(?:\s+[^:]*?(\w+))?\s*:\s*(.*)$")


@dataclass(slots=True)
class ToolDoc:
    """What a docstring says. All texts are free of leading and trailing blanks."""

    description: str = ""
    parameters: dict[str, str] = field(default_factory=dict)


def parse_docstring(text: str | None) -> ToolDoc:
    """Read `text`, which may be missing or of no particular style."""
    lines = inspect.cleandoc(text or "").splitlines()
    described: list[str] = []
    parameters: dict[str, list[str]] = {}
    at = 0
    while at < len(lines):
        line = lines[at]
        title, length = _title(lines, at)
        if title is not None:
            body, at = _body(lines, at + length, indented=length == 1)
            if title in _PARAMETERS:
                parameters.update(_google(body) if length == 1 else _numpy(body))
        elif match := _SPHINX_FIELD.match(line):
            body, at = _continuation(lines, at + 1)
            if match[1] in ("param", "parameter", "arg", "argument") and match[2]:
                parameters[match[2]] = [match[3], *body]
        else:
            described.append(line)
            at += 1
    return ToolDoc(
        description="\n".join(described).strip(),
        parameters={
            name: " ".join(part.strip() for part in parts).strip() for name, parts in parameters.items()
        },
    )


def _title(lines: list[str], at: int) -> tuple[str | None, int]:
    """The section that opens at this line, lower case, and how many lines its title takes."""
    line = lines[at]
    if match := _SECTION.match(line):
        name = match[1].lower()
        return (name, 1) if name in _PARAMETERS | _SKIPPED else (None, 0)
    underline = lines[at + 1].strip() if at + 1 < len(lines) else ""
    name = line.strip().lower()
    if len(underline) > 2 and set(underline) == {"-"} and name in _PARAMETERS | _SKIPPED:
        return name, 2
    return None, 0


def _body(lines: list[str], at: int, *, indented: bool) -> tuple[list[str], int]:
    """The lines of a section: the indented ones (Google), or all up to the next title (NumPy)."""
    start = at
    while at < len(lines):
        line = lines[at]
        if indented and line and not line[0].isspace():
            break
        if not indented and _title(lines, at)[0] is not None:
            break
        at += 1
    return inspect.cleandoc("\n".join(["", *lines[start:at]])).splitlines(), at


def _continuation(lines: list[str], at: int) -> tuple[list[str], int]:
    start = at
    while at < len(lines) and lines[at][:1].isspace():
        at += 1
    return lines[start:at], at


def _google(body: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in body:
        if not line[:1].isspace() and (match := _GOOGLE_PARAMETER.match(line)):
            current = found[match[1]] = [match[2]]
        else:
            current.append(line)
    return found


def _numpy(body: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in body:
        if line and not line[0].isspace():
            current = found[line.partition(":")[0].strip().lstrip("*")] = []
        else:
            current.append(line)
    return found
