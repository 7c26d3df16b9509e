"""A loopback server for tests of the session layer, which holds all that went over the wire to the protocol."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from speakerd.realtime.testing.loopback import LoopbackServer, Script
from tests.realtime.validation import validate_client_event, validate_server_event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

KEY = {"api_key": "test"}


@contextlib.asynccontextmanager
async def serving(*scripts: Script, strict_server: bool = True) -> AsyncIterator[LoopbackServer]:
    """Serve the scripts; when the test is done, validate every event of both sides.

    Args:
        strict_server: The server's own events too; not for tests of servers that are odd.
    """
    async with LoopbackServer(*scripts) as server:
        yield server
        for event in server.received:
            validate_client_event(event)
        for event in server.sent if strict_server else ():
            validate_server_event(event)


def at(server: LoopbackServer, **more: Any) -> Any:
    """A model configuration that leads to the server."""
    return {"url": server.url, "api_key": "test", **more}


def text_in(event: Mapping[str, Any]) -> str:
    """The text of an item that the client created."""
    return "".join(part.get("text", "") for part in event["item"]["content"])
