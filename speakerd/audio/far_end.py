"""The reference for the echo canceller: what was really handed to the loudspeaker, in step with the microphone.

The playback thread puts every block it writes, silence too; the processing thread takes one for each block it
has captured. A block that waits here reaches the canceller that much later, and it must be there before its
echo is: so the queue is kept as shallow as the two threads' jitter allows. Whatever has lain in it through a
whole second of takes, above `RESERVE`, is surplus (a device that filled its buffer at the start, or clocks that
drift) and is dropped; where it runs dry, a silent block is given. The canceller takes either as a small change
of the delay.

Thread-safe for one putter and one taker: the deque's operations are atomic.
"""

from collections import deque
from typing import Final

from speakerd.audio.frames import WIRE_BLOCK_BYTES

RESERVE: Final = 1
"""Blocks that may always lie here: less than any device's own latency, more than one late callback."""
WINDOW: Final = 100
"""Takes over which the shallowest moment is looked for: a second."""
DEEPEST: Final = 50
"""Blocks; a taker that has stood still gets no older ones."""
_SILENCE: Final = (bytes(WIRE_BLOCK_BYTES), False)


class FarEnd:
    """A queue of played blocks, each with whether it held one of our own sounds."""

    def __init__(self) -> None:
        self._blocks: deque[tuple[bytes, bool]] = deque(maxlen=DEEPEST)
        self._takes = 0
        self._shallowest = DEEPEST

    def put(self, block: bytes, own_sound: bool) -> None:
        """A block of `WIRE_BLOCK_BYTES` has been handed to the device."""
        self._blocks.append((block, own_sound))

    def take(self) -> tuple[bytes, bool]:
        """The block that belongs to the one just captured, and whether it held a sound of our own."""
        self._shallowest = min(self._shallowest, len(self._blocks) - 1)
        self._takes += 1
        if self._takes >= WINDOW:
            for _ in range(self._shallowest - RESERVE):
                self._blocks.popleft()
            self._takes = 0
            self._shallowest = DEEPEST
        try:
            return self._blocks.popleft()
        except IndexError:
            return _SILENCE

    def clear(self) -> None:
        """The streams were stopped: what lies between them means nothing any more."""
        self._blocks.clear()
        self._takes = 0
        self._shallowest = DEEPEST
