"""`speakerd set KEY VALUE`: changes one setting in the file, and keeps the comments.

The file is checked with the change first; what would not pass is not written.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shlex
import sys
from typing import TYPE_CHECKING, Any

from speakerd.cli.config_file import DEFAULT_FILE, add_file_argument, problems_of
from speakerd.cli.typed_text import typed_text

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable
    from pathlib import Path

    from speakerd.config.errors import Problem
    from speakerd.config.load import Loaded
    from speakerd.config.write import Edit


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = sub.add_parser(
        "set",
        help="change a setting in the file",
        description="Change one setting, check the file, and write it with its comments kept.",
        epilog='speakerd set audio.volume 40   |   speakerd set panel.light.rgb_pins "[22, 23, 24]"',
    )
    parser.add_argument("key", metavar="KEY", help="dotted, as audio.volume")
    value = parser.add_mutually_exclusive_group(required=True)
    value.add_argument("value", nargs="?", metavar="VALUE", help="as in the file; quotes may be left out")
    value.add_argument("--default", action="store_true", help="take the line out, so that the default counts")
    add_file_argument(parser, positional=False, default=DEFAULT_FILE, words=f"default: {DEFAULT_FILE}")
    parser.add_argument("--reload", action="store_true", help="let the running speaker take it at once")
    parser.add_argument("--json", action="store_true", help="for programs")


def run(args: argparse.Namespace) -> int:
    """Change the file. Exit code 0; 1 if the speaker refused it; 2 for a wrong key or value; 3 if none runs."""
    from speakerd.cli.named_files import findings, service_user
    from speakerd.config.errors import ConfigError, ConfigErrors
    from speakerd.config.retirement import retirements
    from speakerd.config.show import toml_line
    from speakerd.config.words import known_hint, value_of_word
    from speakerd.config.write import checked, put

    before, known = _sockets(args.config), _warnings(args.config)
    try:
        if args.default:
            known_hint(args.key)
            edit = checked(args.config, {}, [args.key])
        else:
            edit = checked(args.config, {args.key: value_of_word(args.key, _typed(args.key, args.value))})
        found = findings(edit.loaded, args.config, service_user())
        if errors := [
            item for item in found if f"{item.key}.".startswith(f"{args.key}.") and item.severity == "error"
        ]:
            raise ConfigErrors(errors)
        put(args.config, edit)
    except ConfigError as error:
        if args.json:
            print(json.dumps({"ok": False, "problems": problems_of(error, args.config)}, indent=2))
        else:
            print(error, file=sys.stderr)
            print("nothing was changed", file=sys.stderr)
        return 2
    warnings = [
        *edit.loaded.warnings,
        *retirements(edit.loaded, args.config, dt.datetime.now().astimezone().date()),
    ]
    if args.json:
        return _run_as_json(args, before, edit, warnings)
    for warning in warnings:
        if (warning.key, warning.what) not in known:  # `check` tells what was so before, too
            print(warning, file=sys.stderr)
    value = toml_line(_value(edit.loaded, args.key))
    if not edit.changes:
        print(f"{args.key} was so already in {args.config}")
    elif args.default:
        print(f"{args.key} is out of {args.config}; what counts without it: {value}")
    else:
        print(f"{args.key} = {value}   in {args.config}")
    if args.reload:
        return _reload_in_words((*before, edit.loaded.settings.control.socket))
    if edit.changes:
        print(f"Next: {_next(args.config)}")
    return 0


def _warnings(file: Path) -> set[tuple[str, str]]:
    """Return key and words of what the file is warned of as it is; nothing of one that cannot be read."""
    from speakerd.config.errors import ConfigError
    from speakerd.config.load import read

    try:
        return {(warning.key, warning.what) for warning in read(file).warnings}
    except ConfigError:
        return set()


def _run_as_json(
    args: argparse.Namespace, before: tuple[str, ...], edit: Edit, warnings: list[Problem]
) -> int:
    from speakerd.config import show
    from speakerd.host.errors import CommandError, ControlError

    code = 0
    answer: dict[str, Any] = {
        "ok": True,
        "file": str(args.config),
        "key": args.key,
        "value": show.plain(_value(edit.loaded, args.key)),
        "changed": edit.changes,
        "problems": [warning.to_dict() for warning in warnings],
    }
    if args.reload:
        try:
            answer["reload"] = _reload((*before, edit.loaded.settings.control.socket))
            code = 0 if answer["reload"].get("applied") else 1
        except (CommandError, ControlError) as error:
            answer["reload"] = {"applied": False, "problem": str(error)}
            code = 1 if isinstance(error, CommandError) else 3
    print(json.dumps({**answer, "ok": not code}, indent=2))
    return code


def _sockets(file: Path) -> tuple[str, ...]:
    """Return where the speaker of that file listens: until it has read the change, where the file says now."""
    from speakerd.cli.config_file import read_settings
    from speakerd.config.errors import ConfigError

    try:
        return (read_settings(file).control.socket,)
    except ConfigError:
        return ()  # told by what checks the change, unless the change mends it


def _next(file: Path) -> str:
    if file == DEFAULT_FILE:
        return "sudo systemctl reload speakerd   (or: speakerd ctl reload)"
    return f"speakerd ctl --config {shlex.quote(str(file))} reload"


def _typed(key: str, word: str) -> str:
    """Return the value that was typed. Raises ConfigErrors: it is no text."""
    from speakerd.config.errors import ConfigErrors, Problem

    try:
        return typed_text(word)
    except ValueError as error:
        raise ConfigErrors([Problem(None, None, key, str(error))]) from None


def _value(loaded: Loaded, key: str) -> Any:
    from speakerd.config import secrets
    from speakerd.config.show import value_at

    path = tuple(key.split("."))
    return secrets.masked(path, value_at(loaded.settings, path))


def _reload(sockets: Iterable[str]) -> dict[str, Any]:
    """Return the answer of the speaker. Raises CommandError, ControlError."""
    from speakerd.host.control_client import ControlClient
    from speakerd.host.socket_path import calling_paths

    paths = [path for socket in sockets for path in calling_paths(socket, os.environ, os.geteuid())]
    with ControlClient(list(dict.fromkeys(paths))) as client:
        return client.request("reload")


def _reload_in_words(sockets: Iterable[str]) -> int:
    from speakerd.host.errors import CommandError, ControlError

    try:
        result = _reload(sockets)
    except (CommandError, ControlError) as error:
        print(f"the file is written, and no speaker has taken it: {error}", file=sys.stderr)
        return 1 if isinstance(error, CommandError) else 3
    for line in _answer(result):
        print(line)
    return 0 if result.get("applied") else 1


def _answer(result: dict[str, Any]) -> list[str]:
    if not result.get("applied"):
        return [
            str(result.get("problem", "refused")),
            "the file is written, and the speaker goes on as before",
        ]
    lines = [f"{change['key']}: {change['counts']}" for change in result.get("changes", [])]
    if result.get("restart"):
        lines.append("sudo systemctl restart speakerd   brings the rest into force")
    return lines or ["the speaker had it already"]
