"""LocalAI."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.servers.emulated import (
    TRANSCRIPTION_S,
    Answer,
    Conversation,
    EmulatedServer,
    Event,
    RefusedError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

VOICES = ("", "af_heart")


class LocalAIConversation(Conversation):
    """See `LocalAIServer`."""

    supersedes = True
    _turn: asyncio.Task[None] | None = None

    async def send(self, event: Event) -> None:
        await super().send({**event, "event_id": "event_TODO"})

    def error_of(self, refused: RefusedError, event_id: str | None) -> Event:
        return {
            "type": "invalid_request_error",
            "code": refused.code,
            "message": refused.message,
            "param": "",
            "event_id": "event_TODO",
        }

    def check_settings(self, session: Event) -> None:
        given = (session.get("audio") or {}).get("input") or {}
        detection = given.get("turn_detection")
        if detection is not None and detection.get("type") not in {"server_vad", "semantic_vad"}:
            raise RefusedError("invalid_json", "Invalid JSON")
        if given.get("format", {}).get("type", "audio/pcm") != "audio/pcm":
            raise RefusedError("invalid_json", "Invalid JSON")

    @property
    def captions(self) -> bool:
        return True

    async def commit(self, event: Event) -> None:
        if self.detection is not None:
            raise RefusedError("not_implemented", "commit while turns are detected")
        await self.take_turn(answer=True)

    async def take_turn(self, *, answer: bool) -> None:
        self.buffer.clear()
        await self.send({"type": "input_audio_buffer.committed", "item_id": self.new_id("committed")})
        words = self.server.next_words()
        self._turn = asyncio.create_task(self._utterance(words))
        self._turns.add(self._turn)

    async def _utterance(self, words: str) -> None:
        await asyncio.sleep(TRANSCRIPTION_S)
        await self.send(
            {
                "type": "conversation.item.input_audio_transcription.completed",
                "item_id": self.new_id("transcribed"),
                "content_index": 0,
                "transcript": words,
            }
        )
        await self.add(self.said(self.new_id("added"), words))
        self._turn = None
        await self.begin({}, None)

    def said(self, item_id: str, words: str) -> Event:
        item = super().said(item_id, words)
        item["content"][0]["transcript"] = words
        return item

    async def respond(self, event: Event) -> None:
        if self._turn is not None:
            self._turn.cancel()  # and with it the transcription of what was said
            self._turn = None
        await super().respond(event)

    async def end_answer(self, reason: str) -> None:
        answer = self.answer
        await super().end_answer(reason)
        if answer is not None:
            self.items = [item for item in self.items if item not in answer.items]

    async def cancel(self, event: Event) -> None:
        await self.end_answer("client_cancelled")

    async def truncate(self, event: Event) -> None:
        item = next((item for item in self.items if item["id"] == event["item_id"]), None)
        if item is None:
            raise RefusedError("invalid_item_id", "no such item")
        item["content"][0]["transcript"] = ""
        await self.send(
            {
                **{key: event[key] for key in ("item_id", "content_index", "audio_end_ms")},
                "type": "conversation.item.truncated",
            }
        )

    async def broken(self, answer: Answer) -> None:
        answer.ended = True
        self.answer = None
        await self.error(RefusedError("tts_error", "the model broke down"))

    async def _speak(self, answer: Answer, reply: Any) -> None:
        if self.setting("audio", "output").get("voice", "") not in VOICES:
            await self.broken(answer)
            return
        await super()._speak(answer, reply)

    def usage(self) -> Mapping[str, Any] | None:  # type: ignore[override]  # a table all the same
        return {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}


class LocalAIServer(EmulatedServer):
    """Facts, from its source of 22 August 2026:

    - `ws://HOST:8080/v1/realtime?model=PIPELINE`; here without a key. Settings are nested; any rate is taken.
    - An unknown turn detection or format makes the whole update `invalid_json`. The voice is handed to the speech
      synthesis; one that it does not have fails there.
    - A commit is refused (`not_implemented`) while turns are detected. Without, it answers by itself; a
      `response.create` after it supersedes and cancels that, the transcription of what was said included.
    - The committed event, the transcription and the item have three different ids. Event ids are `event_TODO`, also in
      errors. A cancel with nothing running is not answered. A response that fails sends `error` and no
      `response.done`. Of an answer that was cancelled the item is gone, and truncating it is refused
      (`invalid_item_id`); else truncation empties the whole text.
    """

    conversation = LocalAIConversation
    key_header = None
