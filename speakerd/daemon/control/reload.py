"""SIGHUP and `speakerd ctl reload`: new settings into a running speaker.

A file with a mistake changes nothing, and the mistake goes to the journal with its line. Of a good file each
change is applied when it may be (`config.diff`): at once, at the next pause between conversations, or, named as
such, at the next start.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from speakerd.config.diff import SettingChange, diff
from speakerd.config.errors import ConfigError
from speakerd.config.load import load
from speakerd.daemon.metrics import status_words
from speakerd.host.journal import fields

if TYPE_CHECKING:
    from pathlib import Path

    from speakerd.config.settings import Settings
    from speakerd.daemon.core import Assembly
    from speakerd.host.journal import Journal
    from speakerd.host.notify import Notifier

log = logging.getLogger(__name__)


class Reloader:
    """See the module. Event loop only."""

    def __init__(
        self, path: Path, settings: Settings, assembly: Assembly, notifier: Notifier, journal: Journal
    ) -> None:
        self._path = path
        self._settings = settings
        self._assembly = assembly
        self._notifier = notifier
        self._journal = journal

    def reload(self) -> dict[str, Any]:
        """Read the file again. What changed and when it counts, or what is wrong; JSON-safe."""
        self._notifier.reloading()
        try:
            return self._reload()
        finally:
            self._notifier.ready(status_words(self._assembly.speaker.dialogue))

    def _reload(self) -> dict[str, Any]:
        try:
            settings = load(self._path)
        except ConfigError as error:
            log.error(
                "reload refused, the old settings stay in force: %s",
                error,
                extra=fields(event="reload_refused"),
            )
            return {"applied": False, "problem": str(error)}
        changes = diff(self._settings, settings)
        self._settings = settings
        if any(change.when == "live" for change in changes):
            self._journal.set(settings.log.level, settings.log.repeat_burst, settings.log.repeat_window_s)
        if any(change.when != "restart" for change in changes):
            self._assembly.speaker.reconfigure(settings)
            self._assembly.sessions.model = settings.model
        for change in changes:
            log.info("%s: %s -> %s (%s)", change.key, change.old, change.new, _WORDS[change.when])
        log.info(
            "reloaded: %d settings changed",
            len(changes),
            extra=fields(event="reloaded", changes=len(changes)),
        )
        return {"applied": True, "changes": [_told(change) for change in changes]}


_WORDS = {"live": "in force", "between_turns": "from the next conversation on", "restart": "needs a restart"}


def _told(change: SettingChange) -> dict[str, Any]:
    return {"key": change.key, "old": change.old, "new": change.new, "when": change.when}
