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


def frames_of(protocol: RealtimeProtocol) -> list[str]:
    """Take the frames that are to be sent now, in order."""
    return list(iter(protocol.next_frame, None))


class Wire:
    """A protocol with its two ends: what it sends is validated, what it tells is collected.

    Its server confirms each `session.update`, unless `confirms` is False.
    """

    def __init__(
        self,
        settings: Any = None,
        *,
        tracker: bool = True,
        confirms: bool = True,
        one_session: bool = False,
    ) -> None:
        self.confirms = confirms
        self.tracker = RealtimePlaybackTracker() if tracker else None
        self.protocol = RealtimeProtocol(settings, tracker=self.tracker, one_session=one_session)
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

    def pass_time(self, seconds: float) -> None:
        """Let so much time pass; the protocol is called at each of its deadlines, as a transport does."""
        end = self.now + seconds
        while (deadline := self.protocol.deadline) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            self._collect(self.protocol.tick(self.now))
        self.now = end

    def tick(self) -> None:
        self._collect(self.protocol.tick(self.now))

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
        while frames := [validate_client_event(frame) for frame in frames_of(self.protocol)]:
            self.sent += frames
            for event in frames:
                if self.confirms and event["type"] == "session.update":
                    # Not as a frame: whether the server has answered at all is what tests ask for.
                    self.protocol._state.settings.confirmed()
                    self.protocol._state.settle(self.now)


def speaking(response_id: str = "resp_1", item_id: str = "item_1", ms: int = 1000) -> list[dict[str, Any]]:
    begun = [s.response_created(response_id), *s.spoken_begin(response_id, item_id)]
    return [*begun, *s.spoken_deltas(response_id, item_id, "one two three four", ms)]
