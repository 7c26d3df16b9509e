"""The realtime wire protocol without a wire: frames in, model events out; requests in, frames out.

    protocol = RealtimeProtocol(settings)
    protocol.connected(history, now)                    # a WebSocket is open
    while frame := protocol.next_frame(): ...           # send these, in order
    for event in protocol.receive(frame, now): ...      # report these, in order
    for event in protocol.send(request, now): ...

One instance serves a whole conversation, over as many connections as it takes: `connection_lost()` ends one,
`connected()` begins the next, on which the conversation so far, what was not answered and what was requested
meanwhile are sent. `tick(now)` has to be called at `deadline`.

No I/O, no clock, no asyncio: `now` is any monotonic time in seconds. Not thread-safe. No frame raises: one that
cannot be read becomes an `error` event, one of an unknown type an `other` event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from speakerd.realtime.dialects import OPENAI, Dialect
from speakerd.realtime.errors import BadFrameError, UserError
from speakerd.realtime.event_names import SERVER_EVENTS, canonical
from speakerd.realtime.model import (
    FORMATS,
    RealtimeModelErrorEvent,
    RealtimeModelOtherEvent,
    RealtimeModelRawServerEvent,
)
from speakerd.realtime.wire import overdue, receive, send
from speakerd.realtime.wire.codec import load_json
from speakerd.realtime.wire.parsing import HIGH_SURROGATES, all_well_formed, index, text
from speakerd.realtime.wire.receive_hosted import hosted_calls_lost
from speakerd.realtime.wire.receive_responses import emit_turn_ended
from speakerd.realtime.wire.session_settings import OUTPUT_FORMAT
from speakerd.realtime.wire.state import MAX_UNSENT_BYTES, new_state

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from speakerd.realtime.items import RealtimeItem
    from speakerd.realtime.model import (
        RealtimeModelEvent,
        RealtimeModelSendEvent,
        RealtimeSessionModelSettings,
    )
    from speakerd.realtime.wire.due import Allowance
    from speakerd.realtime.wire.playback_position import PlayedLength

SPEAKING_S = 2.0
"""How long after the last audio the user counts as speaking."""

_CONNECTION_LOST = {"status": "incomplete", "status_details": {"reason": "connection_lost"}}


class RealtimeProtocol:
    """One conversation on the wire: frames to model events, requests to frames.

    Args:
        settings: The settings the session begins with.
        tracker: Reports how much was played; without one it is estimated.
        salt: Part of the ids that are made here, so that they are new to a server that keeps conversations.
        send_model: Send the model's name in the settings too: for servers whose address does not contain it.
        raw_events: Report every frame as a `raw_server_event`.
        dialect: In what the server differs from the current protocol.
        one_session: All connections lead to the same session of the server, as those to a running call do.
        allowance: Bounds the requests for responses; to be shared by all conversations with one server.

    Raises:
        UserError: a setting is invalid.
    """

    def __init__(
        self,
        settings: RealtimeSessionModelSettings | None = None,
        *,
        tracker: PlayedLength | None = None,
        salt: str = "",
        send_model: bool = False,
        raw_events: bool = True,
        dialect: Dialect = OPENAI,
        one_session: bool = False,
        allowance: Allowance | None = None,
    ) -> None:
        self._raw_events = raw_events
        self._state = new_state(
            tracker=tracker,
            salt=salt,
            send_model=send_model,
            dialect=dialect,
            one_session=one_session,
            allowance=allowance,
        )
        send.want(self._state, settings or {})

    # The connection.

    def connected(self, history: Sequence[RealtimeItem], now: float) -> list[RealtimeModelEvent]:
        """A connection was opened. `history` is the conversation so far; empty for the first connection."""
        send.begin(self._state, history, now)
        return self._take()

    def connection_lost(self) -> list[RealtimeModelEvent]:
        """The connection is lost, or is about to be left. Audio that was received goes on playing."""
        state = self._state
        if state.connected:
            state.resend.connection_lost(turns_ask=send.turns_ask(state))
        state.connected = state.ready = state.has_audio = state.user_speaks = state.setting_up = False
        lost_because, state.must_reconnect = state.must_reconnect or "the connection was lost", None
        if state.begun_at is not None:
            state.begun_in_vain += 1
        state.expires_at = state.update_at = state.begun_at = None
        state.audio_due.clear()
        state.frames.clear()
        state.unsent_bytes = 0
        state.halves.clear()
        state.settings.connection_lost()
        state.playback.connection_lost()
        for remembered in (state.harmless, state.replayed):
            remembered.clear()
        state.calls.clear()
        state.created_items.clear()
        for response in state.responses.connection_lost():
            if not (response.delivered or response.out_of_band):
                # It is requested again: what was begun of it and never heard is not part of the conversation.
                for item_id in response.items:
                    state.remove_item(item_id)
            emit_turn_ended(state, response, _CONNECTION_LOST)
        hosted_calls_lost(state)
        state.report_given_up(lost_because)
        return self._take()

    @property
    def is_ready(self) -> bool:
        """Whether the server has answered on this connection."""
        return self._state.ready

    @property
    def must_reconnect(self) -> str | None:
        """Why this connection has to be replaced; `None` while it has not."""
        return self._state.must_reconnect

    @property
    def expires_at(self) -> float | None:
        """When the server will end this session, in seconds since 1970; `None` if it has not said so."""
        return self._state.expires_at

    @property
    def awaits_server(self) -> bool:
        """Whether the server has to send something: its silence then has a meaning."""
        state = self._state
        return (
            state.responses.awaits_server
            or bool(state.audio_due)
            or state.settings.unconfirmed_since is not None
        )

    def is_user_audio_sent(self, now: float) -> bool:
        """Return whether the user's audio was sent within the last moments."""
        sent_at = self._state.audio_sent_at
        return sent_at is not None and now - sent_at < SPEAKING_S

    @property
    def refusal(self) -> Mapping[str, Any] | None:
        """The server's error after which reconnecting cannot help; `None` if there was none."""
        return self._state.refusal

    @property
    def output_format(self) -> Mapping[str, Any]:
        """The requested format of the output audio, in the wire's form."""
        return self._state.settings.get(OUTPUT_FORMAT) or FORMATS["pcm16"]

    def is_between_responses(self) -> bool:
        """Return whether no response runs or is awaited, and the user is not speaking."""
        state = self._state
        return state.responses.idle and not state.user_speaks

    def is_quiet(self, now: float) -> bool:
        """Return whether nobody speaks, nothing plays and no tool runs: the session can be replaced unnoticed."""
        state = self._state
        speaking = state.resend.has_uncommitted and not state.settings.server_detects_turns
        return (
            self.is_between_responses()
            and not speaking
            and not state.open_calls
            and state.playback.outstanding_ms(now) <= 0
        )

    # Frames.

    def receive(self, frame: str | bytes, now: float) -> list[RealtimeModelEvent]:
        """Process one frame of the server; return the events it leads to, in order."""
        try:
            event = load_json(frame)
            if self._state.halves or _may_have_surrogates(frame):
                event = self._joined(event)
        except (ValueError, RecursionError) as error:
            return [RealtimeModelErrorEvent(BadFrameError(f"not JSON: {error}", frame))]
        if type(event) is not dict or not isinstance(kind := event.get("type"), str):
            return [RealtimeModelErrorEvent(BadFrameError("not an event object with a type", frame))]
        state = self._state
        if self._raw_events:
            state.events.append(RealtimeModelRawServerEvent(event, size=len(frame)))
        if kind != "error":
            state.ready = True
        handler = receive.HANDLERS.get(name := canonical(kind))
        if handler is not None:
            try:
                handler(state, state.server_ids.received(name, event), now)
            except Exception as error:  # noqa: BLE001  # no frame, however odd, may end the session
                state.emit(RealtimeModelErrorEvent(BadFrameError(f"{type(error).__name__}: {error}", frame)))
        else:
            if name.startswith("response."):
                receive.sign_of_life(state, event, now)
            if name not in SERVER_EVENTS:
                state.emit(RealtimeModelOtherEvent(event))
        return self._take()

    def send(self, request: RealtimeModelSendEvent, now: float) -> list[RealtimeModelEvent]:
        """Process a request of the session; return the events it leads to at once.

        Raises:
            UserError: the request is invalid; the message says what to change.
        """
        handler = send.HANDLERS.get(type(request))
        if handler is None:
            raise UserError(
                f"a model takes the classes of RealtimeModelSendEvent, not {type(request).__name__}"
            )
        state = self._state
        if state.unsent_bytes > MAX_UNSENT_BYTES:
            state.must_reconnect = "the server does not take what is sent"
        handler(state, request, now)
        return self._take()

    @property
    def has_data_to_send(self) -> bool:
        """Whether `next_frame()` would return a frame."""
        return bool(self._state.frames)

    def next_frame(self) -> str | None:
        """Return the frame that has to be sent now, once; `None` if there is none."""
        state = self._state
        if not state.frames:
            return None
        frame = state.frames.popleft()
        state.unsent_bytes -= len(frame)
        return frame

    # Time.

    @property
    def deadline(self) -> float | None:
        """When `tick()` has to be called; `None`: not at all."""
        state = self._state
        if not state.connected or state.must_reconnect is not None:
            return None
        return min((at for at, _ in overdue.waits(state)), default=None)

    def tick(self, now: float) -> list[RealtimeModelEvent]:
        """Carry out what follows from what the server did not send in time, by the table in `due`.

        Afterwards `must_reconnect` may say that the connection has to be replaced.
        """
        if self._state.connected:
            overdue.tick(self._state, now)
        return self._take()

    def _joined(self, event: Any) -> Any:
        """Return the event with well-formed texts; a character split over two deltas comes with the second."""
        state = self._state
        if isinstance(event, dict) and isinstance(delta := event.get("delta"), str):
            key = (text(event, "type"), text(event, "item_id"), index(event))
            delta = state.halves.pop(key, "") + delta
            if HIGH_SURROGATES[0] <= delta[-1:] <= HIGH_SURROGATES[1]:
                state.halves[key], delta = delta[-1], delta[:-1]
            event["delta"] = delta
        elif isinstance(event, dict) and text(event, "type").endswith((".done", ".completed")):
            state.halves.clear()
        return all_well_formed(event)

    def _take(self) -> list[RealtimeModelEvent]:
        events, self._state.events = self._state.events, []
        return events


def _may_have_surrogates(frame: str | bytes) -> bool:
    """Return whether a text in the frame may be half of a character, which JSON can escape. Fast where not."""
    if isinstance(frame, bytes):
        return b"\\ud" in frame or b"\\uD" in frame
    return "\\" in frame and ("\\ud" in frame or "\\uD" in frame)
