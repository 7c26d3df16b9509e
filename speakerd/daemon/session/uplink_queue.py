"""What waits to be sent to the model, in order: sound, the end of a turn, text, answers to approvals.

The dialogue says what may become of captured speech (`Dialogue.uplink`): `open`, it is queued to go out; `hold`,
the connection is still being made, so it waits apart until `release`; `closed`, it is dropped before it gets
here. All that goes out passes through this one queue, so a turn ends after its own sound, never before.

Invariant, and the reason for `forget_sound`: once the uplink has closed (mute, end of the conversation) no sound
that was queued before it leaves the process afterwards. Both places together are bounded by seconds of sound;
past that the oldest sound gives way and is counted, since whoever talked for longer than that into a connection
that is not there has long given up on the first sentence. How much was lost is told once no sound waits any more,
when it is known.

Pure: no clock, no tasks, no locks; used from the event loop only.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from speakerd.realtime.model import RealtimeTurnDetectionConfig

BYTES_PER_SECOND = 48_000
"""24 kHz, 16 bit, mono: the only PCM the wire knows."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Captured speech, PCM16 mono at 24 kHz."""

    pcm: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class EndOfTurn:
    """Commit what was sent and ask for the reply."""


@dataclass(frozen=True, slots=True)
class ClearInput:
    """Have the server forget the sound of a turn that was begun."""


@dataclass(frozen=True, slots=True)
class Text:
    """A typed message; with `verbatim` it is to be said word by word."""

    text: str
    verbatim: bool = False


@dataclass(frozen=True, slots=True)
class CutOff:
    """End the answer; what was heard of it is known by now."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to a tool call that waited for approval; `reason` is set for a no."""

    call_id: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class TurnDetection:
    """Let the server find the end of turns, so; None: not now, a hand ends this one."""

    config: RealtimeTurnDetectionConfig | None


Outgoing = Sound | EndOfTurn | ClearInput | Text | CutOff | Verdict | TurnDetection

_OF_A_TURN = (Sound, EndOfTurn)
"""What holds a person's speech, or asks for a reply to it."""


class Outbox:
    """A first-in first-out queue of `Outgoing`, bounded by seconds of sound, with a place to hold sound back."""

    def __init__(
        self, limit_s: float = 60.0, *, on_dropped: Callable[[float], None] = lambda _seconds: None
    ) -> None:
        """Keep at most `limit_s` seconds of sound; `on_dropped` is told how many seconds did not fit."""
        self._limit = int(limit_s * BYTES_PER_SECOND)
        self._held: deque[Sound] = deque()
        self._queue: deque[Outgoing] = deque()
        self._bytes = 0
        self._on_dropped = on_dropped
        self._dropped_bytes = 0
        self._told_bytes = 0

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def seconds(self) -> float:
        """Seconds of sound that wait, held or queued."""
        return self._bytes / BYTES_PER_SECOND

    @property
    def dropped_s(self) -> float:
        """Seconds of sound lost to the limit since the start."""
        return self._dropped_bytes / BYTES_PER_SECOND

    def put(self, item: Outgoing) -> None:
        """Queue `item` behind all others."""
        self._queue.append(item)
        if isinstance(item, Sound):
            self._grow(item)

    def hold(self, sound: Sound) -> None:
        """Keep `sound` until `release` or `forget_sound`."""
        self._held.append(sound)
        self._grow(sound)

    def release(self) -> None:
        """Queue what was held, in order."""
        self._queue.extend(self._held)
        self._held.clear()

    def take(self) -> Outgoing | None:
        """The oldest queued item, or None."""
        if not self._queue:
            return None
        item = self._queue.popleft()
        if isinstance(item, Sound):
            self._bytes -= len(item.pcm)
            self._tell_dropped()
        return item

    def forget_sound(self) -> None:
        """Forget all sound and ends of turns that have not left; typed words and verdicts stay."""
        self._held.clear()
        kept = [item for item in self._queue if not isinstance(item, _OF_A_TURN)]
        self._queue.clear()
        self._queue.extend(kept)
        self._bytes = 0
        self._tell_dropped()

    def clear(self) -> None:
        """Forget everything that has not left."""
        self._held.clear()
        self._queue.clear()
        self._bytes = 0
        self._tell_dropped()

    def _grow(self, sound: Sound) -> None:
        self._bytes += len(sound.pcm)
        while self._bytes > self._limit:
            self._drop_oldest_sound()

    def _drop_oldest_sound(self) -> None:
        for place in (self._queue, self._held):
            for index, item in enumerate(place):
                if isinstance(item, Sound):
                    del place[index]
                    self._bytes -= len(item.pcm)
                    self._dropped_bytes += len(item.pcm)
                    return

    def _tell_dropped(self) -> None:
        if self._bytes == 0 and self._told_bytes != self._dropped_bytes:
            lost, self._told_bytes = self._dropped_bytes - self._told_bytes, self._dropped_bytes
            self._on_dropped(lost / BYTES_PER_SECOND)
