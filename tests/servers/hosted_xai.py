"""xAI's Grok voice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.servers.emulated import (
    TRANSCRIPTION_S,
    Conversation,
    EmulatedServer,
    Event,
    RefusedError,
    only,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from speakerd.realtime.testing.loopback import LoopbackConnection


class XaiConversation(Conversation):
    """See `XaiServer`."""

    def __init__(self, server: EmulatedServer, connection: LoopbackConnection) -> None:
        super().__init__(server, connection)
        self.billed_texts = 0
        """Items with a text that the client has created: each costs 0.004 dollars."""

    async def greet(self) -> None:
        await super().greet()
        await self.send(
            {
                "type": "conversation.created",
                "conversation": {"id": "conv_1", "object": "realtime.conversation"},
            }
        )
        await self.send({"type": "ping"})

    def check_settings(self, session: Event) -> None:
        only(
            session,
            "session",
            {
                "type",
                "instructions",
                "voice",
                "turn_detection",
                "audio",
                "tools",
                "tool_choice",
                "reasoning",
                "resumption",
                "replace",
            },
        )
        detection = session.get("turn_detection")
        if detection is not None and detection.get("type") not in {"server_vad", None}:
            raise RefusedError("invalid_value", "No such turn detection.", "session.turn_detection.type")
        threshold = (detection or {}).get("threshold", 0.5)
        if not 0.1 <= threshold <= 0.9:
            raise RefusedError("invalid_value", "0.1 to 0.9.", "session.turn_detection.threshold")
        audio = session.get("audio") or {}
        speed = (audio.get("output") or {}).get("speed", 1.0)
        if not 0.7 <= speed <= 1.5:
            raise RefusedError("invalid_value", "0.7 to 1.5.", "session.audio.output.speed")
        model = ((audio.get("input") or {}).get("transcription") or {}).get("model", "grok-transcribe")
        if model != "grok-transcribe":
            raise RefusedError("invalid_value", "No such model.", "session.audio.input.transcription.model")

    def check_item(self, item: Event) -> None:
        if any("text" in part for part in item.get("content") or ()):
            self.billed_texts += 1

    @property
    def detection(self) -> Mapping[str, Any] | None:
        given: Mapping[str, Any] | None = self.settings.get("turn_detection")
        if given is None:
            return self.default_detection
        return given if given.get("type") else None

    async def caption(self, item: Event) -> None:
        words = self.server.words[item["id"]].split()
        kind = "conversation.item.input_audio_transcription"
        where = {"item_id": item["id"], "content_index": 0}
        for upto in range(1, len(words) + 1):
            await self.send({"type": f"{kind}.updated", **where, "transcript": " ".join(words[:upto])})
        await self.send({"type": f"{kind}.completed", **where, "transcript": " ".join(words[:-1])})
        await asyncio.sleep(TRANSCRIPTION_S)
        await self.send({"type": f"{kind}.completed", **where, "transcript": " ".join(words)})

    @property
    def captions(self) -> bool:
        return bool(self.setting("audio", "input").get("transcription"))

    def nothing_to_cancel(self) -> RefusedError:
        return RefusedError("invalid_event", "Cancellation failed: no active response found")

    def usage(self) -> Event | None:
        return {}


class XaiServer(EmulatedServer):
    """Facts, from clients that are used with it and one probe of it (August and September 2026):

    - `wss://api.x.ai/v1/realtime?model=NAME`, `Authorization: Bearer`; `session.created`, then `conversation.created`;
      application `ping` events.
    - Voice and turn detection stand on top of the settings. No turn detection is `{"type": null}`, not null. The same
      fields within `audio` were accepted without an error; whether they do anything was not shown: here they do not.
      Formats and transcription (`grok-transcribe`) are nested. Speed is 0.7 to 1.5, the threshold 0.1 to 0.9.
    - Names of events are those of GA. `….input_audio_transcription.updated` is cumulative, `.completed` comes several
      times. Errors have codes of their own; that nothing runs stands in the text alone. Usage may be empty.
    - Each created item with a text costs 0.004 dollars (the vendor's page); outputs of tools are free.
    """

    conversation = XaiConversation
