"""Which settings a reload changes, and when each may be applied.

A reload never ends a conversation. A setting is applied at once if that is possible; one of the session or of an
audio stream waits for the next pause between turns; one that needs a new process is reported and not applied.
`WHEN` is the whole policy: the longest prefix of a key decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from speakerd.config import secrets
from speakerd.config.schema import settings as all_settings
from speakerd.config.settings import Settings
from speakerd.config.show import plain, values

When = Literal["live", "between_turns", "restart"]

WHEN: Mapping[str, When] = {
    "audio": "between_turns",  # a stream or a detector is made again, which is inaudible while nobody speaks
    "audio.driver": "restart",
    "audio.heartbeat_limit_s": "restart",  # the watchdog's policy is fixed when systemd is told READY
    "audio.sounds": "live",
    "audio.volume": "live",
    "board": "live",  # only a name: what the preset changes is listed under its own keys
    "control": "restart",  # clients use the socket
    "dialogue": "between_turns",  # a turn ends by the rules it began with
    "log": "live",
    "model": "between_turns",  # a new session, with the history carried over
    "model.backend": "restart",
    "offline": "restart",  # its recogniser is loaded once
    "panel": "restart",  # pins are claimed once
    "panel.gestures": "live",
    "tools": "between_turns",  # the model is told its tools at the start of a session
    "wake_word": "between_turns",
}


@dataclass(frozen=True, slots=True)
class SettingChange:
    """One setting that differs.

    Attributes:
        key: dotted name.
        old: the value before, masked, JSON-safe.
        new: the value after, masked, JSON-safe.
        when: when it may be applied.
    """

    key: str
    old: Any
    new: Any
    when: When


def when(key: str) -> When:
    """Return when a change of this setting may be applied.

    Raises:
        KeyError: `WHEN` does not contain it, which is a bug.
    """
    parts = key.split(".")
    for length in range(len(parts), 0, -1):
        if (prefix := ".".join(parts[:length])) in WHEN:
            return WHEN[prefix]
    raise KeyError(key)


def diff(old: Settings, new: Settings) -> tuple[SettingChange, ...]:
    """Return all settings that differ, in the order of the file."""
    before, after = values(old), values(new)
    return tuple(
        SettingChange(
            key,
            secrets.masked(entry.path, plain(before[key])),
            secrets.masked(entry.path, plain(after[key])),
            when(key),
        )
        for key, entry in all_settings(Settings).items()
        if before[key] != after[key]
    )
