"""The port behind which a sound card lives: blocks of 10 ms from a microphone, and into a loudspeaker.

A device owns its clock and its threads. From `start` to `stop` it calls `on_capture` with every block it has
heard and `pull_playback` for every block it needs; both run in the device's own threads, must not block, and
must not raise. What it tells about itself is *read*, never called back: `beats` (how many blocks went each
way), `xruns` (how often it was too late) and `failure` (why it can go no further). Counters can be read from
any thread at any moment, even while another thread is stuck inside the driver, which is just when they
matter.

Rates at the port are fixed: `MIC_RATE` in, `WIRE_RATE` out, mono, little-endian int16. What the hardware
runs at is the implementation's business.

Two implementations stand under one contract suite (`tests/audio/device_contract.py`):
`pyaudio_device.PyAudioDevice` and `simulated.SimulatedDevice`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from speakerd.audio.events import Direction

OnCapture: TypeAlias = Callable[[bytes, float], None]
"""Takes one block of exactly `MIC_BLOCK` samples and the device's time (`AudioDevice.now`) at which its last
sample reached the microphone, as well as the device knows."""
PullPlayback: TypeAlias = Callable[[int], bytes]
"""Takes a number of samples, at most `WIRE_BLOCK`, and returns exactly so many, as bytes."""


@dataclass(frozen=True, slots=True)
class BlockCounts:
    """How many blocks went each way since the device was made. Never reset."""

    capture: int = 0
    playback: int = 0


@dataclass(frozen=True, slots=True)
class XrunCount:
    """How often the driver lost captured sound or ran out of sound to play, since the device was made."""

    capture: int = 0
    playback: int = 0


@dataclass(frozen=True, slots=True)
class DeviceFailure:
    """Why an open device can go no further, in words for the journal."""

    direction: Direction
    reason: str


class AudioDevice(Protocol):
    """A microphone and a loudspeaker, opened and closed together.

    `start` and `stop` belong to one thread at a time; everything else may be called from any.
    """

    def start(self, on_capture: OnCapture, pull_playback: PullPlayback) -> None:
        """Open both directions and let the blocks run.

        Raises:
            DeviceError: one of its kinds says what is wrong and what the user can do; nothing is left open.
        """

    def stop(self) -> None:
        """Close both directions; afterwards neither callback is called again. Idempotent; never raises."""

    def now(self) -> float:
        """The clock of the block times: monotonic seconds, unmoved by changes of the system's date."""

    @property
    def block_counts(self) -> BlockCounts:
        """Blocks so far."""

    @property
    def xruns(self) -> XrunCount:
        """Lost or late blocks so far."""

    @property
    def failure(self) -> DeviceFailure | None:
        """Set once a running device can go no further; cleared by `start`."""

    @property
    def output_latency_s(self) -> float:
        """Seconds of sound pulled and not yet heard at this moment; 0.0 before the first block."""

    @property
    def input_latency_s(self) -> float:
        """Seconds from the mouth to `on_capture`, as measured lately; 0.0 before the first block."""

    @property
    def stepped(self) -> bool:
        """True: the device runs in simulated time, and each block is worked off in the stepping thread."""
