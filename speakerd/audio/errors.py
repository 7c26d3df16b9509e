"""Errors of the audio room.

    AudioError
    ├── ExtraMissingError (ImportError)       an optional part that the settings ask for is not installed
    ├── PlaybackOverflowError (BufferError)   more speech than `playback_limit_s` in spite of back-pressure
    ├── BadBlockError (ValueError)            PCM of the wrong size: a mistake of the caller
    ├── BadModelError (ValueError)            a wake-word model that does not exist or cannot be read
    └── DeviceError (OSError)                 the sound card's side
        ├── DeviceNotFoundError               no device of that name; lists those there are
        ├── DeviceBusyError                   another program holds it
        └── RateNotSupportedError             it opens at none of the rates we can use

Data is in the attributes; the text, which says what to do, is made in `__str__`.
"""

from collections.abc import Sequence


class AudioError(Exception):
    """Root of all errors of this room."""


class ExtraMissingError(AudioError, ImportError):
    """An optional part is not installed. `setting` asked for it, `extra` would bring it."""

    def __init__(self, setting: str, extra: str) -> None:
        super().__init__(setting, extra)
        self.setting = setting
        self.extra = extra

    def __str__(self) -> str:
        return (
            f"{self.setting} needs the extra '{self.extra}', which is not installed: "
            f'pip install "speakerd[{self.extra}]", or change the setting'
        )


class PlaybackOverflowError(AudioError, BufferError):
    """The playback queue is full; the chunk was not taken."""

    def __init__(self, limit_s: float) -> None:
        super().__init__(limit_s)
        self.limit_s = limit_s

    def __str__(self) -> str:
        return (
            f"more than {self.limit_s:g} s of speech wait to be played: the sender must pause when append() "
            "says so, or audio.playback_limit_s be raised"
        )


class BadBlockError(AudioError, ValueError):
    """PCM of the wrong size."""

    def __init__(self, what: str, expected: str, found: int) -> None:
        super().__init__(what, expected, found)
        self.what = what
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        return f"{self.what} must be {self.expected} bytes, not {self.found}"


class BadModelError(AudioError, ValueError):
    """A wake-word model that is not there or cannot be read."""

    def __init__(self, model: str, known: Sequence[str], reason: str) -> None:
        super().__init__(model, tuple(known), reason)
        self.model = model
        self.known = tuple(known)
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"wake_word.model {self.model!r}: {self.reason}; built in are {', '.join(self.known)}, "
            "otherwise give the path of a microWakeWord .json"
        )


class DeviceError(AudioError, OSError):
    """The sound card's side: `direction` is capture or playback, `name` the device asked for."""

    def __init__(self, direction: str, name: str, reason: str = "") -> None:
        super().__init__(direction, name, reason)
        self.direction = direction
        self.name = name
        self.reason = reason

    @property
    def key(self) -> str:
        """The setting that names the device."""
        return "audio.input" if self.direction == "capture" else "audio.output"

    def __str__(self) -> str:
        return (
            f"{self.direction} device {self.name!r}: {self.reason} (set {self.key}; see `speakerd devices`)"
        )


class DeviceNotFoundError(DeviceError):
    """No device of that name. `known` are those there are."""

    def __init__(self, direction: str, name: str, known: Sequence[str]) -> None:
        super().__init__(direction, name, "not found")
        self.known = tuple(known)

    def __str__(self) -> str:
        there = (
            f"there are: {', '.join(self.known)}" if self.known else "there is none at all: is it plugged in?"
        )
        return f"no {self.direction} device {self.name!r}; {there} (set {self.key})"


class DeviceBusyError(DeviceError):
    """Another program holds the device: `holder`, where it is known, as in "aplay (process 812)"."""

    def __init__(self, direction: str, name: str, holder: str = "") -> None:
        super().__init__(direction, name, "busy")
        self.holder = holder

    def __str__(self) -> str:
        return (
            f"{self.direction} device {self.name!r} is held by {self.holder or 'another program'}: "
            f"stop it, or share the card through dmix/dsnoop and name that in {self.key}"
        )


class RateNotSupportedError(DeviceError):
    """The device opens at none of `rates` (Hz)."""

    def __init__(self, direction: str, name: str, rates: Sequence[int]) -> None:
        super().__init__(direction, name, "rate not supported")
        self.rates = tuple(rates)

    def __str__(self) -> str:
        tried = ", ".join(str(rate) for rate in self.rates)
        return (
            f"{self.direction} device {self.name!r} opens at none of {tried} Hz: "
            f"let ALSA resample, with 'plughw:' before its name in {self.key}"
        )
