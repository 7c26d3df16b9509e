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
import errno
import importlib
import json
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from speakerd import __version__
from speakerd.cli.streams import give_up_output, prepare_streams

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


_UNWRITTEN = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}
"""What writing to a full disk, or to what is not there any more, ends in."""


class _UsageError(Exception):
    """The command line is wrong: the parser that has found it, and what is wrong."""

    def __init__(self, parser: argparse.ArgumentParser, what: str) -> None:
        super().__init__(what)
        self.parser = parser


class _Parser(argparse.ArgumentParser):
    """A parser, also of a sub-command, that shows its own usage with what it does not know."""

    def error(self, message: str) -> NoReturn:
        """Raise _UsageError."""
        raise _UsageError(self, message)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse; what is not known is an error here, not in the parser above, whose usage would not help."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print help or a usage; help that cannot be written is no success, as argparse has it."""
        if message and file is sys.stdout:
            file.write(message)
        else:
            super()._print_message(message, file)


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands; each sets `handler` to its `run`."""
    parser = _Parser(
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
    prepare_streams()
    try:
        try:
            words = sys.argv[1:] if argv is None else argv
            if "run" in words[:1]:
                # It would end it; nothing has been read yet that could be read again. `run` keeps later ones.
                signal.signal(signal.SIGHUP, signal.SIG_IGN)
            try:
                arguments = build_parser().parse_args(_command_first(words))
            except _UsageError as wrong:
                _tell(wrong, as_json="--json" in words)
                raise SystemExit(EXIT_USAGE) from None
            return int(arguments.handler(arguments))
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # `speakerd devices | head`: the reader ended, which is no error.
        give_up_output()
        return EXIT_OK
    except OSError as error:
        if error.errno not in _UNWRITTEN or error.filename is not None:
            raise
        give_up_output()
        with suppress(OSError):
            print(f"speakerd: the output cannot be written: {error.strerror}", file=sys.stderr)
        return EXIT_MISSING


def _tell(wrong: _UsageError, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"error": {"kind": "usage", "message": f"{wrong.parser.prog}: {wrong}"}}))
    else:
        wrong.parser.print_usage(sys.stderr)
        print(f"{wrong.parser.prog}: error: {wrong}", file=sys.stderr)


def _command_first(argv: Sequence[str]) -> list[str]:
    """Put --json and --config behind the command, before which they may be written, too."""
    before: list[str] = []
    rest = list(argv)
    while rest and (rest[0] == "--json" or rest[0] == "--config" or rest[0].startswith("--config=")):
        taken = 2 if rest[0] == "--config" else 1
        before += rest[:taken]
        rest = rest[taken:]
    return rest[:1] + before + rest[1:]
