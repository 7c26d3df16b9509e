"""How fast speech goes out: faster than it lasts, like a hosted model's, and no faster.

A pacer takes sound as it is made and gives it out in chunks. At any time it has given no more than `LEAD_MS`
plus `pace` times what has passed since the first sound. With pace 0 it gives all it has.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from speakerd.offline.items import BYTES_PER_MS

CHUNK_MS: Final = 100
CHUNK_BYTES: Final = CHUNK_MS * BYTES_PER_MS
LEAD_MS: Final = 200
"""What may go at once, so that a player can fill its pre-buffer."""


class Pacer:
    """One utterance's way out. Pure: time comes in."""

    def __init__(self, pace: float) -> None:
        self._pace = pace
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._given_bytes = 0
        self._began_at: float | None = None
        self._complete = False

    def put(self, pcm: bytes, now: float) -> None:
        """More sound."""
        if pcm:
            self._began_at = now if self._began_at is None else self._began_at
            self._waiting.append(pcm)
            self._waiting_bytes += len(pcm)

    def complete(self) -> None:
        """There is no more to come: what is left may be shorter than a chunk."""
        self._complete = True

    def take(self, now: float) -> list[bytes]:
        """What may go now."""
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
        """Everything has been given, and no more is to come."""
        return self._complete and not self._waiting_bytes

    @property
    def waiting_ms(self) -> int:
        """Sound that is made and not yet given."""
        return self._waiting_bytes // BYTES_PER_MS

    @property
    def deadline(self) -> float | None:
        """When `take` will next give something, if no more sound comes before."""
        if self._began_at is None or not (self._waiting_bytes >= CHUNK_BYTES or self._complete):
            return None
        if self._pace == 0:
            return self._began_at
        # Half a millisecond late rather than early: rounding must not make a caller come in vain.
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
