"""SIGHUP and `speakerd ctl reload`: new settings into a running speaker.

A file with a mistake changes nothing, nor does one that a part of the speaker cannot work with: the mistake goes to
the journal and into the answer, with file, line and key. Otherwise each part takes what it is made of at the
moment that it names (`LiveSettings`).
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from typing import TYPE_CHECKING, Any, Literal

from speakerd.config.diff import SettingChange, diff
from speakerd.config.errors import ConfigError, ConfigErrors, Problem
from speakerd.config.load import read
from speakerd.config.retirement import retirements
from speakerd.config.toml_writer import brief
from speakerd.daemon.live_settings import SettingsRefusedError
from speakerd.dialogue.refusal import STOPPING
from speakerd.host.journal import UNCUT, fields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from speakerd.config.load import Loaded
    from speakerd.daemon.core import Speaker
    from speakerd.daemon.live_settings import UnworkableSettingError
    from speakerd.host.notify import Notifier

log = logging.getLogger(__name__)


InForce = Literal["now", "between_turns", "restart", "elsewhere", "failed"]
"""What has become of a change: the moment at which all have it, or that a part could not take it."""

COUNTS: dict[InForce, str] = {
    "now": "in force",
    "between_turns": "from the next conversation on",
    "restart": "needs a restart",
    "elsewhere": "read by another command, not by the service",
    "failed": "not in force",
}
"""When the newest value of a setting counts, for a person."""


class Reloader:
    """Reads the file again and gives it to the speaker. Event loop only."""

    def __init__(self, path: Path, speaker: Speaker, notifier: Notifier, status: Callable[[], str]) -> None:
        """`status` says in one line what the speaker does, for systemd."""
        self._path = path
        self._speaker = speaker
        self._notifier = notifier
        self._status = status
        self._busy = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()

    def hang_up(self) -> None:
        """Reload, as SIGHUP asks for; the journal has the answer."""
        self._begin()

    async def reload(self) -> dict[str, Any]:
        """Read the file again; return what changed and when it counts, or what is wrong. JSON-safe.

        Whoever asked may go away, or lose patience: the reload goes on to its end, so that it is done or not done.
        """
        return await asyncio.shield(self._begin())

    def _begin(self) -> asyncio.Task[dict[str, Any]]:
        task = asyncio.create_task(self._in_turn(), name="reload")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _in_turn(self) -> dict[str, Any]:
        async with self._busy:
            if self._stopping:
                return _refused(STOPPING)
            self._notifier.reloading()
            try:
                return await self._reload()
            finally:
                if not self._stopping:  # systemd would take it for running again
                    self._notifier.ready(self._status())

    @property
    def _stopping(self) -> bool:
        return self._speaker.dialogue.phase == "stopping"

    async def _reload(self) -> dict[str, Any]:
        live = self._speaker.settings
        before = live.latest
        try:
            loaded = read(self._path)
        except ConfigError as error:
            return _refused(str(error))
        try:
            failures = await self._speaker.reconfigure(loaded.settings)
        except SettingsRefusedError as error:
            return _refused(str(ConfigErrors(_problems(loaded, error.problems))))
        answer: dict[str, Any] = {
            "applied": not failures,
            "changes": [
                _as_json(change, self._in_force(change.key)) for change in diff(before, loaded.settings)
            ],
            "restart": list(live.waiting("restart")),
        }
        for change in answer["changes"]:
            words = (change["key"], brief(change["old"]), brief(change["new"]), change["counts"])
            log.info("%s: %s -> %s (%s)", *words, extra=fields(event="setting_changed"))
        if failures:
            answer["problem"] = str(ConfigErrors(_problems(loaded, failures)))
            log.error(
                "not all of it is in force: %s",
                answer["problem"],
                extra=fields(event="reload_failed") | UNCUT,
            )
        log_warnings(loaded, self._path)
        count = len(answer["changes"])
        how_many = "1 setting" if count == 1 else f"{count} settings"
        log.info("reloaded: %s changed", how_many, extra=fields(event="reloaded", changes=count))
        return answer

    def _in_force(self, key: str) -> InForce:
        """What has become of the newest value of that setting, as things are now."""
        live = self._speaker.settings
        if key in live.failed():
            return "failed"
        # A part that is made of this value already, since it was changed back, waits for nothing.
        waiting: tuple[Literal["restart", "between_turns"], ...] = ("restart", "between_turns")
        for when in waiting:
            if key in live.waiting(when):
                return when
        return "elsewhere" if live.when(key) == "elsewhere" else "now"


def log_warnings(loaded: Loaded, path: Path) -> None:
    """Write each warning of the file at `path` to the journal."""
    for warning in (*loaded.warnings, *retirements(loaded, path, dt.datetime.now().astimezone().date())):
        log.warning("%s", warning, extra=fields(event="config_warning") | UNCUT)


def _refused(problem: str) -> dict[str, Any]:
    log.error(
        "reload refused, the old settings stay in force: %s",
        problem,
        extra=fields(event="reload_refused") | UNCUT,
    )
    return {"applied": False, "problem": problem}


def _problems(loaded: Loaded, causes: Iterable[UnworkableSettingError]) -> list[Problem]:
    """Name file and line of what a part cannot work with."""
    problems = []
    for cause in causes:
        file, line = loaded.place(cause.key)
        problems.append(Problem(file, line, cause.key, cause.reason))
    return problems


def _as_json(change: SettingChange, when: InForce) -> dict[str, Any]:
    return {"key": change.key, "old": change.old, "new": change.new, "when": when, "counts": COUNTS[when]}
