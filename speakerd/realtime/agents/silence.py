"""`stay_silent`: the tool by which a model says nothing, deliberately.

A realtime model is asked for a reply after every turn it hears, also after talk that was not meant for it. Give it
this tool, and say in the instructions when to use it. Nothing is asked for after it, so that nothing is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from speakerd.realtime.agents.tool_definition import FunctionTool

if TYPE_CHECKING:
    from speakerd.realtime.run_context import ToolContext


async def _nothing(_context: ToolContext[Any], _arguments: str) -> str:
    return ""


stay_silent: Final = FunctionTool(
    name="stay_silent",
    description=(
        "Say nothing at all. Only for talk that was clearly not meant for you, such as people talking to each "
        "other or a television. In doubt, answer or ask instead. Do not speak when you call this."
    ),
    params_json_schema={"type": "object", "properties": {}, "required": [], "additionalProperties": False},
    on_invoke_tool=_nothing,
    answer=False,
)
"""A tool that does nothing and wants no reply."""
