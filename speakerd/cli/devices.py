"""`speakerd devices`: lists microphones and loudspeakers, and the rates at which they open.

The configured ones are marked. Exit code 3 if a configured device is missing.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from speakerd.cli.config_file import add_file_argument, read_settings

if TYPE_CHECKING:
    import argparse


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = sub.add_parser(
        "devices",
        help="list microphones and loudspeakers, and the rates they open at",
        description="Open every sound device at every rate that would serve, and list what came of it. "
        "Devices that the running service holds are said to be in use.",
    )
    add_file_argument(parser)
    parser.add_argument("--json", action="store_true", help="for programs")


def run(args: argparse.Namespace) -> int:
    """List the devices. Exit code 0, 2 or 3."""
    from speakerd.audio.devices import list_devices, table
    from speakerd.config.errors import ConfigError

    try:
        settings = read_settings(args.file).audio
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    listing = list_devices(settings)
    if args.json:
        print(json.dumps(asdict(listing), indent=2))
    else:
        sys.stdout.write(table(listing))
    return 3 if listing.problems else 0
