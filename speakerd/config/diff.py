"""What a reload changes, and when that may be applied.

A reload never ends a conversation: what can be applied at once is, what belongs to the session or to a sound
stream waits for the next pause between turns, and what only a new process can have is named and left alone.
The table below is the whole policy: the longest prefix of a key decides.
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
    "audio": "between_turns",  # a stream or a detector is made anew, unheard while nobody speaks
    "audio.driver": "restart",
    "audio.heartbeat_limit_s": "restart",  # the watchdog's policy is fixed when systemd is told READY
    "audio.sounds": "live",
    "audio.volume": "live",
    "board": "live",  # only a name: what the preset changes is listed under its own keys
    "control": "restart",  # clients hold the socket
    "dialogue": "between_turns",  # a machine in the midst of a turn keeps its rules
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
        key: dotted.
        old: value before, masked, JSON-safe.
        new: value after, masked, JSON-safe.
        when: when it may be applied.
    """

    key: str
    old: Any
    new: Any
    when: When


def when(key: str) -> When:
    """When a change of this setting may be applied.

    Raises:
        KeyError: the table above does not know it: a mistake of ours.
    """
    parts = key.split(".")
    for length in range(len(parts), 0, -1):
        if (prefix := ".".join(parts[:length])) in WHEN:
            return WHEN[prefix]
    raise KeyError(key)


def diff(old: Settings, new: Settings) -> tuple[SettingChange, ...]:
    """All settings that differ, in the order of the file."""
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
