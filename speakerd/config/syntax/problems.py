"""All mistakes of a text that is not TOML, as they are said: without what may be a secret."""

import re
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from speakerd.config import schema, secrets
from speakerd.config.errors import Problem
from speakerd.config.excerpt import excerpt
from speakerd.config.line_numbers import KeyPath
from speakerd.config.nearest import NO_SUCH_NAME, nearest
from speakerd.config.settings import Settings
from speakerd.config.spoken import spoken
from speakerd.config.syntax.diagnosis import SyntaxMistake, explain
from speakerd.config.syntax.place import KEY
from speakerd.config.syntax.proposals import is_toml
from speakerd.config.toml_writer import toml_key, toml_value

MOST: Final = 30
"""Nobody mends more in one go, and each is explained at some cost."""
_LONG_TEXT = 30_000
_LONGEST_LINE = 2000
_HIDDEN = "..."
_REMARK = f"   ({_HIDDEN} is your value, hidden since it may be a secret)"


@dataclass(frozen=True, slots=True)
class Broken:
    """A text that is not TOML.

    Attributes:
        problems: its mistakes, as far as they can be told from one another.
        mended: the text, of as many lines, with what was proposed, and without what cannot be mended, nor what is
            below a mistake of which nobody can say where it ends; then the same of each table that is there twice.
        complete: whether all of the text is in these.
    """

    problems: list[Problem]
    mended: tuple[str, ...]
    complete: bool


def problems_of(text: str, file: Path | None) -> Broken:
    """Return the mistakes of a text whose lines end in newlines alone."""
    problems: list[Problem] = []
    again: list[str] = []
    once: set[tuple[int, bool]] = set()
    most = MOST if len(text) < _LONG_TEXT else 1
    complete = True
    while True:
        try:
            tomllib.loads(text)
        except ValueError as error:
            mistake = explain(text, error)
            if len(problems) >= most:
                return Broken(problems, (*_above(text, mistake), *again), complete=False)
        else:
            return Broken(problems, (text, *again), complete)
        problems.append(_as_problem(mistake, text, file))
        mark = (mistake.line, bool(mistake.lines))
        if (
            mistake.mended is not None
            and mark not in once
            and (mistake.named or "headers" not in mistake.path)
        ):
            text = mistake.mended
            complete = complete and len(mistake.lines) <= mistake.last - mistake.first + 1
        elif mistake.statement is not None:
            start, end = mistake.statement
            complete = False
            if text[start] == "[" and is_toml(text[start:].partition("\n")[0]):
                below = problems_of("\n" * text.count("\n", 0, start) + text[start:end], file)
                problems += below.problems
                again += below.mended
            text = text[:start] + "\n" * text.count("\n", start, end) + text[end:]
        else:
            return Broken(problems, (*_above(text, mistake), *again), complete=False)
        once.add(mark)


def _above(text: str, mistake: SyntaxMistake) -> tuple[str, ...]:
    """Return what stands above a mistake, if it is TOML."""
    lines = text.split("\n")[: min(mistake.first, mistake.line) - 1]
    return ("\n".join(lines),) if is_toml("\n".join(lines)) else ()


def _as_problem(mistake: SyntaxMistake, text: str, file: Path | None) -> Problem:
    line = text.split("\n")[mistake.line - 1][:_LONGEST_LINE]
    path = mistake.path if mistake.named and not any(map(secrets.secret_value, mistake.path)) else ()
    headers = mistake.setting and "headers" in mistake.path
    hidden = secrets.hidden(line, whole=headers)
    if hidden and not re.search("[=:]", line):
        path = path[:-1]
    piece, cure = mistake.piece, _cure(mistake)
    if hidden:
        piece = piece and "something that is hidden here"
        cure = _cure_without_secret(mistake, path, line, hidden, headers=headers)
    elif mistake.setting and (note := _unknown(path)):
        moved = cure.startswith("Move it") or (mistake.lines and not _same_name(mistake.lines[0], line))
        cure = f"{cure}\n    {note}" if moved else _of_no_setting(mistake, path, note)
    hint = schema.hint_at(Settings, path)
    said = mistake.setting and mistake.of_value and hint is not None and not schema.is_section(hint)
    return Problem(
        file,
        mistake.line,
        ".".join(map(toml_key, path)),
        secrets.masked_text(f"{piece} {mistake.what}".strip()),
        allowed=schema.allowed(hint) if said else "",
        cure=cure.replace("FILE", shlex.quote(str(file or "FILE"))) if "sed -i" in cure else cure,
        excerpt=excerpt(line, min(mistake.column, len(line) + 1), mistake.line, secret=headers),
        subject=spoken(_written_path(mistake, path)),
    )


def _written_path(mistake: SyntaxMistake, path: KeyPath) -> KeyPath:
    """Return the path as the file has it: without the number of an element of a list that is no setting."""
    element = not mistake.setting and path[-1:] and path[-1].isdigit()
    return path[:-1] if element and schema.hint_at(Settings, path) is None else path


def _cure(mistake: SyntaxMistake) -> str:
    return _written(mistake, mistake.lines, mistake.cure) if mistake.lines else mistake.cure


def _written(mistake: SyntaxMistake, lines: tuple[str, ...], remark: str) -> str:
    """Return the proposal to write these lines."""
    lead = "Write: "
    if mistake.last > mistake.first:
        lead = f"Write in place of lines {mistake.first} to {mistake.last}: "
        if len(lines) > 1:
            return "\n        ".join([lead.rstrip(), *lines]) + remark
    elif mistake.first != mistake.line:
        lead = f"Write in line {mistake.first}: "
    below = "\n" + " " * (4 + len(lead))
    return lead + below.join(lines) + remark


def _same_name(one: str, other: str) -> bool:
    """Return whether two lines begin with the same name."""
    names = [KEY.match(line.lstrip()) for line in (one, other)]
    return names[0] is not None and names[1] is not None and names[0][0] == names[1][0]


def _unknown(path: KeyPath) -> str:
    """Return what to say of a setting that is none, in a table whose names are not the owner's own."""
    above = path
    while above and schema.hint_at(Settings, above) is None:
        above = above[:-1]
    if above == path or not schema.is_section(schema.hint_at(Settings, above)):
        return ""
    near = nearest(path)
    meant = f" Did you mean {spoken(tuple(near.split('.')))}?" if near else ""
    return f"There is no setting {spoken(path)[:60]}.{meant}"


def _of_no_setting(mistake: SyntaxMistake, path: KeyPath, note: str) -> str:
    """Return what to do about a setting that there is not: however its line is written, it would be no cure."""
    meant = tuple(nearest(path).split("."))
    hint = schema.hint_at(Settings, meant)
    if hint is None:
        return f"{note} {NO_SUCH_NAME}"
    if schema.is_section(hint):
        return f"{note} Delete it, or write [{'.'.join(meant)}], and its settings below."
    inside = meant[: len(mistake.table)] == mistake.table
    where = "Its line" if inside else f"Its line, below [{'.'.join(meant[:-1])}]"
    name = ".".join(meant[len(mistake.table) :] if inside else meant[-1:])
    return f"{note}\n    {where}: {name} = VALUE   (VALUE is {schema.allowed(hint)})"


def _cure_without_secret(
    mistake: SyntaxMistake, path: KeyPath, line: str, hidden: str, *, headers: bool
) -> str:
    """Return what to do about a line of which a part may be a secret, and is therefore not said again."""
    if not headers and secrets.refused(path, line):
        return secrets.CURE
    if mistake.lines and (lines := _without_values(mistake.lines, line)):
        return _written(mistake, lines, _REMARK)
    parts = re.findall(r"[^\s=,{}\[\]\"';:()]+", hidden)
    if not mistake.lines and not any(
        re.search(rf"(?<!\w){re.escape(part[:16])}", mistake.cure) for part in parts
    ):
        return mistake.cure
    if not mistake.setting:
        return "Write it anew, a line each for the table and for what is in it."
    hint = schema.hint_at(Settings, path)
    takes = "" if hint is None or schema.is_section(hint) else schema.allowed(hint)
    name = path[-1] if path else "NAME"
    if takes.startswith("a table of names"):
        remark = f"   (NAME and {_HIDDEN} are your own name and value)"
        return f'Write: {toml_key(name)} = {{ NAME = "{_HIDDEN}" }}{remark}'
    return f'Write: {toml_key(name)} = "{_HIDDEN}"{_REMARK}'


def _without_values(lines: tuple[str, ...], original: str) -> tuple[str, ...]:
    """Return the lines with dots in place of all values, and without comments; none if a name is not as it was."""
    shown: list[str] = []
    for line in lines:
        if line.startswith("["):
            shown.append(line.partition("#")[0].rstrip())
            continue
        try:
            data: Any = tomllib.loads(line)
        except ValueError:  # a text over several lines
            return ()
        name = KEY.match(line)
        if name is None or name[0] not in original.partition("=")[0].partition(":")[0]:
            return ()
        depth: Any = tomllib.loads(f"{name[0]} = 0")
        while isinstance(depth, dict):
            (depth,), (data,) = depth.values(), data.values()
        shown.append(f"{name[0]} = {toml_value(_dots(data))}")
    return tuple(shown)


def _dots(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _dots(item) for name, item in value.items()}
    return [_dots(item) for item in value] if isinstance(value, list) else _HIDDEN
