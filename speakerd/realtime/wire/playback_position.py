"""What of the received audio has been heard, and what an interruption has to cut.

Audio comes faster than it is played, so at an interruption several parts may have been received: some heard to
the end, one being heard, others not begun. The server has to be told, or it goes on believing that all was said:

- the part being heard is truncated at the position that was *played*, never beyond what was received of it;
- a part received (or announced) but never heard is removed with its item;
- what was heard to its end stays; when all was heard and nothing more was coming, there is nothing to do.

The played length is reported by a playback tracker (samples that left the device). Without one it is estimated by a
player that starts when audio arrives, plays in real time, and pauses while it has none: a stall between deltas does
not count as playback. Parts are played in the order of their arrival, so all before the last one begun is over.

An item is *cut* when the rest of it must not be heard; a response is *cancelled* when nothing more of it may be.
From the loudspeaker to the record of the conversation each layer keeps its own note of it, since each can be used
without the others:

1. the program's player knows the samples that left the device, and discards the queued rest of a cut item;
2. its `RealtimePlaybackTracker` reports the played length, as long as the part is known;
3. `PlaybackPosition` (here) derives the truncations from it, and drops late deltas of cut items;
4. `session.history.History` cuts the transcript to the heard part, and ignores later additions to it.

Cancelled responses are noted in the `ResponseQueue`, and in the `GuardrailRunner` where a guardrail ended them.

Pure; times in seconds, lengths in milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from speakerd.realtime.bounded import BoundedDict, BoundedSet

MAX_PARTS = 64
"""Parts received and not yet heard. Beyond it the oldest count as heard: no reply has so many."""

MAX_CUT = 256
"""Cut items that are remembered."""

SLACK_MS = 1.5
"""A part counts as heard to its end when so little is missing: milliseconds are counted with rounding."""


class PlayedLength(Protocol):
    """Reports how much of each part was played, as a `RealtimePlaybackTracker` does."""

    def played_ms(self, item_id: str, content_index: int = 0) -> float:
        """Return the milliseconds of that part that were heard; 0 if it was not begun."""
        ...


PartKind: TypeAlias = Literal["live", "replayed", "aside"]
"""Where the server keeps a part: live audio, text replayed after a reconnect, or outside the conversation."""


@dataclass(slots=True)
class _Part:
    item_id: str
    content_index: int
    received_ms: float = 0.0
    estimated_ms: float = 0.0
    response_id: str = ""
    kind: PartKind = "live"
    done: bool = False
    """All of it has been received."""


@dataclass(frozen=True, slots=True)
class Truncate:
    """Cut this item at `audio_end_ms`; `total_ms` had been received of it."""

    item_id: str
    content_index: int
    audio_end_ms: int
    total_ms: int
    kind: PartKind = "live"


@dataclass(frozen=True, slots=True)
class Remove:
    """Delete this item: nothing of it was heard."""

    item_id: str
    kind: PartKind = "live"


@dataclass(frozen=True, slots=True)
class Cut:
    """What an interruption has to silence, and what has to be sent for it."""

    current: tuple[str, int] | None
    """The part that was being heard, or would have come next; `None` if there was nothing to silence."""
    actions: tuple[Truncate | Remove, ...] = ()


NOTHING = Cut(None)


class PlaybackPosition:
    """The parts that were received, in order, and how far they have been played."""

    def __init__(self, tracker: PlayedLength | None = None, bytes_per_ms: float = 48.0) -> None:
        self.tracker = tracker
        self.bytes_per_ms = bytes_per_ms
        self._parts: BoundedDict[tuple[str, int], _Part] = BoundedDict(MAX_PARTS)
        self._cut: BoundedSet[str] = BoundedSet(MAX_CUT)
        self._estimated_at = 0.0

    def is_cut(self, item_id: str) -> bool:
        """Return whether that item was cut: what still arrives of it is to be dropped."""
        return item_id in self._cut

    def announce(
        self, item_id: str, content_index: int, response_id: str = "", *, aside: bool = False
    ) -> None:
        """A part that will have audio has begun; none has arrived yet."""
        key = (item_id, content_index)
        if key not in self._parts and item_id not in self._cut:
            kind: PartKind = "aside" if aside else "live"
            self._parts[key] = _Part(item_id, content_index, response_id=response_id, kind=kind)

    def receive(
        self,
        item_id: str,
        content_index: int,
        n_bytes: int,
        now: float,
        response_id: str = "",
        *,
        aside: bool = False,
    ) -> None:
        """Audio arrived and was passed on to be played. Not to be called for a cut item."""
        part = self._parts.get((item_id, content_index))
        if part is None:
            self._forget_heard(now)
            self.announce(item_id, content_index, response_id, aside=aside)
            part = self._parts[item_id, content_index]
            # A part that continues after another was begun had been forgotten as heard.
            part.received_ms = self._heard(part)
        elif self.tracker is None:
            self._estimate(now)
        part.received_ms += n_bytes / self.bytes_per_ms

    def finish(self, item_id: str, content_index: int) -> None:
        """All audio of that part has been received."""
        if (part := self._parts.get((item_id, content_index))) is not None:
            part.done = True

    def finish_item(self, item_id: str) -> None:
        """All audio of all parts of that item has been received."""
        for part in self._parts.values():
            part.done = part.done or part.item_id == item_id

    def forget(self, item_id: str) -> None:
        """The item was removed; late audio of it is dropped."""
        self._cut.add(item_id)
        for key in [key for key in self._parts if key[0] == item_id]:
            del self._parts[key]

    def connection_lost(self) -> None:
        """No more audio will arrive for any part; what was received goes on playing."""
        for part in self._parts.values():
            part.done = True
            part.kind = "replayed" if part.kind == "live" else part.kind

    def outstanding_ms(self, now: float) -> float:
        """Return how much audio was received and not heard yet."""
        self._forget_heard(now)
        return sum(max(part.received_ms - self._heard(part), 0.0) for part in self._parts.values())

    def plays(self, response_id: str, now: float) -> bool:
        """Return whether something of that response is still to be heard."""
        self._forget_heard(now)
        return any(part.response_id == response_id for part in self._parts.values())

    def interrupt(self, now: float, response_id: str | None = None) -> Cut:
        """Cut everything at the present position, or only what belongs to one response."""
        self._forget_heard(now)
        cut = [part for part in self._parts.values() if response_id in (None, part.response_id)]
        if not cut:
            return NOTHING
        current: tuple[str, int] | None = None
        actions: list[Truncate | Remove] = []
        heard_items = {part.item_id for part in cut if self._heard(part) > 0}
        removed: set[str] = set()
        for part in cut:
            heard = min(self._heard(part), part.received_ms)
            if current is None and part.received_ms > 0:
                current = (part.item_id, part.content_index)
            if heard > 0 or part.item_id in heard_items:
                actions.append(
                    Truncate(part.item_id, part.content_index, int(heard), int(part.received_ms), part.kind)
                )
            elif part.item_id not in removed:
                removed.add(part.item_id)
                actions.append(Remove(part.item_id, part.kind))
            self._cut.add(part.item_id)
            del self._parts[part.item_id, part.content_index]
        return Cut(current, tuple(actions))

    def _heard(self, part: _Part) -> float:
        if self.tracker is None:
            return part.estimated_ms
        return self.tracker.played_ms(part.item_id, part.content_index)

    def _forget_heard(self, now: float) -> None:
        """Drop what is over: parts before the last one begun, and parts heard to their end."""
        if self.tracker is None:
            self._estimate(now)
        begun = [key for key, part in self._parts.items() if self._heard(part) > 0]
        if begun:
            while (oldest := next(iter(self._parts))) != begun[-1]:
                del self._parts[oldest]
        for key, part in list(self._parts.items()):
            if not part.done or self._heard(part) < part.received_ms - SLACK_MS:
                break
            del self._parts[key]

    def _estimate(self, now: float) -> None:
        """Let the estimated player run up to now; what it could not fill with sound was silence."""
        left = max(now - self._estimated_at, 0.0) * 1000.0
        self._estimated_at = now
        for part in self._parts.values():
            played = min(left, part.received_ms - part.estimated_ms)
            part.estimated_ms += played
            left -= played
            if left <= 0:
                break
