"""speaches."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

from tests.servers.emulated import (
    TRANSCRIPTION_S,
    Answer,
    Conversation,
    EmulatedServer,
    Event,
    RefusedError,
)
from tests.servers.hosted_voice_live import BETA_NAMES, ONLY_CREATED

if TYPE_CHECKING:
    from collections.abc import Mapping

AGE_S = 30 * 60.0
FIXED = ("input_audio_format", "output_audio_format")


class SpeachesConversation(Conversation):
    """See `SpeachesServer`."""

    unsent = ONLY_CREATED
    names: ClassVar[Mapping[str, str]] = BETA_NAMES
    supersedes = True
    speech_part = "audio"
    default_detection: Mapping[str, Any] | None = {
        "type": "server_vad",
        "threshold": 0.9,
        "silence_duration_ms": 550,
    }
    _end_of_session: asyncio.TimerHandle | None = None

    async def greet(self) -> None:
        self._end_of_session = asyncio.get_running_loop().call_later(AGE_S, self.connection.drop)
        await super().greet()

    def close(self) -> None:
        super().close()
        if self._end_of_session is not None:
            self._end_of_session.cancel()

    def shown(self) -> Event:
        return {"object": "realtime.session", "id": "sess_1", **self.settings}

    def check_settings(self, session: Event) -> None:
        for field in FIXED:
            if field in session:
                raise RefusedError("server_error", f"{field} cannot be set", f"session.{field}")
        if "turn_detection" in session and (session["turn_detection"] or {}).get("type") != "server_vad":
            raise RefusedError("validation_error", "Input should be a valid TurnDetection")

    def merge(self, session: Event) -> None:
        known = {
            "modalities",
            "model",
            "instructions",
            "voice",
            "turn_detection",
            "input_audio_transcription",
            "tools",
            "tool_choice",
            "temperature",
            "max_response_output_tokens",
            "speech_model",
        }
        super().merge({name: value for name, value in session.items() if name in known})

    def error_of(self, refused: RefusedError, event_id: str | None) -> Event:
        event_id = None if refused.code == "validation_error" else event_id
        return super().error_of(refused, event_id)

    def check_item(self, item: Event) -> None:
        for part in item.get("content") or ():
            if part["type"] not in {"input_text", "text", "audio", "input_audio"} or "audio" in part:
                raise RefusedError("validation_error", f"Input tag '{part['type']}' is not expected")

    @property
    def detection(self) -> Mapping[str, Any] | None:
        given: Mapping[str, Any] | None = self.settings.get("turn_detection") or self.default_detection
        return given

    @property
    def rate(self) -> int:
        return 24_000

    @property
    def captions(self) -> bool:
        return False  # it has its own way, below

    async def take_turn(self, *, answer: bool) -> None:
        self.buffer.clear()
        item = self.said(self.next_item_id, self.server.next_words())
        self.next_item_id = self.new_id("item")
        await self.send(
            {"type": "input_audio_buffer.committed", "item_id": item["id"], "previous_item_id": None}
        )
        self._turns.add(asyncio.create_task(self._utterance(item)))

    async def _utterance(self, item: Event) -> None:
        await self.caption(item)
        await self.add(item)
        if self.answer is not None:
            await self.end_answer("superseded")
        await self.begin({}, None)

    async def cancelled(self, answer: Answer, reason: str) -> None:
        answer.ended = True  # no done is sent

    async def caption(self, item: Event) -> None:
        await asyncio.sleep(TRANSCRIPTION_S)
        await super().caption(item)

    async def broken(self, answer: Answer) -> None:
        answer.ended = True
        self.answer = None
        await self.error(RefusedError("server_error", "the model broke down"))

    async def cancel(self, event: Event) -> None:
        raise RefusedError("server_error", "response.cancel is not implemented")

    async def truncate(self, event: Event) -> None:
        raise RefusedError("server_error", "conversation.item.truncate is not implemented")

    async def respond(self, event: Event) -> None:
        for field in ("conversation", "input", "metadata"):
            if field in (event.get("response") or {}):
                await self.error(
                    RefusedError("server_error", f"{field} is not implemented"), event.get("event_id")
                )
        await super().respond(event)

    def usage(self) -> Event | None:
        return None

    def response(self, answer: Answer, status: str, **details: Any) -> Event:
        return super().response(answer, "incomplete" if status == "in_progress" else status, **details)


class SpeachesServer(EmulatedServer):
    """Facts, from its source of 26 March 2026:

    - `ws://HOST:8000/v1/realtime?model=LLM`, `Authorization: Bearer`, `X-API-Key` or none; here none.
    - Settings are flat; unknown ones are ignored without an error, so that nested ones do nothing. Formats are fixed,
      24 kHz both ways, and setting them is an error. Turns are always detected by `server_vad` (0.9, 550 ms); null is a
      validation error, which names no event.
    - A turn is answered once its transcript is there; what runs by then is ended, without a `response.done`.
      `response.create` supersedes likewise. Truncation and cancelling are `server_error`, "not implemented".
      `response.conversation`, `.input` and `.metadata` bring an error each and are then ignored.
    - Parts of items are `input_text`, `text`, `audio` and `input_audio` without sound; `output_text` is a validation
      error. The status of a response is `incomplete` until it is done; one that fails sends `error` and no done.
      Events have the beta names. A session lives 30 minutes; then the connection drops.
    """

    conversation = SpeachesConversation
    key_header = None
