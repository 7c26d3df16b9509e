"""`function_tool`: makes a tool that the model may call of a Python function.

::

    @function_tool
    def set_timer(minutes: int, label: str = "") -> str:
        \"\"\"Start a kitchen timer.

        :param minutes: How long it runs.
        :param label: What it is for.
        \"\"\"
        ...

The name, the description and the schema come from the function. It may be `async`; a plain function runs in a
thread of a bounded pool, so that it never holds up audio. What it returns is sent to the model as text or JSON, and
the model is asked to go on, unless `answer` says that there is nothing to say. When it raises,
`failure_error_function` says what the model is told; if that is `None`, the exception ends the session's iteration.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any, overload

from speakerd.realtime.agents.settling import settle
from speakerd.realtime.agents.tool_definition import FunctionTool
from speakerd.realtime.agents.tool_errors import default_tool_error_function
from speakerd.realtime.agents.tool_invocation import run_apart
from speakerd.realtime.agents.tool_output import ToolFailureText
from speakerd.realtime.agents.tool_schema import FunctionSchema, function_schema
from speakerd.realtime.field_checks import CALLABLE, check

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from speakerd.realtime.agents.tool_definition import (
        AnswerRule,
        ApprovalRule,
        EnabledRule,
        TimeoutBehavior,
        ToolErrorFunction,
    )
    from speakerd.realtime.agents.tool_guardrails import ToolInputGuardrail, ToolOutputGuardrail
    from speakerd.realtime.run_context import ToolContext


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
    answer: AnswerRule = True,
    tool_input_guardrails: Sequence[ToolInputGuardrail] | None = None,
    tool_output_guardrails: Sequence[ToolOutputGuardrail] | None = None,
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
    answer: AnswerRule = True,
    tool_input_guardrails: Sequence[ToolInputGuardrail] | None = None,
    tool_output_guardrails: Sequence[ToolOutputGuardrail] | None = None,
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
    answer: AnswerRule = True,
    tool_input_guardrails: Sequence[ToolInputGuardrail] | None = None,
    tool_output_guardrails: Sequence[ToolOutputGuardrail] | None = None,
) -> FunctionTool | Callable[[Callable[..., Any]], FunctionTool]:
    """Make a tool of a function; as a decorator, with or without arguments.

    Args:
        func: The function, when used without arguments.
        name_override: The name for the model, instead of the function's.
        description_override: The description, instead of the docstring's.
        use_docstring_info: Whether the docstring is read at all.
        failure_error_function: Returns what the model is told when the function raises; `None`: the session raises.
        strict_mode: Whether the schema rules out keys that it does not name.
        is_enabled: Whether the tool is offered to the model.
        needs_approval: Whether each call waits for an approval.
        timeout: Seconds that a call may take. The thread of a plain function cannot be stopped: it runs on.
        timeout_behavior: Whether the model is told about a timeout, or `ToolTimeoutError` is raised.
        timeout_error_function: Returns what the model is told about a timeout.
        answer: Whether the model is asked to go on once it has the result; `"unless_spoken"`: only if it has not
            spoken in the response that made the call. After a failure it is always asked.
        tool_input_guardrails: Checks of the arguments, before the function is called.
        tool_output_guardrails: Checks of the result, before the model gets it.

    Raises:
        UserError: no schema can be made of the signature.
    """

    def make(function: Callable[..., Any]) -> FunctionTool:
        check("function_tool", "the function", function, CALLABLE)
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
            answer=answer,
            tool_input_guardrails=tool_input_guardrails,
            tool_output_guardrails=tool_output_guardrails,
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
                return await run_apart(f"tool {schema.name}", call)
            if context.run_in_thread is not None:
                return await context.run_in_thread(call)
            return await asyncio.to_thread(call)
        except Exception as error:  # whatever the user's function raises is reported to the model
            if on_failure is None:
                raise
            return ToolFailureText(await settle(on_failure(context, error)))

    return invoke
