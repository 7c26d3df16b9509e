# ruff: noqa: I001 -- it would write a statement for each name

"""What a program declares: agents, tools, handoffs, guardrails, hooks. No wire, no session.

- `agent`: agents, handoffs, output guardrails and hooks, in one module because they refer to each other;
- `tool_definition`: tools; `mcp`: tools of local MCP servers;
- `agent_checks`: what a program may put where, and what it is told otherwise;
- `tool_guardrails`: checks around a tool; `settling`: calls of functions that may be asynchronous;
- `tool`, `handoff`, `guardrail`: the functions and decorators that make a tool, a handoff, a guardrail;
- `tool_output`: what a tool returned, as text; `tool_invocation`: its run, whatever it ends in;
- `silence`: the tool by which the model decides to say nothing;
- `tool_schema`, `argument_types`: a tool's JSON schema from a signature, and a call's arguments back to values;
- `tool_errors`: what goes wrong with tools, and how it is worded for the model.
"""

from speakerd.realtime.agents.agent import (
    GuardrailFunctionOutput as GuardrailFunctionOutput,
    Handoff as Handoff,
    OutputGuardrail as OutputGuardrail,
    OutputGuardrailResult as OutputGuardrailResult,
    RealtimeAgent as RealtimeAgent,
    RealtimeAgentHooks as RealtimeAgentHooks,
    RealtimeRunHooks as RealtimeRunHooks,
    enabled_handoffs as enabled_handoffs,
)
from speakerd.realtime.agents.agent_checks import (
    GUARDRAIL as GUARDRAIL,
    HANDOFF as HANDOFF,
    SETTINGS_TOOL as SETTINGS_TOOL,
    check_agent as check_agent,
    check_names as check_names,
)
from speakerd.realtime.agents.guardrail import (
    output_guardrail as output_guardrail,
)
from speakerd.realtime.agents.handoff import (
    realtime_handoff as realtime_handoff,
)
from speakerd.realtime.agents.mcp import (
    MCPConfig as MCPConfig,
)
from speakerd.realtime.agents.settling import (
    settle as settle,
)
from speakerd.realtime.agents.silence import (
    stay_silent as stay_silent,
)
from speakerd.realtime.agents.tool import (
    function_tool as function_tool,
)
from speakerd.realtime.agents.tool_definition import (
    AnswerRule as AnswerRule,
    FunctionTool as FunctionTool,
    HostedMCPTool as HostedMCPTool,
    Tool as Tool,
    enabled_tools as enabled_tools,
)
from speakerd.realtime.agents.tool_errors import (
    ToolAbortedError as ToolAbortedError,
    ToolArgumentsError as ToolArgumentsError,
    ToolErrorFormatter as ToolErrorFormatter,
    ToolErrorFormatterArgs as ToolErrorFormatterArgs,
    ToolThreadsExhaustedError as ToolThreadsExhaustedError,
    UnknownToolCallError as UnknownToolCallError,
    default_tool_error_function as default_tool_error_function,
)
from speakerd.realtime.agents.tool_guardrails import (
    ToolGuardrailFunctionOutput as ToolGuardrailFunctionOutput,
    ToolInputGuardrail as ToolInputGuardrail,
    ToolInputGuardrailData as ToolInputGuardrailData,
    ToolInputGuardrailTripwireTriggered as ToolInputGuardrailTripwireTriggered,
    ToolOutputGuardrail as ToolOutputGuardrail,
    ToolOutputGuardrailData as ToolOutputGuardrailData,
    ToolOutputGuardrailTripwireTriggered as ToolOutputGuardrailTripwireTriggered,
    input_rejection as input_rejection,
    output_rejection as output_rejection,
    tool_input_guardrail as tool_input_guardrail,
    tool_output_guardrail as tool_output_guardrail,
)
from speakerd.realtime.agents.tool_invocation import (
    GIVEN_UP_WITHIN_S as GIVEN_UP_WITHIN_S,
    all_apart as all_apart,
    as_exception as as_exception,
    run_apart as run_apart,
)
from speakerd.realtime.agents.tool_output import (
    ToolFailureText as ToolFailureText,
    described as described,
    output_text as output_text,
    safe_text as safe_text,
    sendable as sendable,
)
