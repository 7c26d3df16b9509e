"""`speakerd extras`: the optional parts of the program: which are installed; add one, take one out.

What is chosen here is written into /etc/speakerd/extras, and every upgrade follows it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speakerd.cli.config_file import DEFAULT_FILE, add_file_argument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from speakerd.cli.optional_parts import Extra, Installation
    from speakerd.config.load import Loaded


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = sub.add_parser(
        "extras",
        help="optional parts: wake word, echo canceller, ...",
        description="List the optional parts of the program; add one, or take one out.",
        epilog="sudo speakerd extras add wakeword",
    )
    add_file_argument(parser, positional=False, default=DEFAULT_FILE, words=f"default: {DEFAULT_FILE}")
    parser.add_argument("--json", action="store_true", help="the list, for programs")
    what = parser.add_subparsers(dest="what", metavar="WHAT")
    listing = what.add_parser("list", help="which there are, what for, installed or not (default)")
    listing.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="for programs")
    for name, words in (
        ("add", "install them, now and at every upgrade"),
        ("remove", "take them out, and leave them out"),
    ):
        command = what.add_parser(name, help=words, description=f"{words.capitalize()}. Needs root.")
        command.add_argument("names", nargs="+", metavar="NAME", help="as `speakerd extras` lists them")
    # What scripts/install calls, in the version that it is making.
    setup = what.add_parser("setup")
    setup.add_argument("--with", dest="wanted", default="", metavar="NAME,...")
    setup.add_argument("--without", default="", metavar="NAME,...")
    setup.add_argument("--old", type=Path, help="the version that this one is to follow")
    setup.add_argument("--ask", action="store_true", help="ask where the settings want what was left out")
    setup.add_argument("--record", action="store_true", help="only write down what was chosen")


def run(args: argparse.Namespace) -> int:
    """Exit code 0; 1 if the settings need what is to go; 2 for a wrong name or no root; 3 if it cannot be had."""
    from speakerd.cli.optional_parts import EXTRAS, Installation

    if args.what in {None, "list"}:
        return _list(args, Installation.here())
    known = [extra.name for extra in EXTRAS]
    names = args.names if args.what != "setup" else [*_words(args.wanted), *_words(args.without)]
    if unknown := [name for name in names if name not in known]:
        print(f"there is no extra {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    if os.geteuid() != 0:
        print(f"this needs root: sudo speakerd extras {args.what} {' '.join(names)}", file=sys.stderr)
        return 2
    if args.what == "setup":
        return _setup(args, Installation.here())
    installation = Installation.here()
    if not installation.is_ours:
        wheels = [wheel for name in names for wheel in _extra(name).wheels]
        print(
            f"this speakerd runs from {sys.prefix}, which scripts/install has not made; there it is: "
            f"{sys.executable} -m pip {'install' if args.what == 'add' else 'uninstall'} {' '.join(wheels)}",
            file=sys.stderr,
        )
        return 3
    extras = [_extra(name) for name in dict.fromkeys(names)]
    return _add(args, installation, extras) if args.what == "add" else _remove(args, installation, extras)


def _words(names: str) -> list[str]:
    return [name for name in names.replace(",", " ").split() if name]


def _extra(name: str) -> Extra:
    from speakerd.cli.optional_parts import named

    return named(name)


def _loaded(file: Path) -> Loaded | None:
    """Return the owner's settings; None where they cannot be read, which is not what this command is about."""
    from speakerd.config.errors import ConfigError
    from speakerd.config.load import read

    try:
        return read(file)
    except ConfigError:
        return None


def _needed(file: Path) -> dict[str, str]:
    """Return the parts that the owner's settings cannot do without: name -> file, line and key."""
    from speakerd.cli.optional_parts import needed

    loaded = _loaded(file)
    if loaded is None:
        return {}
    places = {}
    for name, key in needed(loaded.settings).items():
        where, line = loaded.place(key)
        places[name] = f"{key} in {where or file}" + (f":{line}" if line is not None else "")
    return places


# -- list ------------------------------------------------------------------------------------------------------


def _list(args: argparse.Namespace, installation: Installation) -> int:
    from speakerd.cli.optional_parts import EXTRAS, is_there, recorded

    choices, needed = recorded(), _needed(args.config)
    rows: list[dict[str, Any]] = [
        {
            "name": extra.name,
            "installed": is_there(extra),
            "megabytes": round(installation.megabytes(extra), 1) or extra.megabytes,
            "left_out": choices.get(extra.name) is False,
            "needed_by": needed.get(extra.name),
            "purpose": extra.purpose,
        }
        for extra in EXTRAS
    ]
    if args.json:
        print(json.dumps({"extras": rows}, indent=2))
        return 0
    print(f"{'name':<10}{'installed':<11}{'MB':>5}   what for")
    for row in rows:
        state = "yes" if row["installed"] else "left out" if row["left_out"] else "no"
        print(f"{row['name']:<10}{state:<11}{row['megabytes']:>5.1f}   {row['purpose']}")
    for row in rows:
        if row["needed_by"] and not row["installed"]:
            print(f"{row['needed_by']} needs {row['name']}: sudo speakerd extras add {row['name']}")
    return 0


# -- add, remove -----------------------------------------------------------------------------------------------


def _add(args: argparse.Namespace, installation: Installation, extras: Sequence[Extra]) -> int:
    from speakerd.cli.optional_parts import ExtraNotInstalledError

    needed = _needed(args.config)
    code = 0
    for extra in extras:
        if installation.has(extra):
            print(f"{extra.name} is installed already")
            code = max(code, _record({extra.name: True}))
            continue
        begun = time.monotonic()
        try:
            installation.add(extra, _say)
        except ExtraNotInstalledError as error:
            print(f"{extra.name} was not installed, nothing has changed: {error}", file=sys.stderr)
            code = 3
            continue
        size = installation.megabytes(extra)
        print(f"{extra.name} is installed: {size:.1f} MB, in {time.monotonic() - begun:.0f} s")
        code = max(code, _record({extra.name: True}))
        if extra.name in needed:
            print(f"Next, for {needed[extra.name]}: sudo systemctl reload speakerd")
        else:
            print(f"Next: {extra.afterwards or 'sudo systemctl restart speakerd'}")
    return code


def _remove(args: argparse.Namespace, installation: Installation, extras: Sequence[Extra]) -> int:
    needed = _needed(args.config)
    for extra in extras:
        if extra.name in needed:
            print(f"{needed[extra.name]} needs {extra.name}: change that first", file=sys.stderr)
            return 1
    for extra in extras:
        installation.remove(extra)
        print(f"{extra.name} is taken out")
    print("Next: sudo systemctl restart speakerd")
    return _record({extra.name: False for extra in extras})


def _record(choices: dict[str, bool]) -> int:
    from speakerd.cli.optional_parts import RECORD, record

    try:
        record(choices)
    except OSError as error:
        print(f"{RECORD} cannot be written, so an upgrade will not know of it: {error}", file=sys.stderr)
        return 3
    return 0


def _say(words: str) -> None:
    print(words, flush=True)


# -- for the installer -----------------------------------------------------------------------------------------


def _setup(args: argparse.Namespace, installation: Installation) -> int:
    """Give this version what was chosen, what the one before it has, and whatever else can be had."""
    from speakerd.cli.optional_parts import EXTRAS, Installation, recorded, wishes

    asked = dict.fromkeys(_words(args.wanted), True) | dict.fromkeys(_words(args.without), False)
    if args.record:
        return _record(asked)
    installation.prepare()
    needed = _needed(args.config)
    old = Installation(args.old) if args.old else None
    had = [extra.name for extra in EXTRAS if old is not None and old.has(extra)]
    plan = wishes(recorded(), asked, needed, had)
    for extra in EXTRAS:
        wish = plan[extra.name]
        if wish == "needed":
            wish = "must" if _is_to_come(extra, needed[extra.name], ask=args.ask) else "no"
        if wish == "no":
            if extra.name in needed:
                _tell(f"  {needed[extra.name]} needs {extra.name}, which is left out")
            if installation.has(extra):
                installation.remove(extra)
            continue
        if installation.has(extra):
            continue
        if not _install(extra, installation, must=wish == "must", needed=needed.get(extra.name, "")):
            return 3
    return 0


def _is_to_come(extra: Extra, place: str, *, ask: bool) -> bool:
    """Whether a part that was left out is installed after all, since the settings ask for it."""
    if not ask:
        _tell(f"  {extra.name} was left out, but {place} needs it: it is installed")
        return True
    try:
        answer = input(
            f"{place} needs {extra.name} ({extra.purpose}), which was left out. Install it? [Y/n] "
        )
    except EOFError:
        return True
    return answer.strip().lower() not in {"n", "no"}


def _install(extra: Extra, installation: Installation, *, must: bool, needed: str) -> bool:
    """Install a part; False if that failed and the whole installation has failed with it."""
    from speakerd.cli.optional_parts import ExtraNotInstalledError

    try:
        installation.add(extra, lambda words: _tell(f"  {words}"))
    except ExtraNotInstalledError as error:
        if must or error.again:
            _tell(f"error: {extra.name}: {error}")
            _tell(f"       to do without it, run this again with --without {extra.name}")
            return False
        lost = f"; {needed} needs it, and the speaker will start without that" if needed else ""
        _tell(f"  {extra.name} ({extra.purpose}) is left out: {error}{lost}")
    return True


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
