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
from speakerd.config.nearest import nearest
from speakerd.config.settings import Settings
from speakerd.config.spoken import spoken
from speakerd.config.syntax.diagnosis import SyntaxMistake, explain
from speakerd.config.syntax.place import KEY
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
        mended: the text, of as many lines, with what was proposed, and without what cannot be mended; None if
            nobody can say where a mistake ends.
    """

    problems: list[Problem]
    mended: str | None


def problems_of(text: str, file: Path | None) -> Broken:
    """Return the mistakes of a text whose lines end in newlines alone."""
    problems: list[Problem] = []
    once: set[tuple[int, bool]] = set()
    most = MOST if len(text) < _LONG_TEXT else 1
    while True:
        try:
            tomllib.loads(text)
        except ValueError as error:
            if len(problems) == most:
                return Broken(problems, None)
            mistake = explain(text, error)
        else:
            return Broken(problems, text)
        problems.append(_as_problem(mistake, text, file))
        mark = (mistake.line, bool(mistake.lines))
        if (
            mistake.mended is not None
            and mark not in once
            and (mistake.named or "headers" not in mistake.path)
        ):
            text = mistake.mended
        elif mistake.statement is not None:
            start, end = mistake.statement
            text = text[:start] + "\n" * text.count("\n", start, end) + text[end:]
        else:
            return Broken(problems, None)
        once.add(mark)


def _as_problem(mistake: SyntaxMistake, text: str, file: Path | None) -> Problem:
    line = text.split("\n")[mistake.line - 1][:_LONGEST_LINE]
    path = mistake.path if mistake.named and not any(map(secrets.secret_value, mistake.path)) else ()
    headers = mistake.setting and "headers" in mistake.path
    hidden = secrets.hidden(line, whole=headers)
    if hidden and not re.search("[=:]", line):
        path = path[:-1]
    piece, cure = mistake.piece, _cure(mistake)
    if hidden:
        piece = piece and "something"
        cure = _cure_without_secret(mistake, path, line, hidden, headers=headers)
    elif mistake.setting and (note := _unknown(path)):
        cure = _of_no_setting(mistake, path, cure, note)
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


def _of_no_setting(mistake: SyntaxMistake, path: KeyPath, cure: str, note: str) -> str:
    """Return what to do about a setting that there is not: its line is no cure, and is told as an example."""
    alone = len(mistake.lines) == 1 and mistake.line == mistake.first == mistake.last
    if alone and mistake.lines[0].startswith(f"{toml_key(path[-1])} "):
        return f"{note}\n    Its line would be: {mistake.lines[0]}"
    return f"{cure}\n    {note}"


def _unknown(path: KeyPath) -> str:
    """Return what to say of a setting that is none, in a table that there is."""
    above = schema.hint_at(Settings, path[:-1])
    if not path or schema.hint_at(Settings, path) is not None or not schema.is_section(above):
        return ""
    near = nearest(path)
    meant = f"Did you mean {near}?" if near else "`speakerd check --defaults` prints all of them."
    return f"There is no setting {spoken(path)[:60]}. {meant}"


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
        return f'Write: {toml_key(name)} = {{ NAME = "{_HIDDEN}" }}{_REMARK}'
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
