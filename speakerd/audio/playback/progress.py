"""How much of each item was received, given to the device, and heard.

The output clock counts all samples ever pulled, silence included; the ear is `latency` samples behind it. A
piece of an item pulled at once is a *span* of that clock. Adjacent pieces form one span, so there are only as
many spans as there were gaps, and spans that have been heard are added up in one number.
"""

from collections import deque
from dataclasses import dataclass

from speakerd.audio.pcm import WIRE_RATE


@dataclass(frozen=True, slots=True)
class PlayedItem:
    """How much of one content part of an item was received and heard, in samples at 24 kHz."""

    item_id: str
    content_index: int
    received_samples: int
    played_samples: int

    @property
    def played_ms(self) -> int:
        """What was heard in whole milliseconds, rounded down: never more than was heard."""
        return self.played_samples * 1000 // WIRE_RATE


@dataclass(slots=True)
class _Span:
    """A run of `length` samples of an item; the first is sample `clock` of the output."""

    clock: int
    length: int


class ItemProgress:
    """The counts of one content part of an item. Not thread-safe: the buffer locks."""

    __slots__ = ("content_index", "finished", "item_id", "received", "settled", "spans", "started")

    def __init__(self, item_id: str, content_index: int) -> None:
        self.item_id = item_id
        self.content_index = content_index
        self.received = 0
        self.settled = 0  # samples heard before the spans
        self.spans: deque[_Span] = deque()
        self.finished = False
        self.started = False

    def pull(self, clock: int, count: int) -> None:
        """Note that the next `count` samples were pulled, the first as sample `clock` of the output."""
        last = self.spans[-1] if self.spans else None
        if last is not None and last.clock + last.length == clock:
            last.length += count
        else:
            self.spans.append(_Span(clock, count))

    def heard(self, clock: int) -> int:
        """Return how many samples have been heard when the ear is at sample `clock` of the output."""
        spans = self.spans
        while spans and spans[0].clock + spans[0].length <= clock:
            self.settled += spans.popleft().length
        total = self.settled
        for span in spans:
            total += min(max(clock - span.clock, 0), span.length)
        return total

    @property
    def done(self) -> bool:
        """Whether the item is complete and was heard to its end."""
        return self.finished and self.settled == self.received

    def snapshot(self, played: int) -> PlayedItem:
        """Return the counts as a value; `played` is limited to what was received."""
        return PlayedItem(self.item_id, self.content_index, self.received, min(played, self.received))
