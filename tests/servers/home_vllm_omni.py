"""vLLM-omni."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.servers.emulated import Conversation, EmulatedServer, Event, RefusedError

if TYPE_CHECKING:
    from speakerd.realtime.testing.loopback import LoopbackConnection


class VllmConversation(Conversation):
    """See `VllmOmniServer`."""

    supersedes = True
    default_detection = None
    server: VllmOmniServer

    def __init__(self, server: EmulatedServer, connection: LoopbackConnection) -> None:
        super().__init__(server, connection)

    async def greet(self) -> None:
        await super().greet()
        await self.send(
            {
                "type": "conversation.created",
                "conversation": {"id": "conv_1", "object": "realtime.conversation"},
            }
        )

    def check_format(self, value: Event | None, param: str) -> None:
        if value is not None and (value.get("type") != "audio/pcm" or value.get("rate", 24_000) != 24_000):
            raise RefusedError("unsupported_audio_format", "pcm16 at 24 kHz only", param)

    def check_detection(self, value: Event, param: str) -> None:
        if value.get("type") != "server_vad":
            raise RefusedError("unsupported_turn_detection", "server_vad only", param)

    @property
    def captions(self) -> bool:
        return False

    def check_response(self, params: Event) -> None:
        if params.get("conversation") == "none":
            raise RefusedError(
                "unsupported", "out-of-band responses are not supported", "response.conversation"
            )
        if self.settings.get("tools") and not self.server.tool_flags:
            raise RefusedError(
                "invalid_request_error", "start it with --enable-auto-tool-choice --tool-call-parser"
            )


class VllmOmniServer(EmulatedServer):
    """Facts, from its newest source (2026, undated; older releases speak otherwise):

    - `ws://HOST:8000/v1/realtime`; here without a key. Settings are nested. 24 kHz PCM only (`unsupported_audio_format`).
    - Turns are not detected unless it is asked for; `semantic_vad` refuses the whole update. Noise reduction and
      transcription are taken and dropped: there are no captions of the user. Out-of-band responses are refused.
    - A `response.create` during a response ends the old one. With tools, every `response.create` is refused unless the
      server was started with `--enable-auto-tool-choice --tool-call-parser`. Errors name the event.
    """

    conversation = VllmConversation
    key_header = None

    tool_flags = True
    """Whether it was started with them."""
