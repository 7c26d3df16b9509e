"""`output_guardrail`: makes a check on what the assistant is saying, run while it speaks.

A guardrail gets the text so far and returns whether its tripwire was triggered. If so, the response is cancelled,
its audio is discarded, the model is told, and the program gets a `guardrail_tripped` event; nothing is raised.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

from speakerd.realtime.agents.agent import GuardrailFunctionOutput, OutputGuardrail
from speakerd.realtime.agents.settling import MaybeAwaitable
from speakerd.realtime.run_context import RunContextWrapper, TContext

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
