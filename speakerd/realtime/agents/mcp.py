"""Local MCP servers, whose tools an agent offers as its own."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Protocol, TypedDict

from speakerd.realtime.agents.settling import settle
from speakerd.realtime.agents.tool_definition import FunctionTool, ToolErrorFunction
from speakerd.realtime.agents.tool_errors import ToolArgumentsError, default_tool_error_function
from speakerd.realtime.agents.tool_output import ToolFailureText

if TYPE_CHECKING:
    from speakerd.realtime.run_context import ToolContext


class MCPServer(Protocol):
    """A connected local MCP server, whose tools an agent offers as its own.

    No MCP library is needed: any object with these members will do, such as a thin wrapper around a client session.
    For a server that the model's own server calls, see `HostedMCPTool`.
    """

    @property
    def name(self) -> str:
        """The name of the server in error messages."""

    async def list_tools(self) -> Any:
        """Return the server's tools: objects with `name`, `description` and `inputSchema`."""

    async def call_tool(self, tool_name: str, arguments: dict[str, Any] | None) -> Any:
        """Call a tool; return an object with `content`, a list of parts of which those with `text` are used."""


class MCPConfig(TypedDict, total=False):
    """How an agent offers the tools of its MCP servers."""

    convert_schemas_to_strict: bool
    """Whether keys that a schema does not name are ruled out."""
    failure_error_function: ToolErrorFunction | None
    """Returns what the model is told when a call fails; `None`: the session raises. Absent: a default sentence."""
    include_server_in_tool_names: bool
    """Whether a tool is named `<server>_<tool>`, so that two servers may have tools of one name."""


async def mcp_function_tools(server: MCPServer, config: MCPConfig | None = None) -> list[FunctionTool]:
    """Return the server's tools, each as a function tool that calls it there."""
    return [_mcp_function_tool(server, tool, config or {}) for tool in await server.list_tools()]


def _mcp_function_tool(server: MCPServer, tool: Any, config: MCPConfig) -> FunctionTool:
    name = str(tool.name)
    on_failure = config.get("failure_error_function", default_tool_error_function)

    async def invoke(context: ToolContext[Any], arguments: str) -> Any:
        given: Any = None
        try:
            given = json.loads(arguments or "{}")
            result = await server.call_tool(name, given)
        except Exception as error:  # whatever the server's client raises is reported to the model
            problem = ToolArgumentsError(name, (f"not JSON: {error}",)) if given is None else error
            if on_failure is None:
                raise
            return ToolFailureText(await settle(on_failure(context, problem)))
        return "\n".join(part.text for part in result.content if getattr(part, "text", None))

    strict = config.get("convert_schemas_to_strict", False)
    schema = dict(tool.inputSchema or {"type": "object", "properties": {}})
    shown_name = f"{server.name}_{name}" if config.get("include_server_in_tool_names") else name
    return FunctionTool(
        name=re.sub(r"[^a-zA-Z0-9_-]+", "_", shown_name) if shown_name != name else name,
        description=str(tool.description or ""),
        params_json_schema=schema | {"additionalProperties": False} if strict else schema,
        on_invoke_tool=invoke,
        strict_json_schema=strict,
    )
