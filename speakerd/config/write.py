"""Changes single values in the owner's file. Comments, order, line ends and everything else stay as they are."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, InlineTable, Table

from speakerd.config.errors import ConfigErrors, ConfigFileError, Problem
from speakerd.config.load import Loaded, file_text, read_text
from speakerd.config.validate import parse
from speakerd.host.replace_file import replace_file


def edited(text: str, changes: Mapping[str, Any], removed: Sequence[str] = ()) -> str:
    """Return the text with settings changed, added or taken out, by dotted key.

    Args:
        text: TOML.
        changes: new values; a missing table is added at the end. An element of a list of tables is named by its
            number, from 0.
        removed: settings to take out; one that is not there is no mistake.

    Raises:
        ConfigErrors: the text is not TOML, a part of a key is not a table, or the edit would have changed more.
    """
    before = parse(text).data
    try:
        document = tomlkit.parse(text)
        for key, value in changes.items():
            _set(document, key, value)
        for key in removed:
            _remove(document, key)
        new = tomlkit.dumps(document)
    except TOMLKitError as error:
        raise ConfigErrors([Problem(None, None, "", f"this file cannot be edited: {error}")]) from None
    if "\r\n" in text:
        new = new.replace("\r\n", "\n").replace("\n", "\r\n")
    if tomllib.loads(new) != _expected(before, changes, removed):
        raise ConfigErrors(
            [Problem(None, None, "", "this file can be edited by hand only", cure="Its layout is rare.")]
        )
    return new


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of a file that has been checked and not yet been written.

    Attributes:
        text: the new content.
        loaded: what it says.
        changes: whether it differs from the old content.
    """

    text: str
    loaded: Loaded
    changes: bool


def checked(path: Path, changes: Mapping[str, Any], removed: Sequence[str] = ()) -> Edit:
    """Return the file with these changes, which would load.

    Raises:
        ConfigErrors: with these changes the file would not load.
        ConfigFileError: it cannot be read.
    """
    text = file_text(path)
    try:
        new = edited(text, changes, removed)
    except ConfigErrors:
        read_text(text, path)  # names the file and the line, if it was no TOML before
        raise
    return Edit(new, read_text(new, path), new != text)


def put(path: Path, edit: Edit) -> None:
    """Write a change, in one step: the file holds either the old text or the new, whatever happens.

    Mode and owner of the file are kept, and a symbolic link stays one: what it leads to is written.

    Raises:
        ConfigFileError: it cannot be written.
    """
    if not edit.changes:
        return
    try:
        replace_file(path.resolve(), edit.text, keep_owner=True)
    except OSError as error:
        cure = ". Run this with sudo" if isinstance(error, PermissionError) else ""
        raise ConfigFileError(path, f"cannot be written: {error.strerror}{cure}") from error


def write(path: Path, changes: Mapping[str, Any]) -> None:
    """Change settings in a file, as `checked` and `put` do. Raises ConfigErrors, ConfigFileError."""
    put(path, checked(path, changes))


def _set(document: Any, key: str, value: Any) -> None:
    *tables, name = key.split(".")
    here: Any = document
    for part in tables:
        if isinstance(here, AoT):
            here = _element(here, part, key)
            continue
        if part not in here:
            here[part] = tomlkit.table()
        here = here[part]
        if not isinstance(here, (AoT, Table, InlineTable, tomlkit.TOMLDocument, dict)):
            raise ConfigErrors([Problem(None, None, key, f"{part} is not a table")])
    many_lines = isinstance(value, str) and "\n" in value.strip("\n")
    item = tomlkit.string(value, multiline=True) if many_lines else tomlkit.item(value)
    if many_lines:
        item = tomlkit.value(f'"""\n{item.as_string()[3:]}')
    if name in here and hasattr(here[name], "trivia"):
        item.trivia.comment_ws = here[name].trivia.comment_ws
        item.trivia.comment = here[name].trivia.comment
    here[name] = item


def _remove(document: Any, key: str) -> None:
    *tables, name = key.split(".")
    here: Any = document
    for part in tables:
        here = _element(here, part, key) if isinstance(here, AoT) else here.get(part)
        if not isinstance(here, (AoT, dict)):
            return
    if name in here:
        del here[name]


def _element(tables: AoT, part: str, key: str) -> Any:
    if not part.isdigit() or int(part) >= len(tables):
        raise ConfigErrors([Problem(None, None, key, f"there is no element {part} in this list of tables")])
    return tables[int(part)]


def _expected(data: dict[str, Any], changes: Mapping[str, Any], removed: Sequence[str]) -> dict[str, Any]:
    for key in (*changes, *removed):
        *tables, name = key.split(".")
        here: Any = data
        for part in tables:
            here = (
                here[int(part)]
                if isinstance(here, list)
                else here.setdefault(part, {})
                if key in changes
                else here.get(part, {})
            )
        if key in changes:
            here[name] = changes[key]
        else:
            here.pop(name, None)
    return data
