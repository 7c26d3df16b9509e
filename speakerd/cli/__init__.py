"""The commands: `speakerd COMMAND --help` lists the arguments of each.

Every command is a module or package here with `add_parser(subparsers)` and `run(arguments) -> exit code`. What it
needs beyond a few small modules is imported inside `run`: every command loads all of them for the parser, and
`speakerd ctl` has to answer at once on a Pi Zero.

Exit codes, the same for every command:

====  =====================================================================================
0     done
1     it ran, and the answer is no (a doctor's FAIL, a demo whose words were not understood)
2     the command line or the configuration is wrong; the message says where and what to write
3     something outside is missing: a device, a port, a package, a key; the message says the cure
4     a part failed while running and could not be restarted; systemd starts the daemon again
130   interrupted with Ctrl-C
====  =====================================================================================
"""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import TYPE_CHECKING

from speakerd import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_OK, EXIT_NO, EXIT_USAGE, EXIT_MISSING, EXIT_DIED, EXIT_INTERRUPTED = 0, 1, 2, 3, 4, 130

COMMANDS = (
    "run",
    "check",
    "get",
    "set",
    "doctor",
    "devices",
    "calibrate",
    "extras",
    "lights",
    "ctl",
    "offline",
    "demo",
)
"""In the order of `speakerd --help`: what is needed first comes first."""


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands; each sets `handler` to its `run`."""
    parser = argparse.ArgumentParser(
        prog="speakerd",
        description="A small computer as a home speaker one can simply talk to.",
        epilog="Try it with no hardware and no key: speakerd demo",
    )
    parser.add_argument("--version", action="version", version=f"speakerd {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = importlib.import_module(f"speakerd.cli.{name}")
        module.add_parser(subparsers)
        subparsers.choices[name].set_defaults(handler=module.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of `speakerd`. Known errors become one message on stderr and an exit code, never a traceback."""
    arguments = build_parser().parse_args(argv)
    try:
        return int(arguments.handler(arguments))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # `speakerd devices | head`: the reader ended, which is no error.
        sys.stderr.close()
        return EXIT_OK
