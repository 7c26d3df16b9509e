"""Hugging Face's speech-to-speech."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.servers.emulated import Conversation, EmulatedServer, Event, RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIXES = {
    "user": "msg_",
    "assistant": "msg_",
    "system": "sys_",
    "function_call": "fc_",
    "function_call_output": "fco_",
}


class SpeechToSpeechConversation(Conversation):
    """See `SpeechToSpeechServer`."""

    client_events = frozenset(
        {
            "session.update",
            "input_audio_buffer.append",
            "input_audio_buffer.commit",
            "conversation.item.create",
            "conversation.item.truncate",
            "response.create",
            "response.cancel",
        }
    )
    unsent = frozenset({"input_audio_buffer.committed", "conversation.item.added", "conversation.item.done"})
    default_rate = 16_000

    async def greet(self) -> None:
        await super().greet()

    def unknown(self, kind: str) -> RefusedError:
        return RefusedError("unknown_or_invalid_event", f"unknown event {kind}")

    def error_of(self, refused: RefusedError, event_id: str | None) -> Event:
        return {
            "type": refused.code,
            "code": None,
            "message": refused.message,
            "param": None,
            "event_id": event_id,
        }

    @property
    def detection(self) -> Mapping[str, Any] | None:
        given: Mapping[str, Any] | None = self.setting("audio", "input").get("turn_detection")
        return given or self.default_detection  # it is never off

    @property
    def captions(self) -> bool:
        return True

    async def speech_started(self) -> None:
        await self.end_answer("turn_detected")
        await super().speech_started()

    async def commit(self, event: Event) -> None:
        if not self.buffer:
            raise RefusedError("input_audio_buffer_commit_empty", "the buffer is empty")

    def check_item(self, item: Event) -> None:
        kind = item["role"] if item["type"] == "message" else item["type"]
        if not str(item.get("id", "")).startswith(PREFIXES[kind]):
            raise RefusedError("invalid_conversation_item", f"id of {kind} must begin with {PREFIXES[kind]}")
        if "call_id" in item and not item["call_id"].startswith("call_"):
            raise RefusedError("invalid_conversation_item", "call_id must begin with call_")
        if kind == "system":
            self.settings["instructions"] = item["content"][0]["text"]

    async def truncate(self, event: Event) -> None:
        """Nothing is done, nothing is said."""

    async def respond(self, event: Event) -> None:
        calls = {item["call_id"] for item in self.items if item["type"] == "function_call"}
        calls -= {item["call_id"] for item in self.items if item["type"] == "function_call_output"}
        if calls:
            raise RefusedError("function_call_output_pending", "an output is missing")
        await super().respond(event)


class SpeechToSpeechServer(EmulatedServer):
    """Facts, from its source of 21 August 2026, and from a run of release 1.1.0 (October 2026) with pretended ears:

    - `ws://HOST:8765/v1/realtime`, no key, the model is ignored. Settings are nested, and checked by the published types:
      the rate of a format is 24 kHz, or left out; then 16 kHz is assumed. (Release 1.1.0 was seen to refuse another.)
    - Turns are always detected: `turn_detection: null` is ignored, and a commit ends nothing; it only refuses an empty
      buffer. Known of the client are append, commit, update, item.create, truncate (without any effect, or answer),
      response.create and cancel; all else is `unknown_or_invalid_event`. The code of an error stands in `type`.
    - Ids of items must begin with `msg_` (user, assistant), `sys_`, `fc_` or `fco_`, call ids with `call_`. Its own items
      are called `item_…`. A system item replaces the instructions. While a call has no output, `response.create` is
      refused (`function_call_output_pending`).
    - No `input_audio_buffer.committed` (release 1.1.0 sends it), no `item.added` or `item.done`. When the user interrupts, `response.done` comes
      before `speech_started`.
    """

    conversation = SpeechToSpeechConversation
    key_header = None
    query = {}  # noqa: RUF012  # as in the class it is from
