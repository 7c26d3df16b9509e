"""What users of such a layer ask about tools: waiting for one, and giving leave, each answered over a real WebSocket."""

from __future__ import annotations

import asyncio

from speakerd.realtime import RealtimeAgent, function_tool
from speakerd.realtime.testing.loopback import Expect, Step
from speakerd.realtime.testing.server_events import (
    call_response,
    item_added,
    response_created,
    response_done,
    spoken_begin,
    spoken_deltas,
    spoken_end,
    spoken_response,
)
from tests.realtime.layer import read_until
from tests.realtime.serving import opened, serving, session_updates


async def test_how_to_make_the_model_wait_for_a_tool() -> None:
    """It does: no reply is asked for before the tool has answered, and audio goes on meanwhile."""
    release = asyncio.Event()

    @function_tool(timeout=10, timeout_behavior="error_as_result")
    async def get_random_fact(current_conversation_topic: str) -> str:
        """Find a fact."""
        await release.wait()
        return f"Octopuses have three hearts ({current_conversation_topic})"

    script: list[Step] = [
        Expect("response.create"),
        response_created("resp_0"),
        *spoken_begin("resp_0", "item_0"),
        *spoken_deltas("resp_0", "item_0", "Let me think.", 200),
        *call_response("resp_0", "get_random_fact", '{"current_conversation_topic": "sea"}')[1:-1],
        *spoken_end("resp_0", "item_0", "Let me think."),
        response_done("resp_0"),
        Expect("response.create"),
        *spoken_response("resp_1", "item_1", "An octopus has three hearts."),
    ]
    async with (
        serving(script) as server,
        await opened(server, RealtimeAgent("Ada", tools=[get_random_fact])) as session,
    ):
        await session.send_message("A fact, please.")
        events = await read_until(session, "agent_end")
        assert "audio" in [event.type for event in events]
        assert len(server.of_type("response.create")) == 1
        release.set()
        await read_until(session, lambda event: event.type == "agent_end" and event.response_id == "resp_1")
        output, create = server.received[-2:]
        assert output["item"]["output"] == "Octopuses have three hearts (sea)"
        assert create["type"] == "response.create"


async def test_how_to_let_the_models_server_call_tools_with_leave() -> None:
    from speakerd.realtime import HostedMCPTool

    wiki = HostedMCPTool(
        {"server_label": "wiki", "server_url": "https://wiki.example/mcp", "require_approval": "always"}
    )
    request = {
        "id": "mcpr_1",
        "type": "mcp_approval_request",
        "server_label": "wiki",
        "name": "search",
        "arguments": '{"q": "octopus"}',
    }
    script: list[Step] = [
        Expect("session.update"),
        response_created("resp_1"),
        item_added(request),
        {"type": "conversation.item.done", "item": request, "previous_item_id": None},
        response_done("resp_1", output=[request]),
        Expect("conversation.item.create"),
    ]
    async with serving(script) as server, await opened(server, RealtimeAgent("Ada", tools=[wiki])) as session:
        (*_, asked) = await read_until(session, "tool_approval_required")
        assert asked.type == "tool_approval_required"
        assert (asked.tool, asked.arguments) == (wiki, '{"q": "octopus"}')
        await session.approve_tool_call(asked.call_id)
        await server.until_played()
        answer = server.of_type("conversation.item.create")[0]["item"]
        assert (answer["type"], answer["approval_request_id"], answer["approve"]) == (
            "mcp_approval_response",
            "mcpr_1",
            True,
        )
        assert session_updates(server)[0]["tools"] == [wiki.to_dict()]
