"""Hooks: called as an agent starts, ends, is handed to, and uses tools. Override what you need.

They run beside the event stream, one after the other, and never hold up audio. What a hook raises becomes an
`error` event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic

from speakerd.realtime.run_context import RunContextWrapper, TContext

if TYPE_CHECKING:
    from speakerd.realtime.agents.agent import RealtimeAgent
    from speakerd.realtime.agents.tool import Tool


class RealtimeAgentHooks(Generic[TContext]):
    """What happens to one agent. All methods do nothing by themselves."""

    async def on_start(self, context: RunContextWrapper[TContext], agent: RealtimeAgent[Any]) -> None:
        """The agent begins a reply."""

    async def on_end(
        self, context: RunContextWrapper[TContext], agent: RealtimeAgent[Any], output: str
    ) -> None:
        """The agent has finished a reply; `output` is all it said, heard or not."""

    async def on_handoff(
        self, context: RunContextWrapper[TContext], agent: RealtimeAgent[Any], source: RealtimeAgent[Any]
    ) -> None:
        """The agent takes over from `source`."""

    async def on_tool_start(
        self, context: RunContextWrapper[TContext], agent: RealtimeAgent[Any], tool: Tool
    ) -> None:
        """A tool is about to run."""

    async def on_tool_end(
        self, context: RunContextWrapper[TContext], agent: RealtimeAgent[Any], tool: Tool, result: Any
    ) -> None:
        """A tool has given its result."""
