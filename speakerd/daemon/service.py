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
from functools import partial
from typing import TYPE_CHECKING, Final

from speakerd.audio.errors import AudioError
from speakerd.audio.thread_priority import restore_priority
from speakerd.config.errors import ConfigError
from speakerd.config.load import place_of, read
from speakerd.daemon.assemble import assemble
from speakerd.daemon.control import Control, LiveControlServer, Reloader, log_warnings
from speakerd.daemon.core import PartFailedError, RestartRequestedError
from speakerd.daemon.fit_to_machine import fit_to_machine, tell
from speakerd.daemon.live_settings import LiveSettings
from speakerd.daemon.session import LiveApiKey
from speakerd.daemon.storage import state_dir
from speakerd.host.errors import ControlError, CredentialError
from speakerd.host.hardening import forbid_core_dumps
from speakerd.host.journal import UNCUT, Journal, fields
from speakerd.host.notify import Notifier
from speakerd.host.watchdog import Watchdog
from speakerd.panel.errors import PanelError
from speakerd.realtime.errors import ConnectFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from speakerd.config.settings import Settings
    from speakerd.daemon.core import Assembly, Speaker
    from speakerd.daemon.live_settings import UnworkableSettingError
    from speakerd.dialogue.state import Phase
    from speakerd.dialogue.state_machine import Dialogue

log = logging.getLogger(__name__)

EXIT_OK, EXIT_CONFIG, EXIT_MISSING, EXIT_DIED, EXIT_RESTART = 0, 2, 3, 4, 5

WORDS: Final[dict[Phase, str]] = {
    "starting": "starting",
    "idle": "idle",
    "connecting": "connecting to the model",
    "listening": "listening",
    "thinking": "thinking",
    "speaking": "speaking",
    "announcing": "speaking an announcement",
    "stopping": "stopping",
}
"""Phase -> what `systemctl status` says of it."""


async def serve(path: Path, hung_up: Sequence[int]) -> int:
    """Be the daemon with the configuration at `path`.

    SIGHUP is handled here from when it is ready on; until then, the caller's handler fills `hung_up`, and one that
    came has the file read again then.
    """
    journal = Journal()
    try:
        loaded = read(path)
        possible, left_out = fit_to_machine(loaded.settings)
        settings = LiveSettings(possible, partial(place_of, path), left_out)
        _follow_log_settings(settings, journal)
        log_warnings(loaded, path)
        for problem in left_out:
            tell(problem, settings.place_of(problem.key))
        key = LiveApiKey(settings, os.environ, journal.redactor)
        if key.secret is not None:
            forbid_core_dumps()
        await _serve(settings, path, key, hung_up)
    except ConfigError as error:
        log.critical("%s", error, extra=fields(event="config_refused") | UNCUT)
        return EXIT_CONFIG
    except (AudioError, PanelError, CredentialError, ControlError, ConnectFailedError) as error:
        log.critical("%s", error, extra=fields(event="start_failed"))
        return EXIT_MISSING
    except PartFailedError:
        return EXIT_DIED
    except RestartRequestedError:
        return EXIT_RESTART
    except Exception:  # a fault of ours: systemd starts it anew, and the journal has where it was
        log.critical("internal error", exc_info=True, extra=fields(event="part_died"))
        return EXIT_DIED
    finally:
        journal.close()
    return EXIT_OK


def ways_to_begin(settings: Settings) -> str:
    """Say how a person begins a conversation with these settings."""
    panel = settings.panel
    acts = {"conversation", "talk"}
    ways = []
    if panel.kind in {"terminal", "simulated"} or (panel.kind == "gpio" and panel.button.pin != ""):
        gestures = {
            "press the button to talk": panel.gestures.press,
            "hold the button to talk": panel.gestures.hold,
            "press the button twice to talk": panel.gestures.double,
            "hold the button long to talk": panel.gestures.long,
        }
        ways += [way for way, action in gestures.items() if action in acts][:1]
    if settings.wake_word.enabled:
        ways.append(f"say the wake word ({settings.wake_word.model})")
    if ways:
        return ", or ".join(ways)
    by_program = "; speakerd ctl wake begins" if settings.control.enabled else ""
    return f"no button and no wake word begins a conversation{by_program}"


def status_words(
    dialogue: Dialogue,
    missing: tuple[str, ...] = (),
    left_out: tuple[UnworkableSettingError, ...] = (),
    *,
    begin: str = "",
    instead: bool = False,
) -> str:
    """Say in one line what the speaker does, for `systemctl status`.

    Where nothing goes on, it says that it is muted, or how to `begin`; `missing` is why there is no sound, while it
    waits for it, and `left_out` what it does without. `instead`: the embedded server answers in the model's place.
    """
    without = [f"without {problem}" for problem in left_out]
    if missing and dialogue.phase != "stopping":
        words = f"waiting for the sound card: {'; '.join(dict.fromkeys(missing))}"
    elif dialogue.flags.muted and dialogue.phase == "idle":
        words = "muted"
    elif dialogue.phase == "idle":
        away = ", and the voice model is out of reach" if dialogue.flags.offline else ""
        words = f"{WORDS['idle']}{away}: {begin}" if begin else f"{WORDS['idle']}{away}"
    else:
        words = WORDS[dialogue.phase]
    answers = ["the embedded server answers in place of the voice model"] if instead else []
    return "; ".join([words, *answers, *without])


def _follow_log_settings(settings: LiveSettings, journal: Journal) -> None:
    def take(new: Settings) -> None:
        journal.set(new.log.level, new.log.repeat_burst, new.log.repeat_window_s)

    keys = ("log.level", "log.repeat_burst", "log.repeat_window_s")
    take(settings.subscribe(*keys, take=take, when="now"))


async def _serve(settings: LiveSettings, path: Path, key: LiveApiKey, hung_up: Sequence[int]) -> None:
    loop = asyncio.get_running_loop()
    notifier = Notifier()
    assembly = assemble(settings, key=key, state=state_dir(dict(os.environ)))
    speaker = assembly.speaker

    def words() -> str:
        return status_words(
            speaker.dialogue,
            speaker.missing,
            assembly.left_out,
            begin=ways_to_begin(settings.latest),
            instead=assembly.fallen_back,
        )

    reloader = Reloader(path, speaker, notifier, words)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, assembly, notifier)
    loop.add_signal_handler(signal.SIGXCPU, _calm)
    control = LiveControlServer(settings, Control(assembly, reloader).handle, speaker.monitor.subscribe)
    tasks: list[asyncio.Task[None]] = []

    def ready() -> None:
        notifier.ready(words())
        log.info("ready", extra=fields(event="ready"))
        loop.add_signal_handler(signal.SIGHUP, reloader.hang_up)
        if hung_up:
            reloader.hang_up()
        tasks.append(asyncio.create_task(_follow_state(speaker, notifier, words), name="status"))
        tasks.append(asyncio.create_task(_feed_watchdog(assembly, notifier), name="watchdog"))

    async def prepare() -> None:
        try:
            await assembly.prepare()
        except ConnectFailedError:  # it says so at each press, too, and tries again then
            for problem in assembly.left_out:
                tell(problem, settings.place_of(problem.key))

    try:
        await control.start()
        await speaker.run(prepare=prepare, ready=ready, wait_for_device=True)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await control.close()
        await assembly.close()
        log.info("stopped", extra=fields(event="stopped", turns=speaker.turns.turns))


def _stop(assembly: Assembly, notifier: Notifier) -> None:
    notifier.stopping()
    assembly.speaker.stop()


def _calm() -> None:
    """The kernel says that a thread with real-time priority does not pause (`LimitRTTIME=`)."""
    if restore_priority():
        log.info("the sound's threads have lost their priority: one of them never paused")


async def _follow_state(speaker: Speaker, notifier: Notifier, words: Callable[[], str]) -> None:
    async for entry in speaker.monitor.subscribe():
        if entry["event"] in {"state", "answers"}:
            notifier.status(words())


async def _feed_watchdog(assembly: Assembly, notifier: Notifier) -> None:
    """Feed systemd's watchdog while everything moves; say what does not."""
    speaker = assembly.speaker
    watchdog = Watchdog(speaker.settings.latest.audio.heartbeat_limit_s, notifier.watchdog_interval_s)

    def take(settings: Settings) -> None:
        nonlocal watchdog
        watchdog = Watchdog(settings.audio.heartbeat_limit_s, notifier.watchdog_interval_s)

    speaker.settings.subscribe("audio.heartbeat_limit_s", take=take)
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
