"""The reference for the echo canceller: what was really handed to the loudspeaker, in step with the microphone.

The playback thread puts every block it writes, silence too; the processing thread takes one for each block it has
captured. A block that waits here reaches the canceller that much later, and it must be there before its echo is:
so as little lies here as the two threads' jitter allows.

*Clocks.* A USB microphone and an I2S loudspeaker run on clocks of their own, some 50 millionths apart. Taken one
for one, the reference would creep against the echo, and a canceller that must find its delay anew every few seconds
lets the echo through each time. So the reference is read at the microphone's pace: a slow control loop
(proportional and integral, corner at 0.05 rad/s) holds the distance between what the loudspeaker has reached,
told by the times of the puts, and the point of reading; blocks are interpolated by a cubic (Catmull-Rom), exact
enough for what the canceller removes. Jitter of milliseconds becomes a wander of hundredths.

*Slips.* Where it runs dry, a silent block is given. What has lain here for a whole second beyond `RESERVE` is
surplus (a device that filled its buffer at the start) and is skipped. Either is a new distance to hold.

Thread-safe for one putter and one taker: what they share is one tuple, and the ring is written before it.
"""

from typing import Final

import numpy as np

from speakerd.audio.pcm import BLOCK_S, WIRE_BLOCK, WIRE_BLOCK_BYTES, WIRE_RATE, samples_of, to_int16

RESERVE: Final = 1
"""Blocks that may always lie here: less than any device's own latency, more than one late callback."""
WINDOW: Final = 100
"""Takes over which the shallowest moment is looked for: a second."""
DEEPEST: Final = 50
"""Blocks; a taker that has stood still gets no older ones."""
SETTLE: Final = 50
"""Takes from which the distance to hold is learnt."""
PROPORTIONAL: Final = 0.1
INTEGRAL: Final = 0.0025
"""Per second, and per second squared: damped, with its corner at 0.05 rad/s."""
MAX_SKEW: Final = 1e-3
"""No two clocks that work are further apart."""
_MARGIN: Final = 2
"""Samples on either side that the cubic needs."""
_RING: Final = DEEPEST * WIRE_BLOCK
_SILENCE: Final = bytes(WIRE_BLOCK_BYTES)


class EchoReference:
    """What was played, read at the pace of the microphone."""

    def __init__(self) -> None:
        self._ring = np.zeros(_RING, dtype=np.float32)
        self._head = (0, 0.0)  # samples put so far, and when the last of them were
        self._sound_until = 0  # of these, up to where it is not all zeros
        self._own_until = 0  # ... and up to where a sound of our own reaches
        self._steps = np.arange(WIRE_BLOCK, dtype=np.float32)
        self._at = 0.0  # the point of reading
        self._integral = 0.0
        self._takes = 0
        self._shallowest = float(_RING)
        self._found: list[float] = []
        self._distance = 0.0

    @property
    def skew_ppm(self) -> float:
        """How much faster the loudspeaker's clock runs than the microphone's, as known by now."""
        return self._integral * 1e6

    def put(self, block: bytes, only_earcon: bool, at: float) -> None:
        """A block of `WIRE_BLOCK_BYTES` has been handed to the device at time `at` (seconds)."""
        written, _ = self._head
        begin = written % _RING
        samples = samples_of(block)
        self._ring[begin : begin + WIRE_BLOCK] = samples
        written += WIRE_BLOCK
        if samples.any():
            self._sound_until = written
        if only_earcon:
            self._own_until = written
        self._head = (written, at)

    def take(self, at: float) -> tuple[bytes, bool]:
        """The block for the one captured at time `at`, and whether it holds a sound of our own."""
        written, put_at = self._head
        self._at = max(self._at, float(written - _RING + 2 * WIRE_BLOCK))
        lying = written - self._at - WIRE_BLOCK
        self._drop_surplus(lying)
        if written - self._at < WIRE_BLOCK + _MARGIN:
            self._slipped()
            return _SILENCE, False
        own = self._at < self._own_until
        pace = 1 + self._steer(written, put_at, at)
        block = self._read(pace) if self._at - _MARGIN < self._sound_until else _SILENCE
        self._at += WIRE_BLOCK * pace
        return block, own

    def clear(self) -> None:
        """The streams were stopped: what lies between them means nothing any more. Called by the taker."""
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
        """How much faster than one for one to read, as a fraction."""
        # Between puts the loudspeaker goes on: without this only whole blocks would be seen.
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
        """A new distance is to be held. What is known of the clocks stays true."""
        self._found.clear()
        self._takes = 0
        self._shallowest = float(_RING)
