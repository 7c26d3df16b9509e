"""OpenAI, and Azure OpenAI, which differs in address, key and transcription."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from tests.servers.emulated import Conversation, EmulatedServer, Event

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection
    from websockets.http11 import Request, Response


class OpenAIServer(EmulatedServer):
    """Facts, from the vendor's guides and the types of its SDK (August 2026):

    - `wss://api.openai.com/v1/realtime?model=NAME`, `Authorization: Bearer`. The header `OpenAI-Beta` is refused.
    - Settings are nested, with `session.type = "realtime"`; an unknown one is refused by `unknown_parameter`.
    - PCM is 24 kHz only. `output_modalities` is `["audio"]` or `["text"]`, never both.
    - A commit makes an item and no response. One response at a time, else
      `conversation_already_has_active_response`. The voice is locked after the first audio.
    """

    def _handshake(self, socket: ServerConnection, request: Request) -> Response | None:
        if "OpenAI-Beta" in request.headers:
            return socket.respond(HTTPStatus.BAD_REQUEST, "beta_api_shape_disabled")
        return super()._handshake(socket, request)


class AzureConversation(Conversation):
    """See `AzureServer`."""

    async def caption(self, item: Event) -> None:
        if self.setting("audio", "input", "transcription").get("model") in AzureServer.deployments:
            await super().caption(item)
            return
        error = {
            "type": "server_error",
            "code": "server_error",
            "message": "No such deployment.",
            "param": None,
        }
        await self.send(
            {
                "type": "conversation.item.input_audio_transcription.failed",
                "item_id": item["id"],
                "content_index": 0,
                "error": error,
            }
        )


class AzureServer(EmulatedServer):
    """Facts, from the vendor's migration guide and an answer of its staff (10 June 2026):

    - `wss://RESOURCE.openai.azure.com/openai/v1/realtime?model=DEPLOYMENT`, header `api-key`. Else as OpenAI.
    - A transcription model is a deployment of the same resource; where it is none, each turn brings
      `conversation.item.input_audio_transcription.failed` (a report of August 2025).
    """

    conversation = AzureConversation
    path = "/openai/v1/realtime"
    key_header = "api-key"
    deployments = ("my-transcription",)
