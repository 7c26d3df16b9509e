"""Which settings differ between two configurations. When each change counts is what the running parts answer."""

from dataclasses import dataclass
from typing import Any

from speakerd.config import secrets
from speakerd.config.schema import settings as all_settings
from speakerd.config.settings import Settings
from speakerd.config.show import plain, values


@dataclass(frozen=True, slots=True)
class SettingChange:
    """One setting that differs.

    Attributes:
        key: dotted name.
        old: the value before, masked, JSON-safe.
        new: the value after, masked, JSON-safe.
    """

    key: str
    old: Any
    new: Any


def diff(old: Settings, new: Settings) -> tuple[SettingChange, ...]:
    """Return all settings that differ, in the order of the file."""
    before, after = values(old), values(new)
    return tuple(
        SettingChange(
            key,
            secrets.masked(entry.path, plain(before[key])),
            secrets.masked(entry.path, plain(after[key])),
        )
        for key, entry in all_settings(Settings).items()
        if before[key] != after[key]
    )
