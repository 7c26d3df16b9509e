"""One response, from `response.created` to `response.done`, event by event in the protocol's order.

::

    response.created, rate_limits.updated
      (waits until the words it answers are recognised; then the responder gives a reply: texts and calls, in order)
      response.output_item.added [conversation.item.added]
        text   response.content_part.added, transcript and audio deltas (paced) or text deltas, their done events,
               response.content_part.done
        call   response.function_call_arguments.delta, .done
      response.output_item.done [conversation.item.done]
    response.done

A response outside the conversation has no events in brackets. Whatever stops a response early (cancelled,
interrupted, failed, too long) closes what is open, in the same order, with status `incomplete`.
"""

from __future__ import annotations

import base64
import json
import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from speakerd.offline.items import BYTES_PER_MS, Conversation, Item, Part
from speakerd.offline.protocol.effects import StartSpeaking, StopSpeaking
from speakerd.offline.protocol.pacing import Pacer
from speakerd.offline.protocol.usage import item_tokens, usage
from speakerd.offline.values import CallTool, ResponsePlan, SayText
from speakerd.realtime import event_names as names

if TYPE_CHECKING:
    from speakerd.offline.protocol.output import OutputCollector
    from speakerd.offline.values import ResponseSpec

LETTERS_PER_S: Final = 14.0
"""Letters spoken in a second, roughly: transcript deltas are sent a little ahead of their audio."""
_WORD: Final = re.compile(r"\S+\s*|\s+")


@dataclass(slots=True)
class _Message:
    """The message that is being spoken."""

    item: Item
    text: str
    words: deque[str]
    pacer: Pacer
    kept: bytearray = field(default_factory=bytearray)
    told: list[str] = field(default_factory=list)
    letters: int = 0


class Response:
    """Sends the events of one response, given its plan, its speech and the time. Pure."""

    def __init__(
        self, spec: ResponseSpec, output: OutputCollector, conversation: Conversation, pace: float
    ) -> None:
        self.id = output.new_id("resp")
        self.spec = spec
        self.items: list[Item] = []
        self.waits_for: set[str] = set()
        self.status = "in_progress"
        self.made_audio = False
        self._output = output
        self._conversation = conversation
        self._pace = pace
        self._context: list[Item] = []
        self._plan: deque[SayText | CallTool] = deque()
        self._message: _Message | None = None
        self._before: str | None = None

    @property
    def active(self) -> bool:
        """Whether `response.done` has not been sent yet."""
        return self.status == "in_progress"

    @property
    def deadline(self) -> float | None:
        """When `tick` has something to send; None: not before more speech comes."""
        return None if self._message is None else self._message.pacer.deadline

    @property
    def waiting_ms(self) -> int:
        """Milliseconds of speech that were made and not sent yet."""
        return 0 if self._message is None else self._message.pacer.waiting_ms

    def begin(self, context: list[Item]) -> None:
        """Send `response.created`. `context`: the items it answers, for the usage."""
        self._context = context
        self._output.emit(names.RESPONSE_CREATED, response=self._wire())
        limits = [
            {"name": "requests", "limit": 1000, "remaining": 999, "reset_seconds": 60.0},
            {"name": "tokens", "limit": 1_000_000, "remaining": 999_000, "reset_seconds": 60.0},
        ]
        self._output.emit(names.RATE_LIMITS_UPDATED, rate_limits=limits)

    def carry_out(self, plan: ResponsePlan) -> None:
        """Say the texts and call the tools of the plan, in order."""
        self._plan.extend(plan)
        self._next()

    def speech(self, pcm: bytes, now: float) -> None:
        """Take speech of the message that is being spoken: 24 kHz, 16-bit."""
        if self._message is not None:
            self._message.pacer.put(pcm, now)
            self.tick(now)

    def speech_ended(self, error: str | None, now: float) -> None:
        """The speech of the message is complete, or making it failed with `error`."""
        if self._message is None:
            return
        if error is not None:
            self.fail(error)
            return
        self._message.pacer.complete()
        self.tick(now)

    def tick(self, now: float) -> None:
        """Send the audio that is due at `now`."""
        message = self._message
        if message is None:
            return
        for chunk in message.pacer.take(now):
            self._send_audio(message, chunk)
            if self._too_long():
                self._stop("incomplete", {"type": "incomplete", "reason": "max_output_tokens"})
                return
        if message.pacer.empty:
            self._finish_message(message, "completed")
            self._next()

    def cancel(self, reason: str) -> None:
        """Stop with status `cancelled`; `reason` is `client_cancelled` or `turn_detected`."""
        self._stop("cancelled", {"type": "cancelled", "reason": reason})

    def fail(self, message: str) -> None:
        """Stop with status `failed`: making speech went wrong."""
        error = {"type": "server_error", "code": "speech_failed", "message": message}
        self._stop("failed", {"type": "failed", "error": error})

    # One output after the other

    def _next(self) -> None:
        while self._plan and self.active:
            step = self._plan.popleft()
            if isinstance(step, CallTool):
                self._call(step)
            elif self.spec.modality == "text":
                self._write(step)
            else:
                self._begin_message(step)
                return
            if self._too_long():
                self._stop("incomplete", {"type": "incomplete", "reason": "max_output_tokens"})
        if self.active:
            self._done("completed", {"type": "completed"})

    def _call(self, call: CallTool) -> None:
        call_id = self._output.new_id("call")
        fields = {"name": call.name, "call_id": call_id, "arguments": ""}
        item = Item(self._output.new_id("item"), "function_call", status="in_progress", fields=fields)
        self._open_item(item)
        where = self._where(item)
        self._output.emit(names.ARGUMENTS_DELTA, call_id=call_id, delta=call.arguments, **where)
        self._output.emit(
            names.ARGUMENTS_DONE, call_id=call_id, name=call.name, arguments=call.arguments, **where
        )
        item.fields["arguments"] = call.arguments
        self._close_item(item, "completed")

    def _write(self, step: SayText) -> None:
        item = self._new_message()
        self._open_item(item)
        where = {**self._where(item), "content_index": 0}
        self._output.emit(names.CONTENT_PART_ADDED, part={"type": "text", "text": ""}, **where)
        for word in _WORD.findall(step.text):
            self._output.emit(names.TEXT_DELTA, delta=word, **where)
        self._output.emit(names.TEXT_DONE, text=step.text, **where)
        self._output.emit(names.CONTENT_PART_DONE, part={"type": "text", "text": step.text}, **where)
        item.content.append(Part("output_text", text=step.text))
        self._close_item(item, "completed")

    def _begin_message(self, step: SayText) -> None:
        item = self._new_message()
        self._message = _Message(item, step.text, deque(_WORD.findall(step.text)), Pacer(self._pace))
        self._open_item(item)
        item.content.append(Part("output_audio", transcript=""))
        where = {**self._where(item), "content_index": 0}
        self._output.emit(names.CONTENT_PART_ADDED, part={"type": "audio", "transcript": ""}, **where)
        voice = self.spec.voice["id"] if isinstance(self.spec.voice, dict) else self.spec.voice
        self._output.perform(StartSpeaking(self.id, step.text, voice, self.spec.speed))

    def _send_audio(self, message: _Message, chunk: bytes) -> None:
        where = {**self._where(message.item), "content_index": 0}
        part = message.item.content[0]
        self.made_audio = True
        message.kept += chunk
        part.audio_ms = len(message.kept) // BYTES_PER_MS
        due = (part.audio_ms / 1000.0 + 0.5) * LETTERS_PER_S * self.spec.speed
        while message.words and message.letters < due:
            self._tell(message, where)
        delta = base64.b64encode(chunk).decode("ascii")
        self._output.emit(names.AUDIO_DELTA, delta=delta, **where)

    def _tell(self, message: _Message, where: dict[str, Any]) -> None:
        word = message.words.popleft()
        message.told.append(word)
        message.letters += len(word)
        self._output.emit(names.TRANSCRIPT_DELTA, delta=word, **where)

    def _finish_message(self, message: _Message, status: str) -> None:
        where = {**self._where(message.item), "content_index": 0}
        while message.words and status == "completed":
            self._tell(message, where)
        self._message = None
        transcript = "".join(message.told)
        part = message.item.content[0]
        # If the client truncated it meanwhile, that stays.
        if part.audio_ms == len(message.kept) // BYTES_PER_MS:
            part.transcript, part.audio = transcript, bytes(message.kept)
        self._output.emit(names.AUDIO_DONE, **where)
        self._output.emit(names.TRANSCRIPT_DONE, transcript=transcript, **where)
        self._output.emit(names.CONTENT_PART_DONE, part={"type": "audio", "transcript": transcript}, **where)
        self._close_item(message.item, status)

    # The end

    def _stop(self, status: str, details: dict[str, Any]) -> None:
        if not self.active:
            return
        self._plan.clear()
        if self._message is not None:
            self._output.perform(StopSpeaking(self.id))
            self._finish_message(self._message, "incomplete")
        self._done(status, details)

    def _done(self, status: str, details: dict[str, Any]) -> None:
        self.status = status
        response = self._wire()
        response["status_details"] = None if status == "completed" else details
        response["usage"] = usage(self.spec.instructions, self._context, self.items)
        self._output.emit(names.RESPONSE_DONE, response=response)

    def _too_long(self) -> bool:
        if not isinstance(self.spec.max_tokens, int):
            return False
        return sum(sum(item_tokens(item)) for item in self.items) > self.spec.max_tokens

    # Forms

    def _new_message(self) -> Item:
        return Item(self._output.new_id("item"), "message", status="in_progress", role="assistant")

    def _open_item(self, item: Item) -> None:
        self.items.append(item)
        self._output.emit(
            names.OUTPUT_ITEM_ADDED, response_id=self.id, output_index=len(self.items) - 1, item=item.wire()
        )
        if self.spec.in_conversation:
            self._before = self._conversation.add(item)
            self._output.emit(names.ITEM_ADDED, previous_item_id=self._before, item=item.wire())

    def _close_item(self, item: Item, status: str) -> None:
        item.status = status
        index = self.items.index(item)
        self._output.emit(names.OUTPUT_ITEM_DONE, response_id=self.id, output_index=index, item=item.wire())
        if self.spec.in_conversation:
            self._output.emit(names.ITEM_DONE, previous_item_id=self._before, item=item.wire())

    def _where(self, item: Item) -> dict[str, Any]:
        return {"response_id": self.id, "item_id": item.id, "output_index": self.items.index(item)}

    def _wire(self) -> dict[str, Any]:
        output: dict[str, Any] = {"format": {"type": "audio/pcm", "rate": 24000}}
        if isinstance(self.spec.voice, str):
            output["voice"] = self.spec.voice
        response: dict[str, Any] = {
            "object": "realtime.response",
            "id": self.id,
            "status": self.status,
            "status_details": None,
            "output": [item.wire() for item in self.items],
            "output_modalities": [self.spec.modality],
            "max_output_tokens": self.spec.max_tokens,
            "metadata": self.spec.metadata,
            "audio": {"output": output},
            "usage": None,
        }
        return json.loads(json.dumps(response))  # type: ignore[no-any-return]  # a copy: the items still change
