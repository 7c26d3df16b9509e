"""Converts rate, channels and block size between a card and the device port. Pure.

Sound of a card that runs at 16 kHz (24 kHz for playback) in mono passes unchanged. For any other card an adapter
selects one channel, resamples, and cuts blocks; it knows how much it holds back, so that latencies stay correct. An
adapter belongs to one stream and one thread.
"""

from collections.abc import Callable, Iterator

from speakerd.audio.pcm import (
    MIC_BLOCK_BYTES,
    MIC_RATE,
    SAMPLE_BYTES,
    WIRE_BLOCK,
    WIRE_RATE,
    Reblocker,
    samples_of,
)
from speakerd.audio.resample import Resampler


class CaptureAdapter:
    """Converts the card's interleaved samples to 10 ms blocks of one channel at 16 kHz."""

    def __init__(self, rate: int, channels: int, channel: int) -> None:
        self._channels = channels
        self._channel = channel
        self._rate = rate
        self._resampler = Resampler(rate, MIC_RATE)
        self._blocks = Reblocker(MIC_BLOCK_BYTES)
        self._taken = 0
        self._given = 0

    def convert(self, raw: bytes) -> Iterator[bytes]:
        """Take the card's samples and yield the blocks that are complete. The iterator must be exhausted."""
        if self._channels > 1:
            raw = samples_of(raw)[self._channel :: self._channels].tobytes()
        self._taken += len(raw) // SAMPLE_BYTES
        for block in self._blocks.push(self._resampler.process(raw)):
            self._given += len(block) // SAMPLE_BYTES
            yield block

    @property
    def held_s(self) -> float:
        """Seconds of sound taken and not yet yielded."""
        return self._taken / self._rate - self._given / MIC_RATE


class PlaybackAdapter:
    """Converts 24 kHz mono to the frames that the card asks for, and pulls no more than that needs."""

    def __init__(self, rate: int, channels: int, pull: Callable[[int], bytes]) -> None:
        self._rate = rate
        self._channels = channels
        self._pull = pull
        self._resampler = Resampler(WIRE_RATE, rate)
        self._ready = bytearray()
        self._taken = 0
        self._given = 0

    def take(self, frames: int) -> bytes:
        """Return exactly `frames` interleaved frames."""
        wanted = frames * SAMPLE_BYTES
        while (missing := wanted - len(self._ready)) > 0:
            # The least that can suffice: what is pulled early can no longer be flushed.
            samples = min(-(-missing // SAMPLE_BYTES * WIRE_RATE // self._rate), WIRE_BLOCK)
            self._ready += self._resampler.process(self._pull(samples))
            self._taken += samples
        mono = bytes(self._ready[:wanted])
        del self._ready[:wanted]
        self._given += frames
        if self._channels == 1:
            return mono
        return samples_of(mono).repeat(self._channels).tobytes()

    @property
    def held_s(self) -> float:
        """Seconds of sound pulled and not yet given to the card."""
        return self._taken / WIRE_RATE - self._given / self._rate
