"""The live view of the speaker: what `speakerd ctl monitor`, the demo and the tests watch.

A feed of small JSON-safe dictionaries, each with `event` and `at` (monotonic seconds). A subscriber gets its own
bounded queue; one that does not read loses the oldest entries and learns how many, so that a slow SSH line can
never hold up the speaker. Transcripts go to subscribers only: nothing here is written to the journal or to disk.

Used from the event loop only.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from speakerd.host.clean_text import clean_values

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Entry = dict[str, Any]

LONGEST_TEXT: Final = 10_000
"""Characters of one text in an entry."""


class Subscription:
    """One reader's bounded queue. Iterate it; end with `close` (idempotent)."""

    def __init__(self, feed: MonitorFeed, limit: int) -> None:
        self._feed = feed
        self._entries: deque[Entry] = deque()
        self._limit = limit
        self._lost = 0
        self._ready = asyncio.Event()
        self._closed = False

    def offer(self, entry: Entry) -> None:
        """Queue `entry`; beyond the limit the oldest is dropped, and a `lost` entry will say so."""
        if len(self._entries) >= self._limit:
            self._entries.popleft()
            self._lost += 1
        self._entries.append(entry)
        self._ready.set()

    def close(self) -> None:
        """End the iteration and take no more."""
        self._closed = True
        self._feed.unsubscribe(self)
        self._ready.set()

    async def __aiter__(self) -> AsyncIterator[Entry]:
        while True:
            if self._lost:
                lost, self._lost = self._lost, 0
                yield {"event": "lost", "count": lost}
            elif self._entries:
                yield self._entries.popleft()
            elif self._closed:
                return
            else:
                self._ready.clear()
                await self._ready.wait()


class MonitorFeed:
    """Hands each published entry to all subscribers."""

    def __init__(self) -> None:
        """No subscribers yet."""
        self._subscriptions: list[Subscription] = []

    @property
    def watched(self) -> bool:
        """Whether there is a subscriber: without one, levels are not even formatted."""
        return bool(self._subscriptions)

    def subscribe(self, limit: int = 256) -> Subscription:
        """Return a new subscription that keeps at most `limit` unread entries."""
        subscription = Subscription(self, limit)
        self._subscriptions.append(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Hand nothing more to `subscription` (idempotent)."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)

    def publish(self, event: str, at: float, **fields: Any) -> None:
        """Hand `{"event": event, "at": at, **fields}` to every subscriber, every text in it clean; never blocks."""
        if not self._subscriptions:
            return
        fields = clean_values(fields, longest=LONGEST_TEXT)
        for subscription in self._subscriptions:
            subscription.offer({"event": event, "at": at, **fields})

    def close(self) -> None:
        """End every subscription."""
        for subscription in tuple(self._subscriptions):
            subscription.close()
