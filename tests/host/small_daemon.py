"""The smallest daemon that uses every part of the host room, for the tests under a real systemd.

SIGHUP reloads, SIGUSR1 hangs the event loop, SIGUSR2 lets the capture callback stand still.
"""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from speakerd.config.errors import ConfigError
from speakerd.config.load import load
from speakerd.host.control import ControlServer
from speakerd.host.credentials import take_key
from speakerd.host.hardening import forbid_core_dumps
from speakerd.host.journal import Journal, fields
from speakerd.host.notify import Notifier
from speakerd.host.socket_path import listening_path
from speakerd.host.watchdog import Watchdog

logger = logging.getLogger("speakerd.daemon")


class Nothing:
    def close(self) -> None: ...

    async def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        await asyncio.sleep(3600)
        yield {}


async def daemon(config: Path) -> int:
    journal = Journal()
    key = take_key(os.environ)
    if key:
        journal.redactor.add(key.secret)
    forbid_core_dumps()
    notifier = Notifier()
    try:
        settings = load(config)
    except ConfigError as error:
        logger.error("%s", error, extra=fields(event="config_refused"))
        return 2
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    stuck = False

    def reload() -> None:
        nonlocal settings
        notifier.reloading()
        try:
            settings = load(config)
        except ConfigError as error:
            logger.error("%s", error, extra=fields(event="reload_refused"))
        else:
            logger.info("reloaded", extra=fields(event="reload"))
        notifier.ready(f"volume {settings.audio.volume}")

    def stand_still() -> None:
        nonlocal stuck
        stuck = True

    async def handle(command: str, args: dict[str, Any]) -> dict[str, Any]:
        return {"command": command}

    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload)
    loop.add_signal_handler(signal.SIGUSR1, time.sleep, 3600)
    loop.add_signal_handler(signal.SIGUSR2, stand_still)
    path = listening_path(settings.control.socket, os.environ, os.geteuid())
    watchdog = Watchdog(1.0, notifier.watchdog_interval_s)
    async with ControlServer(path, handle, Nothing, group=settings.control.group):
        child = subprocess.run(["/usr/bin/env"], capture_output=True, text=True, check=True)  # noqa: ASYNC221 - at start
        facts = {
            "event": "small_facts",
            "key_source": key.source if key else "none",
            "key_length": len(key.secret.reveal()) if key else 0,
            "child_sees_key": "api-key" in child.stdout.lower(),
            "cwd_writable": os.access(".", os.W_OK),
            "state_writable": os.access(os.environ["STATE_DIRECTORY"], os.W_OK),
            "etc_writable": os.access("/etc/speakerd", os.W_OK),
            "credstore_visible": os.access("/etc/credstore/speakerd.api-key", os.R_OK),
        }
        logger.info("the key is %s", key.secret.reveal() if key else None, extra=fields(**facts))
        notifier.ready(f"volume {settings.audio.volume}")
        capture = playback = 0
        while not stop.is_set():
            capture, playback = capture + (not stuck), playback + 1
            verdict = watchdog.check({"capture": capture, "playback": playback}, time.monotonic())
            if verdict.feed:
                notifier.watchdog()
            else:
                logger.critical("%s stands still", ", ".join(verdict.stuck), extra=fields(event="stuck"))
            try:
                async with asyncio.timeout(min(0.2, watchdog.period_s)):
                    await stop.wait()
            except TimeoutError:
                pass
        notifier.stopping()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(daemon(Path(sys.argv[-1]))))
