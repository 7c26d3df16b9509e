"""What the two directions of the wire protocol share: the state of one conversation on the wire.

`receive` and `send` hold the rules, as functions of this state; `protocol` is the class around them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

from speakerd.realtime import event_names as names
from speakerd.realtime.bounded import BoundedDict, BoundedSet
from speakerd.realtime.model import (
    RealtimeModelAudioInterruptedEvent,
    RealtimeModelItemDeletedEvent,
    RealtimeModelItemTruncatedEvent,
)
from speakerd.realtime.wire.encoding import EventIds, encode
from speakerd.realtime.wire.parsing import ServerEvent
from speakerd.realtime.wire.playback_position import PlaybackPosition, Remove
from speakerd.realtime.wire.resend_buffer import ResendBuffer
from speakerd.realtime.wire.response_queue import Cancel, Create, QueueAction, ResponseQueue
from speakerd.realtime.wire.session_settings import SessionSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from speakerd.realtime.model import RealtimeModelEvent, RealtimeModelToolCallEvent
    from speakerd.realtime.wire.playback_position import PlayedLength

ServerEventHandler: TypeAlias = Callable[["WireState", ServerEvent, float], None]
"""What one server event means: a function of the state, the event and the time."""

REMEMBERED = 256
"""Ids kept of each kind that has to be recognised when it comes again."""


def _remembered() -> BoundedSet[str]:
    return BoundedSet(REMEMBERED)


@dataclass(slots=True)
class WireState:
    """The state of one conversation on the wire, over all of its connections."""

    settings: SessionSettings
    playback: PlaybackPosition
    ids: EventIds
    responses: ResponseQueue = field(default_factory=ResponseQueue)
    resend: ResendBuffer = field(default_factory=ResendBuffer)
    connected: bool = False
    """A connection is open: frames may be sent."""
    ready: bool = False
    """The server has answered on this connection."""
    session_id: str | None = None
    user_speaks: bool = False
    """The server detected the beginning of speech, and has not made an item of it yet."""
    has_audio: bool = False
    """This session has produced audio: the voice is locked."""
    frames: deque[str] = field(default_factory=deque)
    events: list[RealtimeModelEvent] = field(default_factory=list)
    calls: BoundedDict[str, RealtimeModelToolCallEvent] = field(
        default_factory=lambda: BoundedDict(REMEMBERED)
    )
    """Tool calls being received, by item id: reported when they are complete."""
    open_calls: BoundedSet[str] = field(default_factory=_remembered)
    """Tool calls reported and not answered yet, by call id."""
    reported_calls: BoundedSet[str] = field(default_factory=_remembered)
    harmless: BoundedSet[str] = field(default_factory=_remembered)
    """Client events whose refusal is not reported: what they asked for was the case already."""
    created_items: BoundedDict[str, str] = field(default_factory=lambda: BoundedDict(REMEMBERED))
    """Items that this client creates, by the id of the client event."""
    replayed: BoundedSet[str] = field(default_factory=_remembered)
    """Items sent again after a reconnect: the server's confirmations of them are not reported."""
    must_reconnect: str | None = None
    """Why this connection has to be replaced."""
    refusal: Mapping[str, Any] | None = None
    """An error of the server after which reconnecting cannot help."""

    def emit(self, event: RealtimeModelEvent) -> None:
        """Report an event to the listeners."""
        self.events.append(event)

    def send(self, event_type: str, **fields: Any) -> str:
        """Send a client event; return its id."""
        event_id = self.ids.event()
        self.frames.append(encode({"event_id": event_id, "type": event_type, **fields}))
        return event_id

    def create_item(self, item: Mapping[str, Any], previous_item_id: str | None = None) -> None:
        """Send `conversation.item.create`."""
        where = {} if previous_item_id is None else {"previous_item_id": previous_item_id}
        event_id = self.send(names.ITEM_CREATE, item=item, **where)
        if (item_id := item.get("id")) is not None:
            self.created_items[event_id] = item_id

    def perform(self, actions: Sequence[QueueAction]) -> None:
        """Send what the response queue decided."""
        for action in actions:
            match action:
                case Create(request):
                    response = {} if request.params is None else {"response": request.params}
                    self.frames.append(
                        encode({"event_id": request.event_id, "type": names.RESPONSE_CREATE, **response})
                    )
                case Cancel(response_id):
                    self.harmless.add(self.send(names.RESPONSE_CANCEL, response_id=response_id))
                case _:
                    assert_never(action)

    def cut_playback(self, now: float) -> None:
        """Stop playback, and have the server cut its items to what was heard of them."""
        cut = self.playback.interrupt(now)
        if cut.current is not None:
            self.emit(RealtimeModelAudioInterruptedEvent(*cut.current))
        for action in cut.actions:
            if isinstance(action, Remove):
                self.remove_item(action.item_id, on_server=action.kind != "aside")
                continue
            if action.kind == "live" and self.connected:
                self.send(
                    names.ITEM_TRUNCATE,
                    item_id=action.item_id,
                    content_index=action.content_index,
                    audio_end_ms=action.audio_end_ms,
                )
            if action.kind != "aside":
                self.emit(
                    RealtimeModelItemTruncatedEvent(
                        action.item_id, action.content_index, action.audio_end_ms, action.total_ms
                    )
                )

    def remove_item(self, item_id: str, *, on_server: bool = True) -> None:
        """Remove an item that was received and never heard."""
        self.playback.forget(item_id)
        if not on_server:
            return
        if self.connected:
            self.harmless.add(self.send(names.ITEM_DELETE, item_id=item_id))
        self.emit(RealtimeModelItemDeletedEvent(item_id))

    def update_session(self) -> None:
        """Send the wanted settings that differ from those in force."""
        if not self.connected:
            return
        session = self.settings.update(has_audio=self.has_audio, in_turn=self.responses.running is not None)
        if session is not None:
            self.send(names.SESSION_UPDATE, session=session)


def new_state(*, tracker: PlayedLength | None, salt: str, send_model: bool) -> WireState:
    """Make the state of a conversation that has not begun."""
    return WireState(
        settings=SessionSettings(send_model=send_model),
        playback=PlaybackPosition(tracker),
        ids=EventIds(salt),
    )
