"""A key as it is called in a message: people count from one."""

import typing
from collections.abc import Sequence

from speakerd.config import schema
from speakerd.config.line_numbers import KeyPath
from speakerd.config.settings import Settings
from speakerd.config.toml_writer import toml_key

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def spoken(path: KeyPath) -> str:
    """Return the dotted name; of an element of a list, which of them it is: `the first tools.commands: argv`."""
    for at, part in enumerate(path):
        if part.isdigit() and at and _is_list(path[:at]):
            name, rest = ".".join(map(toml_key, path[:at])), ".".join(map(toml_key, path[at + 1 :]))
            number = int(part)
            which = _ORDINALS[number] if number < len(_ORDINALS) else f"{number + 1}th"
            table = schema.is_section(schema.hint_at(Settings, path[: at + 1]))
            element = f"the {which}{'' if table else ' of'} {name}"
            return f"{element}: {rest}" if rest else element
    return ".".join(map(toml_key, path))


def _is_list(path: KeyPath) -> bool:
    hint = schema.bare(schema.hint_at(Settings, path))
    origin = typing.get_origin(hint)
    return isinstance(origin, type) and issubclass(origin, Sequence)
