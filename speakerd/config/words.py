"""The value that a word on the command line means for a setting. Pure."""

import contextlib
import json
import tomllib
from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter, ValidationError

from speakerd.config import schema, secrets
from speakerd.config.errors import ConfigErrors, Problem
from speakerd.config.nearest import nearest
from speakerd.config.settings import Settings
from speakerd.config.toml_writer import toml_value

_BOOLEANS = {"yes": True, "on": True, "true": True, "no": False, "off": False, "false": False}


def value_of_word(key: str, word: str) -> Any:
    """Return the value of `word` for the setting `key`: as TOML, without its quotes, or yes and no for a switch.

    Raises:
        ConfigErrors: there is no such setting, it is a table, or it cannot have this value.
    """
    path = tuple(key.split("."))
    if secrets.refused(path, word) and schema.hint_at(Settings, path) is None:
        raise ConfigErrors(
            [Problem(None, None, key, "a secret in the configuration is refused", cure=secrets.CURE)]
        )
    hint = known_hint(key)
    if schema.is_section(hint):
        names = ", ".join(name for name, _, _ in schema.fields(hint))
        raise ConfigErrors(
            [Problem(None, None, key, "this is a table", cure=f"Name one of its settings: {names}")]
        )
    adapter = TypeAdapter(hint)
    for value in _candidates(word):
        try:
            adapter.validate_json(json.dumps(value, default=str), strict=True)
        except (ValidationError, ValueError):
            continue
        return value
    found = secrets.MASK if secrets.secret_value(word) else toml_value(word)[:60]
    raise ConfigErrors([Problem(None, None, key, "not allowed", found=found, allowed=schema.allowed(hint))])


def known_hint(key: str) -> Any:
    """Return the type of a setting or table.

    Raises:
        ConfigErrors: there is none of this name; with the one that was probably meant.
    """
    path = tuple(key.split("."))
    hint = schema.hint_at(Settings, path)
    if hint is None:
        near = nearest(path)
        cure = f"Did you mean {near}?" if near else "`speakerd check --defaults` prints all of them."
        raise ConfigErrors([Problem(None, None, key, "there is no such key", cure=cure)])
    return hint


def _candidates(word: str) -> Iterator[Any]:
    with contextlib.suppress(ValueError, RecursionError):
        yield tomllib.loads(f"x = {word.strip()}")["x"]
    if word.strip().lower() in _BOOLEANS:
        yield _BOOLEANS[word.strip().lower()]
    yield word
    parts = [part.strip() for part in word.strip("[] ").split(",") if part.strip()]
    yield [int(part) if part.isdigit() else part for part in parts]
