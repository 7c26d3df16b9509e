"""`speakerd run`: the daemon, in the foreground."""

from __future__ import annotations

from typing import TYPE_CHECKING

from speakerd.cli.config_file import DEFAULT_FILE, add_file_argument

if TYPE_CHECKING:
    import argparse


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = sub.add_parser(
        "run",
        help="be the speaker",
        description="The daemon in the foreground; SIGTERM or Ctrl-C ends it, SIGHUP reads the settings again.",
    )
    add_file_argument(parser, positional=False, default=DEFAULT_FILE, words=f"default: {DEFAULT_FILE}")


def run(args: argparse.Namespace) -> int:
    """Run until SIGTERM or Ctrl-C. Exit code 0, 2 (configuration), 3 (missing), 4 (part failed), 5 (restart)."""
    import asyncio
    import signal

    # Else a reload that is asked for while the imports below are at work would end it.
    hung_up: list[int] = []
    signal.signal(signal.SIGHUP, lambda number, _frame: hung_up.append(number))

    from speakerd.daemon.service import serve

    return asyncio.run(serve(args.config, hung_up))
