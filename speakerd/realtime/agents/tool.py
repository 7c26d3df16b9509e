"""Tools: functions of yours that the model may call.

::

    @function_tool
    def set_timer(minutes: int, label: str = "") -> str:
        \"\"\"Start a kitchen timer.

Args:
            minutes: How long it runs.
            label: What it is for.
        \"\"\"
        ...

The name, the description and the schema come from the function. It may be `async`; a plain function runs in a
thread of a bounded pool, so that it never holds up audio. What it returns goes to the model: text as it is,
anything else as JSON. When it raises, the model is told so by `failure_error_function`, unless that is `None`:
then the exception ends the session's iteration.
"""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, cast, overload

from speakerd.realtime.agents.tool_errors import (
    ToolArgumentsError,
    default_timeout_message,
    default_tool_error_function,
)
from speakerd.realtime.agents.tool_schema import FunctionSchema, function_schema
from speakerd.realtime.errors import ToolTimeoutError, UserError
from speakerd.realtime.run_context import RunContextWrapper, ToolContext

if TYPE_CHECKING:
    from speakerd.realtime.agents.agent import RealtimeAgent

_T = TypeVar("_T")
MaybeAwaitable: TypeAlias = _T | Awaitable[_T]
EnabledRule: TypeAlias = bool | Callable[[RunContextWrapper[Any], "RealtimeAgent[Any]"], MaybeAwaitable[bool]]
ApprovalRule: TypeAlias = bool | Callable[[RunContextWrapper[Any], dict[str, Any], str], MaybeAwaitable[bool]]
"""Called with the context, the arguments and the call's id."""
ToolErrorFunction: TypeAlias = Callable[[RunContextWrapper[Any], Exception], MaybeAwaitable[str]]
TimeoutBehavior: TypeAlias = Literal["error_as_result", "raise_exception"]


@dataclass(slots=True, eq=False)
class FunctionTool:
    """A tool that this program runs. Usually made by `function_tool`; by hand, for a schema of your own."""

    name: str
    description: str
    params_json_schema: dict[str, Any]
    on_invoke_tool: Callable[[ToolContext[Any], str], Awaitable[Any]]
    """Does the work: called with the context and the arguments as JSON text."""
    strict_json_schema: bool = True
    """The schema rules out keys that it does not name."""
    is_enabled: EnabledRule = True
    """Whether the model is shown the tool; asked whenever an agent's settings are sent, and at each call."""
    needs_approval: ApprovalRule = False
    """Whether each call waits for `session.approve_tool_call`."""
    timeout_seconds: float | None = None
    timeout_behavior: TimeoutBehavior = "error_as_result"
    timeout_error_function: ToolErrorFunction | None = None

    def __post_init__(self) -> None:
        if self.timeout_seconds is not None and not self.timeout_seconds > 0:
            raise UserError(
                f"The tool {self.name} has a timeout of {self.timeout_seconds!r}: give seconds above 0"
            )
        if self.timeout_behavior not in ("error_as_result", "raise_exception"):
            raise UserError(
                f"The tool {self.name} has timeout_behavior={self.timeout_behavior!r}: it is error_as_result "
                "or raise_exception"
            )

    def to_dict(self) -> dict[str, Any]:
        """What the model is shown of it."""
        return {
            "type": "function",
            "name": self.name,
            "description": self.description,
            "parameters": self.params_json_schema,
        }

    async def invoke(self, context: ToolContext[Any], arguments: str) -> Any:
        """Run it within its time. What a timeout comes to is as `timeout_behavior` says.

        Raises:
            ToolTimeoutError: with `raise_exception`.
        """
        if self.timeout_seconds is None:
            return await self.on_invoke_tool(context, arguments)
        clock = asyncio.timeout(self.timeout_seconds)
        try:
            async with clock:
                return await self.on_invoke_tool(context, arguments)
        except TimeoutError as error:
            if not clock.expired():
                raise
            late = ToolTimeoutError(self.name, self.timeout_seconds)
            if self.timeout_behavior == "raise_exception":
                raise late from error
            if self.timeout_error_function is not None:
                return await settle(self.timeout_error_function(context, late))
            return default_timeout_message(late)


@dataclass(slots=True, eq=False)
class HostedMCPTool:
    """Tools of an MCP server that the model's own server calls.

    `tool_config` goes over the wire as it is: `server_label`, `server_url`, `allowed_tools`, `authorization`,
    `require_approval` … Calls that need approval arrive as `tool_approval_required` events and are answered like
    any other, by `session.approve_tool_call`; or by `on_approval_request`, if there is one.
    """

    tool_config: Mapping[str, Any]
    on_approval_request: Callable[[Any], MaybeAwaitable[bool | Mapping[str, Any]]] | None = None
    """Called with a `RealtimeModelMcpApprovalRequestEvent`; gives whether, or `{"approve": ..., "reason": ...}`."""
    name: str = field(default="hosted_mcp")

    def __repr__(self) -> str:
        """Leaves out everything that may hold a secret."""
        return f"HostedMCPTool(server_label={self.server_label!r})"

    @property
    def server_label(self) -> str:
        """What the server is called in its events."""
        return str(self.tool_config.get("server_label", ""))

    def to_dict(self) -> dict[str, Any]:
        """What goes over the wire; it may hold a secret."""
        return {"type": "mcp", **self.tool_config}


Tool: TypeAlias = FunctionTool | HostedMCPTool


async def settle(value: MaybeAwaitable[_T]) -> _T:
    """The value, waited for where it has to be: what a callable of the user's gave, sync or async."""
    if inspect.isawaitable(value):
        return cast("_T", await value)
    return value


def output_text(output: Any) -> str:
    """A tool's result as the model gets it: text as it is, nothing as an empty text, anything else as JSON."""
    if output is None:
        return ""
    if isinstance(output, str):
        return output
    return json.dumps(output, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if callable(dump := getattr(value, "model_dump", None)):
        return dump(mode="json")
    return str(value)


@overload
def function_tool(func: Callable[..., Any], /) -> FunctionTool: ...
@overload
def function_tool(
    func: Callable[..., Any],
    /,
    *,
    name_override: str | None = None,
    description_override: str | None = None,
    use_docstring_info: bool = True,
    failure_error_function: ToolErrorFunction | None = default_tool_error_function,
    strict_mode: bool = True,
    is_enabled: EnabledRule = True,
    needs_approval: ApprovalRule = False,
    timeout: float | None = None,
    timeout_behavior: TimeoutBehavior = "error_as_result",
    timeout_error_function: ToolErrorFunction | None = None,
) -> FunctionTool: ...
@overload
def function_tool(
    *,
    name_override: str | None = None,
    description_override: str | None = None,
    use_docstring_info: bool = True,
    failure_error_function: ToolErrorFunction | None = default_tool_error_function,
    strict_mode: bool = True,
    is_enabled: EnabledRule = True,
    needs_approval: ApprovalRule = False,
    timeout: float | None = None,
    timeout_behavior: TimeoutBehavior = "error_as_result",
    timeout_error_function: ToolErrorFunction | None = None,
) -> Callable[[Callable[..., Any]], FunctionTool]: ...
def function_tool(
    func: Callable[..., Any] | None = None,
    /,
    *,
    name_override: str | None = None,
    description_override: str | None = None,
    use_docstring_info: bool = True,
    failure_error_function: ToolErrorFunction | None = default_tool_error_function,
    strict_mode: bool = True,
    is_enabled: EnabledRule = True,
    needs_approval: ApprovalRule = False,
    timeout: float | None = None,
    timeout_behavior: TimeoutBehavior = "error_as_result",
    timeout_error_function: ToolErrorFunction | None = None,
) -> FunctionTool | Callable[[Callable[..., Any]], FunctionTool]:
    """Make a tool of a function; as a decorator, with or without arguments.

    Args:
        func: The function, when used without arguments.
        name_override: The name for the model, instead of the function's.
        description_override: The description, instead of the docstring's.
        use_docstring_info: Read the docstring at all.
        failure_error_function: Says what the model is told when the function raises; `None` lets it raise.
        strict_mode: The schema rules out keys that it does not name.
        is_enabled: Whether the model is shown the tool.
        needs_approval: Whether each call waits for an approval.
        timeout: Seconds that a call may take. A thread cannot be stopped: it is left to itself.
        timeout_behavior: Tell the model about a timeout, or raise `ToolTimeoutError`.
        timeout_error_function: Says what the model is told about a timeout.

    Raises:
        UserError: no schema can be made of the signature.
    """

    def make(function: Callable[..., Any]) -> FunctionTool:
        schema = function_schema(
            function,
            name_override=name_override,
            description_override=description_override,
            use_docstring_info=use_docstring_info,
            strict_json_schema=strict_mode,
        )
        return FunctionTool(
            name=schema.name,
            description=schema.description,
            params_json_schema=schema.params_json_schema,
            on_invoke_tool=_invoker(schema, failure_error_function),
            strict_json_schema=strict_mode,
            is_enabled=is_enabled,
            needs_approval=needs_approval,
            timeout_seconds=timeout,
            timeout_behavior=timeout_behavior,
            timeout_error_function=timeout_error_function,
        )

    return make if func is None else make(func)


def _invoker(
    schema: FunctionSchema, on_failure: ToolErrorFunction | None
) -> Callable[[ToolContext[Any], str], Awaitable[Any]]:
    is_async = inspect.iscoroutinefunction(inspect.unwrap(schema.function)) or inspect.iscoroutinefunction(
        getattr(schema.function, "__call__", None)  # noqa: B004  # an object may be a coroutine function by its method
    )

    async def invoke(context: ToolContext[Any], arguments: str) -> Any:
        try:
            call = schema.bind(context, arguments)
            if is_async:
                return await call()
            if context.run_in_thread is not None:
                return await context.run_in_thread(call)
            return await asyncio.to_thread(call)
        except Exception as error:  # whatever the user's function raises is for the model to know
            if on_failure is None:
                raise
            return await settle(on_failure(context, error))

    return invoke


__all__ = [
    "ApprovalRule",
    "EnabledRule",
    "FunctionTool",
    "HostedMCPTool",
    "MaybeAwaitable",
    "TimeoutBehavior",
    "Tool",
    "ToolArgumentsError",
    "ToolErrorFunction",
    "default_tool_error_function",
    "function_tool",
    "output_text",
]
