"""From an annotation to a JSON schema, and from a JSON value to what the annotation asks for.

What tools mostly take (text, numbers, booleans, choices, lists and dictionaries of these) is read here. Anything
else, such as dataclasses, pydantic models or constrained numbers, is read by pydantic, which is imported only
then: it takes more memory than the rest of the session layer.

Reading is lenient where the meaning is clear: models write `"5"` for 5, `5.0` for 5 and `"true"` for true. It is
strict where JSON tells the types apart: unlike in pydantic's reading, `true` is no number and 1 is not true.
"""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Callable, Iterable, Mapping, MutableSequence, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

_LISTS = (list, Sequence, MutableSequence, Iterable)
_MAPPINGS = (dict, Mapping)


@dataclass(frozen=True, slots=True)
class ParameterType:
    """The JSON schema of a parameter, and the function that reads its values.

    `read` raises `ValueError` with a text that says what was expected.
    """

    schema: dict[str, Any]
    read: Callable[[Any], Any]
    definitions: dict[str, Any] | None = None
    """Schemas that `schema` refers to as `#/$defs/NAME`."""
    description: str = ""
    """From `Annotated[T, "what it is"]`."""


def parameter_type(annotation: Any) -> ParameterType:
    """Return the type for `annotation`, in which all names are resolved.

    Raises:
        TypeError: not even pydantic can make a schema of it.
    """
    plain = _SIMPLE.get(annotation) if isinstance(annotation, type) or annotation is Any else None
    if plain is not None:
        return plain
    if annotation is None or annotation is type(None):
        return ParameterType({"type": "null"}, _read_null)
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is typing.Annotated and all(isinstance(note, str) for note in args[1:]):
        inner = parameter_type(args[0])
        return ParameterType(inner.schema, inner.read, inner.definitions, " ".join(args[1:]))
    if origin is Literal:
        return _choice({value: value for value in args})
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return _choice({member.value: member for member in annotation})
    if origin in (Union, types.UnionType):
        return _union([parameter_type(arg) for arg in args])
    if annotation in _LISTS or origin in _LISTS:
        return _list(parameter_type(args[0] if args else Any))
    if annotation in _MAPPINGS or (origin in _MAPPINGS and args[0] is str):
        return _dict(parameter_type(args[1] if args else Any))
    return _by_pydantic(annotation)


def _read_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise ValueError(f"expected text, found {value!r}")


def _read_int(value: Any) -> int:
    try:
        number = float(value) if isinstance(value, str | float) else value
        if isinstance(number, int | float) and not isinstance(number, bool) and int(number) == number:
            return int(value) if isinstance(value, int) else int(number)
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"expected a whole number, found {value!r}")


def _read_float(value: Any) -> float:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except (ValueError, OverflowError):
            pass
    raise ValueError(f"expected a number, found {value!r}")


def _read_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ValueError(f"expected true or false, found {value!r}")


def _read_null(value: Any) -> None:
    if value is not None:
        raise ValueError(f"expected null, found {value!r}")


def _choice(choices: dict[Any, Any]) -> ParameterType:
    def read(value: Any) -> Any:
        for known, meant in choices.items():
            if value == known and isinstance(value, bool) == isinstance(known, bool):
                return meant
        raise ValueError(f"expected one of {', '.join(map(repr, choices))}, found {value!r}")

    schema: dict[str, Any] = {"enum": list(choices)}
    if all(isinstance(choice, str) for choice in choices):
        schema["type"] = "string"
    elif all(isinstance(choice, int) and not isinstance(choice, bool) for choice in choices):
        schema["type"] = "integer"
    return ParameterType(schema, read)


def _union(members: list[ParameterType]) -> ParameterType:
    def read(value: Any) -> Any:
        # An exact match first, so that `int | str` leaves "5" the text it is.
        for exact in (True, False):
            for member in members:
                try:
                    found = member.read(value)
                except ValueError:
                    continue
                if not exact or type(found) is type(value):
                    return found
        raise ValueError(f"none of the possible types fits {value!r}")

    definitions: dict[str, Any] = {}
    for member in members:
        definitions.update(member.definitions or {})
    return ParameterType({"anyOf": [member.schema for member in members]}, read, definitions or None)


def _list(item: ParameterType) -> ParameterType:
    def read(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise ValueError(f"expected a list, found {value!r}")  # noqa: TRY004  # of the data, not of the call
        return [item.read(each) for each in value]

    return ParameterType({"type": "array", "items": item.schema}, read, item.definitions)


def _dict(item: ParameterType) -> ParameterType:
    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValueError(f"expected an object, found {value!r}")  # noqa: TRY004  # of the data, not of the call
        return {key: item.read(each) for key, each in value.items()}

    return ParameterType({"type": "object", "additionalProperties": item.schema}, read, item.definitions)


def _by_pydantic(annotation: Any) -> ParameterType:
    from pydantic import TypeAdapter  # noqa: PLC0415  # the point of this function: see above
    from pydantic.errors import PydanticUserError  # noqa: PLC0415

    try:
        adapter = TypeAdapter[Any](annotation)
        schema = adapter.json_schema()
    except PydanticUserError as error:
        raise TypeError(f"no JSON schema can be made of {annotation!r}: {error.message}") from error
    definitions = schema.pop("$defs", None)
    return ParameterType(schema, adapter.validate_python, definitions)


_SIMPLE: dict[Any, ParameterType] = {
    str: ParameterType({"type": "string"}, _read_text),
    int: ParameterType({"type": "integer"}, _read_int),
    float: ParameterType({"type": "number"}, _read_float),
    bool: ParameterType({"type": "boolean"}, _read_bool),
    Any: ParameterType({}, lambda value: value),
}
