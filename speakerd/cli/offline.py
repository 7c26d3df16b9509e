"""`speakerd offline`: runs the embedded realtime server by itself.

Listens on loopback until SIGTERM or Ctrl-C. Exit code 3 if the port is taken, or pocketsphinx or espeak-ng is
missing; the message says what to do.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from speakerd.offline.settings import OfflineSettings


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = sub.add_parser(
        "offline",
        help="run the embedded realtime server: no key, no network",
        description="Serve the realtime protocol on loopback: pocketsphinx listens, espeak-ng speaks.",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="take [offline] from this file")
    parser.add_argument("--port", type=int, help="default: 8290, or the file's; 0 takes any free one")
    parser.add_argument("--voice", help="one of `espeak-ng --voices`")
    parser.add_argument("--pace", type=float, help="times faster than speech lasts; 0: at once")
    parser.add_argument("--free-speech", choices=("while_listening", "after", "off"))
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="tell what is heard, and how long it took"
    )


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C. Exit code 0, 2 or 3."""
    import asyncio
    import logging

    from speakerd.config.errors import ConfigError
    from speakerd.offline.errors import OfflineError

    logging.basicConfig(
        level=logging.DEBUG if args.verbose else logging.INFO,
        format="%(levelname)s %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("websockets").setLevel(logging.WARNING)
    try:
        settings = _settings(args)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    except ValueError as error:
        print(f"speakerd offline: {error}", file=sys.stderr)
        return 2
    try:
        asyncio.run(_serve(settings))
    except OfflineError as error:
        print(error, file=sys.stderr)
        return 3
    return 0


def _settings(args: argparse.Namespace) -> OfflineSettings:
    """Return the settings of the file, or the defaults, with the changes of the command line."""
    import dataclasses

    from speakerd.config.load import load
    from speakerd.offline.settings import OfflineSettings

    settings = OfflineSettings() if args.config is None else load(args.config).offline
    given = {"port": args.port, "voice": args.voice, "pace": args.pace, "free_speech": args.free_speech}
    changes = {name: value for name, value in given.items() if value is not None}
    if not 0 <= changes.get("port", 0) <= 65535:
        raise ValueError("--port must be from 0 to 65535")
    if not 0 <= changes.get("pace", 0) <= 100:
        raise ValueError("--pace must be from 0 to 100")
    return dataclasses.replace(settings, **changes)


async def _serve(settings: OfflineSettings) -> None:
    import asyncio
    import contextlib
    import signal

    from speakerd.offline.server import OfflineServer

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if settings.load == "start":
        print("loading the recogniser ...", file=sys.stderr)
    server = OfflineServer(settings)
    starting = asyncio.ensure_future(server.start())
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await starting
        return
    await starting
    print(f"the offline realtime server listens at {server.url}")
    print("to use it from a speaker, write in its configuration:")
    print(f'  [model]\n  url = "{server.url}"\n  auth = "none"')
    print("Ctrl-C or SIGTERM ends it.", flush=True)
    try:
        await stopping
    finally:
        await server.close()
