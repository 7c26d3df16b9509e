"""A protocol without a wire, for tests: frames in, events out; requests in, frames out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from speakerd.realtime.model.playback_tracker import RealtimePlaybackTracker
from speakerd.realtime.testing import server_events as s
from speakerd.realtime.wire.protocol import RealtimeProtocol
from tests.realtime.validation import validate_client_event

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MANUAL = {"turn_detection": None}


class Wire:
    """A protocol with its two ends: what it sends is validated, what it tells is collected."""

    def __init__(self, settings: Any = None, *, tracker: bool = True) -> None:
        self.tracker = RealtimePlaybackTracker() if tracker else None
        self.protocol = RealtimeProtocol(settings, tracker=self.tracker)
        self.now = 0.0
        self.told: list[Any] = []
        self.sent: list[dict[str, Any]] = []
        self.connect()

    def connect(self, history: Sequence[Any] = ()) -> None:
        self._collect(self.protocol.connected(history, self.now))

    def lose(self) -> None:
        self._collect(self.protocol.connection_lost())

    def hear(self, *events: Mapping[str, Any] | str) -> None:
        for event in events:
            frame = event if isinstance(event, str) else json.dumps(event)
            self._collect(self.protocol.receive(frame, self.now))

    def ask(self, *requests: Any) -> None:
        for request in requests:
            self._collect(self.protocol.send(request, self.now))

    def play(self, item_id: str, ms: float) -> None:
        assert self.tracker is not None
        self.tracker.on_play_ms(item_id, 0, ms)

    def types(self) -> list[str]:
        """The types of what was sent since the last call."""
        sent, self.sent = self.sent, []
        return [event["type"] for event in sent]

    def events(self, kind: str) -> list[Any]:
        return [event for event in self.told if event.type == kind]

    def _collect(self, events: list[Any]) -> None:
        self.told += events
        self.sent += [validate_client_event(frame) for frame in self.protocol.data_to_send()]


def speaking(response_id: str = "resp_1", item_id: str = "item_1", ms: int = 1000) -> list[dict[str, Any]]:
    begun = [s.response_created(response_id), *s.spoken_begin(response_id, item_id)]
    return [*begun, *s.spoken_deltas(response_id, item_id, "one two three four", ms)]
