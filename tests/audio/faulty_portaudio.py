"""The real PortAudio with faults put in between: rates refused, cards busy, a clock that jumps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyaudio

from speakerd.audio.devices.portaudio import REAL_PORTAUDIO, Reply, Stream


@dataclass
class Faults:
    """What is wrong with it; may be changed while it runs."""

    rates: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """By direction (input, output), the only rates it can do; absent: all."""
    least_channels: int = 1
    """A card that gives no fewer at once."""
    most_channels: int = 32
    """A card that has no more."""
    error: int = 0
    """PortAudio's code that every opening ends with; 0 is none."""
    clock_jump_s: float = 0.0
    """By how much the date has been set, seen where PortAudio mixes its clocks."""
    opened: list[tuple[str, int, int]] = field(default_factory=list)
    """Direction, rate and channels of what was opened."""

    def portaudio(self) -> "FaultyPortAudio":
        """The factory to give to a PyAudioDevice."""
        return FaultyPortAudio(self)


class FaultyPortAudio:
    """`PortAudio`, with the faults."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._real = REAL_PORTAUDIO()

    def get_device_count(self) -> int:
        return self._real.get_device_count()

    def get_device_info_by_index(self, index: int, /) -> Mapping[str, Any]:
        info = dict(self._real.get_device_info_by_index(index))
        for key in ("maxInputChannels", "maxOutputChannels"):
            info[key] = min(info[key], self._faults.most_channels)
        return info

    def get_host_api_info_by_index(self, index: int, /) -> Mapping[str, Any]:
        return self._real.get_host_api_info_by_index(index)

    def open(self, **options: Any) -> Stream:
        direction = "input" if options.get("input") else "output"
        faults = self._faults
        if faults.error:
            raise OSError(faults.error, "put in between")
        if options["rate"] not in faults.rates.get(direction, (options["rate"],)):
            raise OSError(pyaudio.paInvalidSampleRate, "Invalid sample rate")
        if options["channels"] < faults.least_channels:
            raise OSError(pyaudio.paInvalidChannelCount, "Invalid number of channels")
        faults.opened.append((direction, options["rate"], options["channels"]))
        return self._real.open(**{**options, "stream_callback": self._jumping(options["stream_callback"])})

    def terminate(self) -> None:
        self._real.terminate()

    def _jumping(self, callback: Callable[..., Reply]) -> Callable[..., Reply]:
        def call(raw: bytes, frames: int, when: Mapping[str, float], status: int) -> Reply:
            jump = self._faults.clock_jump_s
            return callback(raw, frames, {**when, "current_time": when["current_time"] + jump}, status)

        return call
