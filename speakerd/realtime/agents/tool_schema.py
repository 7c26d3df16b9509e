"""The schema of a Python function as a tool, and its call with a model's arguments."""

from __future__ import annotations

import inspect
import json
import sys
import typing
from dataclasses import dataclass
from typing import Any, get_origin

from speakerd.realtime.agents.argument_types import ParameterType, parameter_type
from speakerd.realtime.agents.tool_errors import ToolArgumentsError
from speakerd.realtime.errors import UserError
from speakerd.realtime.run_context import RunContextWrapper, ToolContext

if typing.TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


@dataclass(frozen=True, slots=True)
class FunctionSchema:
    """A function as a tool. Made once, at decoration; each call uses `bind`."""

    name: str
    description: str
    params_json_schema: dict[str, Any]
    function: Callable[..., Any]
    takes_context: bool
    parameters: dict[str, ParameterType]
    signature: inspect.Signature

    def bind(self, context: ToolContext[Any], arguments: str) -> Callable[[], Any]:
        """Return the call with `arguments`, a JSON object as text; nothing runs yet.

        Keys that are no parameters are ignored.

        Raises:
            ToolArgumentsError: `arguments` is no JSON object, or values are missing or do not fit.
        """
        try:
            given = json.loads(arguments or "{}")
        except ValueError as error:
            raise ToolArgumentsError(self.name, (f"not JSON: {error}",)) from error
        if not isinstance(given, dict):
            raise ToolArgumentsError(self.name, (f"expected a JSON object, found {arguments}",))
        positional: list[Any] = [context] if self.takes_context else []
        named: dict[str, Any] = {}
        problems: list[str] = []
        for name, kind in self.parameters.items():
            parameter = self.signature.parameters[name]
            if name in given:
                try:
                    value = kind.read(given[name])
                except ValueError as error:
                    problems.append(f"{name}: {error}")
                    continue
            elif parameter.default is not parameter.empty:
                value = parameter.default
            else:
                problems.append(f"{name} is missing")
                continue
            if parameter.kind is parameter.KEYWORD_ONLY:
                named[name] = value
            else:
                positional.append(value)
        if problems:
            raise ToolArgumentsError(self.name, tuple(problems))
        return lambda: self.function(*positional, **named)


def function_schema(
    function: Callable[..., Any],
    *,
    name_override: str | None = None,
    description_override: str | None = None,
    use_docstring_info: bool = True,
    strict_json_schema: bool = True,
) -> FunctionSchema:
    """Read name, description and parameters from the signature and the docstring.

    A first parameter annotated `RunContextWrapper` or `ToolContext` receives the context and is not shown to the
    model. Parameters with defaults are optional.

    Raises:
        UserError: the function takes `*args` or `**kwargs`, or an annotation cannot be resolved or described.
    """
    name = name_override or function.__name__
    described, descriptions = parse_docstring(inspect.getdoc(function) if use_docstring_info else None)
    signature = inspect.signature(function)
    hints = _hints(function, name)
    takes_context = False
    parameters: dict[str, ParameterType] = {}
    properties: dict[str, Any] = {}
    definitions: dict[str, Any] = {}
    required: list[str] = []
    for index, parameter in enumerate(signature.parameters.values()):
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise UserError(
                f"The tool {name} takes {parameter}: give each parameter a name, a model needs them"
            )
        hint = hints.get(parameter.name, Any)
        if (get_origin(hint) or hint) in (RunContextWrapper, ToolContext):
            if index:
                raise UserError(
                    f"The tool {name} takes its context as {parameter.name}: make it the first parameter"
                )
            takes_context = True
            continue
        try:
            kind = parameter_type(hint)
        except TypeError as error:
            raise UserError(f"The tool {name} cannot have its parameter {parameter.name}: {error}") from error
        parameters[parameter.name] = kind
        definitions.update(kind.definitions or {})
        about = descriptions.get(parameter.name) or kind.description
        properties[parameter.name] = kind.schema | ({"description": about} if about else {})
        if parameter.default is parameter.empty:
            required.append(parameter.name)
        elif isinstance(parameter.default, str | int | float | bool):
            properties[parameter.name]["default"] = parameter.default
    schema: dict[str, Any] = {"type": "object", "properties": properties, "required": required}
    if strict_json_schema:
        schema["additionalProperties"] = False
    if definitions:
        schema["$defs"] = definitions
    return FunctionSchema(
        name=name,
        description=description_override if description_override is not None else described,
        params_json_schema=schema,
        function=function,
        takes_context=takes_context,
        parameters=parameters,
        signature=signature,
    )


def parse_docstring(text: str | None) -> tuple[str, dict[str, str]]:
    """Return the description in a docstring, and that of each parameter, in Google, NumPy or Sphinx style.

    Sections on results and errors are for people who read the code; the model is not shown them.
    """
    if not text:
        return "", {}
    import docstring_parser  # noqa: PLC0415  # only programs that make tools need it

    doc = docstring_parser.parse(text)
    parameters = {
        each.arg_name.lstrip("*"): " ".join((each.description or "").split()) for each in doc.params
    }
    return (doc.description or "").strip(), parameters


def _hints(function: Callable[..., Any], name: str) -> dict[str, Any]:
    """Return the annotations, also resolving strings that name something local to the definition."""
    plain = inspect.unwrap(function)
    around = getattr(plain, "__closure__", None) or ()
    names = getattr(getattr(plain, "__code__", None), "co_freevars", ())
    local: dict[str, Any] = {"RunContextWrapper": RunContextWrapper, "ToolContext": ToolContext}
    for free, cell in zip(names, around, strict=True):
        try:
            local[free] = cell.cell_contents
        except ValueError:  # a cell that is not filled yet
            continue
    target = plain if inspect.isroutine(plain) else type(plain).__call__
    frame: FrameType | None = sys._getframe()  # noqa: SLF001  # where a function is decorated, its local classes are
    while True:
        try:
            return typing.get_type_hints(target, localns=local, include_extras=True)
        except NameError as error:
            missing = error.name
            while frame is not None and missing not in frame.f_locals:
                frame = frame.f_back
            if frame is None or missing is None or missing in local:
                raise UserError(
                    f"The tool {name} has an annotation that cannot be resolved: {error}. Import it for real, not "
                    "under TYPE_CHECKING, and define it before the tool"
                ) from error
            local[missing] = frame.f_locals[missing]
            frame = sys._getframe()  # noqa: SLF001  # as above
