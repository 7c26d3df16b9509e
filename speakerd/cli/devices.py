"""`speakerd devices`: the microphones and loudspeakers there are, and the rates they really open at.

The chosen ones are marked. Exit code 3 if a chosen device is not there.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from speakerd.audio.settings import AudioSettings

DEFAULT_FILE = Path("/etc/speakerd/speakerd.toml")


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's words."""
    parser = sub.add_parser(
        "devices",
        help="list microphones and loudspeakers, and the rates they open at",
        description="Open every sound device at every rate that would serve, and list what came of it. "
        "Devices that the running service holds are said to be in use.",
    )
    parser.add_argument(
        "file", nargs="?", type=Path, help=f"default: {DEFAULT_FILE}, else the built-in settings"
    )
    parser.add_argument("--json", action="store_true", help="for programs")


def run(args: argparse.Namespace) -> int:
    """List them. Exit code 0, 2 or 3."""
    from speakerd.audio.devices import list_devices, table
    from speakerd.config.errors import ConfigError

    try:
        settings = audio_settings(args.file)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    listing = list_devices(settings)
    if args.json:
        print(json.dumps(asdict(listing), indent=2))
    else:
        sys.stdout.write(table(listing))
    return 3 if listing.problems else 0


def audio_settings(file: Path | None) -> AudioSettings:
    """Those of the file; without one, of the default file if it is there, else the built-in ones.

    Raises:
        ConfigError: the file cannot be read, or is wrong.
    """
    from speakerd.config.load import load
    from speakerd.config.settings import Settings

    if file is None and not DEFAULT_FILE.exists():
        return Settings().audio
    return load(file or DEFAULT_FILE).audio
