"""Streaming sample-rate conversion with soxr: chunks in, chunks out, no seams.

Linear interpolation, or one transform per chunk, would alias or click at the seams. soxr works in 32-bit floats
here and the result is rounded once, so digital silence stays silence (soxr's own 16-bit output would be dithered).
At HQ the error is below the resolution of 16 bits. The converter holds some milliseconds back until `finish`.
"""

from typing import Final

import numpy as np
import soxr

from speakerd.audio.pcm import Samples, samples_of, to_int16

QUALITY: Final = "HQ"


class Resampler:
    """Converts a stream of 16-bit mono from one rate to another. Not thread-safe."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self.from_hz = from_hz
        self.to_hz = to_hz
        self._same = from_hz == to_hz
        self._stream = None if self._same else soxr.ResampleStream(from_hz, to_hz, 1, "float32", QUALITY)

    def process(self, pcm: bytes) -> bytes:
        """Take a chunk and return what is converted so far, at first perhaps nothing. Raises BadBlockError."""
        samples = samples_of(pcm)
        return pcm if self._same else self._convert(samples, last=False).tobytes()

    def finish(self) -> bytes:
        """Return what was held back, and make the stream as new."""
        if self._stream is None:
            return b""
        rest = self._convert(np.empty(0, dtype=np.int16), last=True).tobytes()
        self._stream.clear()
        return rest

    def clear(self) -> None:
        """Discard what was held back."""
        if self._stream is not None:
            self._stream.clear()

    def _convert(self, samples: Samples, *, last: bool) -> Samples:
        assert self._stream is not None  # noqa: S101  # the same-rate case never comes here
        return to_int16(self._stream.resample_chunk(samples.astype(np.float32), last=last))


def resample(pcm: bytes, from_hz: int, to_hz: int) -> bytes:
    """Convert a whole recording. Raises BadBlockError if it ends in half a sample."""
    stream = Resampler(from_hz, to_hz)
    return stream.process(pcm) + stream.finish()
