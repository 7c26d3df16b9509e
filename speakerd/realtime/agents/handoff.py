"""`realtime_handoff`: makes a handoff, by which one agent gives the conversation to another.

To the model a handoff is a tool; when the model calls it, the session switches to the other agent's instructions
and tools. On the wire that is, in this order: `session.update`, the call's output, `response.create`. Thus the
first words after it are the new agent's.
"""

from __future__ import annotations

import inspect
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from speakerd.realtime.agents.agent import Handoff, RealtimeAgent
from speakerd.realtime.agents.argument_types import ParameterType, parameter_type
from speakerd.realtime.agents.settling import settle
from speakerd.realtime.agents.tool_errors import ToolArgumentsError
from speakerd.realtime.errors import UserError
from speakerd.realtime.field_checks import CALLABLE, check, instance_of, optional

if TYPE_CHECKING:
    from collections.abc import Callable

    from speakerd.realtime.agents.tool_definition import EnabledRule
    from speakerd.realtime.run_context import RunContextWrapper, TContext


def realtime_handoff(  # noqa: PLR0917  # the documented order
    agent: RealtimeAgent[TContext],
    tool_name_override: str | None = None,
    tool_description_override: str | None = None,
    on_handoff: Callable[..., Any] | None = None,
    input_type: Any = None,
    is_enabled: EnabledRule = True,
    *,
    tool_description: str | None = None,
) -> Handoff[TContext]:
    """Make a handoff to `agent`.

    Args:
        agent: The agent that takes over.
        tool_name_override: The tool's name, instead of `transfer_to_<name>`.
        tool_description_override: Its description, instead of one made of the agent's name and
            `handoff_description`.
        on_handoff: Called at the handoff, sync or async: `(context)`, or `(context, input)` with an `input_type`.
        input_type: The type of the input that the model has to give: any that a tool's parameter may have.
        is_enabled: Whether the handoff is offered to the model.
        tool_description: A shorter name of `tool_description_override`.

    Raises:
        UserError: `on_handoff` and `input_type` do not fit together.
    """
    check("realtime_handoff", "agent", agent, instance_of("a RealtimeAgent", RealtimeAgent))
    check("realtime_handoff", "on_handoff", on_handoff, optional(CALLABLE))
    reader = _input_reader(on_handoff, input_type)
    plain = Handoff.to(agent)
    name = tool_name_override or plain.tool_name

    async def invoke(context: RunContextWrapper[TContext], arguments: str) -> RealtimeAgent[TContext]:
        if on_handoff is not None:
            given = () if reader is None else (_read(reader, name, arguments),)
            await settle(on_handoff(context, *given))
        return agent

    return replace(
        plain,
        tool_name=name,
        tool_description=tool_description_override or tool_description or plain.tool_description,
        input_json_schema=plain.input_json_schema if reader is None else _object_schema(reader),
        on_invoke_handoff=invoke,
        is_enabled=is_enabled,
    )


def _input_reader(on_handoff: Callable[..., Any] | None, input_type: Any) -> ParameterType | None:
    if on_handoff is None:
        if input_type is not None:
            raise UserError("A handoff with an input_type needs an on_handoff that takes the input")
        return None
    takes = len(inspect.signature(on_handoff).parameters)
    expected = 1 if input_type is None else 2
    if takes != expected:
        wanted = "(context)" if input_type is None else "(context, input)"
        raise UserError(f"on_handoff takes {takes} parameters: it is called as on_handoff{wanted}")
    return None if input_type is None else parameter_type(input_type)


def _object_schema(reader: ParameterType) -> dict[str, Any]:
    """Return the input's schema if it is an object's, else that of an object with the one key `input`."""
    schema = dict(reader.schema)
    if schema.get("type") != "object":
        schema = {"type": "object", "properties": {"input": schema}, "required": ["input"]}
    if reader.definitions:
        schema["$defs"] = reader.definitions
    return schema


def _read(reader: ParameterType, name: str, arguments: str) -> Any:
    try:
        given = json.loads(arguments or "{}")
        if reader.schema.get("type") != "object" and isinstance(given, dict):
            given = cast("Any", given.get("input"))
        return reader.read(given)
    except ValueError as error:
        raise ToolArgumentsError(name, (str(error),)) from error
