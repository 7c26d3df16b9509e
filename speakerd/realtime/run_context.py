"""The context that tools, instructions, guardrails and hooks are called with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic

from speakerd.realtime.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from typing_extensions import TypeVar

    TContext = TypeVar("TContext", default=Any)
else:
    from typing import TypeVar

    # The default (PEP 696) is for type checkers only: a bare `RealtimeAgent` then means `RealtimeAgent[Any]`.
    TContext = TypeVar("TContext")


@dataclass(eq=False)
class RunContextWrapper(Generic[TContext]):
    """The program's own context object, untouched, and the tokens used so far.

    `context` is whatever was given to `runner.run(context=...)`; it never goes to the model.
    """

    context: TContext
    usage: Usage = field(default_factory=Usage)


@dataclass(eq=False)
class ToolContext(RunContextWrapper[TContext]):
    """The context of one tool call: the program's own object, the tokens used so far, and the call."""

    tool_name: str = ""
    tool_call_id: str = ""
    tool_arguments: str = "{}"
    """The arguments as the model wrote them, as JSON text."""
    run_in_thread: Callable[[Callable[[], Any]], Awaitable[Any]] | None = field(default=None, repr=False)
    """Runs a blocking function without holding up the event loop; `None` outside a session."""
