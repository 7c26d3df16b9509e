"""What a program declares: agents, tools, handoffs, guardrails, hooks. No wire, no session.

- `agent`: the types, in one module because they refer to each other;
- `tool`, `handoff`, `guardrail`: the functions and decorators that make a tool, a handoff, a guardrail;
- `tool_schema`, `argument_types`: a tool's JSON schema from a signature, and a call's arguments back to values;
- `tool_errors`: what goes wrong with tools, and how it is worded for the model.
"""

from speakerd.realtime.agents.agent import (
    FunctionTool,
    GuardrailFunctionOutput,
    Handoff,
    HostedMCPTool,
    OutputGuardrail,
    OutputGuardrailResult,
    RealtimeAgent,
    RealtimeAgentHooks,
    Tool,
    settle,
)
from speakerd.realtime.agents.guardrail import output_guardrail
from speakerd.realtime.agents.handoff import realtime_handoff
from speakerd.realtime.agents.tool import function_tool, output_text
from speakerd.realtime.agents.tool_errors import (
    ToolArgumentsError,
    ToolErrorFormatter,
    ToolErrorFormatterArgs,
    ToolThreadsExhaustedError,
    UnknownToolCallError,
    default_tool_error_function,
)

__all__ = [
    "FunctionTool",
    "GuardrailFunctionOutput",
    "Handoff",
    "HostedMCPTool",
    "OutputGuardrail",
    "OutputGuardrailResult",
    "RealtimeAgent",
    "RealtimeAgentHooks",
    "Tool",
    "ToolArgumentsError",
    "ToolErrorFormatter",
    "ToolErrorFormatterArgs",
    "ToolThreadsExhaustedError",
    "UnknownToolCallError",
    "default_tool_error_function",
    "function_tool",
    "output_guardrail",
    "output_text",
    "realtime_handoff",
    "settle",
]
