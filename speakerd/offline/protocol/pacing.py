"""Limits how fast speech is sent: some times faster than it lasts, like a hosted model's.

A pacer takes audio as it is made and returns it in chunks. At any time it has returned no more than `LEAD_MS` plus
`pace` times the time since the first audio. With pace 0 it returns all it has.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from speakerd.offline.items import BYTES_PER_MS

CHUNK_MS: Final = 100
CHUNK_BYTES: Final = CHUNK_MS * BYTES_PER_MS
LEAD_MS: Final = 200
"""Audio that is sent at once, so that a player can fill its pre-buffer."""


class Pacer:
    """Paces the audio of one message. Pure: the time is a parameter."""

    def __init__(self, pace: float) -> None:
        self._pace = pace
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._given_bytes = 0
        self._began_at: float | None = None
        self._complete = False

    def put(self, pcm: bytes, now: float) -> None:
        """Add audio to the end of what is to be sent; the pace counts from the first that is added."""
        if pcm:
            self._began_at = now if self._began_at is None else self._began_at
            self._waiting.append(pcm)
            self._waiting_bytes += len(pcm)

    def complete(self) -> None:
        """No more audio will come: the last chunk may be shorter than the others."""
        self._complete = True

    def take(self, now: float) -> list[bytes]:
        """Return the chunks that may be sent by now, in order; each is returned once."""
        chunks: list[bytes] = []
        while self._waiting_bytes and self._due(now):
            size = min(CHUNK_BYTES, self._waiting_bytes)
            if size < CHUNK_BYTES and not self._complete:
                break
            chunks.append(self._cut(size))
            self._given_bytes += size
        return chunks

    @property
    def empty(self) -> bool:
        """Whether all audio has been returned and no more will come."""
        return self._complete and not self._waiting_bytes

    @property
    def waiting_ms(self) -> int:
        """Milliseconds of audio that have not been returned yet."""
        return self._waiting_bytes // BYTES_PER_MS

    @property
    def deadline(self) -> float | None:
        """When `take` will return a chunk, if no more audio comes before."""
        if self._began_at is None or not (self._waiting_bytes >= CHUNK_BYTES or self._complete):
            return None
        if self._pace == 0:
            return self._began_at
        # Half a millisecond late rather than early: rounding must not make a call that returns nothing.
        return (
            self._began_at
            + (self._given_bytes / BYTES_PER_MS + CHUNK_MS - LEAD_MS + 0.5) / 1000.0 / self._pace
        )

    def _due(self, now: float) -> bool:
        if self._pace == 0 or self._began_at is None:
            return True
        allowed_ms = LEAD_MS + (now - self._began_at) * 1000.0 * self._pace
        return self._given_bytes / BYTES_PER_MS + CHUNK_MS <= allowed_ms

    def _cut(self, size: int) -> bytes:
        self._waiting_bytes -= size
        parts: list[bytes] = []
        while size:
            head = self._waiting.popleft()
            if len(head) > size:
                self._waiting.appendleft(head[size:])
                head = head[:size]
            parts.append(head)
            size -= len(head)
        return b"".join(parts)
