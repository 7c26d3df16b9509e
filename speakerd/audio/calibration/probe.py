"""Plays the probe sound through a device and records the answer, for `analysis`.

The daemon must not run at the same time: most cards serve one program only.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

from speakerd.audio.calibration import analysis as calibration
from speakerd.audio.device import AudioDevice
from speakerd.audio.pcm import MIC_BLOCK, MIC_RATE, SAMPLE_BYTES, WIRE_RATE

_LIMIT_S: Final = 10.0
"""A device that has not taken the whole probe this long after its end does not work."""


class _Probing:
    """The device's callbacks, and what they recorded."""

    def __init__(self, sound: bytes, repeats: int) -> None:
        self._sound = sound
        self._pulled = 0
        self._starts = list(calibration.sweep_starts(repeats))
        self.blocks: list[bytes] = []
        self.sent_at: list[int] = []
        self.latencies: list[float] = []
        self.done = threading.Event()

    def pull(self, samples: int) -> bytes:
        if self._starts and self._pulled + samples > self._starts[0]:
            into = self._starts.pop(0) - self._pulled
            # Counted in captured samples: the microphone's clock is the one that matters to a canceller.
            self.sent_at.append(len(self.blocks) * MIC_BLOCK + round(into * MIC_RATE / WIRE_RATE))
        begin = self._pulled * SAMPLE_BYTES
        block = self._sound[begin : begin + samples * SAMPLE_BYTES]
        self._pulled += samples
        if begin >= len(self._sound):
            self.done.set()
        return block.ljust(samples * SAMPLE_BYTES, b"\0")

    def capture(self, block: bytes, _at: float) -> None:
        self.blocks.append(block)


def measure(
    device: AudioDevice,
    volume: float,
    *,
    repeats: int = calibration.REPEATS,
    step: Callable[[], object] | None = None,
) -> calibration.Measurement:
    """Play the probe and analyse the answer, in about ten seconds with three repeats.

    `step` lets time pass for a device in simulated time.

    Raises:
        DeviceError: a device cannot be opened.
        TimeoutError: they open, but no blocks arrive.
    """
    sound = calibration.probe(volume, repeats)
    probing = _Probing(sound, repeats)
    device.start(probing.capture, probing.pull)
    latency_s = 0.0
    try:
        give_up = device.now() + len(sound) / SAMPLE_BYTES / WIRE_RATE + _LIMIT_S
        while not probing.done.is_set():
            if device.now() > give_up:
                raise TimeoutError("the sound devices open, but give no blocks: unplug them, or reboot")
            if step is not None:
                step()
            else:
                time.sleep(0.05)
            latency_s = device.output_latency_s + device.input_latency_s
    finally:
        device.stop()
    heard = b"".join(probing.blocks)
    return calibration.analyse(heard, probing.sent_at, volume, device_latency_s=latency_s)
