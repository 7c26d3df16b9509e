"""Agents, and what refers to them as they refer to it: handoffs, output guardrails, hooks.

They are usually made by the functions of the neighbouring modules: `realtime_handoff` and `output_guardrail`.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar

from speakerd.realtime.agents.mcp import MCPConfig, MCPServer, mcp_function_tools
from speakerd.realtime.agents.settling import MaybeAwaitable, settle
from speakerd.realtime.agents.tool_definition import (
    RULE,
    EnabledRule,
    FunctionTool,
    Tool,
    enabled_tools,
    is_enabled,
)
from speakerd.realtime.agents.tool_invocation import all_apart
from speakerd.realtime.errors import UserError
from speakerd.realtime.field_checks import (
    CALLABLE,
    FLAG,
    MAPPING,
    NAME,
    TEXT,
    check,
    check_fields,
    optional,
)
from speakerd.realtime.run_context import RunContextWrapper, TContext

if TYPE_CHECKING:
    from typing_extensions import TypeVar as _TypeVar

    from speakerd.realtime.prompts import Prompt

    TAgent = _TypeVar("TAgent", default="RealtimeAgent[Any]")
else:
    TAgent = TypeVar("TAgent")  # Its default is for type checkers only, as that of TContext.

Instructions: TypeAlias = (
    str | Callable[[RunContextWrapper[TContext], "RealtimeAgent[TContext]"], MaybeAwaitable[str]] | None
)


async def enabled_handoffs(
    handoffs: Iterable[Handoff[Any]], context: RunContextWrapper[Any], agent: RealtimeAgent[Any]
) -> list[Handoff[Any]]:
    """Return those of the handoffs that are offered to the model now."""
    given = list(handoffs)
    enabled = await all_apart(
        "is_enabled", [partial(is_enabled, each.is_enabled, context, agent) for each in given]
    )
    return [each for each, offered in zip(given, enabled, strict=True) if offered]


# Handoffs.


class _OneOrTwoTypes(Generic[TContext, TAgent]):
    """Lets `Handoff` be written with the agent's type, as in `Handoff[Any, RealtimeAgent[Any]]`, or without it."""

    __slots__ = ()

    if not TYPE_CHECKING:

        def __class_getitem__(cls, types: Any) -> Any:
            """Add the agent's type where only the context's is given."""
            given = types if isinstance(types, tuple) else (types,)
            return super().__class_getitem__(given if len(given) > 1 else (*given, Any))


_HANDOFF_FIELDS: Final = {
    "tool_description": TEXT,
    "input_json_schema": MAPPING,
    "on_invoke_handoff": CALLABLE,
    "agent_name": TEXT,
    "is_enabled": RULE,
    "strict_json_schema": FLAG,
}


@dataclass(slots=True, eq=False)
class Handoff(_OneOrTwoTypes[TContext, TAgent]):
    """A handoff to another agent, as it is offered to the model. Usually made by `realtime_handoff`."""

    tool_name: str
    tool_description: str
    input_json_schema: dict[str, Any]
    on_invoke_handoff: Callable[[RunContextWrapper[Any], str], Awaitable[TAgent]]
    """Returns the agent that takes over; called with the context and the arguments as JSON text."""
    agent_name: str
    is_enabled: EnabledRule = True
    strict_json_schema: bool = True
    """Whether the schema is meant to rule out keys that it does not name; the protocol has no field for it."""

    def __post_init__(self) -> None:
        check("A Handoff", "tool_name", self.tool_name, NAME)
        check_fields(f"The handoff {self.tool_name}", self, _HANDOFF_FIELDS)

    @staticmethod
    def to(agent: RealtimeAgent[Any]) -> Handoff[Any]:
        """Make the plain handoff to `agent`: default name and description, no input, always enabled."""

        async def invoke(_context: RunContextWrapper[Any], _arguments: str) -> RealtimeAgent[Any]:
            return agent

        what_for = f" {agent.handoff_description}" if agent.handoff_description else ""
        return Handoff(
            tool_name="transfer_to_" + re.sub(r"[^a-zA-Z0-9_-]+", "_", agent.name).strip("_").lower(),
            tool_description=f"Give the conversation to the agent {agent.name}.{what_for}",
            input_json_schema={
                "type": "object",
                "properties": {},
                "required": [],
                "additionalProperties": False,
            },
            on_invoke_handoff=invoke,
            agent_name=agent.name,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the handoff as a tool definition in the wire's form."""
        return {
            "type": "function",
            "name": self.tool_name,
            "description": self.tool_description,
            "parameters": self.input_json_schema,
        }

    def get_transfer_message(self, agent: RealtimeAgent[Any]) -> str:
        """Return the output of the handoff's call, sent once `agent` has taken over."""
        return json.dumps({"assistant": agent.name})


# Output guardrails.


@dataclass(frozen=True, slots=True)
class GuardrailFunctionOutput:
    """The verdict of one guardrail on one text."""

    output_info: Any
    """Details of the guardrail's own; passed on in the `guardrail_tripped` event."""
    tripwire_triggered: bool

    def __post_init__(self) -> None:
        check("A GuardrailFunctionOutput", "tripwire_triggered", self.tripwire_triggered, FLAG)


@dataclass(frozen=True, slots=True)
class OutputGuardrailResult:
    """The verdict of one guardrail, with the guardrail, the agent and the text it is about."""

    guardrail: OutputGuardrail[Any]
    agent_output: Any
    agent: RealtimeAgent[Any]
    output: GuardrailFunctionOutput


@dataclass(frozen=True, slots=True, eq=False)
class OutputGuardrail(Generic[TContext]):
    """A check on what an agent says. Usually made by `output_guardrail`.

    The function is called as `(context, agent, text)`. Make it `async` if it waits for anything: a plain function
    runs on the event loop and must be quick.
    """

    guardrail_function: Callable[
        [RunContextWrapper[TContext], RealtimeAgent[Any], str], MaybeAwaitable[GuardrailFunctionOutput]
    ]
    name: str | None = None

    def __post_init__(self) -> None:
        kinds = {"guardrail_function": CALLABLE, "name": optional(TEXT)}
        check_fields("An OutputGuardrail", self, kinds)

    def get_name(self) -> str:
        """Return the given name, or else the function's."""
        return self.name or str(getattr(self.guardrail_function, "__name__", "guardrail"))

    async def run(
        self, context: RunContextWrapper[TContext], agent: RealtimeAgent[Any], agent_output: str
    ) -> OutputGuardrailResult:
        """Check one text. Exceptions of the function propagate.

        Raises:
            UserError: the function returned something else than a `GuardrailFunctionOutput`.
        """
        output = await settle(self.guardrail_function(context, agent, agent_output))
        if not isinstance(output, GuardrailFunctionOutput):
            raise UserError(
                f"The output guardrail {self.get_name()} returned {output!r}: it has to return a "
                "GuardrailFunctionOutput"
            )
        return OutputGuardrailResult(guardrail=self, agent_output=agent_output, agent=agent, output=output)


# Hooks.


class RealtimeAgentHooks(Generic[TContext]):
    """Callbacks on what happens to one agent. Override the methods you need; the default ones do nothing.

    They run beside the event stream, one after the other, and never hold up audio. An exception in a hook becomes
    an `error` event.
    """

    async def on_start(self, context: RunContextWrapper[TContext], agent: RealtimeAgent[Any]) -> None:
        """Called when the agent begins a reply."""

    async def on_end(
        self, context: RunContextWrapper[TContext], agent: RealtimeAgent[Any], output: str
    ) -> None:
        """Called when a reply has been generated; `output` is its whole text, whether or not it was heard."""

    async def on_handoff(
        self, context: RunContextWrapper[TContext], agent: RealtimeAgent[Any], source: RealtimeAgent[Any]
    ) -> None:
        """Called when the agent takes over from `source`."""

    async def on_tool_start(
        self, context: RunContextWrapper[TContext], agent: RealtimeAgent[Any], tool: Tool
    ) -> None:
        """Called before a tool runs."""

    async def on_tool_end(
        self, context: RunContextWrapper[TContext], agent: RealtimeAgent[Any], tool: Tool, result: Any
    ) -> None:
        """Called with the result of a tool that has run."""


class RealtimeRunHooks(Generic[TContext]):
    """Callbacks on what happens in a whole run, whichever agent speaks; given as the run config's `hooks`.

    Override the methods you need; the default ones do nothing. They run as those of an agent do, after them.
    """

    async def on_agent_start(self, context: RunContextWrapper[TContext], agent: RealtimeAgent[Any]) -> None:
        """Called when an agent begins a reply."""

    async def on_agent_end(
        self, context: RunContextWrapper[TContext], agent: RealtimeAgent[Any], output: Any
    ) -> None:
        """Called when a reply has been generated; `output` is its whole text."""

    async def on_handoff(
        self,
        context: RunContextWrapper[TContext],
        from_agent: RealtimeAgent[Any],
        to_agent: RealtimeAgent[Any],
    ) -> None:
        """Called when an agent has given the conversation to another."""

    async def on_tool_start(
        self, context: RunContextWrapper[TContext], agent: RealtimeAgent[Any], tool: Tool
    ) -> None:
        """Called before a tool runs."""

    async def on_tool_end(
        self, context: RunContextWrapper[TContext], agent: RealtimeAgent[Any], tool: Tool, result: Any
    ) -> None:
        """Called with the result of a tool that has run."""


# Agents.


@dataclass(slots=True, eq=False)
class RealtimeAgent(Generic[TContext]):
    """A character with instructions and tools. Model and voice belong to the session, not to the agent.

    An agent is a description: one may serve many sessions. `clone()` it to change it; a running session takes the
    changed agent with `session.update_agent()`.
    """

    name: str
    instructions: Instructions[TContext] = None
    """The system prompt, or a function `(context, agent)`, sync or async, that returns it."""
    prompt: Prompt | None = None
    """A prompt stored at the provider. `instructions` take precedence over its own."""
    tools: Sequence[Tool] = field(default_factory=list)
    handoffs: Sequence[RealtimeAgent[Any] | Handoff[Any]] = field(default_factory=list)
    """The agents that it may hand the conversation to."""
    output_guardrails: Sequence[OutputGuardrail[Any]] = field(default_factory=list)
    handoff_description: str | None = None
    """What the agent is for; shown to the model when another agent may hand over to it."""
    hooks: RealtimeAgentHooks[Any] | None = None
    mcp_servers: Sequence[MCPServer] = field(default_factory=list)
    """Connected MCP servers; their tools are offered after its own."""
    mcp_config: MCPConfig = field(default_factory=MCPConfig)

    def clone(self, **changes: Any) -> RealtimeAgent[TContext]:
        """Return a copy with these fields changed. Lists are shared unless replaced."""
        return dataclasses.replace(self, **changes)

    async def get_system_prompt(self, run_context: RunContextWrapper[TContext]) -> str | None:
        """Return the instructions as text; a function is called for them.

        Raises:
            UserError: the function does not take two parameters, or returns no text.
        """
        if self.instructions is None or isinstance(self.instructions, str):
            return self.instructions
        if len(inspect.signature(self.instructions).parameters) != 2:
            raise UserError(
                f"The instructions of the agent {self.name} are given by {self.instructions!r}: a function that "
                "gives them takes (context, agent)"
            )
        text = await settle(self.instructions(run_context, self))
        check(f"The agent {self.name}", "the result of its instructions", text, optional(TEXT))
        return text

    async def get_all_tools(self, run_context: RunContextWrapper[TContext]) -> list[Tool]:
        """Return the tools that are enabled now: its own, then those of its MCP servers."""
        remote = await self.get_mcp_tools(run_context)
        return [*await enabled_tools(self.tools, run_context, self), *remote]

    async def get_mcp_tools(self, run_context: RunContextWrapper[TContext]) -> list[Tool]:  # noqa: ARG002  # the documented signature
        """Return the tools of the agent's MCP servers, which are asked for them now."""
        lists = await all_apart(
            "MCP server", [partial(mcp_function_tools, each, self.mcp_config) for each in self.mcp_servers]
        )
        return [tool for tools in lists for tool in tools]

    async def find_tool(self, run_context: RunContextWrapper[TContext], name: str) -> FunctionTool | None:
        """Return the enabled function tool of that name; MCP servers are asked only if none of its own matches."""
        for tool in self.tools:
            if not isinstance(tool, FunctionTool) or tool.name != name:
                continue
            if await is_enabled(tool.is_enabled, run_context, self):
                return tool
        if self.mcp_servers:
            for remote in await self.get_all_tools(run_context):
                if isinstance(remote, FunctionTool) and remote.name == name:
                    return remote
        return None

    async def get_all_handoffs(self, run_context: RunContextWrapper[TContext]) -> list[Handoff[Any]]:
        """Return the handoffs that are enabled now; an agent listed directly becomes the plain handoff to it."""
        handoffs = [given if isinstance(given, Handoff) else Handoff.to(given) for given in self.handoffs]
        return await enabled_handoffs(handoffs, run_context, self)
