"""What an agent's tools are: functions of this program, and tools of servers that the model's own server calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal, TypeAlias

from speakerd.realtime.agents.settling import MaybeAwaitable, settle
from speakerd.realtime.agents.tool_errors import default_timeout_message
from speakerd.realtime.agents.tool_guardrails import ToolInputGuardrail, ToolOutputGuardrail
from speakerd.realtime.agents.tool_invocation import TimeoutRanOut, all_apart, run_apart
from speakerd.realtime.agents.tool_output import ToolFailureText
from speakerd.realtime.errors import ToolTimeoutError, UserError
from speakerd.realtime.field_checks import (
    CALLABLE,
    FLAG,
    MAPPING,
    NAME,
    NUMBER,
    TEXT,
    check,
    check_each,
    check_fields,
    either,
    instance_of,
    optional,
    repr_short,
)
from speakerd.realtime.run_context import RunContextWrapper, ToolContext

EnabledRule: TypeAlias = bool | Callable[[RunContextWrapper[Any], Any], MaybeAwaitable[bool]]
"""A constant, or a function called with the context and the agent."""
ApprovalRule: TypeAlias = bool | Callable[[RunContextWrapper[Any], dict[str, Any], str], MaybeAwaitable[bool]]
"""A constant, or a function called with the context, the arguments and the id of the call."""
ToolErrorFunction: TypeAlias = Callable[[RunContextWrapper[Any], Exception], MaybeAwaitable[str]]
AnswerRule: TypeAlias = bool | Literal["unless_spoken"]
TimeoutBehavior: TypeAlias = Literal["error_as_result", "raise_exception"]

RULE: Final = either(FLAG, CALLABLE)
"""What a rule has to be: a constant or a function."""

_INPUT_GUARDRAIL: Final = instance_of("what @tool_input_guardrail makes", ToolInputGuardrail)
_OUTPUT_GUARDRAIL: Final = instance_of("what @tool_output_guardrail makes", ToolOutputGuardrail)
_TOOL_FIELDS: Final = {
    "description": TEXT,
    "params_json_schema": MAPPING,
    "on_invoke_tool": CALLABLE,
    "strict_json_schema": FLAG,
    "is_enabled": RULE,
    "needs_approval": RULE,
    "timeout_seconds": optional(NUMBER),
    "timeout_error_function": optional(CALLABLE),
}


@dataclass(slots=True, eq=False)
class FunctionTool:
    """A tool that this program runs. Usually made by `function_tool`; by hand, for a schema of your own."""

    name: str
    description: str
    params_json_schema: dict[str, Any]
    on_invoke_tool: Callable[[ToolContext[Any], str], Awaitable[Any]]
    """Runs the tool: called with the context and the arguments as JSON text."""
    strict_json_schema: bool = True
    """Whether the schema rules out keys that it does not name."""
    is_enabled: EnabledRule = True
    """Whether the tool is offered to the model; evaluated when the agent's settings are sent and at each call."""
    needs_approval: ApprovalRule = False
    """Whether each call waits for `session.approve_tool_call`."""
    timeout_seconds: float | None = None
    timeout_behavior: TimeoutBehavior = "error_as_result"
    timeout_error_function: ToolErrorFunction | None = None
    answer: AnswerRule = True
    """Whether the model is asked for a reply to the result. `False`: the tool's effect is all there is, such as
    ending the conversation or staying silent. `"unless_spoken"`: only if the response with the call had no speech
    or text of its own, so that a goodbye is said once. A failure, a refusal or a timeout always gets its reply."""

    tool_input_guardrails: Sequence[ToolInputGuardrail] | None = None
    """Checks of the arguments, before it runs."""
    tool_output_guardrails: Sequence[ToolOutputGuardrail] | None = None
    """Checks of the result, before the model gets it."""

    def __post_init__(self) -> None:
        check("A FunctionTool", "name", self.name, NAME)
        owner = f"The tool {self.name}"
        check_fields(owner, self, _TOOL_FIELDS)
        before, after = self.tool_input_guardrails, self.tool_output_guardrails
        check_each(owner, "tool_input_guardrails", () if before is None else before, _INPUT_GUARDRAIL)
        check_each(owner, "tool_output_guardrails", () if after is None else after, _OUTPUT_GUARDRAIL)
        if self.timeout_seconds is not None and not self.timeout_seconds > 0:
            raise UserError(
                f"The tool {self.name} has a timeout of {self.timeout_seconds!r}: give seconds above 0"
            )
        if self.timeout_behavior not in ("error_as_result", "raise_exception"):
            raise UserError(
                f"The tool {self.name} has timeout_behavior={repr_short(self.timeout_behavior)}: it is "
                "error_as_result or raise_exception"
            )
        if self.answer not in (True, False, "unless_spoken"):
            raise UserError(
                f"The tool {self.name} has answer={repr_short(self.answer)}: it is True, False or 'unless_spoken'"
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the tool's definition in the wire's form."""
        return {
            "type": "function",
            "name": self.name,
            "description": self.description,
            "parameters": self.params_json_schema,
        }

    async def invoke(self, context: ToolContext[Any], arguments: str) -> Any:
        """Run the tool within its timeout; on a timeout, act as `timeout_behavior` says.

        Raises:
            ToolTimeoutError: with `raise_exception`.
            ToolAbortedError: it ended in something that is no `Exception`.
        """
        try:
            return await run_apart(
                f"tool {self.name}",
                lambda: settle(self.on_invoke_tool(context, arguments)),
                self.timeout_seconds,
            )
        except TimeoutRanOut:
            late = ToolTimeoutError(self.name, self.timeout_seconds or 0.0)
        if self.timeout_behavior == "raise_exception":
            raise late
        if self.timeout_error_function is not None:
            return ToolFailureText(await settle(self.timeout_error_function(context, late)))
        return ToolFailureText(default_timeout_message(late))


@dataclass(slots=True, eq=False)
class HostedMCPTool:
    """Tools of an MCP server that the model's own server calls.

    `tool_config` goes over the wire unchanged: `server_label`, `server_url`, `allowed_tools`, `authorization`,
    `require_approval` … Calls that need approval arrive as `tool_approval_required` events and are answered like
    any other, by `session.approve_tool_call`; or by `on_approval_request`, if there is one.
    """

    tool_config: Mapping[str, Any]
    on_approval_request: Callable[[Any], MaybeAwaitable[bool | Mapping[str, Any]]] | None = None
    """Called with a `RealtimeModelMcpApprovalRequestEvent`; returns a bool or `{"approve": ..., "reason": ...}`."""
    name: str = field(default="hosted_mcp")

    def __post_init__(self) -> None:
        owner = "A HostedMCPTool"
        check(owner, "tool_config", self.tool_config, MAPPING)
        check_fields(f"{owner}, tool_config", self.tool_config, {"server_label": TEXT})
        check_fields(owner, self, {"on_approval_request": optional(CALLABLE), "name": TEXT})

    def __repr__(self) -> str:
        """Leaves out everything that may hold a secret."""
        return f"HostedMCPTool(server_label={self.server_label!r})"

    @property
    def server_label(self) -> str:
        """The label by which the model's server names this MCP server in its events."""
        return str(self.tool_config.get("server_label", ""))

    def to_dict(self) -> dict[str, Any]:
        """Return the tool's definition in the wire's form; it may hold a secret."""
        return {"type": "mcp", **self.tool_config}


Tool: TypeAlias = FunctionTool | HostedMCPTool


async def is_enabled(rule: EnabledRule, context: RunContextWrapper[Any], agent: Any) -> bool:
    """Return whether a tool or handoff with this `is_enabled` rule is offered to the model now."""
    return rule if isinstance(rule, bool) else bool(await settle(rule(context, agent)))


async def enabled_tools(tools: Iterable[Tool], context: RunContextWrapper[Any], agent: Any) -> list[Tool]:
    """Return those of the tools that are offered to the model now."""
    given = list(tools)
    rules = [tool.is_enabled if isinstance(tool, FunctionTool) else True for tool in given]
    enabled = await all_apart("is_enabled", [partial(is_enabled, rule, context, agent) for rule in rules])
    return [tool for tool, offered in zip(given, enabled, strict=True) if offered]
