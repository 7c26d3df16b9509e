"""What waits to be sent to the model, in order: sound, the end of a turn, text.

The dialogue says what may become of captured speech (`Dialogue.uplink`): `open`, it goes out; `hold`, the
connection is still being made, so it waits here; `closed`, it is dropped before it gets this far. Everything
to send passes through this one queue, so a turn that ends while connecting ends after its own sound, never
before.

Invariant, and the reason for `clear`: when the uplink closes (mute, end of the conversation) nothing that was
queued before may leave the process afterwards. The queue is bounded by seconds of sound; past that the oldest
sound is dropped and counted, since a person who talked for longer than that while nothing was connected has
long given up on the first sentence.

Pure: no clock, no tasks, no locks; used from the event loop only.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

BYTES_PER_SECOND = 48_000
"""24 kHz, 16 bit, mono: the only PCM the wire knows."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Captured speech, PCM16 mono at 24 kHz."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class EndOfTurn:
    """Commit what was sent and ask for the reply."""


@dataclass(frozen=True, slots=True)
class Discard:
    """Have the server forget the sound of the turn that was begun."""


@dataclass(frozen=True, slots=True)
class Text:
    """A typed message of the user's."""

    text: str


Outgoing = Sound | EndOfTurn | Discard | Text


class Outbox:
    """A bounded first-in first-out queue of `Outgoing`."""

    def __init__(self, limit_s: float = 60.0) -> None:
        """Hold at most `limit_s` seconds of sound."""
        self._limit = int(limit_s * BYTES_PER_SECOND)
        self._queue: deque[Outgoing] = deque()
        self._bytes = 0
        self.dropped_bytes = 0
        """Sound lost to the limit since the start, in bytes."""

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def seconds(self) -> float:
        """Seconds of sound that wait."""
        return self._bytes / BYTES_PER_SECOND

    def put(self, item: Outgoing) -> None:
        """Queue `item` behind all others; past the limit the oldest sound gives way."""
        self._queue.append(item)
        if isinstance(item, Sound):
            self._bytes += len(item.pcm)
            while self._bytes > self._limit:
                self._drop_oldest_sound()

    def take(self) -> Outgoing | None:
        """The oldest item, or None."""
        if not self._queue:
            return None
        item = self._queue.popleft()
        if isinstance(item, Sound):
            self._bytes -= len(item.pcm)
        return item

    def clear(self) -> None:
        """Forget everything that has not left."""
        self._queue.clear()
        self._bytes = 0

    def clear_sound(self) -> None:
        """Forget a turn that was not finished, sound and its end; typed messages stay."""
        kept = [item for item in self._queue if isinstance(item, Text)]
        self.clear()
        self._queue.extend(kept)

    def _drop_oldest_sound(self) -> None:
        for index, item in enumerate(self._queue):
            if isinstance(item, Sound):
                del self._queue[index]
                self._bytes -= len(item.pcm)
                self.dropped_bytes += len(item.pcm)
                return
