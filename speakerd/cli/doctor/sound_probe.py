"""Opens the sound device, records the room, and plays a tone, for `speakerd doctor --sound`."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.device import AudioDevice
from speakerd.audio.errors import AudioError, DeviceBusyError
from speakerd.audio.pcm import MIC_RATE, WIRE_RATE
from speakerd.cli.doctor.sound import Opened, tone

SETTLE_S = 0.5
"""Cards click when they open, and their filters need a moment to settle."""
LISTEN_S = 1.0


@dataclass(frozen=True, slots=True)
class ProbeRecording:
    """What the microphone recorded, at `MIC_RATE`: the room before the tone, and during the tone."""

    opened: Opened
    before: NDArray[np.int16]
    during: NDArray[np.int16]


def listen(
    device: AudioDevice, *, play: bool, wait: Callable[[AudioDevice, float], None] | None = None
) -> ProbeRecording:
    """Open the device and record, with `play` also a test tone. Always closes it again.

    Args:
        device: not started.
        play: whether a tone may be played.
        wait: waits for so many seconds of the device's time; default: sleeps.
    """
    wait = wait or _sleep
    blocks: list[bytes] = []
    pending = bytearray()

    def pull(samples: int) -> bytes:
        taken = bytes(pending[: samples * 2])
        del pending[: samples * 2]
        return taken.ljust(samples * 2, b"\0")

    nothing = np.zeros(0, np.int16)
    try:
        device.start(lambda block, _at: blocks.append(block), pull)
    except AudioError as error:
        return ProbeRecording(Opened(str(error), isinstance(error, DeviceBusyError)), nothing, nothing)
    try:
        if not play:
            wait(device, 0.0)
            return ProbeRecording(Opened(), nothing, nothing)
        wait(device, SETTLE_S)
        blocks.clear()
        wait(device, LISTEN_S)
        before = b"".join(blocks)
        latency = device.output_latency_s + device.input_latency_s
        pending += tone(WIRE_RATE, LISTEN_S + SETTLE_S + latency).tobytes()
        wait(device, SETTLE_S + latency)
        blocks.clear()
        wait(device, LISTEN_S - SETTLE_S)
        during = b"".join(blocks)
    finally:
        device.stop()
    return ProbeRecording(Opened(), np.frombuffer(before, np.int16), np.frombuffer(during, np.int16))


def _sleep(_device: AudioDevice, seconds: float) -> None:
    time.sleep(seconds)


RATE = MIC_RATE
"""Sample rate of what `listen` returns."""
