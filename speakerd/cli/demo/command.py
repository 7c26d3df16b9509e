"""Reads the command line of `speakerd demo`.

By default it plays a short scene in a simulated room and prints a table; the exit code is 0 only if the words were
recognised and the answers heard. With `--talk` the user is the person, and the space bar is the button.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

RECORDINGS = Path(__file__).parents[3] / "tests" / "data"


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = sub.add_parser(
        "demo",
        help="hear and see it work, with no hardware and no key",
        description="A scene with recorded human speech in a simulated room; with --talk, you are the person.",
    )
    parser.add_argument("--talk", action="store_true", help="use this machine's microphone and loudspeaker")
    parser.add_argument("--text", action="store_true", help="with --talk: type instead of speaking")
    parser.add_argument(
        "--input", default="default", help="with --talk: the microphone (see `speakerd devices`)"
    )
    parser.add_argument("--output", default="default", help="with --talk: the loudspeaker")
    parser.add_argument("--wav", type=Path, default=Path("demo.wav"), help="where the room's sound goes")
    parser.add_argument("--recordings", type=Path, default=RECORDINGS, help="folder of the recorded voices")


def run(args: argparse.Namespace) -> int:
    """Play the scene, or talk. Exit code 0, 1 (not understood) or 3 (something is missing)."""
    import asyncio
    import logging

    from speakerd.audio.errors import AudioError
    from speakerd.realtime.errors import ConnectFailedError

    # Light and captions use the terminal; only errors may be printed between them.
    logging.basicConfig(level=logging.ERROR, format="%(message)s")
    try:
        if args.talk or args.text:
            from speakerd.cli.demo.talk import talk

            return asyncio.run(talk(args.input, args.output, text=args.text))
        from speakerd.cli.demo.scene import play

        return asyncio.run(play(args.recordings, args.wav))
    except (AudioError, ConnectFailedError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 3
