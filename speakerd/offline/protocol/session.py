"""The server's half of the GA realtime protocol for one session, without sockets, processes or clocks.

Client events go in by `receive`, recognised text by `recognized`, speech by `speech`, time by `tick`; each call
returns an `Output`: events to send and effects to carry out. Nothing that a client sends raises: a mistake is
answered with an `error` event, and the session goes on.

One response at a time writes to the conversation; a few others may run outside of it (`conversation: "none"`). A
response whose input is not recognised yet waits for the recogniser, so that a client can commit and ask at once.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from speakerd.offline.items import Conversation, Item, Part
from speakerd.offline.protocol.effects import CloseConnection, FinishUtterance, StartUtterance, UtteranceAudio
from speakerd.offline.protocol.input_audio import CommittedUtterance, InputBuffer
from speakerd.offline.protocol.output import Output, OutputCollector
from speakerd.offline.protocol.read_item import read_audio, read_item
from speakerd.offline.protocol.read_response import read_spec
from speakerd.offline.protocol.responses import Response
from speakerd.offline.protocol.session_settings import SessionConfig
from speakerd.offline.protocol.turn_detection import SpeechOnset
from speakerd.offline.request_errors import (
    INVALID_REQUEST,
    SERVER_ERROR,
    RequestError,
    as_integer,
    as_text,
    only_keys,
    required,
)
from speakerd.realtime import event_names as names

if TYPE_CHECKING:
    from speakerd.offline.settings import OfflineSettings
    from speakerd.offline.understanding import Responder
    from speakerd.offline.values import ResponseSpec

MOST_OUTSIDE: Final = 8
"""Responses outside the conversation that may run at a time."""


class ServerSession:
    """The server's side of one session. Not thread-safe; never blocks."""

    def __init__(self, settings: OfflineSettings, responder: Responder, token: str) -> None:
        self._settings = settings
        self._responder = responder
        self._output = OutputCollector(token)
        self._session = SessionConfig(settings.voice)
        self._conversation = Conversation()
        self._input = InputBuffer(self._output, settings.longest_turn_s)
        self._hearing: dict[str, Item] = {}
        self._responses: dict[str, Response] = {}
        self._main: Response | None = None
        self._owed = False
        self._voice_locked = False
        self._ends_at: float | None = None
        self._handlers = {
            names.SESSION_UPDATE: self._on_session_update,
            names.INPUT_AUDIO_APPEND: self._on_append,
            names.INPUT_AUDIO_COMMIT: self._on_commit,
            names.INPUT_AUDIO_CLEAR: self._on_clear,
            names.ITEM_CREATE: self._on_item_create,
            names.ITEM_RETRIEVE: self._on_item_retrieve,
            names.ITEM_TRUNCATE: self._on_item_truncate,
            names.ITEM_DELETE: self._on_item_delete,
            names.RESPONSE_CREATE: self._on_response_create,
            names.RESPONSE_CANCEL: self._on_response_cancel,
            names.OUTPUT_AUDIO_CLEAR: self._on_output_clear,
        }

    # What comes in

    def start(self, now: float) -> Output:
        """The connection is open: announce the session."""
        self._ends_at = now + self._settings.max_session_s
        self._input.detect(self._session.turn_detection)
        self._input.phrases = self._responder.phrases(())
        self._output.emit(names.SESSION_CREATED, session=self._session.data)
        conversation = {"id": self._output.new_id("conv"), "object": "realtime.conversation"}
        self._output.emit(names.CONVERSATION_CREATED, conversation=conversation)
        return self._output.take()

    def receive(self, message: str | bytes, now: float) -> Output:
        """Handle a frame of the client."""
        event_id: str | None = None
        try:
            event = _parse(message)
            found = event.get("event_id")
            event_id = found[:200] if isinstance(found, str) else None
            kind = required(event, "type", "")
            handler = self._handlers.get(kind) if isinstance(kind, str) else None
            if handler is None:
                known = ", ".join(repr(name) for name in sorted(self._handlers))
                found_kind = repr(kind)[:100]
                raise RequestError(
                    "invalid_value", f"Invalid value: {found_kind}. Supported values are: {known}.", "type"
                )
            handler(event, now)
        except RequestError as refusal:
            self._output.refuse(refusal, event_id, INVALID_REQUEST)
        return self._finish(now)

    def recognized(self, utterance: str, text: str, now: float) -> Output:
        """An utterance was recognised; `text` is empty if there were no words in it."""
        item = self._hearing.pop(utterance, None)
        if item is not None:
            part = next(part for part in item.content if part.kind == "input_audio")
            part.transcript = text
            if self._session.transcribes and item.id in self._conversation:
                where = {"item_id": item.id, "content_index": item.content.index(part)}
                if text:
                    self._output.emit(names.INPUT_TRANSCRIPTION_DELTA, delta=text, **where)
                seconds = {"type": "duration", "seconds": part.audio_ms / 1000.0}
                self._output.emit(
                    names.INPUT_TRANSCRIPTION_COMPLETED, transcript=text, usage=seconds, **where
                )
            self._understood(utterance)
        return self._finish(now)

    def recognition_failed(self, utterance: str, message: str, now: float) -> Output:
        """An utterance could not be recognised; `message` says why."""
        item = self._hearing.pop(utterance, None)
        if item is not None:
            if self._session.transcribes and item.id in self._conversation:
                error = {
                    "type": SERVER_ERROR,
                    "code": "transcription_failed",
                    "message": message,
                    "param": None,
                }
                where = {"item_id": item.id, "content_index": 0}
                self._output.emit(names.INPUT_TRANSCRIPTION_FAILED, error=error, **where)
            self._understood(utterance)
        return self._finish(now)

    def speech(self, response_id: str, pcm: bytes, now: float) -> Output:
        """Take speech of a response: 24 kHz, 16-bit, mono."""
        if response_id in self._responses:
            self._responses[response_id].speech(pcm, now)
        return self._finish(now)

    def speech_ended(self, response_id: str, error: str | None, now: float) -> Output:
        """The speech of a response is complete, or could not be made; then `error` says why."""
        if response_id in self._responses:
            self._responses[response_id].speech_ended(error, now)
        return self._finish(now)

    def tick(self, now: float) -> Output:
        """Send what is due; to be called at `deadline`."""
        for response in list(self._responses.values()):
            response.tick(now)
        if self._ends_at is not None and now >= self._ends_at:
            self._ends_at = None
            minutes = self._settings.max_session_s / 60.0
            message = f"Your session hit the maximum duration of {minutes:g} minutes."
            self._output.refuse(RequestError(names.SESSION_EXPIRED, message), None, INVALID_REQUEST)
            self._output.perform(CloseConnection(names.CLOSE_GOING_AWAY, "maximum duration"))
        return self._finish(now)

    @property
    def deadline(self) -> float | None:
        """When `tick` will have something to do; None: not before another call."""
        times = [response.deadline for response in self._responses.values()]
        return min((time for time in (*times, self._ends_at) if time is not None), default=None)

    def waiting_ms(self, response_id: str) -> int:
        """Return the milliseconds of speech of a response that were made and not sent yet; 0 if it is over."""
        response = self._responses.get(response_id)
        return 0 if response is None else response.waiting_ms

    # The client's events

    def _on_session_update(self, event: dict[str, Any], _now: float) -> None:
        only_keys(event, "", frozenset({"type", "event_id", "session"}))
        patch = required(event, "session", "")
        speaking = self._main is not None
        self._session.update(patch, voice_locked=self._voice_locked, speaking=speaking)
        self._input.detect(self._session.turn_detection)
        self._input.phrases = self._responder.phrases(self._session.data["tools"])
        self._output.emit(names.SESSION_UPDATED, session=self._session.data)

    def _on_append(self, event: dict[str, Any], now: float) -> None:
        only_keys(event, "", frozenset({"type", "event_id", "audio"}))
        pcm = read_audio(required(event, "audio", ""), "audio")
        if len(pcm) > names.MAX_APPEND_BYTES:
            message = f"An append carries at most {names.MAX_APPEND_BYTES} bytes of audio."
            raise RequestError("audio_above_max_length", message, "audio")
        detection = self._session.turn_detection or {}
        for change in self._input.append(pcm):
            if isinstance(change, SpeechOnset):
                if self._main is not None and detection.get("interrupt_response", True):
                    self._main.cancel("turn_detected")
                    self._settle(now)
                continue
            self._take_in(change)
            if detection.get("create_response", True):
                self._respond_by_ourselves(now)

    def _on_commit(self, event: dict[str, Any], _now: float) -> None:
        only_keys(event, "", frozenset({"type", "event_id"}))
        self._take_in(self._input.commit())

    def _on_clear(self, event: dict[str, Any], _now: float) -> None:
        only_keys(event, "", frozenset({"type", "event_id"}))
        self._input.clear()
        self._output.emit(names.INPUT_AUDIO_CLEARED)

    def _on_item_create(self, event: dict[str, Any], _now: float) -> None:
        only_keys(event, "", frozenset({"type", "event_id", "item", "previous_item_id"}))
        item = read_item(required(event, "item", ""), "item", self._output.new_id)
        if item.type == "function_call_output" and not self._knows_call(item.fields["call_id"]):
            call_id = item.fields["call_id"][:100]
            message = f"Tool call ID '{call_id}' not found in conversation."
            raise RequestError("invalid_tool_call_id", message, "item.call_id")
        after = event.get("previous_item_id")
        before = self._conversation.add(
            item, None if after is None else as_text(after, "previous_item_id", 200)
        )
        self._output.emit(names.ITEM_ADDED, previous_item_id=before, item=item.wire())
        self._output.emit(names.ITEM_DONE, previous_item_id=before, item=item.wire())
        self._listen_to(item)

    def _on_item_retrieve(self, event: dict[str, Any], _now: float) -> None:
        only_keys(event, "", frozenset({"type", "event_id", "item_id"}))
        item = self._conversation.find(as_text(required(event, "item_id", ""), "item_id"))
        self._output.emit(names.ITEM_RETRIEVED, item=item.wire(with_audio=True))

    def _on_item_truncate(self, event: dict[str, Any], _now: float) -> None:
        only_keys(event, "", frozenset({"type", "event_id", "item_id", "content_index", "audio_end_ms"}))
        item_id = as_text(required(event, "item_id", ""), "item_id")
        index = as_integer(required(event, "content_index", ""), "content_index")
        end_ms = as_integer(required(event, "audio_end_ms", ""), "audio_end_ms")
        self._conversation.truncate(item_id, index, end_ms)
        where = {"item_id": item_id, "content_index": index, "audio_end_ms": end_ms}
        self._output.emit(names.ITEM_TRUNCATED, **where)

    def _on_item_delete(self, event: dict[str, Any], _now: float) -> None:
        only_keys(event, "", frozenset({"type", "event_id", "item_id"}))
        item_id = as_text(required(event, "item_id", ""), "item_id")
        self._conversation.delete(item_id)
        self._output.emit(names.ITEM_DELETED, item_id=item_id)

    def _on_response_create(self, event: dict[str, Any], now: float) -> None:
        only_keys(event, "", frozenset({"type", "event_id", "response"}))
        spec = read_spec(event.get("response"), self._session, self._conversation, self._output.new_id)
        if spec.in_conversation and self._main is not None:
            message = (
                f"Conversation already has an active response in progress: {self._main.id}. "
                "Wait until the response is finished before creating a new one."
            )
            raise RequestError(names.RESPONSE_ALREADY_ACTIVE, message)
        if len(self._responses) >= MOST_OUTSIDE:
            raise RequestError("too_many_responses", f"At most {MOST_OUTSIDE} responses may run at a time.")
        self._respond(spec, now)

    def _on_response_cancel(self, event: dict[str, Any], now: float) -> None:
        only_keys(event, "", frozenset({"type", "event_id", "response_id"}))
        response_id = event.get("response_id")
        response = (
            self._main if response_id is None else self._responses.get(as_text(response_id, "response_id"))
        )
        if response is None:
            raise RequestError(names.CANCEL_NOT_ACTIVE, "Cancellation failed: no active response found.")
        response.cancel("client_cancelled")
        self._settle(now)

    def _on_output_clear(self, _event: dict[str, Any], _now: float) -> None:
        message = "'output_audio_buffer.clear' is for WebRTC and SIP only: over a WebSocket the client plays."
        raise RequestError("invalid_value", message, "type")

    # Hearing

    def _take_in(self, utterance: CommittedUtterance) -> None:
        part = Part("input_audio", audio=utterance.pcm, audio_ms=len(utterance.pcm) // 48)
        item = Item(utterance.id, "message", role="user", content=[part])
        before = self._conversation.add(item)
        self._hearing[item.id] = item
        self._output.emit(names.INPUT_AUDIO_COMMITTED, previous_item_id=before, item_id=item.id)
        self._output.emit(names.ITEM_ADDED, previous_item_id=before, item=item.wire())
        self._output.emit(names.ITEM_DONE, previous_item_id=before, item=item.wire())

    def _listen_to(self, item: Item) -> None:
        """Recognise the audio of an item that the client created, unless it gave the transcript itself."""
        part = next((part for part in item.content if part.kind == "input_audio"), None)
        if part is None or part.transcript is not None:
            return
        self._hearing[item.id] = item
        self._output.perform(StartUtterance(item.id, self._input.phrases))
        self._output.perform(UtteranceAudio(item.id, self._input.for_recognizer(part.audio)))
        self._output.perform(FinishUtterance(item.id))

    def _understood(self, utterance: str) -> None:
        for response in list(self._responses.values()):
            if utterance in response.waits_for:
                response.waits_for.discard(utterance)
                self._think(response)

    # Answering

    def _respond_by_ourselves(self, now: float) -> None:
        if self._main is not None:
            self._owed = True
            return
        self._respond(read_spec(None, self._session, self._conversation, self._output.new_id), now)

    def _respond(self, spec: ResponseSpec, now: float) -> None:
        response = Response(spec, self._output, self._conversation, self._settings.pace)
        self._responses[response.id] = response
        if spec.in_conversation:
            self._main = response
        items = list(self._conversation) if spec.input is None else list(spec.input)
        response.begin(items)
        for item in items:
            if spec.input is not None and item.id not in self._conversation:
                self._listen_to(item)
        response.waits_for = {item.id for item in items if item.id in self._hearing}
        self._think(response)
        self._settle(now)

    def _think(self, response: Response) -> None:
        if response.waits_for or not response.active:
            return
        spec = response.spec
        items = list(self._conversation) if spec.input is None else list(spec.input)
        response.carry_out(self._responder.reply(spec, items))

    def _settle(self, now: float) -> None:
        """Remove the responses that are done, and begin the one that turn detection has asked for meanwhile."""
        for response in [found for found in self._responses.values() if not found.active]:
            del self._responses[response.id]
            self._voice_locked |= response.made_audio
            if response is self._main:
                self._main = None
        if self._main is None and self._owed:
            self._owed = False
            self._respond_by_ourselves(now)

    def _finish(self, now: float) -> Output:
        self._settle(now)
        return self._output.take()

    def _knows_call(self, call_id: str) -> bool:
        return any(
            item.type == "function_call" and item.fields.get("call_id") == call_id
            for item in self._conversation
        )


def _parse(message: str | bytes) -> dict[str, Any]:
    try:
        event = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise RequestError("invalid_json", f"The event is not JSON: {str(error)[:200]}.") from error
    if not isinstance(event, dict):
        raise RequestError("invalid_json", "An event is a JSON object.")
    return event
