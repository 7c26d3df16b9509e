"""What a program declares: agents, tools, handoffs, guardrails, hooks. No wire, no session.

- `agent`: the types, in one module because they refer to each other;
- `agent_checks`: what a program may put where, and what it is told otherwise;
- `tool_guardrails`: checks around a tool; `settling`: calls of functions that may be asynchronous;
- `tool`, `handoff`, `guardrail`: the functions and decorators that make a tool, a handoff, a guardrail;
- `tool_output`: what a tool returned, as text; `tool_invocation`: its run, whatever it ends in;
- `silence`: the tool by which the model decides to say nothing;
- `tool_schema`, `argument_types`: a tool's JSON schema from a signature, and a call's arguments back to values;
- `tool_errors`: what goes wrong with tools, and how it is worded for the model.
"""

from speakerd.realtime.agents.agent import (
    AnswerRule,
    FunctionTool,
    GuardrailFunctionOutput,
    Handoff,
    HostedMCPTool,
    MCPConfig,
    OutputGuardrail,
    OutputGuardrailResult,
    RealtimeAgent,
    RealtimeAgentHooks,
    RealtimeRunHooks,
    Tool,
    enabled_handoffs,
    enabled_tools,
)
from speakerd.realtime.agents.agent_checks import (
    GUARDRAIL,
    HANDOFF,
    SETTINGS_TOOL,
    check_agent,
    check_names,
)
from speakerd.realtime.agents.guardrail import output_guardrail
from speakerd.realtime.agents.handoff import realtime_handoff
from speakerd.realtime.agents.settling import settle
from speakerd.realtime.agents.silence import stay_silent
from speakerd.realtime.agents.tool import function_tool
from speakerd.realtime.agents.tool_errors import (
    ToolAbortedError,
    ToolArgumentsError,
    ToolErrorFormatter,
    ToolErrorFormatterArgs,
    ToolThreadsExhaustedError,
    UnknownToolCallError,
    default_tool_error_function,
)
from speakerd.realtime.agents.tool_guardrails import (
    ToolGuardrailFunctionOutput,
    ToolInputGuardrail,
    ToolInputGuardrailData,
    ToolInputGuardrailTripwireTriggered,
    ToolOutputGuardrail,
    ToolOutputGuardrailData,
    ToolOutputGuardrailTripwireTriggered,
    input_rejection,
    output_rejection,
    tool_input_guardrail,
    tool_output_guardrail,
)
from speakerd.realtime.agents.tool_invocation import all_apart, as_exception, run_apart
from speakerd.realtime.agents.tool_output import ToolFailureText, described, output_text, safe_text, sendable

__all__ = [
    "GUARDRAIL",
    "HANDOFF",
    "SETTINGS_TOOL",
    "AnswerRule",
    "FunctionTool",
    "GuardrailFunctionOutput",
    "Handoff",
    "HostedMCPTool",
    "MCPConfig",
    "OutputGuardrail",
    "OutputGuardrailResult",
    "RealtimeAgent",
    "RealtimeAgentHooks",
    "RealtimeRunHooks",
    "Tool",
    "ToolAbortedError",
    "ToolArgumentsError",
    "ToolErrorFormatter",
    "ToolErrorFormatterArgs",
    "ToolFailureText",
    "ToolGuardrailFunctionOutput",
    "ToolInputGuardrail",
    "ToolInputGuardrailData",
    "ToolInputGuardrailTripwireTriggered",
    "ToolOutputGuardrail",
    "ToolOutputGuardrailData",
    "ToolOutputGuardrailTripwireTriggered",
    "ToolThreadsExhaustedError",
    "UnknownToolCallError",
    "all_apart",
    "as_exception",
    "check_agent",
    "check_names",
    "default_tool_error_function",
    "described",
    "enabled_handoffs",
    "enabled_tools",
    "function_tool",
    "input_rejection",
    "output_guardrail",
    "output_rejection",
    "output_text",
    "realtime_handoff",
    "run_apart",
    "safe_text",
    "sendable",
    "settle",
    "stay_silent",
    "tool_input_guardrail",
    "tool_output_guardrail",
]
