"""The port for sound cards: blocks of 10 ms from a microphone and to a loudspeaker.

A device owns its clock and its threads. From `start` to `stop` it calls `on_capture` with every block it has
captured and `pull_playback` for every block it needs. Both are called in the device's threads, must not block, and
must not raise. Its condition is *read*, never reported by a callback: `block_counts` (blocks in each direction),
`xruns` (how often it was too late) and `failure` (why it cannot continue). All of them can be read from any thread
at any time, even while another thread hangs inside the driver, which is when they matter.

Rates at the port are fixed: `MIC_RATE` in, `WIRE_RATE` out, mono, little-endian int16. At which rates the hardware
runs is up to the implementation.

There are two implementations, `devices.PyAudioDevice` and `simulation.SimulatedDevice`; both pass the same tests
(`tests/audio/device_contract.py`).
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
    """How many blocks were captured and played since the device was made. Never reset."""

    capture: int = 0
    playback: int = 0


@dataclass(frozen=True, slots=True)
class XrunCount:
    """How often the driver lost captured sound or ran out of sound to play, since the device was made."""

    capture: int = 0
    playback: int = 0


@dataclass(frozen=True, slots=True)
class DeviceFailure:
    """Why an open device cannot continue, in words for the journal."""

    direction: Direction
    reason: str


class AudioDevice(Protocol):
    """A microphone and a loudspeaker, opened and closed together.

    `start` and `stop` must not be called from two threads at once; everything else may be called from any thread.
    """

    def start(self, on_capture: OnCapture, pull_playback: PullPlayback) -> None:
        """Open both directions and begin to call the callbacks.

        Raises:
            DeviceError: says what is wrong and what the user can do; nothing is left open.
        """

    def probe(self) -> None:
        """Find out whether `start` would find its devices and their rates, also while another object uses them.

        What only opening a device in use would show, it does not find.

        Raises:
            DeviceError: `start` would fail; says what is wrong and what the user can do.
        """

    def stop(self) -> None:
        """Close both directions; afterwards neither callback is called again. Idempotent; never raises."""

    def now(self) -> float:
        """Return the clock of the block times: monotonic seconds, unaffected by changes of the system's date."""

    @property
    def block_counts(self) -> BlockCounts:
        """Blocks captured and played so far."""

    @property
    def xruns(self) -> XrunCount:
        """Over- and underflows so far."""

    @property
    def failure(self) -> DeviceFailure | None:
        """Why a running device cannot continue, else None; cleared by `start`."""

    @property
    def output_latency_s(self) -> float:
        """Seconds of sound pulled and not yet heard at this moment; 0 before the first block."""

    @property
    def input_latency_s(self) -> float:
        """Seconds from the microphone to `on_capture`, as measured lately; 0 before the first block."""

    @property
    def stepped(self) -> bool:
        """Whether the device runs in simulated time: each block is then processed in the stepping thread."""
