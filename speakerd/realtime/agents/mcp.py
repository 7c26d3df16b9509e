"""Local MCP servers: their tools as function tools.

Nothing of an MCP library is needed here: any object with these three will do, such as a thin wrapper of yours
around a client session. For a server that the model's own server calls, see `HostedMCPTool`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from speakerd.realtime.agents.tool import FunctionTool
from speakerd.realtime.agents.tool_errors import ToolArgumentsError, default_tool_error_function

if TYPE_CHECKING:
    from speakerd.realtime.run_context import ToolContext


class MCPServer(Protocol):
    """What an agent asks of an MCP server that is connected already."""

    @property
    def name(self) -> str:
        """What it is called in errors."""

    async def list_tools(self) -> Any:
        """Its tools: objects with `name`, `description` and `inputSchema`."""

    async def call_tool(self, tool_name: str, arguments: dict[str, Any] | None) -> Any:
        """Call one: an object with `content`, a list of parts of which those with `text` are used."""


async def mcp_function_tools(server: MCPServer) -> list[FunctionTool]:
    """The server's tools, each as a function tool that calls it there."""
    return [_tool(server, tool) for tool in await server.list_tools()]


def _tool(server: MCPServer, tool: Any) -> FunctionTool:
    name = str(tool.name)

    async def invoke(context: ToolContext[Any], arguments: str) -> Any:
        try:
            given = json.loads(arguments or "{}")
        except ValueError as error:
            return default_tool_error_function(context, ToolArgumentsError(name, (f"not JSON: {error}",)))
        try:
            result = await server.call_tool(name, given)
        except Exception as error:  # noqa: BLE001  # whatever the server's client raises is for the model to know
            return default_tool_error_function(context, error)
        return "\n".join(part.text for part in result.content if getattr(part, "text", None))

    return FunctionTool(
        name=name,
        description=str(tool.description or ""),
        params_json_schema=dict(tool.inputSchema or {"type": "object", "properties": {}}),
        on_invoke_tool=invoke,
        strict_json_schema=False,
    )
