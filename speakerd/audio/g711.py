"""G.711 mu-law, the sound of telephones: 8 kHz, eight bits a sample, for lines that carry no more. Pure.

By the tables of ITU-T G.711: a sample becomes its sign, the number of its segment, and four bits within that.
"""

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from speakerd.audio.pcm import samples_of

RATE: Final = 8_000
_BIAS: Final = 132
_CLIP: Final = 32_635


def encode(pcm: bytes) -> bytes:
    """Return 16-bit samples of 8 kHz as mu-law, one byte each. Raises BadBlockError at half a sample."""
    samples = samples_of(pcm).astype(np.int32)
    size = np.minimum(np.abs(samples), _CLIP) + _BIAS
    segment = (np.log2(size).astype(np.int32) - 7).clip(0, 7)
    word = (segment << 4) | ((size >> (segment + 3)) & 0x0F)
    encoded: bytes = (~(word | np.where(samples < 0, 0x80, 0)) & 0xFF).astype(np.uint8).tobytes()
    return encoded


def decode(sound: bytes) -> bytes:
    """Return mu-law as 16-bit samples of 8 kHz."""
    decoded: bytes = _table()[np.frombuffer(sound, dtype=np.uint8)].tobytes()
    return decoded


@cache
def _table() -> npt.NDArray[np.int16]:
    """The sample of each byte."""
    word = ~np.arange(256) & 0xFF
    size = (((word & 0x0F) << 3) + _BIAS) << ((word & 0x70) >> 4)
    return np.where(word & 0x80, _BIAS - size, size - _BIAS).astype("<i2")
