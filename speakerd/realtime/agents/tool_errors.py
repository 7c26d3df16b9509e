"""The errors of tools, and what the model is told about them.

A model passes these sentences on in its own words, so they say what happened and what can be done, without
tracebacks. Each can be replaced: per tool by `failure_error_function` and `timeout_error_function`, per run by
`tool_error_formatter`.

::

    RealtimeLayerError
    ├── UserError
    │   └── UnknownToolCallError (KeyError)      an approval of a call that waits for none
    ├── ModelBehaviorError
    │   └── ToolArgumentsError (ValueError)      arguments that do not fit the tool's schema
    ├── ToolTimeoutError (TimeoutError)          the tool did not answer in time (in `errors`)
    ├── ToolAbortedError (RuntimeError)          a tool ended in something that is no Exception
    └── ToolThreadsExhaustedError (RuntimeError) too many plain functions do not return
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from speakerd.realtime.agents.tool_output import described
from speakerd.realtime.errors import ModelBehaviorError, RealtimeLayerError, ToolTimeoutError, UserError

if TYPE_CHECKING:
    from speakerd.realtime.run_context import RunContextWrapper


class UnknownToolCallError(UserError, KeyError):
    """No call of that id waits for an approval: it was answered already, or never asked for one."""

    def __init__(self, call_id: str) -> None:
        super().__init__(call_id)
        self.call_id = call_id

    def __str__(self) -> str:
        """Say which call it was, and where ids of calls come from."""
        return (
            f"No tool call {self.call_id!r} waits for an approval. Use the call_id of a tool_approval_required "
            "event, once."
        )


class ToolArgumentsError(ModelBehaviorError, ValueError):
    """The model's arguments do not fit the tool's schema; `problems` has a sentence for each."""

    def __init__(self, tool_name: str, problems: tuple[str, ...]) -> None:
        super().__init__(tool_name, problems)
        self.tool_name = tool_name
        self.problems = problems

    def __str__(self) -> str:
        """Say everything that does not fit."""
        return f"Wrong arguments for {self.tool_name}: {'; '.join(self.problems)}"


class ToolThreadsExhaustedError(RealtimeLayerError, RuntimeError):
    """So many plain functions still run after their timeouts that no thread is given to further ones."""


class ToolAbortedError(RealtimeLayerError, RuntimeError):
    """Code of the program ended in `ending`, which is no `Exception`, such as `SystemExit`."""

    def __init__(self, name: str, ending: BaseException) -> None:
        super().__init__(name, ending)
        self.name = name
        self.ending = ending

    def __str__(self) -> str:
        """Say what it was and what it ended in."""
        return f"{self.name} ended in {type(self.ending).__name__} instead of a result"


@dataclass(frozen=True, slots=True)
class ToolErrorFormatterArgs:
    """The arguments of a `tool_error_formatter`: why a call has no output of its tool."""

    kind: Literal["approval_rejected", "tool_not_found", "too_many_calls", "handed_off"]
    tool_name: str
    call_id: str
    default_message: str
    run_context: RunContextWrapper[Any]
    tool_type: Literal["function"] = "function"


ToolErrorFormatter: TypeAlias = Callable[[ToolErrorFormatterArgs], "str | Awaitable[str | None] | None"]
"""Returns the sentence for the model; `None` stands for `default_message`."""


def default_tool_error_function(context: RunContextWrapper[Any], error: Exception) -> str:  # noqa: ARG001  # the signature of a `failure_error_function`
    """Return what the model is told when a tool raises, unless the tool has a function of its own for it."""
    if isinstance(error, ToolArgumentsError):
        return f"{error}. Call it again with arguments that fit its schema."
    return f"The tool failed: {described(error)}"


def default_timeout_message(error: ToolTimeoutError) -> str:
    """Return what the model is told about a timeout, unless the tool has a function of its own for it."""
    return f"{error}. It may still take effect; do not assume that it did."
