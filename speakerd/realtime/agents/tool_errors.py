"""What goes wrong with tools, and the sentences the model is told then.

A model passes these sentences on in its own words, so they say what happened and what can be done, without
traces. Each can be replaced: per tool by `failure_error_function` and `timeout_error_function`, per run by
`tool_error_formatter`.

::

    RealtimeLayerError
    ├── UserError
    │   └── UnknownToolCallError (KeyError)      an approval for a call that waits for none
    ├── ModelBehaviorError
    │   └── ToolArgumentsError (ValueError)      arguments that do not fit the tool's schema
    ├── ToolTimeoutError (TimeoutError)          the tool took longer than it may (in `errors.py`)
    └── ToolThreadsExhaustedError (RuntimeError) too many plain functions hang
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from speakerd.realtime.errors import ModelBehaviorError, RealtimeLayerError, ToolTimeoutError, UserError

if TYPE_CHECKING:
    from speakerd.realtime.run_context import RunContextWrapper


class UnknownToolCallError(UserError, KeyError):
    """No call of that id waits for an approval: it was answered already, or never asked for one."""

    def __init__(self, call_id: str) -> None:
        super().__init__(call_id)
        self.call_id = call_id

    def __str__(self) -> str:
        """Say which call, and where its id comes from."""
        return (
            f"No tool call {self.call_id!r} waits for an approval. Use the call_id of a tool_approval_required "
            "event, once."
        )


class ToolArgumentsError(ModelBehaviorError, ValueError):
    """The model's arguments do not fit; `problems` says where, one sentence each."""

    def __init__(self, tool_name: str, problems: tuple[str, ...]) -> None:
        super().__init__(tool_name, problems)
        self.tool_name = tool_name
        self.problems = problems

    def __str__(self) -> str:
        """Say all that does not fit."""
        return f"Wrong arguments for {self.tool_name}: {'; '.join(self.problems)}"


class ToolThreadsExhaustedError(RealtimeLayerError, RuntimeError):
    """So many plain functions still run after their timeouts that no thread is given to further ones."""


@dataclass(frozen=True, slots=True)
class ToolErrorFormatterArgs:
    """What there is to tell the model in place of a tool's answer."""

    kind: Literal["approval_rejected", "tool_not_found", "too_many_calls", "handed_off"]
    tool_name: str
    call_id: str
    default_message: str
    run_context: RunContextWrapper[Any]
    tool_type: Literal["function"] = "function"


ToolErrorFormatter: TypeAlias = Callable[[ToolErrorFormatterArgs], "str | Awaitable[str | None] | None"]
"""Gives the sentence for the model; `None` takes `default_message`."""


def default_tool_error_function(context: RunContextWrapper[Any], error: Exception) -> str:  # noqa: ARG001  # the signature of a `failure_error_function`
    """What the model is told when a tool fails and says nothing of its own."""
    if isinstance(error, ToolArgumentsError):
        return f"{error}. Call it again with arguments that fit its schema."
    return f"The tool failed: {str(error) or type(error).__name__}"


def default_timeout_message(error: ToolTimeoutError) -> str:
    """What the model is told when a tool takes too long and says nothing of its own."""
    return f"{error}. It may still take effect; do not assume that it did."
