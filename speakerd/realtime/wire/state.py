"""What the two directions of the wire protocol share: the state of one conversation on the wire.

`receive` and `send` hold the rules, as functions of this state; `protocol` is the class around them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, assert_never

from speakerd.realtime import event_names as names
from speakerd.realtime.bounded import BoundedDict, BoundedSet
from speakerd.realtime.dialects import OPENAI, Dialect
from speakerd.realtime.errors import (
    NoAnswerError,
    NotConfirmedError,
    SettingRefusedError,
    SetUpRefusedError,
    ThrottledError,
)
from speakerd.realtime.items import RealtimeToolCallItem
from speakerd.realtime.model import (
    RealtimeModelAudioInterruptedEvent,
    RealtimeModelErrorEvent,
    RealtimeModelItemDeletedEvent,
    RealtimeModelItemTruncatedEvent,
    RealtimeModelItemUpdatedEvent,
)
from speakerd.realtime.wire.due import DUE, UPDATES, Allowance
from speakerd.realtime.wire.encoding import (
    EventIds,
    encode,
    for_dialect,
    function_output,
    response_for_dialect,
)
from speakerd.realtime.wire.hosted_calls import HostedCalls
from speakerd.realtime.wire.identities import Identities
from speakerd.realtime.wire.parsing import ServerEvent
from speakerd.realtime.wire.playback_position import PlaybackPosition, Remove
from speakerd.realtime.wire.resend_buffer import ResendBuffer
from speakerd.realtime.wire.response import (
    ActiveResponse,
    Cancel,
    Create,
    QueueAction,
    ResponseRequest,
    Throttled,
)
from speakerd.realtime.wire.response_queue import MAX_WAITING, ResponseQueue
from speakerd.realtime.wire.server_ids import ServerIds
from speakerd.realtime.wire.session_settings import SessionSettings, to_session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from speakerd.realtime.model import ErrorSubject, RealtimeModelEvent, RealtimeModelToolCallEvent
    from speakerd.realtime.wire.playback_position import PlayedLength

AudioDue: TypeAlias = Literal["committed", "item_of_speech", "cleared"]
"""What may be awaited about the user's audio, of `Due`."""

ServerEventHandler: TypeAlias = Callable[["WireState", ServerEvent, float], None]
"""What one server event means: a function of the state, the event and the time."""

MAX_UNSENT_BYTES = 32 * 1024 * 1024
"""Frames that may wait for a socket that takes nothing; beyond it the connection is replaced. A reconnect sends the
conversation, and up to a minute of audio: some 4 MB."""


@dataclass(slots=True)
class WireState:
    """The state of one conversation on the wire, over all of its connections."""

    settings: SessionSettings
    playback: PlaybackPosition
    ids: EventIds
    response_ids: Identities
    item_ids: Identities
    """Of items that responses put out."""
    call_ids: Identities
    dialect: Dialect = OPENAI
    """In what the server differs from the current protocol."""
    server_ids: ServerIds = field(default_factory=ServerIds)
    responses: ResponseQueue = field(default_factory=ResponseQueue)
    resend: ResendBuffer = field(default_factory=ResendBuffer)
    connected: bool = False
    """A connection is open: frames may be sent."""
    ready: bool = False
    """The server has answered on this connection."""
    setting_up: bool = False
    """The opening settings are neither confirmed nor refused yet: no response is asked for."""
    set_up_refused: SetUpRefusedError | None = None
    """The server refused what the assistant is made of: no response is asked for."""
    expires_at: float | None = None
    """When the server will end this session, in seconds since 1970, if it says so."""
    user_speaks: bool = False
    """The server detected the beginning of speech, and has not made an item of it yet."""
    turn_item_id: str | None = None
    """The id under which the last turn of the user is known here, at a server that gives it several."""
    has_audio: bool = False
    """This session has produced audio: the voice is locked."""
    audio_sent_at: float | None = None
    """When the user's audio was last sent."""
    audio_due: dict[AudioDue, float] = field(default_factory=dict)
    """What is awaited about the user's audio, and since when."""
    clears_confirmed: bool = False
    """This server has confirmed that it cleared its input buffer."""
    frames: deque[str] = field(default_factory=deque)
    unsent_bytes: int = 0
    """The length of `frames`."""
    halves: BoundedDict[tuple[str, str, int], str] = field(default_factory=BoundedDict)
    """Halves of characters that a delta ended with, by its type, item and part: the next one has the rest."""
    growing: BoundedDict[str, str] = field(default_factory=BoundedDict)
    """Transcripts of the user's speech that grow, by item id."""
    update_allowance: Allowance = field(default_factory=lambda: Allowance(UPDATES))
    update_at: float | None = None
    """When an update may be sent that waits because too many were asked for."""
    events: list[RealtimeModelEvent] = field(default_factory=list)
    calls: BoundedDict[str, RealtimeModelToolCallEvent] = field(default_factory=BoundedDict)
    """Tool calls being received, by item id: reported when they are complete."""
    open_calls: BoundedSet[str] = field(default_factory=BoundedSet)
    """Tool calls reported and not answered yet, by call id."""
    reported_calls: BoundedSet[str] = field(default_factory=BoundedSet)
    harmless: BoundedSet[str] = field(default_factory=BoundedSet)
    """Client events whose refusal is not reported: what they asked for was the case already."""
    created_items: BoundedDict[str, str] = field(default_factory=BoundedDict)
    """Items that this client creates, by the id of the client event."""
    replayed: BoundedSet[str] = field(default_factory=BoundedSet)
    """Items sent again after a reconnect: the server's confirmations of them are not reported."""
    hosted: HostedCalls = field(default_factory=HostedCalls)
    begun_at: float | None = None
    """When the conversation so far was sent on this connection; `None` once the server has taken it."""
    begun_in_vain: int = 0
    """How many connections in a row were lost before the server had taken it."""
    left_out: BoundedSet[str] = field(default_factory=BoundedSet)
    """Items that are not sent again on a further connection."""
    must_reconnect: str | None = None
    """Why this connection has to be replaced."""
    refusal: Mapping[str, Any] | None = None
    """An error of the server after which reconnecting cannot help."""

    def emit(self, event: RealtimeModelEvent) -> None:
        """Report an event to the listeners, after those that were reported before."""
        self.events.append(event)

    def send(self, event_type: str, **fields: Any) -> str:
        """Send a client event; return its id."""
        event_id = self.ids.event()
        self.send_event({"event_id": event_id, "type": event_type, **fields})
        return event_id

    def send_event(self, event: Mapping[str, Any]) -> None:
        """Send a client event that has its id."""
        self.send_frame(encode(self.server_ids.original(event)))

    def send_harmless(self, event_type: str, **fields: Any) -> None:
        """Send a client event whose refusal does not matter; not to a server that lacks it."""
        if event_type not in self.dialect.lacks:
            self.harmless.add(self.send(event_type, **fields))

    def send_frame(self, frame: str) -> None:
        """Send a client event that is encoded already."""
        self.frames.append(frame)
        self.unsent_bytes += len(frame)

    def request(self, request: ResponseRequest, now: float) -> None:
        """Ask for a response, as soon as there may be one."""
        if self.set_up_refused is not None:
            self.emit(RealtimeModelErrorEvent(self.set_up_refused))
        elif request.out_of_band and not self.dialect.out_of_band:
            reason = "this server has no responses beside the conversation"
            self.emit(RealtimeModelErrorEvent(NoAnswerError(reason), about="aside"))
        else:
            self.perform(self.responses.request(request, now))
            self.report_given_up(f"more than {MAX_WAITING} requests waited for their turn")

    def report_given_up(self, reason: str) -> None:
        """Report the requests for a response that were given up for that reason."""
        for request in self.responses.take_given_up():
            about: ErrorSubject = "aside" if request.out_of_band else "response"
            self.emit(RealtimeModelErrorEvent(NoAnswerError(reason), about=about))

    def delivered(self, response: ActiveResponse) -> None:
        """Something of a response reached the listeners or a hosted tool: it is not asked for again."""
        if not response.delivered:
            response.delivered = True
            self.refusal = None
            if not response.out_of_band:
                self.resend.answered()

    def conversation_taken(self) -> None:
        """The server has taken the conversation that was sent at the beginning of this connection."""
        self.begun_at, self.begun_in_vain = None, 0

    def add_item(self, item: Mapping[str, Any], previous_item_id: str | None = None) -> None:
        """Add an item to the conversation: it is kept until the server has confirmed it, and sent where connected.

        Raises:
            UserError: it is not JSON. Nothing was kept: it would fail on each connection.
        """
        encode(item)
        self.resend.create(item, previous_item_id)
        if self.connected:
            self.create_item(item, previous_item_id)

    def answer_call(self, call: RealtimeModelToolCallEvent, output: str) -> None:
        """Add the output of a call to the conversation, and report its item as completed."""
        self.add_item(function_output(call.call_id, output, self.ids.item("function_call_output")))
        self.report_call(call, output)

    def report_call(self, call: RealtimeModelToolCallEvent, output: str | None = None) -> None:
        """Report the item of a call: in progress, or completed with its output."""
        item = RealtimeToolCallItem(
            item_id=call.id or call.call_id,
            name=call.name,
            arguments=call.arguments,
            output=output,
            call_id=call.call_id,
            previous_item_id=call.previous_item_id,
            status="in_progress" if output is None else "completed",
        )
        self.emit(RealtimeModelItemUpdatedEvent(item))

    def create_item(self, item: Mapping[str, Any], previous_item_id: str | None = None) -> None:
        """Send `conversation.item.create`; the item goes to the end, or after that of `previous_item_id`."""
        previous = self.item_ids.theirs(previous_item_id or "")
        where = {"previous_item_id": previous} if previous else {}
        item = self._in_their_words(for_dialect(item, self.dialect))
        event_id = self.send(names.ITEM_CREATE, item=item, **where)
        self.server_ids.sent(item)
        if (item_id := item.get("id")) is not None:
            self.created_items[event_id] = item_id

    def _in_their_words(self, item: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return an item that names a call by the id that the server gave it, if it gave one."""
        theirs = self.call_ids.theirs(item.get("call_id", ""))
        return {**item, "call_id": theirs} if theirs else item

    def perform(self, actions: Sequence[QueueAction]) -> None:
        """Send the requests and cancellations that the response queue decided on; report what it throttles."""
        for action in actions:
            match action:
                case Create(request):
                    params = request.params
                    if params is not None:
                        params = response_for_dialect(params, self.dialect)
                    response = {} if params is None else {"response": params}
                    self.send_event({"event_id": request.event_id, "type": names.RESPONSE_CREATE, **response})
                case Cancel(response_id):
                    theirs = self.response_ids.theirs(response_id)
                    self.send_harmless(names.RESPONSE_CANCEL, response_id=theirs)
                case Throttled(wait_s):
                    self.emit(RealtimeModelErrorEvent(ThrottledError(names.RESPONSE_CREATE, wait_s)))
                case _:
                    assert_never(action)

    def cut_playback(self, now: float, response_id: str | None = None) -> None:
        """Stop playback, and have the server cut its items to what was heard of them.

        With an id, only the items of that response: what another one says after it goes on.
        """
        cut = self.playback.interrupt(now, response_id)
        if cut.current is not None:
            self.emit(RealtimeModelAudioInterruptedEvent(*cut.current))
        for action in cut.actions:
            if isinstance(action, Remove):
                self.remove_item(action.item_id, on_server=action.kind != "aside")
                continue
            theirs = self.item_ids.theirs(action.item_id) if action.kind == "live" and self.connected else ""
            if theirs and names.ITEM_TRUNCATE not in self.dialect.lacks:
                self.send(
                    names.ITEM_TRUNCATE,
                    item_id=theirs,
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
        if self.connected and (theirs := self.item_ids.theirs(item_id)):
            self.send_harmless(names.ITEM_DELETE, item_id=theirs)
        self.emit(RealtimeModelItemDeletedEvent(item_id))

    # The settings.

    def update_session(self, now: float) -> None:
        """Send the wanted settings that are neither in force nor on their way."""
        if not self.connected:
            return
        self.update_at = None
        in_turn = self.responses.running is not None
        for table in self.settings.updates(has_audio=self.has_audio, in_turn=in_turn):
            if (wait_s := self.update_allowance.try_take(now)) > 0.0:
                self.update_at = now + wait_s
                self.emit(RealtimeModelErrorEvent(ThrottledError(names.SESSION_UPDATE, wait_s)))
                return
            self.settings.sent(
                self.send(names.SESSION_UPDATE, session=to_session(table, self.dialect)), table, now
            )

    def update_refused(self, parameters: Sequence[str], message: str, code: str | None, now: float) -> None:
        """The server refused these settings: report it, and send the rest without them."""
        for parameter in parameters:
            self.emit(RealtimeModelErrorEvent(SettingRefusedError(parameter, message, code)))
        if (essential := self.settings.essential_refused) is not None and self.set_up_refused is None:
            self.set_up_refused = SetUpRefusedError(essential, message)
            self.responses.drop_waiting()
            self.emit(RealtimeModelErrorEvent(self.set_up_refused))
        self.update_session(now)
        self.settle(now)

    def settle(self, now: float) -> None:
        """Once all settings are confirmed or refused, let requests for responses go."""
        if self.settings.essential_refused is None:
            self.set_up_refused = None
        if not self.setting_up or self.set_up_refused is not None:
            return
        if self.settings.unconfirmed_since is None and self.update_at is None:
            self.setting_up = False
            self.perform(self.responses.reconnected(now))

    @property
    def update_due_at(self) -> float | None:
        """By when an update has to be confirmed; `None` if none is on its way."""
        since = self.settings.unconfirmed_since
        return None if since is None else since + DUE["set_up" if self.setting_up else "update"].within_s

    def update_overdue(self, now: float) -> None:
        """The server has not confirmed an update in time."""
        rule = DUE["set_up" if self.setting_up else "update"]
        if self.settings.confirms:
            self.must_reconnect = f"the server did not send {rule.awaited} within {rule.within_s:g} s"
            return
        self.settings.assume_confirmed()
        self.emit(RealtimeModelErrorEvent(NotConfirmedError(rule.within_s)))
        self.settle(now)


def new_state(
    *,
    tracker: PlayedLength | None,
    salt: str,
    send_model: bool,
    dialect: Dialect = OPENAI,
    one_session: bool = False,
    allowance: Allowance | None = None,
) -> WireState:
    """Make the state of a conversation that has not begun."""
    ids = EventIds(salt, dialect.id_prefixes)
    return WireState(
        settings=SessionSettings(send_model=send_model, dialect=dialect),
        playback=PlaybackPosition(tracker),
        ids=ids,
        response_ids=Identities(ids.response),
        item_ids=Identities(lambda: ids.item("assistant")),
        call_ids=Identities(ids.call),
        dialect=dialect,
        server_ids=ServerIds(one_session=one_session),
        responses=ResponseQueue(supersedes=dialect.supersedes, allowance=allowance),
    )
