"""Changes single values in the owner's file. Comments, order and everything else stay as they are."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import InlineTable, Table

from speakerd.config.errors import ConfigErrors, ConfigFileError, Problem
from speakerd.config.load import read_text
from speakerd.host.replace_file import replace_file


def edited(text: str, changes: Mapping[str, Any]) -> str:
    """Return the text with these settings changed or added, by dotted key. Missing tables are added at the end.

    Raises:
        ConfigErrors: the text is not TOML, or a part of a key is not a table.
    """
    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise ConfigErrors([Problem(None, None, "", f"this is not TOML: {error}")]) from None
    for key, value in changes.items():
        *tables, name = key.split(".")
        here: Any = document
        for part in tables:
            if part not in here:
                here[part] = tomlkit.table()
            here = here[part]
            if not isinstance(here, (Table, InlineTable, tomlkit.TOMLDocument, dict)):
                raise ConfigErrors([Problem(None, None, key, f"{part} is not a table")])
        if name in here and hasattr(here[name], "trivia"):
            item = tomlkit.item(value)
            item.trivia.comment_ws = here[name].trivia.comment_ws
            item.trivia.comment = here[name].trivia.comment
            here[name] = item
        else:
            here[name] = value
    return tomlkit.dumps(document)


def write(path: Path, changes: Mapping[str, Any]) -> None:
    """Change settings in a file, in one step: it holds either the old text or the new, whatever happens.

    The result is checked first; what would not load is not written. Mode and owner of the file are kept.

    Raises:
        ConfigErrors: with these changes the file would not load.
        ConfigFileError: it cannot be read or written.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ConfigFileError(path, f"cannot be read: {error.strerror}") from error
    new = edited(text, changes)
    read_text(new, path)
    try:
        replace_file(path, new, keep_owner=True)
    except OSError as error:
        cure = ". Run this with sudo" if isinstance(error, PermissionError) else ""
        raise ConfigFileError(path, f"cannot be written: {error.strerror}{cure}") from error
