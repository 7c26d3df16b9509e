"""A loopback server for tests of the session layer, which holds all that went over the wire to the protocol."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from speakerd.realtime import RealtimeAgent, RealtimeRunner
from speakerd.realtime.testing.loopback import LoopbackServer, Script
from tests.realtime.validation import validate_client_event, validate_server_event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from speakerd.realtime import RealtimeSession

KEY = {"api_key": "test"}
AGENT = RealtimeAgent("Assistant", instructions="Be helpful.")


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


async def opened(
    server: LoopbackServer, agent: RealtimeAgent[Any] = AGENT, **config: Any
) -> RealtimeSession[Any]:
    """A session for `async with`."""
    return await RealtimeRunner(agent, config=config).run(model_config=at(server))  # type: ignore[arg-type]  # keys are checked where they are used


def session_updates(server: LoopbackServer) -> list[dict[str, Any]]:
    return [event["session"] for event in server.of_type("session.update")]
