"""How far each item has got: received, handed to the device, heard.

The output clock counts every sample ever pulled, silence too; at the ear it stands `latency` samples earlier. A
piece of an item pulled in one go is a *span* of that clock; pieces that join are one span, so there are only as
many as there were gaps, and spans that have been heard are settled into one number.
"""

from collections import deque
from dataclasses import dataclass

from speakerd.audio.pcm import WIRE_RATE


@dataclass(frozen=True, slots=True)
class PlayedItem:
    """How far one content part of an item has got, in samples at 24 kHz; played is never above received."""

    item_id: str
    content_index: int
    received_samples: int
    played_samples: int

    @property
    def played_ms(self) -> int:
        """The same in whole milliseconds, rounded down: never more than was heard."""
        return self.played_samples * 1000 // WIRE_RATE


@dataclass(slots=True)
class _Span:
    """`length` samples of an item, the first of them sample `clock` of the output."""

    clock: int
    length: int


class ItemProgress:
    """Bookkeeping of one content part of an item. Not locked: its owner is."""

    __slots__ = ("content_index", "finished", "item_id", "pulled", "received", "settled", "spans", "started")

    def __init__(self, item_id: str, content_index: int) -> None:
        self.item_id = item_id
        self.content_index = content_index
        self.received = 0
        self.pulled = 0
        self.settled = 0  # heard for good; spans hold what lies after
        self.spans: deque[_Span] = deque()
        self.finished = False
        self.started = False

    def pull(self, clock: int, count: int) -> None:
        """The next `count` samples are handed over; the first of them is sample `clock` of the output."""
        last = self.spans[-1] if self.spans else None
        if last is not None and last.clock + last.length == clock:
            last.length += count
        else:
            self.spans.append(_Span(clock, count))
        self.pulled += count

    def heard(self, clock: int) -> int:
        """Samples heard when the output clock at the ear stands at `clock`."""
        spans = self.spans
        while spans and spans[0].clock + spans[0].length <= clock:
            self.settled += spans.popleft().length
        total = self.settled
        for span in spans:
            total += min(max(clock - span.clock, 0), span.length)
        return total

    @property
    def over(self) -> bool:
        """Finished and heard to the end."""
        return self.finished and self.settled == self.received

    def view(self, played: int) -> PlayedItem:
        """As a value, clamped to what was received."""
        return PlayedItem(self.item_id, self.content_index, self.received, min(played, self.received))
