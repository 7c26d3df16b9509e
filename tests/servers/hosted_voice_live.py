"""Azure AI Voice Live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.servers.emulated import Conversation, EmulatedServer, Event, RefusedError, only

if TYPE_CHECKING:
    from collections.abc import Mapping

BETA_NAMES = {
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
    "response.output_text.delta": "response.text.delta",
    "response.output_text.done": "response.text.done",
}
ONLY_CREATED = frozenset({"conversation.item.added", "conversation.item.done"})


class VoiceLiveConversation(Conversation):
    """See `VoiceLiveServer`."""

    unsent = ONLY_CREATED
    names = BETA_NAMES
    speech_part = "audio"

    def shown(self) -> Event:
        return {"object": "realtime.session", "id": "sess_1", **self.settings}

    def check_settings(self, session: Event) -> None:
        only(
            session,
            "session",
            {
                "modalities",
                "model",
                "instructions",
                "voice",
                "input_audio_format",
                "input_audio_sampling_rate",
                "output_audio_format",
                "turn_detection",
                "input_audio_noise_reduction",
                "input_audio_echo_cancellation",
                "input_audio_transcription",
                "interim_response",
                "reasoning_effort",
                "temperature",
                "max_response_output_tokens",
                "tools",
                "tool_choice",
            },
        )
        if session.get("input_audio_format", "pcm16") not in {"pcm16", "g711_ulaw", "g711_alaw"}:
            raise RefusedError("invalid_value", "No such format.", "session.input_audio_format")
        if session.get("input_audio_sampling_rate", 24_000) not in {8_000, 16_000, 24_000}:
            raise RefusedError("invalid_value", "No such rate.", "session.input_audio_sampling_rate")
        outgoing = {"pcm16", "pcm16_8000hz", "pcm16_16000hz", "g711_ulaw", "g711_alaw"}
        if session.get("output_audio_format", "pcm16") not in outgoing:
            raise RefusedError("invalid_value", "No such format.", "session.output_audio_format")
        if "turn_detection" in session:
            detectors = {
                "server_vad",
                "azure_semantic_vad",
                "azure_semantic_vad_en",
                "azure_semantic_vad_multilingual",
            }
            kind = (session["turn_detection"] or {}).get("type")
            if kind not in detectors:
                raise RefusedError("invalid_value", "No such turn detection.", "session.turn_detection")
        for number, tool in enumerate(session.get("tools") or ()):
            if "function" in tool:
                raise RefusedError("invalid_value", "A tool is flat.", f"session.tools[{number}]")

    def check_item(self, item: Event) -> None:
        for part in item.get("content") or ():
            if part["type"] not in {"input_text", "input_audio", "input_image", "text", "audio"}:
                raise RefusedError("invalid_value", f"No such part: {part['type']}.", "item.content")

    @property
    def detection(self) -> Mapping[str, Any] | None:
        given: Mapping[str, Any] | None = self.settings.get("turn_detection", self.default_detection)
        return given

    @property
    def rate(self) -> int:
        return int(self.settings.get("input_audio_sampling_rate", 24_000))

    @property
    def captions(self) -> bool:
        return bool(self.settings.get("input_audio_transcription"))


class VoiceLiveServer(EmulatedServer):
    """Facts, from the vendor's how-to (mid 2026) and the enumerations of its SDK:

    - `wss://RESOURCE.services.ai.azure.com/voice-live/realtime?api-version=2026-04-10&model=NAME`, header `api-key`.
    - Settings are flat; the rate of the incoming sound is `input_audio_sampling_rate`, 8, 16 or 24 kHz.
    - Turn detection is `server_vad` or one of its own; whether there can be none was not to be found: here not.
    - Events have the beta names, and of an item only `conversation.item.created` comes. Parts are `text` and `audio`;
      `output_text` is not among them. Whether unknown settings are refused was not to be found: here they are.
    """

    conversation = VoiceLiveConversation
    path = "/voice-live/realtime"
    query = {"api-version": "2026-04-10", "model": ""}  # noqa: RUF012  # as in the class it is from
    key_header = "api-key"
