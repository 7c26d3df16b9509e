"""How waiting events are made fewer when their reader lags. Pure; `event_queue.py` says when and why."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from speakerd.realtime.session.events import (
    RealtimeAudio,
    RealtimeHistoryUpdated,
    RealtimeRawModelEvent,
    RealtimeSessionEvent,
    RealtimeTranscriptDelta,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

BULK = frozenset({"audio", "transcript_delta", "history_updated", "raw_model_event"})
"""Types that come many to a reply, and that are merged or shed."""


def weight(event: RealtimeSessionEvent) -> int:
    """How many bytes of audio the event holds."""
    return len(event.audio.data) if isinstance(event, RealtimeAudio) else 0


def compact(events: Iterable[RealtimeSessionEvent]) -> tuple[list[RealtimeSessionEvent], int]:
    """The same events in fewer, and how many raw events were shed for it.

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
    history: RealtimeHistoryUpdated | None = None
    for event in run:
        if isinstance(event, RealtimeAudio):
            groups.setdefault(
                ("audio", event.audio.response_id, event.item_id, event.content_index), []
            ).append(event)
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
