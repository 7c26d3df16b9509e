"""SIGHUP and `speakerd ctl reload`: new settings into a running speaker.

A file with a mistake changes nothing, and the mistake goes to the journal with its line. A good file is given
to the speaker, whose parts take what they are made of (`LiveSettings`): at once, when no conversation is going
on, or, named as such, at the next start.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from speakerd.config.diff import SettingChange, diff
from speakerd.config.errors import ConfigError
from speakerd.config.load import load
from speakerd.host.journal import fields

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from speakerd.daemon.core import Speaker
    from speakerd.host.notify import Notifier

log = logging.getLogger(__name__)


class Reloader:
    """Reads the file again and gives it to the speaker. Event loop only."""

    def __init__(self, path: Path, speaker: Speaker, notifier: Notifier, status: Callable[[], str]) -> None:
        """`status` says in one line what the speaker does, for systemd."""
        self._path = path
        self._speaker = speaker
        self._notifier = notifier
        self._status = status

    def reload(self) -> dict[str, Any]:
        """Read the file again; return what changed and when it counts, or what is wrong. JSON-safe."""
        self._notifier.reloading()
        try:
            return self._reload()
        finally:
            self._notifier.ready(self._status())

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
        changes = diff(self._speaker.settings.latest, settings)
        self._speaker.reconfigure(settings)
        for change in changes:
            log.info("%s: %s -> %s (%s)", change.key, change.old, change.new, _WORDS[change.when])
        log.info(
            "reloaded: %d settings changed",
            len(changes),
            extra=fields(event="reloaded", changes=len(changes)),
        )
        return {"applied": True, "changes": [_as_json(change) for change in changes]}


_WORDS = {"live": "in force", "between_turns": "from the next conversation on", "restart": "needs a restart"}


def _as_json(change: SettingChange) -> dict[str, Any]:
    return {"key": change.key, "old": change.old, "new": change.new, "when": change.when}
