"""From TOML text to settings, or to a list of all mistakes. Pure: the text comes from the caller.

Checked in this order: syntax; then secrets, unknown keys, and values of wrong type or outside their limits, all
together; then contradictions, with the wrong values left out.
"""

import difflib
import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from speakerd.config import line_numbers, schema, secrets
from speakerd.config.conflicts import conflicts
from speakerd.config.errors import ConfigErrors, Problem, Severity
from speakerd.config.excerpt import excerpt
from speakerd.config.line_numbers import KeyPath
from speakerd.config.nearest import NO_SUCH_NAME, nearest
from speakerd.config.settings import Settings
from speakerd.config.spoken import spoken
from speakerd.config.toml_writer import toml_key, toml_value

Table = dict[str, Any]

_UNKNOWN = frozenset({"extra_forbidden", "unexpected_keyword_argument"})
_MISSING = frozenset({"missing", "missing_argument", "missing_keyword_only_argument"})
_BY_A_ROOM = frozenset({"value_error", "assertion_error"})
_SHOWN_LENGTH = 60
_MOST_PROBLEMS = 30
"""Nobody mends more in one go, and each is explained at some cost."""
_LARGEST_NUMBER = 2**63
"""TOML's limit, and JSON's for most."""


@dataclass(frozen=True, slots=True)
class Document:
    """One TOML file.

    Attributes:
        file: its path.
        data: its content.
        places: the line of each key and table.
        complete: False if lines of the file are missing, so that nothing can be said of what it lacks, nor of what
            contradicts.
    """

    file: Path | None
    data: Table
    places: Mapping[KeyPath, int]
    complete: bool = True

    def holds(self, path: KeyPath) -> bool:
        """Return whether the file itself contains this key or table."""
        return path in self.places


def parse(text: str, file: Path | None = None) -> Document:
    """Parse TOML.

    Raises:
        ConfigErrors: it is not TOML. The statements that are none, as far as they can be told from the others.
    """
    document, problems = parse_as_far(text, file)
    if problems or document is None:
        raise ConfigErrors(problems)
    return document


def parse_as_far(text: str, file: Path | None = None) -> tuple[Document | None, list[Problem]]:
    """Return what can be read of a text, and the mistakes of its grammar; without one, the whole of it.

    What is read in spite of a mistake is the text as it is proposed, without the lines that nobody can mend; only
    what is above the mistake if it cannot be told where that ends; None of a text that is nested too deep.
    """
    if found := line_numbers.too_deep(text):
        return None, [_too_deep(found, text, file)]
    plain = text.replace("\r\n", "\n")
    try:
        return Document(file, tomllib.loads(plain), line_numbers.locate(plain)), []
    except ValueError:
        from speakerd.config import syntax  # noqa: PLC0415  # for a broken file only; costs each start 10 ms

        broken = syntax.problems_of(plain, file)
    data: Table = {}
    places: dict[KeyPath, int] = {}
    for part in broken.mended:
        data = merged(data, tomllib.loads(part))
        places |= line_numbers.locate(part)
    return Document(file, data, places, broken.complete), broken.problems


def _too_deep(found: line_numbers.TooDeep, text: str, file: Path | None) -> Problem:
    line = text.split("\n")[found.line - 1].rstrip("\r")
    if found.mark == ".":
        what = f"this name has more than {line_numbers.DEEPEST} parts"
        cure = "Delete the line, or write the name of a setting."
    else:
        what = f"more than {line_numbers.DEEPEST} brackets are open here"
        cure = (
            "Delete this line, or the brackets that are too many: no setting takes that many, closed or not."
        )
    return Problem(file, found.line, "", what, cure=cure, excerpt=excerpt(line, found.column, found.line))


def validate(
    own: Document, presets: Sequence[Document] = (), further: Sequence[Problem] = ()
) -> tuple[Settings, tuple[Problem, ...]]:
    """Return the settings of a file, merged over those of its presets, and what is probably not meant so.

    Args:
        own: the owner's file; its values take precedence.
        presets: those it names; the first that has a value holds.
        further: what the caller has found already; it is reported with the rest.

    Raises:
        ConfigErrors: all mistakes.
    """
    data: Table = {}
    for document in (*reversed(presets), own):
        data = merged(data, document.data)
    problems = list(further)
    wrong: set[KeyPath] = set()

    def report(
        path: KeyPath,
        what: str,
        found: Any = None,
        *,
        allowed: str = "",
        cure: str = "",
        severity: Severity = "error",
        in_a_line: bool = True,
    ) -> None:
        holding = [preset for preset in presets if preset.holds(path)]
        document = holding[0] if holding and not own.holds(path) else own
        problems.append(
            Problem(
                document.file,
                line_numbers.line_of(document.places, path) if in_a_line else None,
                ".".join(map(toml_key, path)),
                secrets.masked_text(what),
                found=_shown(path, found),
                allowed=allowed,
                cure=cure,
                severity=severity,
                subject=spoken(path),
            )
        )
        if severity == "error":
            wrong.add(path)

    for path in _secrets(data):
        report(path, "a secret in the configuration is refused", secrets.MASK, cure=secrets.CURE)
    data = _without_huge_numbers(data, report)
    settings = Settings()
    further_count = 0
    try:
        settings = Settings.model_validate_json(_json(data), strict=True)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            if len(problems) >= _MOST_PROBLEMS:
                further_count += 1
                continue
            if not own.complete and detail["type"] in _MISSING | _BY_A_ROOM:
                continue
            path = _path(detail, data)
            if any(path[: len(secret)] == secret for secret in wrong):
                continue
            what, allowed, cure = _explained(detail, path)
            found = None if detail["type"] in _MISSING else detail["input"]
            if detail["type"] in _BY_A_ROOM:
                path, found = _blamed(what, path, data), None
            report(path, what, found, allowed=allowed, cure=cure)
        settings = _settings_without(data, wrong)
    for conflict in conflicts(settings):
        paths = [tuple(key.split(".")) for key in conflict.keys]
        if not own.complete and (len(paths) > 1 or not _said(own.data, paths[0])):
            continue
        if wrong.isdisjoint(paths):
            said = [path for path in paths if _said(data, path)]
            path = said[0] if said else paths[0]
            # What no file says is in no line of it.
            report(path, conflict.what, cure=conflict.cure, severity=conflict.severity, in_a_line=bool(said))
    problems.sort(key=lambda problem: (str(problem.file), problem.line or 0))
    if further_count:
        problems.append(Problem(own.file, None, "", f"and {further_count} more mistakes"))
    if errors := [problem for problem in problems if problem.severity == "error"]:
        raise ConfigErrors(errors)
    return settings, tuple(problems)


def merged(below: Table, above: Table) -> Table:
    """Merge tables key by key; any other value above replaces the one below."""
    result = dict(below)
    for name, value in above.items():
        under = result.get(name)
        both = isinstance(under, dict) and isinstance(value, dict)
        result[name] = merged(under, value) if both and isinstance(under, dict) else value
    return result


def _without_huge_numbers(value: Any, report: Callable[..., None], path: KeyPath = ()) -> Any:
    """Return the data with 0 for each whole number that is too large to be written or read elsewhere."""
    if isinstance(value, dict):
        return {name: _without_huge_numbers(item, report, (*path, name)) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_huge_numbers(item, report, (*path, str(at))) for at, item in enumerate(value)]
    if isinstance(value, int) and abs(value) >= _LARGEST_NUMBER:
        report(path, "this number is too large")
        return 0
    return value


def _json(data: Table) -> str:
    """Return JSON: pydantic's strict mode accepts lists for tuples and texts for paths only there."""
    return json.dumps(data, default=str)


def _settings_without(data: Table, wrong: set[KeyPath]) -> Settings:
    """Return settings without the wrong values, so that the others can be checked; the defaults if that fails."""
    rest: Table = json.loads(_json(data))
    for path in wrong:
        holder: Any = rest
        for part in path[:-1]:
            holder = holder.get(part) if isinstance(holder, dict) else None
        if isinstance(holder, dict):
            holder.pop(path[-1], None)
    try:
        return Settings.model_validate_json(_json(rest), strict=True)
    except ValidationError:
        return Settings()


def _secrets(table: Table, above: KeyPath = ()) -> Iterator[KeyPath]:
    known = schema.settings(Settings)
    for name, value in table.items():
        path = (*above, name)
        if isinstance(value, dict):
            yield from _secrets(value, path)
        elif above == ("model", "headers"):
            if secrets.auth_header(name) or secrets.secret_value(value):
                yield path
        elif secrets.secret_value(value) or (secrets.secret_name(name) and ".".join(path) not in known):
            yield path


def _path(detail: ErrorDetails, data: Table) -> KeyPath:
    """Return the key of an error; pydantic also names members of unions, which are not in the file."""
    path: list[str] = []
    here: Any = data
    for part in detail["loc"]:
        if isinstance(here, dict) and part in here:
            here = here[str(part)]
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            here = here[part]
        elif detail["type"] in _MISSING and part == detail["loc"][-1]:
            here = None
        else:
            continue
        path.append(str(part))
    return tuple(path)


def _explained(detail: ErrorDetails, path: KeyPath) -> tuple[str, str, str]:
    """Return what is wrong, what is allowed, and what to do."""
    if detail["type"] in _UNKNOWN:
        near = nearest(path)
        return "there is no such key", "", f"Did you mean {near}?" if near else NO_SUCH_NAME
    if detail["type"] in _MISSING:
        hint = schema.hint_at(Settings, path)
        return "this key is needed", schema.allowed(hint), ""
    if detail["type"] in _BY_A_ROOM:
        return detail["msg"].partition(", ")[2] or detail["msg"], "", ""
    if detail["loc"][-1] == "[key]":
        return "no such name here", detail.get("ctx", {}).get("expected", detail["msg"]), ""
    hint = schema.hint_at(Settings, path)
    table = ".".join(path)
    if schema.is_section(hint):
        return "this is a table", "", f"Write [{table}], and its keys below it."
    setting = schema.settings(Settings).get(table)
    if setting and setting.element:
        return "this is a list of tables", "", f"Write [[{table}]], and the keys of one below it."
    near = _near_word(detail["input"], hint)
    return "not allowed", schema.allowed(hint), f'Did you mean "{near}"?' if near else ""


def _near_word(value: Any, hint: Any) -> str:
    """Return the word that was probably meant, where a setting takes one of some words; else ""."""
    words = [word for word in get_args(hint) if isinstance(word, str)] if get_origin(hint) is Literal else []
    close = difflib.get_close_matches(value, words, n=1, cutoff=0.7) if isinstance(value, str) else []
    return close[0] if close else ""


def _blamed(what: str, path: KeyPath, data: Table) -> KeyPath:
    """Return the key that the message of a room is about: the first in it that the file sets, else the first."""
    section = schema.hint_at(Settings, path)
    names = {name for name, _, _ in schema.fields(section)} if schema.is_section(section) else set()
    words = [tuple(word.split(".")) for word in re.findall(r"[a-z_]+(?:\.\w+)*", what)]
    named = [(*path, *word) for word in words if word[0] in names]
    return next((key for key in named if _said(data, key)), named[0] if named else path)


def _said(data: Table, path: KeyPath) -> bool:
    here: Any = data
    for part in path:
        if isinstance(here, list) and part.isdigit() and int(part) < len(here):
            here = here[int(part)]
        elif isinstance(here, dict) and part in here:
            here = here[part]
        else:
            return False
    return True


def _shown(path: KeyPath, value: Any) -> str:
    if value is None or isinstance(value, dict):
        return ""
    if value == secrets.MASK:
        return secrets.MASK
    value = secrets.masked(path, value)
    text = toml_value(value if isinstance(value, (bool, int, float, str, list)) else str(value))
    text = text.replace("\n", " ")
    return text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 3] + "..."
