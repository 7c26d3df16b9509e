"""Checks of an agent and of all that it may hand over to, made before a session begins with it."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from speakerd.realtime.agents.agent import Handoff, OutputGuardrail, RealtimeAgent, RealtimeAgentHooks
from speakerd.realtime.agents.tool_definition import FunctionTool, HostedMCPTool
from speakerd.realtime.errors import UserError
from speakerd.realtime.field_checks import (
    CALLABLE,
    MAPPING,
    NAME,
    TEXT,
    Kind,
    check,
    check_each,
    check_fields,
    either,
    optional,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


def _tool_cure(value: Any) -> str:
    if isinstance(value, RealtimeAgent | Handoff):
        return "An agent or a handoff goes into handoffs"
    if inspect.isroutine(value):
        return f"Make it a tool: write @function_tool above it, or function_tool({value.__name__})"
    return "Give what function_tool returns, a FunctionTool or a HostedMCPTool"


def _handoff_cure(value: Any) -> str:
    if isinstance(value, str):
        return f"Give the agent itself, not its name: RealtimeAgent({value!r}, ...)"
    return "Give an agent, or what realtime_handoff(agent) returns"


def _guardrail_cure(value: Any) -> str:
    return "Write @output_guardrail above it" if inspect.isroutine(value) else ""


def _hooks_fit(value: Any) -> bool:
    return isinstance(value, RealtimeAgentHooks) or (
        not isinstance(value, type) and all(hasattr(value, name) for name in ("on_start", "on_end"))
    )


AGENT: Final = Kind(
    "a RealtimeAgent",
    lambda value: isinstance(value, RealtimeAgent),
    lambda _value: 'Make one: RealtimeAgent("NAME", instructions="...")',
)
TOOL: Final = Kind("a tool", lambda value: isinstance(value, FunctionTool | HostedMCPTool), _tool_cure)
HANDOFF: Final = Kind(
    "an agent or a handoff", lambda value: isinstance(value, RealtimeAgent | Handoff), _handoff_cure
)
GUARDRAIL: Final = Kind(
    "an output guardrail", lambda value: isinstance(value, OutputGuardrail), _guardrail_cure
)
HOOKS: Final = Kind(
    "hooks", _hooks_fit, lambda value: "Give an instance of the class" if isinstance(value, type) else ""
)
SERVER: Final = Kind(
    "a connected MCP server, with list_tools and call_tool",
    lambda value: all(callable(getattr(value, name, None)) for name in ("list_tools", "call_tool")),
)
_FIELDS: Final = {
    "instructions": optional(either(TEXT, CALLABLE)),
    "prompt": optional(MAPPING),
    "handoff_description": optional(TEXT),
    "hooks": optional(HOOKS),
    "mcp_config": MAPPING,
}
_LISTS: Final = {
    "tools": TOOL,
    "handoffs": HANDOFF,
    "output_guardrails": GUARDRAIL,
    "mcp_servers": SERVER,
}
SETTINGS_TOOL: Final = Kind(
    "a tool, or a dict in the wire's form",
    lambda value: TOOL.fits(value) or isinstance(value, Mapping),
    _tool_cure,
)


def check_agent(agent: Any) -> None:
    """Compare an agent's fields, and those of the agents it may hand over to, with what may be there.

    Raises:
        UserError: a field does not fit, or two tools have one name.
    """
    seen: dict[int, RealtimeAgent[Any]] = {}
    waiting: list[tuple[str, Any]] = [("The session's agent", agent)]
    while waiting:
        field, each = waiting.pop()
        check(field, "it", each, AGENT)
        if id(each) in seen:
            continue
        seen[id(each)] = each
        if type(each) is not each.__class__:
            continue  # It pretends to be an agent, as a mock with a spec does: it is what its test makes of it.
        _check_one(each)
        waiting += [
            (f"The agent {each.name}", other) for other in each.handoffs if isinstance(other, RealtimeAgent)
        ]


def check_names(owner: str, tools: Iterable[Any], handoffs: Iterable[Any]) -> None:
    """Find tools and handoffs of one name: the model could not tell them apart, and servers refuse them.

    Two whose `is_enabled` are both rules may share a name: one may be offered when the other is not.

    Raises:
        UserError: two share a name.
    """
    entries = [
        *((tool.name, tool.is_enabled) for tool in tools if isinstance(tool, FunctionTool)),
        *(
            (each.tool_name, each.is_enabled)
            if isinstance(each, Handoff)
            else (Handoff.to(each).tool_name, True)
            for each in handoffs
        ),
    ]
    offered = Counter(name for name, rule in entries if rule is not False)
    always = {name for name, rule in entries if rule is True}
    for name, count in offered.items():
        if count > 1 and name in always:
            raise UserError(
                f"{owner}: {count} tools or handoffs are named {name}: give each another name, by name_override or "
                "tool_name_override"
            )
    labels = Counter(tool.server_label for tool in tools if isinstance(tool, HostedMCPTool))
    for label, count in labels.items():
        if count > 1:
            raise UserError(
                f"{owner}: {count} hosted tools have the server_label {label!r}: give each its own"
            )


def _check_one(agent: RealtimeAgent[Any]) -> None:
    check("A RealtimeAgent", "name", agent.name, NAME)
    owner = f"The agent {agent.name}"
    check_fields(owner, agent, _FIELDS)
    for field, kind in _LISTS.items():
        check_each(owner, field, getattr(agent, field), kind)
    check_names(owner, agent.tools, agent.handoffs)
