"""Alibaba's Qwen-Omni-Realtime."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

from tests.servers.emulated import Conversation, EmulatedServer, Event, RefusedError, only
from tests.servers.hosted_voice_live import BETA_NAMES, ONLY_CREATED

if TYPE_CHECKING:
    from collections.abc import Mapping

IDLE_S = 180.0


class QwenConversation(Conversation):
    """See `QwenServer`."""

    client_events = frozenset(
        {
            "session.update",
            "input_audio_buffer.append",
            "input_audio_buffer.commit",
            "input_audio_buffer.clear",
            "conversation.item.create",
            "response.create",
            "response.cancel",
        }
    )
    unsent = ONLY_CREATED
    names: ClassVar[Mapping[str, str]] = BETA_NAMES
    default_rate = 16_000
    speech_part = "audio"
    _idle: asyncio.TimerHandle | None = None

    async def take(self, event: Event) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(IDLE_S, self.connection.drop)
        await super().take(event)

    def close(self) -> None:
        super().close()
        if self._idle is not None:
            self._idle.cancel()

    def shown(self) -> Event:
        return {"object": "realtime.session", "id": "sess_1", **self.settings}

    def check_settings(self, session: Event) -> None:
        only(
            session,
            "session",
            {
                "modalities",
                "instructions",
                "voice",
                "input_audio_format",
                "output_audio_format",
                "turn_detection",
                "input_audio_transcription",
                "enable_search",
                "tools",
                "temperature",
                "max_tokens",
            },
        )
        if session.get("modalities", ["text"]) not in (["text"], ["text", "audio"]):
            raise RefusedError("invalid_value", "['text'] or ['text', 'audio'].", "session.modalities")
        for field in ("input_audio_format", "output_audio_format"):
            if session.get(field, "pcm") != "pcm":
                raise RefusedError("invalid_value", "pcm.", f"session.{field}")
        detection = session.get("turn_detection")
        if detection is not None and detection.get("type") not in {"server_vad", "semantic_vad"}:
            raise RefusedError("invalid_value", "No such turn detection.", "session.turn_detection.type")
        for number, tool in enumerate(session.get("tools") or ()):
            if "name" not in (tool.get("function") or {}):
                raise RefusedError("invalid_value", "A tool has a function.", f"session.tools[{number}]")

    def check_item(self, item: Event) -> None:
        if item["type"] != "function_call_output":
            raise RefusedError("invalid_value", "Only outputs of functions.", "item.type")

    def check_response(self, params: Event) -> None:
        only(params, "response", {"instructions", "modalities"})

    @property
    def detection(self) -> Mapping[str, Any] | None:
        given: Mapping[str, Any] | None = self.settings.get("turn_detection", self.default_detection)
        return given

    @property
    def rate(self) -> int:
        return 16_000

    @property
    def captions(self) -> bool:
        return bool(self.settings.get("input_audio_transcription"))

    @property
    def tools(self) -> set[str]:
        return {str(tool["function"]["name"]) for tool in self.settings.get("tools") or ()}


class QwenServer(EmulatedServer):
    """Facts, from the vendor's documentation (23 October and 6 November 2026), its SDK, and a client's notes:

    - `wss://WORKSPACE.ap-southeast-1.maas.aliyuncs.com/api-ws/v1/realtime?model=NAME`, `Authorization: Bearer`.
    - Settings are flat. `modalities` is `["text"]` or `["text", "audio"]`; the sound that comes is 16 kHz, called
      `pcm`, what goes out 24 kHz. Tools have the form of chat completions, `{type, function: {…}}`.
    - There are no text items, no truncation, no deletion, no history to give: of items only outputs of functions.
      A response takes `instructions` and `modalities`.
    - Events have the beta names. A connection is closed after 180 s without an event of the client.
    """

    conversation = QwenConversation
    path = "/api-ws/v1/realtime"
