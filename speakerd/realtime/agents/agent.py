"""An agent: who the model is to be, and what it can do."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeAlias

from speakerd.realtime.agents.handoffs import Handoff, realtime_handoff
from speakerd.realtime.agents.tool import EnabledRule, FunctionTool, MaybeAwaitable, Tool, settle
from speakerd.realtime.errors import UserError
from speakerd.realtime.run_context import RunContextWrapper, TContext

if TYPE_CHECKING:
    from speakerd.realtime.agents.guardrails import OutputGuardrail
    from speakerd.realtime.agents.hooks import RealtimeAgentHooks
    from speakerd.realtime.agents.mcp import MCPServer
    from speakerd.realtime.prompts import Prompt

Instructions: TypeAlias = (
    str | Callable[[RunContextWrapper[TContext], "RealtimeAgent[TContext]"], MaybeAwaitable[str]] | None
)


@dataclass(slots=True, eq=False)
class RealtimeAgent(Generic[TContext]):
    """A character with instructions and tools. Model and voice belong to the session, not to the agent.

    An agent is a description: one may serve many sessions. `clone()` it to change it; a session that runs takes
    the change with `session.update_agent()`.
    """

    name: str
    instructions: Instructions[TContext] = None
    """What the model is told to be and do, or a function `(context, agent)`, sync or async, that gives it."""
    prompt: Prompt | None = None
    """A prompt kept at the provider. Instructions given here hold over its own."""
    tools: Sequence[Tool] = field(default_factory=list)
    handoffs: Sequence[RealtimeAgent[Any] | Handoff[Any]] = field(default_factory=list)
    """Whom it may give the conversation to."""
    output_guardrails: Sequence[OutputGuardrail[Any]] = field(default_factory=list)
    handoff_description: str | None = None
    """What it is for, told to agents that may hand over to it."""
    hooks: RealtimeAgentHooks[Any] | None = None
    mcp_servers: Sequence[MCPServer] = field(default_factory=list)
    """Connected MCP servers; their tools are offered beside its own."""

    def clone(self, **changes: Any) -> RealtimeAgent[TContext]:
        """A copy with these fields changed. Lists are shared unless replaced."""
        return dataclasses.replace(self, **changes)

    async def get_system_prompt(self, run_context: RunContextWrapper[TContext]) -> str | None:
        """The instructions as text, asked of the function if they are one.

        Raises:
            UserError: the function does not take two parameters.
        """
        if self.instructions is None or isinstance(self.instructions, str):
            return self.instructions
        if len(inspect.signature(self.instructions).parameters) != 2:
            raise UserError(
                f"The instructions of the agent {self.name} are given by {self.instructions!r}: a function that "
                "gives them takes (context, agent)"
            )
        return await settle(self.instructions(run_context, self))

    async def get_all_tools(self, run_context: RunContextWrapper[TContext]) -> list[Tool]:
        """The tools that are enabled now, and behind its own those of its MCP servers."""
        from speakerd.realtime.agents.mcp import mcp_function_tools  # noqa: PLC0415  # few agents have any

        remote = await asyncio.gather(*map(mcp_function_tools, self.mcp_servers))
        enabled = await asyncio.gather(
            *(
                is_enabled(tool.is_enabled if isinstance(tool, FunctionTool) else True, run_context, self)
                for tool in self.tools
            )
        )
        own = [tool for tool, shown in zip(self.tools, enabled, strict=True) if shown]
        return own + [tool for tools in remote for tool in tools]

    async def find_tool(self, run_context: RunContextWrapper[TContext], name: str) -> FunctionTool | None:
        """The enabled function tool of that name; its MCP servers are asked only if it is none of its own."""
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
        """The handoffs that are enabled now; an agent named directly as the handoff to it."""
        handoffs = [
            given if isinstance(given, Handoff) else realtime_handoff(given) for given in self.handoffs
        ]
        enabled = await asyncio.gather(*(is_enabled(each.is_enabled, run_context, self) for each in handoffs))
        return [each for each, shown in zip(handoffs, enabled, strict=True) if shown]


async def is_enabled(rule: EnabledRule, context: RunContextWrapper[Any], agent: RealtimeAgent[Any]) -> bool:
    """Whether `rule` shows what it belongs to, now."""
    return rule if isinstance(rule, bool) else bool(await settle(rule(context, agent)))
