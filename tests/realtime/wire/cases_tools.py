"""Tools, approvals, handoffs, guardrails, hosted MCP."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from speakerd.realtime.testing import server_events as s
from speakerd.realtime.testing.loopback import Expect
from tests.realtime.wire.case import (
    Approve,
    Case,
    Plays,
    Reject,
    Saw,
    SawInOrder,
    Say,
    Sent,
    SentInOrder,
    Until,
)

_CREATE = Expect("response.create")
_OUTPUT = Expect("conversation.item.create", lambda e: e["item"]["type"] == "function_call_output")
_ANSWER = s.spoken_response("resp_2", "item_2", "It is noon.", 300)


def _output(text: Any, call_id: str = "call_1") -> dict[str, Any]:
    return {"item": {"type": "function_call_output", "call_id": call_id, "output": text}}


def _agent(*functions: Any, **options: Any) -> Any:
    def make(layer: Any) -> Any:
        wrap = layer.function_tool(**options) if options else layer.function_tool
        return layer.RealtimeAgent(
            name="A", instructions="x", tools=[wrap(function) for function in functions]
        )

    return make


def get_time(zone: str = "UTC") -> str:
    """Tell the time."""
    return f"noon in {zone}"


async def get_time_slowly(zone: str = "UTC") -> str:
    """Tell the time."""
    await asyncio.sleep(0.02)
    return f"noon in {zone}"


def block(zone: str = "UTC") -> str:
    """Take a while, and the thread with it."""
    time.sleep(0.15)
    return zone


def fail() -> str:
    """Never works."""
    raise RuntimeError("out of order")


async def hang() -> str:
    """Never answers."""
    await asyncio.sleep(60)
    return "never"


def give_dict() -> dict[str, int]:
    """Give a table."""
    return {"hour": 12}


def _one_call(name: str, output: Any, *functions: Any, arguments: str = "{}", **more: Any) -> Case:
    """One call, its output, the answer."""
    tool = functions[0].__name__
    return Case(
        name,
        [_CREATE, *s.call_response("resp_1", tool, arguments), _OUTPUT, _CREATE, *_ANSWER],
        [Say("What time is it?"), Until("agent_end", count=2)],
        agent=more.pop("agent", None) or _agent(*functions, **more.pop("options", {})),
        expect=[
            Sent("conversation.item.create", _output(output)),
            Sent("response.create", times=2),
            Plays("item_2", 300),
            *more.pop("expect", ()),
        ],
        **more,
    )


def _handoff_agent(layer: Any) -> Any:
    billing = layer.RealtimeAgent(name="Billing", instructions="Bill.")
    return layer.RealtimeAgent(name="Front", instructions="Greet.", handoffs=[billing])


def _override_agent(layer: Any) -> Any:
    billing = layer.RealtimeAgent(name="Billing", instructions="Bill.")
    handoff = layer.realtime_handoff(
        billing, tool_name_override="to_money", tool_description_override="Money matters"
    )
    return layer.RealtimeAgent(name="Front", instructions="Greet.", handoffs=[handoff])


def _guarded(layer: Any, word: str = "secret") -> dict[str, Any]:
    async def no_secrets(_context: Any, _agent: Any, output: str) -> Any:
        return layer.GuardrailFunctionOutput(output_info={}, tripwire_triggered=word in output)

    return {
        "output_guardrails": [layer.output_guardrail(no_secrets)],
        "guardrails_settings": {"debounce_text_length": 10},
    }


_LEAK = [
    s.response_created("resp_1"),
    *s.spoken_begin("resp_1", "item_1"),
    *s.spoken_deltas("resp_1", "item_1", "The secret word is known to all of us", 800),
]

_MCP = {
    "type": "mcp",
    "server_label": "docs",
    "server_url": "https://x.example/mcp",
    "require_approval": "always",
}
_MCP_REQUEST = {
    "id": "mcpr_1",
    "type": "mcp_approval_request",
    "server_label": "docs",
    "name": "search",
    "arguments": "{}",
}

CASES = [
    _one_call(
        "a tool is called and its output sent",
        "noon in UTC",
        get_time,
        expect=[
            SentInOrder(
                (
                    "response.create",
                    {"type": "conversation.item.create", "item": {"type": "function_call_output"}},
                    "response.create",
                )
            )
        ],
    ),
    _one_call("a tool gets its arguments", "noon in CET", get_time, arguments='{"zone": "CET"}'),
    _one_call("an async tool", "noon in UTC", get_time_slowly),
    _one_call("a tool that gives a table", lambda text: "12" in text and "hour" in text, give_dict),
    _one_call(
        "a tool that fails tells the model",
        lambda text: "out of order" in text or "error" in text.lower(),
        fail,
    ),
    _one_call("arguments that are no JSON tell the model", bool, get_time, arguments="{zone"),
    _one_call(
        "arguments of the wrong type tell the model",
        bool,
        get_time,
        arguments='{"zone": {"a": 1}}',
    ),
    _one_call("a tool that takes too long", lambda text: "0.05" in text, hang, options={"timeout": 0.05}),
    _one_call(
        "start and end are told",
        "noon in UTC",
        get_time,
        expect=[
            SawInOrder(
                ({"type": "tool_start", "tool": "get_time"}, {"type": "tool_end", "output": "noon in UTC"})
            )
        ],
    ),
    Case(
        "a blocking tool does not hold up sound",
        [
            _CREATE,
            s.response_created("resp_1"),
            *s.call_events("resp_1", "block"),
            *s.spoken_begin("resp_1", "item_1", 1),
            *s.spoken_deltas("resp_1", "item_1", "One moment.", 200, output_index=1),
            s.response_done("resp_1"),
            _OUTPUT,
            _CREATE,
            *_ANSWER,
        ],
        [Say("Wait"), Until("agent_end", count=2)],
        agent=_agent(block),
        expect=[
            SawInOrder(({"type": "audio", "item_id": "item_1"}, "tool_end")),
            Plays("item_2", 300),
        ],
    ),
    Case(
        "speech and a call in one response",
        [
            _CREATE,
            s.response_created("resp_1"),
            *s.spoken_begin("resp_1", "item_1"),
            *s.spoken_deltas("resp_1", "item_1", "Let me see.", 300),
            *s.spoken_end("resp_1", "item_1", "Let me see."),
            *s.call_events("resp_1", "get_time", output_index=1),
            s.response_done("resp_1"),
            _OUTPUT,
            _CREATE,
            *_ANSWER,
        ],
        [Say("What time is it?"), Until("agent_end", count=2)],
        agent=_agent(get_time),
        expect=[Plays("item_1", 300), Plays("item_2", 300), Sent("response.create", times=2)],
    ),
    Case(
        "two calls in one response are answered by one reply",
        [
            _CREATE,
            s.response_created("resp_1"),
            *s.call_events("resp_1", "get_time", '{"zone": "A"}', call_id="call_a", item_id="item_a"),
            *s.call_events(
                "resp_1", "get_time", '{"zone": "B"}', call_id="call_b", item_id="item_b", output_index=1
            ),
            s.response_done("resp_1"),
            _OUTPUT,
            _OUTPUT,
            _CREATE,
            *_ANSWER,
        ],
        [Say("Two times"), Until("agent_end", count=2)],
        agent=_agent(get_time),
        expect=[
            Sent("conversation.item.create", _output("noon in A", "call_a"), times=1),
            Sent("conversation.item.create", _output("noon in B", "call_b"), times=1),
            Sent("response.create", times=2),
        ],
    ),
    Case(
        "no reply is asked for before the calling response has ended",
        [
            _CREATE,
            s.response_created("resp_1"),
            *s.call_events("resp_1", "get_time"),
            _OUTPUT,
            s.response_done("resp_1"),
            _CREATE,
            *_ANSWER,
        ],
        [Say("What time is it?"), Until("agent_end", count=2)],
        agent=_agent(get_time),
        expect=[Plays("item_2", 300), Sent("response.create", times=2)],
    ),
    Case(
        "a call told twice runs once",
        [
            _CREATE,
            s.response_created("resp_1"),
            *s.call_events("resp_1", "get_time"),
            *s.call_events("resp_1", "get_time")[-2:],
            s.response_done("resp_1"),
            _OUTPUT,
            _CREATE,
            *_ANSWER,
        ],
        [Say("What time is it?"), Until("agent_end", count=2)],
        agent=_agent(get_time),
        expect=[
            Saw("tool_start", times=1),
            Sent("conversation.item.create", _output("noon in UTC"), times=1),
        ],
    ),
    Case(
        "a home server's call: only its arguments",
        [
            _CREATE,
            {"type": "response.created", "response": {"id": "resp_1"}},
            {
                "type": "response.output_item.added",
                "response_id": "resp_1",
                "item": {"id": "item_c", "type": "function_call", "name": "get_time", "call_id": "call_1"},
            },
            {
                "type": "response.function_call_arguments.done",
                "response_id": "resp_1",
                "item_id": "item_c",
                "call_id": "call_1",
                "arguments": "{}",
            },
            {"type": "response.done", "response": {"id": "resp_1", "status": "completed"}},
            _OUTPUT,
            _CREATE,
            *_ANSWER,
        ],
        [Say("What time is it?"), Until("agent_end", count=2)],
        agent=_agent(get_time),
        expect=[Sent("conversation.item.create", _output("noon in UTC"))],
    ),
    Case(
        "an unknown tool is answered",
        [_CREATE, *s.call_response("resp_1", "no_such_tool"), _OUTPUT, _CREATE, *_ANSWER],
        [Say("Do it"), Until("agent_end", count=2)],
        agent=_agent(get_time),
        expect=[
            Sent("conversation.item.create", _output(lambda text: "no_such_tool" in text)),
            Plays("item_2", 300),
        ],
    ),
    Case(
        "a call is in the history with its output",
        [_CREATE, *s.call_response("resp_1", "get_time"), _OUTPUT, _CREATE, *_ANSWER],
        [Say("What time is it?"), Until("agent_end", count=2)],
        agent=_agent(get_time),
        expect=[
            Saw(
                "history_updated",
                {"history": lambda h: any(i["text"] == "get_time({}) -> noon in UTC" for i in h)},
            )
        ],
    ),
    # Approvals.
    Case(
        "a call that is approved runs",
        [_CREATE, *s.call_response("resp_1", "get_time"), _OUTPUT, _CREATE, *_ANSWER],
        [Say("Go"), Until("tool_approval_required"), Approve("call_1"), Until("agent_end", count=2)],
        agent=_agent(get_time, needs_approval=True),
        expect=[
            SawInOrder(("tool_approval_required", "tool_start", "tool_end")),
            Sent("conversation.item.create", _output("noon in UTC")),
        ],
    ),
    Case(
        "a call that is rejected does not run",
        [_CREATE, *s.call_response("resp_1", "get_time"), _OUTPUT, _CREATE, *_ANSWER],
        [
            Say("Go"),
            Until("tool_approval_required"),
            Reject("call_1", "Not at night."),
            Until("agent_end", count=2),
        ],
        agent=_agent(get_time, needs_approval=True),
        expect=[Saw("tool_start", times=0), Sent("conversation.item.create", _output("Not at night."))],
    ),
    Case(
        "a tool approved for always is not asked about again",
        [
            _CREATE,
            *s.call_response("resp_1", "get_time"),
            _OUTPUT,
            _CREATE,
            *s.call_response("resp_2", "get_time", call_id="call_2", item_id="item_c2"),
            _OUTPUT,
            _CREATE,
            *s.spoken_response("resp_3", "item_2", ms=300),
        ],
        [
            Say("Go"),
            Until("tool_approval_required"),
            Approve("call_1", always=True),
            Until("agent_end", count=3),
        ],
        agent=_agent(get_time, needs_approval=True),
        expect=[Saw("tool_approval_required", times=1), Saw("tool_end", times=2)],
    ),
    # Handoffs.
    Case(
        "a handoff: settings, then the output, then the reply",
        [_CREATE, *s.call_response("resp_1", "transfer_to_billing"), _OUTPUT, _CREATE, *_ANSWER],
        [Say("My bill"), Until("agent_end", count=2)],
        agent=_handoff_agent,
        expect=[
            Saw("handoff", {"from": "Front", "to": "Billing"}, times=1),
            SentInOrder(
                (
                    {"type": "session.update", "session": {"instructions": "Bill."}},
                    {"type": "conversation.item.create", "item": {"type": "function_call_output"}},
                    "response.create",
                )
            ),
            Saw("agent_end", {"agent": "Billing"}),
        ],
    ),
    Case(
        "a handoff under another name",
        [
            Expect("session.update"),
            _CREATE,
            *s.call_response("resp_1", "to_money"),
            _OUTPUT,
            _CREATE,
            *_ANSWER,
        ],
        [Say("My bill"), Until("agent_end", count=2)],
        agent=_override_agent,
        expect=[
            Sent(
                "session.update",
                {"session": {"tools": [{"name": "to_money", "description": "Money matters"}]}},
            ),
            Saw("handoff", {"to": "Billing"}),
        ],
    ),
    Case(
        "after a handoff the old one's tools are gone",
        [_CREATE, *s.call_response("resp_1", "transfer_to_billing"), _OUTPUT, _CREATE, *_ANSWER],
        [Say("My bill"), Until("agent_end", count=2)],
        agent=_handoff_agent,
        expect=[
            Sent(
                "session.update",
                {"session": lambda x: x.get("instructions") == "Bill." and x.get("tools") == []},
            )
        ],
    ),
    # Guardrails.
    Case(
        "a guardrail trips, the response is cancelled by its id",
        [
            _CREATE,
            *_LEAK,
            Expect("response.cancel"),
            s.response_done("resp_1", "cancelled", reason="client_cancelled"),
            _CREATE,
            *_ANSWER,
        ],
        [Say("Tell"), Until("agent_end", count=2)],
        run_config=_guarded,
        tracker=True,
        settings={"turn_detection": None},
        expect=[
            Saw("guardrail_tripped", times=1),
            Sent("response.cancel", {"response_id": "resp_1"}, times=1),
            Sent("response.create", times=2),
            Plays("item_2", 300),
        ],
    ),
    Case(
        "a tripped response says nothing more",
        [
            _CREATE,
            *_LEAK,
            Expect("response.cancel"),
            *s.spoken_deltas("resp_1", "item_1", "and more secret", 500),
            s.response_done("resp_1", "cancelled", reason="client_cancelled"),
            _CREATE,
            *_ANSWER,
        ],
        [Say("Tell"), Until("agent_end", count=2)],
        run_config=_guarded,
        tracker=True,
        settings={"turn_detection": None},
        expect=[
            Saw("guardrail_tripped", times=1),
            Saw("audio", {"item_id": "item_1"}, times=None),
            Plays("item_2", 300),
            Saw("audio", {"item_id": "item_1", "ms": lambda ms: ms > 100}, times=0),
        ],
        point=1,
    ),
    Case(
        "a guardrail that is content stays silent",
        [_CREATE, *s.spoken_response(text="All is well and nothing is hidden", ms=300)],
        [Say("Tell"), Until("agent_end")],
        run_config=_guarded,
        expect=[Saw("guardrail_tripped", times=0), Plays("item_1", 300)],
    ),
    # Hosted MCP.
    Case(
        "a hosted tool's call is approved",
        [
            _CREATE,
            s.response_created("resp_1"),
            s.output_item_done("resp_1", _MCP_REQUEST),
            s.item_done(_MCP_REQUEST),
            s.response_done("resp_1"),
            Expect("conversation.item.create", lambda e: e["item"]["type"] == "mcp_approval_response"),
        ],
        [Say("Search"), Until("tool_approval_required"), Approve("mcpr_1")],
        agent=lambda layer: layer.RealtimeAgent(name="A", tools=[layer.HostedMCPTool(tool_config=_MCP)]),
        expect=[
            Sent(
                "conversation.item.create",
                {"item": {"approval_request_id": "mcpr_1", "approve": True}},
                times=1,
            )
        ],
        ours_only=True,
    ),
]
