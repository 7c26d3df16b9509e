"""A client over a real WebSocket that validates whatever the server sends, and whatever it sends itself."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

from websockets.asyncio.client import ClientConnection, connect

from tests.limits import limit
from tests.offline.talk import BYTES_PER_MS, base64_of
from tests.realtime.validation import validate_client_event, validate_server_event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATIENCE_S = limit(40.0)
"""On a machine busy with other tests free speech takes its time; the test's own limit is 60 s."""


class Peer:
    """`events` holds all that came, in order."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.events: list[dict[str, Any]] = []

    async def send(self, kind: str, **fields: Any) -> None:
        event = {"type": kind, **fields}
        validate_client_event(event)
        await self.socket.send(json.dumps(event))

    async def update(self, *, turn_detection: dict[str, Any] | None = None, **session: Any) -> None:
        audio = {"input": {"turn_detection": turn_detection, "transcription": {"model": "any"}}}
        await self.send("session.update", session={"type": "realtime", "audio": audio, **session})
        await self.until("session.updated")

    async def stream(self, pcm: bytes, *, faster: float = 1.0, step_ms: int = 40) -> None:
        """Append it at `faster` times its own pace; at once with 0."""
        step = step_ms * BYTES_PER_MS if faster else len(pcm)
        for start in range(0, len(pcm), step):
            await self.send("input_audio_buffer.append", audio=base64_of(pcm[start : start + step]))
            if faster:
                await asyncio.sleep(step_ms / 1000 / faster)

    async def until(self, kind: str) -> dict[str, Any]:
        """The next event of a type. All others on the way are kept in `events` too."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                event = validate_server_event(await self.socket.recv())
                self.events.append(event)
                if event["type"] == kind:
                    return event

    async def ask(self, text: str) -> dict[str, Any]:
        """A typed question; `response.done`."""
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content}
        await self.send("conversation.item.create", item=item)
        await self.send("response.create")
        return await self.until("response.done")

    async def say(self, pcm: bytes, *, faster: float = 0) -> str:
        """A spoken turn; the transcript. The answer is asked for, too."""
        await self.stream(pcm, faster=faster)
        await self.send("input_audio_buffer.commit")
        await self.send("response.create")
        done = await self.until("conversation.item.input_audio_transcription.completed")
        return str(done["transcript"])


@contextlib.asynccontextmanager
async def peer(url: str, **options: Any) -> AsyncIterator[Peer]:
    async with connect(url, compression=None, max_size=None, **options) as socket:
        it = Peer(socket)
        await it.until("session.created")
        yield it
