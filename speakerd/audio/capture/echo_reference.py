"""The echo canceller's reference: what the loudspeaker was really given, in step with the microphone.

The playback thread puts every block it writes, silence too; the processing thread takes one for each block that was
captured. A block that waits here reaches the canceller that much later, and it must be there before its echo. So
the ring holds as little as the jitter of the two threads allows.

*Clocks.* A USB microphone and an I2S loudspeaker run on separate clocks, some 50 ppm apart. If a block were taken
for every block put, the reference would drift against the echo, and a canceller that must find its delay anew every
few seconds lets the echo through each time. So the reference is read at the microphone's rate: a slow control loop
(proportional and integral, corner at 0.05 rad/s) keeps the distance constant between the loudspeaker's position,
known from the times of the puts, and the read position. Blocks are interpolated by a cubic (Catmull-Rom), accurate
enough for what the canceller removes. Jitter of milliseconds becomes a drift of hundredths.

*Slips.* An empty ring gives a silent block. What has waited here for a whole second beyond `RESERVE` is surplus (a
device that filled its buffer at the start) and is skipped. After either there is a new distance to keep.

Thread-safe for one thread that puts and one that takes: they share one tuple, and the ring is written before it.
"""

from typing import Final

import numpy as np

from speakerd.audio.pcm import BLOCK_S, WIRE_BLOCK, WIRE_BLOCK_BYTES, WIRE_RATE, samples_of, to_int16

RESERVE: Final = 1
"""Blocks that may always wait: fewer than any device's latency, more than one late callback."""
WINDOW: Final = 100
"""Takes over which the lowest fill level is searched: a second."""
DEEPEST: Final = 50
"""Blocks in the ring; a thread that did not take for longer gets no older ones."""
SETTLE: Final = 50
"""Takes from which the distance to keep is learnt."""
PROPORTIONAL: Final = 0.1
INTEGRAL: Final = 0.0025
"""Gains of the control loop, per second and per second squared: damped, corner at 0.05 rad/s."""
MAX_SKEW: Final = 1e-3
"""Largest difference of two clocks that is corrected; no two working ones differ by more."""
_MARGIN: Final = 2
"""Samples on either side that the cubic needs."""
_RING: Final = DEEPEST * WIRE_BLOCK
_SILENCE: Final = bytes(WIRE_BLOCK_BYTES)


class EchoReference:
    """What was played, read at the rate of the microphone's clock."""

    def __init__(self) -> None:
        self._ring = np.zeros(_RING, dtype=np.float32)
        self._head = (0, 0.0)  # samples put so far, and the time of the last put
        self._sound_until = 0  # the sample after the last that belongs to sound,
        self._earcon_until = 0  # and to an earcon
        self._steps = np.arange(WIRE_BLOCK, dtype=np.float32)
        self._at = 0.0  # the read position
        self._integral = 0.0
        self._takes = 0
        self._shallowest = float(_RING)
        self._found: list[float] = []
        self._distance = 0.0

    def put(self, block: bytes, only_earcon: bool, at: float) -> None:
        """Take a block of `WIRE_BLOCK_BYTES` that the device was given at time `at`.

        `only_earcon`: whether it holds one of the speaker's own short sounds and no speech.
        """
        written, _ = self._head
        begin = written % _RING
        samples = samples_of(block)
        self._ring[begin : begin + WIRE_BLOCK] = samples
        written += WIRE_BLOCK
        if samples.any():
            self._sound_until = written
        if only_earcon:
            self._earcon_until = written
        self._head = (written, at)

    def take(self, at: float) -> tuple[bytes, bool]:
        """Return what was played when the block of time `at` was captured, and whether an earcon is in it."""
        written, put_at = self._head
        self._at = max(self._at, float(written - _RING + 2 * WIRE_BLOCK))
        lying = written - self._at - WIRE_BLOCK
        self._drop_surplus(lying)
        if written - self._at < WIRE_BLOCK + _MARGIN:
            self._slipped()
            return _SILENCE, False
        earcon = self._at < self._earcon_until
        pace = 1 + self._steer(written, put_at, at)
        block = self._read(pace) if self._at - _MARGIN < self._sound_until else _SILENCE
        self._at += WIRE_BLOCK * pace
        return block, earcon

    def clear(self) -> None:
        """Discard what waits: the streams were stopped. Called by the thread that takes."""
        self._at = float(self._head[0])
        self._slipped()

    def _read(self, pace: float) -> bytes:
        first = int(self._at)
        begin = (first - 1) % _RING
        line = self._ring[begin : begin + WIRE_BLOCK + 3]
        if line.size < WIRE_BLOCK + 3:
            line = np.concatenate([line, self._ring[: WIRE_BLOCK + 3 - line.size]])
        before, here, after, last = (line[step : step + WIRE_BLOCK] for step in range(4))
        # A block is so short that the fraction may run past 1: the cubic still fits there.
        f = self._steps * np.float32(pace - 1) + np.float32(self._at - first)
        curve = 2 * before - 5 * here + 4 * after - last + f * (3 * (here - after) + last - before)
        return to_int16(here + 0.5 * f * (after - before + f * curve)).tobytes()

    def _steer(self, written: int, put_at: float, at: float) -> float:
        """Return by which fraction of the nominal rate to read faster."""
        # The loudspeaker plays on between puts: without this the distance would be seen in whole blocks only.
        reached = written + min(max(at - put_at, 0.0), 4 * BLOCK_S) * WIRE_RATE
        distance = reached - self._at
        if len(self._found) < SETTLE:
            self._found.append(distance)
            self._distance = sum(self._found) / len(self._found)
            return self._integral
        error_s = (distance - self._distance) / WIRE_RATE
        self._integral += INTEGRAL * error_s * BLOCK_S
        self._integral = min(max(self._integral, -MAX_SKEW), MAX_SKEW)
        return min(max(self._integral + PROPORTIONAL * error_s, -MAX_SKEW), MAX_SKEW)

    def _drop_surplus(self, lying: float) -> None:
        self._shallowest = min(self._shallowest, lying)
        self._takes += 1
        if self._takes < WINDOW:
            return
        surplus = self._shallowest - RESERVE * WIRE_BLOCK
        self._takes = 0
        self._shallowest = float(_RING)
        if surplus >= WIRE_BLOCK:
            self._at += surplus
            self._slipped()

    def _slipped(self) -> None:
        """Learn the distance to keep anew. What is known of the clocks remains true."""
        self._found.clear()
        self._takes = 0
        self._shallowest = float(_RING)
