"""The bounded queue between a session and the reader of its events.

When the reader lags and `limit` events wait, the queue becomes shorter without losing anything that matters:

1. `raw_model_event`s are dropped: they only repeat other events. The reader learns how many, once per lag, from an
   `error` event that carries `EventsShedError`.
2. Between two events of any other kind, chunks of audio of one part become one chunk, captions of one item become
   one caption, and of several `history_updated` only the last stays.
3. If that is not enough, the model has to wait: it stops reading from its socket until there is room. Thus no audio
   is ever lost, nor any error, tool event or interruption. Only bulk events wait; others are added up to twice the
   limit, and the reader's own task never waits for itself.

A session whose events nobody has ever read must not stop because of that: when the queue has been full for a while,
its older half is dropped, with a warning, and a late reader learns of it from an `error` event.

An interruption removes the audio that still waits, so that the reader gets the interruption at once. The queue is
read to its end before a failure is raised or the end is reported.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from speakerd.realtime.errors import RealtimeLayerError
from speakerd.realtime.items import size_of
from speakerd.realtime.model import RealtimeModelRawServerEvent
from speakerd.realtime.session.events import (
    RealtimeAudio,
    RealtimeError,
    RealtimeHistoryUpdated,
    RealtimeRawModelEvent,
    RealtimeTranscriptDelta,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from speakerd.realtime.session.events import RealtimeEventInfo, RealtimeSessionEvent

_log = logging.getLogger(__name__)

_MAX_BYTES = 32 * 1024 * 1024
"""The most that audio, texts and raw frames may hold while they wait: eleven minutes at 24 kHz, three times the
longest reply of the hosted service (4096 tokens of 50 ms), so that none stops the model."""

_MERGED_BYTES = 1024 * 1024
"""Chunks of audio are merged to about so many bytes, so that merging does not need the memory twice."""


_UNREAD_FOR_S = 10.0
"""How long a full queue waits for its first reader before it drops its older half."""


BULK = frozenset({"audio", "transcript_delta", "history_updated", "raw_model_event"})
"""Types of which a reply has many; they are merged or shed."""


class EventsShedError(RealtimeLayerError):
    """`count` events were dropped: raw ones because the reader lagged, or any because there was none (`unread`)."""

    def __init__(self, count: int, *, unread: bool = False) -> None:
        super().__init__(count, unread)
        self.count = count
        self.unread = unread

    def __str__(self) -> str:
        """Say which events were lost and how to avoid it."""
        if self.unread:
            return (
                f"{self.count} events were dropped because nobody reads this session's events: iterate over it "
                "in a task of its own"
            )
        return (
            f"{self.count} raw_model_event were dropped because the session's events are not read fast enough. "
            "Read them in a task of their own; audio and all other events are kept"
        )


class EventQueue:
    """A bounded queue of session events for one reader, on one event loop."""

    def __init__(self, info: RealtimeEventInfo, limit: int = 4096) -> None:
        self._info = info
        self._limit = limit
        self._events: deque[RealtimeSessionEvent] = deque()
        self._bytes = 0
        self._next_compaction = limit
        self._next_compaction_bytes = _MAX_BYTES
        self._lagging = False
        """True from when the queue was full until it is half empty."""
        self._ended = False
        self._failure: BaseException | None = None
        self._shed = 0
        self._unread = 0
        self._changed = asyncio.Event()
        self._reader_waits = False
        self._room = asyncio.Event()
        self._reader: asyncio.Task[object] | None = None

    def __len__(self) -> int:
        """Return how many events wait."""
        return len(self._events)

    def offer(self, event: RealtimeSessionEvent) -> bool:
        """Add an event if there is room, as there nearly always is. Return False if `put` has to be awaited."""
        if self._ended:
            return True
        if len(self._events) >= self._limit or self._bytes >= _MAX_BYTES:
            return False
        self._add(event)
        return True

    async def put(self, event: RealtimeSessionEvent) -> None:
        """Add an event; a bulk event waits for room while the reader lags. After the end, it is dropped."""
        while not self._ended and self._is_full(event):
            self._room.clear()
            try:
                async with asyncio.timeout(_UNREAD_FOR_S if self._reader is None else None):
                    await self._room.wait()
            except TimeoutError:
                self._drop_unread()
        if not self._ended:
            self._add(event)

    def poll(self) -> RealtimeSessionEvent | None:
        """Return the next event if one is there, without waiting."""
        if not self._events or self._reader is None:
            return None
        event = self._events.popleft()
        self._bytes -= weight(event)
        if self._lagging:
            self._reader = asyncio.current_task()
            self._make_room()
        return event

    async def get(self) -> RealtimeSessionEvent | None:
        """Wait for the next event and return it; `None` at the end.

        Raises:
            BaseException: the failure given to `fail`, once, after all that was queued before it.
        """
        self._reader = asyncio.current_task()
        if self._unread:
            unread, self._unread = EventsShedError(self._unread, unread=True), 0
            return RealtimeError(error=unread, info=self._info)
        while not self._events:
            if self._failure is not None:
                failure, self._failure = self._failure, None
                raise failure
            if self._ended:
                return None
            self._changed.clear()
            self._reader_waits = True
            await self._changed.wait()
        return self.poll()

    def drop_audio(self, response_id: str | None = None) -> None:
        """Remove the unread audio of one response, or of all: it must not be heard."""
        self._replace(
            event
            for event in self._events
            if not (isinstance(event, RealtimeAudio) and response_id in (None, event.audio.response_id))
        )
        self._make_room()

    def end(self) -> None:
        """End the queue: no event will be added any more."""
        self._ended = True
        self._changed.set()
        self._room.set()

    def fail(self, failure: BaseException) -> None:
        """End the queue with an exception. Only the first one counts."""
        if not self._ended:
            self._failure = failure
            self.end()

    def _add(self, event: RealtimeSessionEvent) -> None:
        self._events.append(event)
        self._bytes += weight(event)
        if self._reader_waits:
            self._reader_waits = False
            self._changed.set()

    def _is_full(self, event: RealtimeSessionEvent) -> bool:
        if len(self._events) < self._limit and self._bytes < _MAX_BYTES:
            return False
        self._lagging = True
        if len(self._events) >= self._next_compaction or self._bytes >= self._next_compaction_bytes:
            kept, shed = compact(self._events)
            self._shed += shed
            self._replace(kept)
            # The next one only after many more events, so that a long lag stays cheap.
            self._next_compaction = len(self._events) + self._limit // 4
            self._next_compaction_bytes = self._bytes + _MAX_BYTES // 4
            if len(self._events) < self._limit and self._bytes < _MAX_BYTES:
                return False
        if self._reader is not None and self._reader is asyncio.current_task():
            return False
        return event.type in BULK or len(self._events) >= 2 * self._limit

    def _drop_unread(self) -> None:
        if self._reader is not None:
            return
        if not self._unread:
            _log.warning("nobody reads this session's events: the older ones are dropped from now on")
        kept = list(self._events)[len(self._events) // 2 :]
        self._unread += len(self._events) - len(kept)
        self._replace(kept)
        self._next_compaction = self._limit
        self._next_compaction_bytes = _MAX_BYTES

    def _make_room(self) -> None:
        """Once the queue is half empty, end the lag and let the model go on."""
        if not self._lagging or len(self._events) > self._limit // 2 or self._bytes > _MAX_BYTES // 2:
            return
        self._lagging = False
        self._next_compaction = self._limit
        self._next_compaction_bytes = _MAX_BYTES
        self._room.set()
        if self._shed:
            shed, self._shed = EventsShedError(self._shed), 0
            _log.warning("%s", shed)
            self._events.append(RealtimeError(error=shed, info=self._info))

    def _replace(self, events: Iterable[RealtimeSessionEvent]) -> None:
        self._events = deque(events)
        self._bytes = sum(map(weight, self._events))


def weight(event: RealtimeSessionEvent) -> int:
    """Return about how many bytes the event holds: of those that come in great numbers."""
    # It is asked twice for each event, and `isinstance` takes twice as long.
    if type(event) is RealtimeAudio:
        return len(event.audio.data)
    if type(event) is RealtimeRawModelEvent:
        return event.data.size if type(event.data) is RealtimeModelRawServerEvent else 0
    if type(event) is RealtimeTranscriptDelta:
        return len(event.delta)
    if type(event) is RealtimeHistoryUpdated:
        # Of what it shares with other events' histories, the last item is the one that may be no other's.
        return size_of(event.history[-1]) if event.history else 0
    return 0


def compact(events: Iterable[RealtimeSessionEvent]) -> tuple[list[RealtimeSessionEvent], int]:
    """Return the events merged into fewer, and how many raw events were dropped.

    Within each run of bulk events, audio of one part becomes one chunk and captions of one item one caption, in the
    order of their first pieces; only the last `history_updated` stays, at the run's end. Other events keep their
    places.
    """
    kept: list[RealtimeSessionEvent] = []
    run: list[RealtimeSessionEvent] = []
    shed = 0
    for event in events:
        if isinstance(event, RealtimeRawModelEvent):
            shed += 1
        elif event.type in BULK:
            run.append(event)
        else:
            kept += _merge(run)
            kept.append(event)
            run.clear()
    return kept + _merge(run), shed


def _merge(run: list[RealtimeSessionEvent]) -> list[RealtimeSessionEvent]:
    if len(run) < 2:
        return run.copy()
    groups: dict[tuple[object, ...], list[RealtimeSessionEvent]] = {}
    sizes: dict[tuple[object, ...], int] = {}
    history: RealtimeHistoryUpdated | None = None
    for event in run:
        if isinstance(event, RealtimeAudio):
            part = ("audio", event.audio.response_id, event.item_id, event.content_index)
            before = sizes.get(part, 0)
            sizes[part] = before + len(event.audio.data)
            groups.setdefault((*part, before // _MERGED_BYTES), []).append(event)
        elif isinstance(event, RealtimeTranscriptDelta):
            groups.setdefault(("caption", event.item_id, event.role), []).append(event)
        elif isinstance(event, RealtimeHistoryUpdated):
            history = event
    merged = [_join(group) for group in groups.values()]
    return merged if history is None else [*merged, history]


def _join(group: list[RealtimeSessionEvent]) -> RealtimeSessionEvent:
    first = group[0]
    if len(group) == 1:
        return first
    if isinstance(first, RealtimeAudio):
        data = b"".join(event.audio.data for event in group if isinstance(event, RealtimeAudio))
        return replace(first, audio=replace(first.audio, data=data))
    if isinstance(first, RealtimeTranscriptDelta):
        return replace(first, delta="".join(e.delta for e in group if isinstance(e, RealtimeTranscriptDelta)))
    return first
