"""What waits to be sent to the model, in order: captured speech, and those commands that are for the model.

This is the daemon's only store of unsent speech. (What was sent and not yet answered is the session layer's, in its
resend buffer.) The dialogue decides what may become of captured speech (`Dialogue.uplink`): `open`, it is queued;
`hold`, it is kept apart until `release`, since it may have to be dropped; `closed`, it does not get here. All that
goes out passes through this one queue, so a turn ends after its own sound, never before it.

Invariant, and the reason for `forget_sound`: once the uplink has closed (mute, end of the conversation), no sound
that was queued before leaves the process. Held and queued sound together are bounded by seconds; beyond the limit
the oldest sound is dropped and counted, since whoever talked for longer than that into a missing connection has
given up on the first sentence. The loss is reported once no sound waits any more, when its size is known.

Pure: no clock, no tasks, no locks; used from the event loop only.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from speakerd.dialogue.commands import Approve, Commit, DiscardAudio, Interrupt, Reject, SendText

if TYPE_CHECKING:
    from collections.abc import Callable

    from speakerd.realtime.agents import RealtimeAgent
    from speakerd.realtime.model import RealtimeTurnDetectionConfig

BYTES_PER_SECOND = 48_000
"""24 kHz, 16 bit, mono: what most servers take."""


@dataclass(frozen=True, slots=True)
class CapturedSpeech:
    """Captured speech, PCM16 mono at the rate of the uplink."""

    pcm: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SetTurnDetection:
    """Have the server find the end of turns by `config`; None: it does not, a hand ends this turn."""

    config: RealtimeTurnDetectionConfig | None


@dataclass(frozen=True, slots=True)
class UpdateSession:
    """Have the session go on with another agent, another way to find the end of turns, another speed of speech."""

    agent: RealtimeAgent[None]
    turn_detection: RealtimeTurnDetectionConfig | None
    speed: float


Outgoing: TypeAlias = (
    CapturedSpeech
    | Commit
    | DiscardAudio
    | Interrupt
    | SendText
    | Approve
    | Reject
    | SetTurnDetection
    | UpdateSession
)
"""Captured speech, and the dialogue's commands that are for the model."""

_OF_A_TURN = (CapturedSpeech, Commit)
"""What holds a person's speech, or asks for a reply to it."""


class UplinkQueue:
    """A first-in first-out queue of `Outgoing`, bounded by seconds of sound, with a place to hold sound back."""

    def __init__(
        self, limit_s: float = 60.0, *, on_dropped: Callable[[float], None] = lambda _seconds: None
    ) -> None:
        """Keep at most `limit_s` seconds of sound; `on_dropped` is called with the seconds that did not fit."""
        self._limit_s = limit_s
        self.bytes_per_second = BYTES_PER_SECOND
        """Of the sound; to be changed while none waits."""
        self._held: deque[CapturedSpeech] = deque()
        self._queue: deque[Outgoing] = deque()
        self._bytes = 0
        self._on_dropped = on_dropped
        self._dropped_bytes = 0
        self._reported_bytes = 0

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def seconds(self) -> float:
        """Seconds of sound that wait, held or queued."""
        return self._bytes / self.bytes_per_second

    @property
    def dropped_s(self) -> float:
        """Seconds of sound lost to the limit since the start."""
        return self._dropped_bytes / self.bytes_per_second

    def put(self, item: Outgoing) -> None:
        """Queue `item` behind all others."""
        self._queue.append(item)
        if isinstance(item, CapturedSpeech):
            self._grow(item)

    def hold(self, sound: CapturedSpeech) -> None:
        """Keep `sound` apart until `release` or `forget_sound`."""
        self._held.append(sound)
        self._grow(sound)

    def release(self) -> None:
        """Queue the sound that `hold` kept apart, in order, behind all others."""
        self._queue.extend(self._held)
        self._held.clear()

    def take(self) -> Outgoing | None:
        """Remove and return the oldest queued item; None if there is none."""
        if not self._queue:
            return None
        item = self._queue.popleft()
        if isinstance(item, CapturedSpeech):
            self._bytes -= len(item.pcm)
            self._report_dropped()
        return item

    def forget_sound(self) -> None:
        """Drop all sound and commits that have not left; typed text and answers to approvals stay."""
        self._held.clear()
        kept = [item for item in self._queue if not isinstance(item, _OF_A_TURN)]
        self._queue.clear()
        self._queue.extend(kept)
        self._bytes = 0
        self._report_dropped()

    def clear(self) -> None:
        """Drop everything that has not left: sound, commits, typed text, and answers to approvals."""
        self._held.clear()
        self._queue.clear()
        self._bytes = 0
        self._report_dropped()

    def _grow(self, sound: CapturedSpeech) -> None:
        self._bytes += len(sound.pcm)
        while self._bytes > self._limit_s * self.bytes_per_second:
            self._drop_oldest_sound()

    def _drop_oldest_sound(self) -> None:
        for place in (self._queue, self._held):
            for index, item in enumerate(place):
                if isinstance(item, CapturedSpeech):
                    del place[index]
                    self._bytes -= len(item.pcm)
                    self._dropped_bytes += len(item.pcm)
                    return

    def _report_dropped(self) -> None:
        if self._bytes == 0 and self._reported_bytes != self._dropped_bytes:
            lost, self._reported_bytes = self._dropped_bytes - self._reported_bytes, self._dropped_bytes
            self._on_dropped(lost / self.bytes_per_second)
