"""`speakerd check [FILE]`: checks a configuration, and prints the settings that would be in force.

The settings go to stdout with secrets masked, all mistakes to stderr. Exit code 2 for a mistake in the file, 3 for
something outside of the file that it names and that cannot be used: the API key, a program.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from typing import TYPE_CHECKING

from speakerd.cli.config_file import DEFAULT_FILE, add_file_argument, problems_of

if TYPE_CHECKING:
    import argparse

    from speakerd.config.load import Loaded


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = sub.add_parser(
        "check",
        help="check a configuration; print what would be in force",
        description="Print the effective settings with secrets masked, or every mistake with its line.",
    )
    add_file_argument(parser, default=DEFAULT_FILE, words=f"default: {DEFAULT_FILE}")
    parser.add_argument("--changed", action="store_true", help="only what differs from the defaults")
    parser.add_argument("--json", action="store_true", help="for programs: settings or mistakes as JSON")
    parser.add_argument("--quiet", action="store_true", help="print mistakes only")
    parser.add_argument("--no-key", action="store_true", help="leave the API key out of it")
    parser.add_argument(
        "--defaults", action="store_true", help="print every setting, with its default and what it is for"
    )
    parser.add_argument("--starter", action="store_true", help="print a short file to begin with")


def run(args: argparse.Namespace) -> int:
    """Check one file. Exit code 0, 2 or 3."""
    from speakerd.config.errors import ConfigError
    from speakerd.config.load import default_file, read, starter_file

    if args.defaults or args.starter:
        text = (default_file() if args.defaults else starter_file()).read_text("utf-8")
        sys.stdout.write(f"{json.dumps({'toml': text})}\n" if args.json else text)
        return 0
    try:
        loaded = read(args.file)
    except ConfigError as error:
        if args.json:
            print(json.dumps({"ok": False, "problems": problems_of(error, args.file)}, indent=2))
        else:
            print(error, file=sys.stderr)
        return 2
    return _report(args, loaded)


def _report(args: argparse.Namespace, loaded: Loaded) -> int:
    from speakerd.cli.named_files import findings, service_user
    from speakerd.cli.server_limits import server_limits
    from speakerd.config import show
    from speakerd.config.retirement import retirements
    from speakerd.host.credentials import find_key
    from speakerd.host.errors import CredentialError

    settings = loaded.settings
    code, usable, key = 0, True, "none found; fine for a service that has the credential api-key"
    if settings.model.backend == "offline" or settings.model.auth == "none":
        key = "not needed"
    elif args.no_key:
        key = "not looked for"
    else:
        try:
            if found := find_key(os.environ, settings.model.api_key_file):
                key = f"from {found.source}"
        except CredentialError as error:
            code, usable, key = 3, False, str(error)
    ending = retirements(loaded, args.file, dt.datetime.now().astimezone().date())
    problems = [
        *loaded.warnings,
        *ending,
        *server_limits(loaded),
        *findings(loaded, args.file, service_user()),
    ]
    if any(problem.severity == "error" for problem in problems):
        code = 3
    if args.json:
        listed = [problem.to_dict() for problem in problems]
        print(
            json.dumps(
                {"ok": not code, "problems": listed, "settings": show.masked(settings), "key": key}, indent=2
            )
        )
    elif not args.quiet:
        board = f", over the board {loaded.board.file}" if loaded.board else ""
        provider = f", over the provider {loaded.provider.file}" if loaded.provider else ""
        print(f"# {args.file}{board}{provider}")
        print(f"# API key: {key if usable else 'unusable, see below'}")
        sys.stdout.write(show.show(settings, changed_only=args.changed))
    for problem in problems:
        if problem.severity == "error" or not args.quiet:
            print(problem, file=sys.stderr)
    if not usable:
        print(key, file=sys.stderr)
    return code
