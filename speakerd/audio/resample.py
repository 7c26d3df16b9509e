"""Streaming sample-rate conversion with soxr: chunks in, chunks out, no seams.

Never linear, never one transform per chunk: both alias or click at the seams. soxr works in 32-bit floats here
and we round once, so digital silence stays silence (its own 16-bit output would be dithered). At HQ the error
is below what 16 bits can hold; the converter holds back some milliseconds until `finish`.
"""

from typing import Final

import numpy as np
import soxr

from speakerd.audio.pcm import Samples, samples_of, to_int16

QUALITY: Final = "HQ"


class Resampler:
    """A stream of 16-bit mono from one rate to another. Not thread-safe: one stream, one owner."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self.from_hz = from_hz
        self.to_hz = to_hz
        self._same = from_hz == to_hz
        self._stream = None if self._same else soxr.ResampleStream(from_hz, to_hz, 1, "float32", QUALITY)

    def process(self, pcm: bytes) -> bytes:
        """What can be given so far; may be empty at the beginning. Raises BadBlockError on half a sample."""
        samples = samples_of(pcm)
        return pcm if self._same else self._convert(samples, last=False).tobytes()

    def finish(self) -> bytes:
        """What was held back. The stream is then as new."""
        if self._stream is None:
            return b""
        rest = self._convert(np.empty(0, dtype=np.int16), last=True).tobytes()
        self._stream.clear()
        return rest

    def clear(self) -> None:
        """Forget what was held back."""
        if self._stream is not None:
            self._stream.clear()

    def _convert(self, samples: Samples, *, last: bool) -> Samples:
        assert self._stream is not None  # noqa: S101  # the same-rate case never comes here
        return to_int16(self._stream.resample_chunk(samples.astype(np.float32), last=last))


def resample(pcm: bytes, from_hz: int, to_hz: int) -> bytes:
    """A whole recording at once. Raises BadBlockError on half a sample."""
    stream = Resampler(from_hz, to_hz)
    return stream.process(pcm) + stream.finish()
