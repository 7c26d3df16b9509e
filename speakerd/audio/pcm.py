"""Rates, blocks and levels: the units of sound in this room.

Microphone, canceller and speech detection run at 16 kHz, the wire and the loudspeaker at 24 kHz; both mono,
signed 16-bit. A *block* is 10 ms (the unit of device and canceller), a *frame* 20 ms (the unit of the speech
detector). PCM is little-endian `bytes` between rooms and an int16 array inside.

Levels are root mean square relative to the full-scale square wave: a full-scale sine is -3.01 dBFS. Digital
silence, whose logarithm does not exist, is `FLOOR_DBFS`.
"""

import math
from collections.abc import Iterator
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.errors import BadBlockError

MIC_RATE: Final = 16_000
WIRE_RATE: Final = 24_000
BLOCK_MS: Final = 10
FRAME_MS: Final = 20
BLOCK_S: Final = BLOCK_MS / 1000
FRAME_S: Final = FRAME_MS / 1000
MIC_BLOCK: Final = MIC_RATE * BLOCK_MS // 1000
WIRE_BLOCK: Final = WIRE_RATE * BLOCK_MS // 1000
MIC_FRAME: Final = MIC_RATE * FRAME_MS // 1000
SAMPLE_BYTES: Final = 2
MIC_BLOCK_BYTES: Final = MIC_BLOCK * SAMPLE_BYTES
WIRE_BLOCK_BYTES: Final = WIRE_BLOCK * SAMPLE_BYTES
MIC_FRAME_BYTES: Final = MIC_FRAME * SAMPLE_BYTES
FULL_SCALE: Final = 32_768.0
FLOOR_DBFS: Final = -96.0
"""The level of silence: one bit of sixteen is -96.3 dB."""

Samples: TypeAlias = NDArray[np.int16]


def samples_of(pcm: bytes | bytearray | memoryview) -> Samples:
    """Return the samples of `pcm`, without a copy. Raises BadBlockError if it ends in half a sample."""
    if len(pcm) % SAMPLE_BYTES:
        raise BadBlockError(f"PCM must be a whole number of 16-bit samples, not {len(pcm)} bytes")
    return np.frombuffer(pcm, dtype="<i2")


def rms(samples: Samples) -> float:
    """Return the root mean square in sample units (0 to 32768); 0 for no samples."""
    if samples.size == 0:
        return 0.0
    wide = samples.astype(np.float32)
    return math.sqrt(float(np.dot(wide, wide)) / samples.size)


def dbfs(samples: Samples) -> float:
    """Return the level in dBFS, at least FLOOR_DBFS."""
    return to_dbfs(rms(samples))


def to_dbfs(amplitude: float) -> float:
    """Convert an amplitude in sample units to dBFS, at least FLOOR_DBFS."""
    if amplitude <= 0:
        return FLOOR_DBFS
    return max(FLOOR_DBFS, 20 * math.log10(amplitude / FULL_SCALE))


def gain_of(db: float) -> float:
    """Convert a gain in decibels to an amplitude factor."""
    return float(10 ** (db / 20))


def to_int16(wide: NDArray[np.float32]) -> Samples:
    """Round and clip to 16 bits."""
    rounded = np.rint(wide)
    np.maximum(rounded, -32_768, out=rounded)  # half the cost of np.clip on a block
    np.minimum(rounded, 32_767, out=rounded)
    return rounded.astype(np.int16)


class Reblocker:
    """Cuts a stream of PCM of any sizes into blocks of exactly `block_bytes`."""

    def __init__(self, block_bytes: int) -> None:
        self._block_bytes = block_bytes
        self._rest = bytearray()

    def push(self, pcm: bytes) -> Iterator[bytes]:
        """Take `pcm` and yield all blocks that are complete now. The iterator must be exhausted."""
        self._rest += pcm
        size = self._block_bytes
        whole = len(self._rest) // size * size
        blocks = bytes(self._rest[:whole])
        del self._rest[:whole]
        for start in range(0, whole, size):
            yield blocks[start : start + size]

    def clear(self) -> None:
        """Discard the incomplete block."""
        self._rest.clear()
