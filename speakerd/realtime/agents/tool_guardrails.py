"""Checks around a tool: of the arguments before it runs, of its result before the model gets it.

::

    @tool_input_guardrail
    def no_lies(data: ToolInputGuardrailData) -> ToolGuardrailFunctionOutput:
        if "secret" in data.context.tool_arguments:
            return ToolGuardrailFunctionOutput.reject_content("Not with secrets.")
        return ToolGuardrailFunctionOutput.allow()

A check allows, rejects with a text that the model gets instead of the result, or ends the session's iteration with
an exception. The first that does not allow decides.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypedDict, TypeVar, overload

from speakerd.realtime.agents.settling import settle
from speakerd.realtime.errors import RealtimeLayerError, UserError
from speakerd.realtime.field_checks import CALLABLE, TEXT, check_fields, optional

if TYPE_CHECKING:
    from speakerd.realtime.run_context import ToolContext

_Data = TypeVar("_Data")
_Verdict: TypeAlias = "ToolGuardrailFunctionOutput | Awaitable[ToolGuardrailFunctionOutput]"


class AllowBehavior(TypedDict):
    """The call goes on."""

    type: Literal["allow"]


class RejectContentBehavior(TypedDict):
    """The model gets `message` instead of the result."""

    type: Literal["reject_content"]
    message: str


class RaiseExceptionBehavior(TypedDict):
    """The session's iteration ends with an exception; the call is answered all the same."""

    type: Literal["raise_exception"]


def _allow() -> AllowBehavior | RejectContentBehavior | RaiseExceptionBehavior:
    return AllowBehavior(type="allow")


@dataclass(frozen=True, slots=True)
class ToolGuardrailFunctionOutput:
    """The verdict of one check."""

    output_info: Any = None
    """Details of the check's own, for the program."""
    behavior: AllowBehavior | RejectContentBehavior | RaiseExceptionBehavior = field(default_factory=_allow)

    @classmethod
    def allow(cls, output_info: Any = None) -> ToolGuardrailFunctionOutput:
        """Make the verdict that lets the call, or its result, pass."""
        return cls(output_info)

    @classmethod
    def reject_content(cls, message: str, output_info: Any = None) -> ToolGuardrailFunctionOutput:
        """Make the verdict by which the model gets `message` instead of the result."""
        return cls(output_info, RejectContentBehavior(type="reject_content", message=message))

    @classmethod
    def raise_exception(cls, output_info: Any = None) -> ToolGuardrailFunctionOutput:
        """Make the verdict that ends the session's iteration with an exception; the call is answered as well."""
        return cls(output_info, RaiseExceptionBehavior(type="raise_exception"))


@dataclass(frozen=True, slots=True, eq=False)
class ToolInputGuardrailData:
    """What a check before the tool gets: the call, in `context`, and the agent that makes it."""

    context: ToolContext[Any]
    agent: Any


@dataclass(frozen=True, slots=True, eq=False)
class ToolOutputGuardrailData(ToolInputGuardrailData):
    """What a check after the tool gets: the result too."""

    output: Any


@dataclass(frozen=True, slots=True, eq=False)
class _ToolGuardrail(Generic[_Data]):
    guardrail_function: Callable[[_Data], _Verdict]
    name: str | None = None

    def __post_init__(self) -> None:
        check_fields(
            f"A {type(self).__name__}", self, {"guardrail_function": CALLABLE, "name": optional(TEXT)}
        )

    def get_name(self) -> str:
        """Return the given name, or else the function's."""
        return self.name or str(getattr(self.guardrail_function, "__name__", "guardrail"))

    async def run(self, data: _Data) -> ToolGuardrailFunctionOutput:
        """Check one call. Exceptions of the function propagate.

        Raises:
            UserError: the function returned something else than a `ToolGuardrailFunctionOutput`.
        """
        verdict = await settle(self.guardrail_function(data))
        if not isinstance(verdict, ToolGuardrailFunctionOutput):
            raise UserError(
                f"The tool guardrail {self.get_name()} returned {type(verdict).__name__}: it has to return a "
                "ToolGuardrailFunctionOutput, such as ToolGuardrailFunctionOutput.allow()"
            )
        return verdict


class ToolInputGuardrail(_ToolGuardrail[ToolInputGuardrailData]):
    """A check before a tool runs. Usually made by `tool_input_guardrail`."""


class ToolOutputGuardrail(_ToolGuardrail[ToolOutputGuardrailData]):
    """A check of a tool's result. Usually made by `tool_output_guardrail`."""


class ToolInputGuardrailTripwireTriggered(RealtimeLayerError):  # noqa: N818  # the documented name
    """A check before a tool decided to raise."""

    def __init__(self, guardrail: ToolInputGuardrail, output: ToolGuardrailFunctionOutput) -> None:
        super().__init__(f"the tool guardrail {guardrail.get_name()} raised before the tool ran")
        self.guardrail = guardrail
        self.output = output


class ToolOutputGuardrailTripwireTriggered(RealtimeLayerError):  # noqa: N818  # the documented name
    """A check of a tool's result decided to raise."""

    def __init__(self, guardrail: ToolOutputGuardrail, output: ToolGuardrailFunctionOutput) -> None:
        super().__init__(f"the tool guardrail {guardrail.get_name()} raised because of the tool's result")
        self.guardrail = guardrail
        self.output = output


_InputCheck: TypeAlias = Callable[[ToolInputGuardrailData], _Verdict]
_OutputCheck: TypeAlias = Callable[[ToolOutputGuardrailData], _Verdict]


@overload
def tool_input_guardrail(func: _InputCheck, /) -> ToolInputGuardrail: ...
@overload
def tool_input_guardrail(*, name: str | None = None) -> Callable[[_InputCheck], ToolInputGuardrail]: ...
def tool_input_guardrail(
    func: _InputCheck | None = None, /, *, name: str | None = None
) -> ToolInputGuardrail | Callable[[_InputCheck], ToolInputGuardrail]:
    """Make a check before a tool of a function; as a decorator, with or without a name."""
    if func is not None:
        return ToolInputGuardrail(func, name)
    return lambda made: ToolInputGuardrail(made, name)


@overload
def tool_output_guardrail(func: _OutputCheck, /) -> ToolOutputGuardrail: ...
@overload
def tool_output_guardrail(*, name: str | None = None) -> Callable[[_OutputCheck], ToolOutputGuardrail]: ...
def tool_output_guardrail(
    func: _OutputCheck | None = None, /, *, name: str | None = None
) -> ToolOutputGuardrail | Callable[[_OutputCheck], ToolOutputGuardrail]:
    """Make a check of a tool's result of a function; as a decorator, with or without a name."""
    if func is not None:
        return ToolOutputGuardrail(func, name)
    return lambda made: ToolOutputGuardrail(made, name)


async def input_rejection(
    guardrails: Any, context: ToolContext[Any], agent: Any
) -> ToolGuardrailFunctionOutput | None:
    """Run the checks before a tool; return the verdict of the first that rejects, `None` if all allow.

    Raises:
        ToolInputGuardrailTripwireTriggered: one decided to raise.
    """
    for guardrail in guardrails or ():
        verdict = await guardrail.run(ToolInputGuardrailData(context, agent))
        if verdict.behavior["type"] == "raise_exception":
            raise ToolInputGuardrailTripwireTriggered(guardrail, verdict)
        if verdict.behavior["type"] == "reject_content":
            return verdict  # type: ignore[no-any-return]  # of a guardrail, as the tool has checked
    return None


async def output_rejection(
    guardrails: Any, context: ToolContext[Any], agent: Any, output: Any
) -> ToolGuardrailFunctionOutput | None:
    """Run the checks of a tool's result; return the verdict of the first that rejects, `None` if all allow.

    Raises:
        ToolOutputGuardrailTripwireTriggered: one decided to raise.
    """
    for guardrail in guardrails or ():
        verdict = await guardrail.run(ToolOutputGuardrailData(context, agent, output))
        if verdict.behavior["type"] == "raise_exception":
            raise ToolOutputGuardrailTripwireTriggered(guardrail, verdict)
        if verdict.behavior["type"] == "reject_content":
            return verdict  # type: ignore[no-any-return]  # of a guardrail, as the tool has checked
    return None
