"""The daemon around the speaker: journal, signals, systemd, control socket, reload.

`serve` runs until SIGTERM or SIGINT and returns the exit code of `speakerd.cli`. Errors that a person can mend are
printed as one message, never as a traceback.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from typing import TYPE_CHECKING

from speakerd.audio.errors import AudioError
from speakerd.audio.thread_priority import restore_priority
from speakerd.config.errors import ConfigError
from speakerd.config.load import load
from speakerd.daemon.assemble import assemble
from speakerd.daemon.control import Control, Reloader
from speakerd.daemon.core import PartDiedError
from speakerd.daemon.metrics import status_words
from speakerd.daemon.storage import state_dir
from speakerd.host.control import ControlServer
from speakerd.host.credentials import take_key
from speakerd.host.errors import ControlError, CredentialError
from speakerd.host.hardening import forbid_core_dumps
from speakerd.host.journal import Journal, fields
from speakerd.host.notify import Notifier
from speakerd.host.socket_path import listening_path
from speakerd.host.watchdog import Watchdog
from speakerd.panel.errors import PanelError
from speakerd.realtime.errors import ConnectFailedError
from speakerd.realtime.model import DEFAULT_URL

if TYPE_CHECKING:
    from pathlib import Path

    from speakerd.config.settings import Settings
    from speakerd.daemon.core import Assembly
    from speakerd.host.credentials import ApiKey

log = logging.getLogger(__name__)

EXIT_OK, EXIT_CONFIG, EXIT_MISSING, EXIT_DIED = 0, 2, 3, 4


class MissingKeyError(CredentialError):
    """The hosted service wants a key, and there is none."""


async def serve(path: Path) -> int:
    """Be the daemon with the configuration at `path`."""
    journal = Journal()
    try:
        settings = load(path)
        journal.set(settings.log.level, settings.log.repeat_burst, settings.log.repeat_window_s)
        key = find_key(settings)
        if key is not None:
            journal.redactor.add(key.secret)
            forbid_core_dumps()
        await _serve(settings, path, key, journal)
    except ConfigError as error:
        log.critical("%s", error, extra=fields(event="config_refused"))
        return EXIT_CONFIG
    except (AudioError, PanelError, CredentialError, ControlError, ConnectFailedError) as error:
        log.critical("%s", error, extra=fields(event="start_failed"))
        return EXIT_MISSING
    except PartDiedError:
        return EXIT_DIED
    finally:
        journal.close()
    return EXIT_OK


def find_key(settings: Settings) -> ApiKey | None:
    """The API key, out of the environment. Raises CredentialError if one is needed and cannot be had."""
    key = take_key(os.environ, settings.model.api_key_file)
    model = settings.model
    needed = model.backend == "remote" and model.auth == "bearer" and model.url.startswith(DEFAULT_URL)
    if key is None and needed and "authorization" not in {name.lower() for name in model.headers}:
        raise MissingKeyError(
            "anywhere",
            "there is none. Put it into a file of mode 0600 and name that in model.api_key_file, set "
            'SPEAKERD_API_KEY, or set model.backend = "offline" to do without',
        )
    return key


async def _serve(settings: Settings, path: Path, key: ApiKey | None, journal: Journal) -> None:
    loop = asyncio.get_running_loop()
    notifier = Notifier()
    assembly = assemble(
        settings,
        key=lambda: key.secret.reveal() if key is not None else None,
        state=state_dir(dict(os.environ)),
    )
    speaker = assembly.speaker
    reloader = Reloader(path, settings, assembly, notifier, journal)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, assembly, notifier)
    loop.add_signal_handler(signal.SIGHUP, reloader.reload)
    loop.add_signal_handler(signal.SIGXCPU, _calm)
    control = _control(settings, assembly, reloader)
    tasks: list[asyncio.Task[None]] = []

    def ready() -> None:
        notifier.ready(status_words(speaker.dialogue))
        log.info("ready", extra=fields(event="ready"))
        tasks.append(asyncio.create_task(_follow_state(assembly, notifier), name="status"))
        tasks.append(asyncio.create_task(_feed_watchdog(assembly, notifier), name="watchdog"))

    try:
        if control is not None:
            await control.start()
        await speaker.run(prepare=assembly.prepare, ready=ready)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if control is not None:
            await control.close()
        await assembly.close()
        log.info("stopped", extra=fields(event="stopped", turns=speaker.turns.turns))


def _control(settings: Settings, assembly: Assembly, reloader: Reloader) -> ControlServer | None:
    if not settings.control.enabled:
        return None
    handler = Control(assembly, reloader)
    return ControlServer(
        listening_path(settings.control.socket, os.environ, os.getuid()),
        handler.handle,
        assembly.speaker.monitor.subscribe,
        group=settings.control.group,
        max_clients=settings.control.max_clients,
    )


def _stop(assembly: Assembly, notifier: Notifier) -> None:
    notifier.stopping()
    assembly.speaker.stop()


def _calm() -> None:
    """The kernel says that a thread with real-time priority does not pause (`LimitRTTIME=`)."""
    if restore_priority():
        log.info("the sound's threads have lost their priority: one of them never paused")


async def _follow_state(assembly: Assembly, notifier: Notifier) -> None:
    async for entry in assembly.speaker.monitor.subscribe():
        if entry["event"] == "state":
            notifier.status(status_words(assembly.speaker.dialogue))


async def _feed_watchdog(assembly: Assembly, notifier: Notifier) -> None:
    """Feed systemd's watchdog while everything moves; say what does not."""
    speaker = assembly.speaker
    watchdog = Watchdog(speaker.settings.audio.heartbeat_limit_s, notifier.watchdog_interval_s)
    complained = False
    while True:
        beats = speaker.engine.block_counts
        # A lost device is being reopened, and is no reason to starve; one that hangs reports itself (DeviceStuck).
        lost = speaker.engine.device_lost
        verdict = watchdog.check(
            {"capture": None if lost else beats.capture, "playback": None if lost else beats.playback},
            time.monotonic(),
        )
        if verdict.feed:
            notifier.watchdog()
            complained = False
        elif not complained:
            complained = True
            parts = ", ".join(f"{part} for {seconds:.0f} s" for part, seconds in verdict.stuck.items())
            log.error(
                "stands still: %s; systemd's watchdog is not fed",
                parts,
                extra=fields(event="watchdog_starved"),
            )
        await asyncio.sleep(watchdog.period_s)
