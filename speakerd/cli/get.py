"""`speakerd get [KEY]`: prints a setting as it is in force by a file, or all that differ from their defaults."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from speakerd.cli.config_file import add_file_argument, problems_of, read_settings

if TYPE_CHECKING:
    import argparse

    from speakerd.config.settings import Settings


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = sub.add_parser(
        "get",
        help="print a setting",
        description="Print one setting, those of one table, or all that are not at their defaults.",
    )
    parser.add_argument("key", nargs="?", metavar="KEY", help="dotted, as audio.volume; or a table, as audio")
    add_file_argument(parser, positional=False)
    parser.add_argument("--json", action="store_true", help="for programs")


def run(args: argparse.Namespace) -> int:
    """Print what is asked for. Exit code 0 or 2."""
    from speakerd.config.errors import ConfigError
    from speakerd.config.words import known_hint

    try:
        if args.key:
            known_hint(args.key)
        settings = read_settings(args.config)
    except ConfigError as error:
        if args.json:
            print(json.dumps({"ok": False, "problems": problems_of(error, args.config)}, indent=2))
        else:
            print(error, file=sys.stderr)
        return 2
    shown = _shown(settings, args.key)
    if args.json:
        print(json.dumps(shown[args.key] if list(shown) == [args.key] else shown, indent=2))
        return 0
    for line in _lines(shown, args.key):
        print(line)
    return 0


def _shown(settings: Settings, key: str | None) -> dict[str, Any]:
    """Return values by key, masked: of `key`, of all below it, or of all that differ from their defaults."""
    from speakerd.config import schema, secrets, show
    from speakerd.config.settings import Settings

    values, every = show.values(settings), schema.settings(Settings)
    if key is None:
        chosen = {name: value for name, value in values.items() if value != every[name].default}
    else:
        chosen = {name: value for name, value in values.items() if f"{name}.".startswith(f"{key}.")}
    if chosen:
        return {name: secrets.masked(every[name].path, show.plain(value)) for name, value in chosen.items()}
    path = tuple(key.split(".")) if key else ()
    return {key: secrets.masked(path, show.value_at(settings, path))} if key else {}


def _lines(shown: dict[str, Any], key: str | None) -> list[str]:
    from speakerd.config.show import toml_line

    if key is not None and list(shown) == [key]:
        value = shown[key]
        return [value if isinstance(value, str) else "" if value is None else toml_line(value)]
    return [f"{name} = {toml_line(value)}" for name, value in shown.items()]
