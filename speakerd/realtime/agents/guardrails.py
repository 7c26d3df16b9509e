"""Output guardrails: checks on what the assistant is saying, run while it says it.

A guardrail sees the text so far and says whether its tripwire was triggered. When one was, the response is ended
and its sound thrown away, the model is told, and the program gets a `guardrail_tripped` event; nothing is raised.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, overload

from speakerd.realtime.agents.tool import MaybeAwaitable, settle
from speakerd.realtime.run_context import RunContextWrapper, TContext

if TYPE_CHECKING:
    from speakerd.realtime.agents.agent import RealtimeAgent


@dataclass(frozen=True, slots=True)
class GuardrailFunctionOutput:
    """What a guardrail found."""

    output_info: Any
    """Whatever the guardrail wants to say about it; handed on in the event."""
    tripwire_triggered: bool


@dataclass(frozen=True, slots=True)
class OutputGuardrailResult:
    """What one guardrail found in one text."""

    guardrail: OutputGuardrail[Any]
    agent_output: Any
    agent: RealtimeAgent[Any]
    output: GuardrailFunctionOutput


@dataclass(frozen=True, slots=True, eq=False)
class OutputGuardrail(Generic[TContext]):
    """A check on what an agent says. Usually made by `output_guardrail`.

    The function is called as `(context, agent, text)`. Make it `async` if it waits for anything: a plain function
    runs on the event loop and must be quick.
    """

    guardrail_function: Callable[
        [RunContextWrapper[TContext], RealtimeAgent[Any], str], MaybeAwaitable[GuardrailFunctionOutput]
    ]
    name: str | None = None

    def get_name(self) -> str:
        """The name given, or the function's."""
        return self.name or str(getattr(self.guardrail_function, "__name__", "guardrail"))

    async def run(
        self, context: RunContextWrapper[TContext], agent: RealtimeAgent[Any], agent_output: str
    ) -> OutputGuardrailResult:
        """Check one text. What the function raises comes through."""
        output = await settle(self.guardrail_function(context, agent, agent_output))
        return OutputGuardrailResult(guardrail=self, agent_output=agent_output, agent=agent, output=output)


_Check = Callable[[RunContextWrapper[TContext], Any, str], MaybeAwaitable[GuardrailFunctionOutput]]


@overload
def output_guardrail(func: _Check[TContext], /) -> OutputGuardrail[TContext]: ...
@overload
def output_guardrail(
    *, name: str | None = None
) -> Callable[[_Check[TContext]], OutputGuardrail[TContext]]: ...
def output_guardrail(
    func: _Check[Any] | None = None, /, *, name: str | None = None
) -> OutputGuardrail[Any] | Callable[[_Check[Any]], OutputGuardrail[Any]]:
    """Make an output guardrail of a function; as a decorator, with or without a name."""
    if func is not None:
        return OutputGuardrail(func, name)
    return lambda check: OutputGuardrail(check, name)
