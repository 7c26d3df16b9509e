"""Errors of the audio room. Each message says what is wrong and what to do.

AudioError
├── ExtraMissingError (ImportError)       an optional part that a setting asks for is not installed
├── PlaybackOverflowError (BufferError)   more speech was sent than `playback_limit_s` allows
├── BadBlockError (ValueError)            PCM of the wrong size: an error in the calling code
├── BadModelError (ValueError)            a wake-word model that does not exist or cannot be read
└── DeviceError (OSError)                 the sound card cannot be opened
├── DeviceNotFoundError               no device has that name
├── DeviceBusyError                   another program holds the device
└── RateNotSupportedError             the device opens at none of the rates we can use
"""

from collections.abc import Sequence


class AudioError(Exception):
    """Base class of all errors of the audio room."""


class ExtraMissingError(AudioError, ImportError):
    """An optional part is not installed: `setting` asks for it, the package's extra `extra` contains it."""

    def __init__(self, setting: str, extra: str) -> None:
        super().__init__(
            f"{setting} needs the extra '{extra}', which is not installed: "
            f"sudo speakerd extras add {extra}, or change the setting"
        )
        self.setting = setting


class PlaybackOverflowError(AudioError, BufferError):
    """The playback queue is full; the chunk was not taken."""


class BadBlockError(AudioError, ValueError):
    """PCM of the wrong size."""


class BadModelError(AudioError, ValueError):
    """A wake-word model that does not exist or cannot be read."""


class DeviceError(AudioError, OSError):
    """The sound card cannot be used: which direction, the device's name in the settings, and the reason."""

    def __init__(self, direction: str, name: str, reason: str, message: str = "") -> None:
        key = setting_of(direction)
        super().__init__(
            message or f"{direction} device {name!r}: {reason} (set {key}; see `speakerd devices`)"
        )
        self.direction = direction
        self.reason = reason


class DeviceNotFoundError(DeviceError):
    """No device of that direction has that name. `known` lists the names that exist."""

    def __init__(self, direction: str, name: str, known: Sequence[str]) -> None:
        there = f"there are: {', '.join(known)}" if known else "there is none at all: is it plugged in?"
        message = f"no {direction} device {name!r}; {there} (set {setting_of(direction)})"
        super().__init__(direction, name, "not found", message)
        self.known = tuple(known)


class DeviceBusyError(DeviceError):
    """Another program holds the device: `holder`, such as "aplay (process 812)", empty if unknown."""

    def __init__(self, direction: str, name: str, holder: str = "") -> None:
        message = (
            f"{direction} device {name!r} is held by {holder or 'another program'}: "
            f"stop it, or share the card through dmix/dsnoop and name that in {setting_of(direction)}"
        )
        super().__init__(direction, name, "busy", message)
        self.holder = holder


class RateNotSupportedError(DeviceError):
    """The device opens at none of `rates` (Hz)."""

    def __init__(self, direction: str, name: str, rates: Sequence[int]) -> None:
        message = (
            f"{direction} device {name!r} opens at none of {', '.join(map(str, rates))} Hz: "
            f"let ALSA resample, with 'plughw:' before its name in {setting_of(direction)}"
        )
        super().__init__(direction, name, "rate not supported", message)


def setting_of(direction: str) -> str:
    """The setting that names the device of that direction."""
    return "audio.input" if direction == "capture" else "audio.output"
