"""Every setting there is, read from the dataclasses: key, type, default, limits and explanation.

The explanation is the string below the field in the source, the same one that an editor shows. The source is parsed
when an explanation is asked for: only the template does, and a start of the daemon does not pay for it.
"""

import ast
import dataclasses
import inspect
import itertools
import textwrap
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import PurePath
from typing import Any, Literal, TypeGuard

import annotated_types
from pydantic import BaseModel, JsonValue
from pydantic_core import PydanticUndefined


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    Attributes:
        path: the keys in the file, `("audio", "gate", "hangover_ms")`.
        owner: the class that declares it.
        default: its value when the file says nothing.
        allowed: the allowed values, in words.
        element: for a list of tables, the dataclass of one table; else None.
        group: for a table with keys of the user's own choice whose values are tables, their dataclass.
    """

    path: tuple[str, ...]
    owner: type
    default: Any
    allowed: str
    element: type | None = None
    group: type | None = None

    @property
    def key(self) -> str:
        """Its path with dots between, as messages and `speakerd set` name it."""
        return ".".join(self.path)

    @property
    def doc(self) -> str:
        """What it is for, and in which unit; "" if the source does not say."""
        return field_docs(self.owner).get(self.path[-1], "")


@dataclasses.dataclass(frozen=True, slots=True)
class Section:
    """One table of the file: its path (empty for the top) and its explanation."""

    path: tuple[str, ...]
    doc: str


def entries(model: type, path: tuple[str, ...] = ()) -> Iterator[Section | Setting]:
    """Yield sections and settings in the order of the file: the settings of a table before its sub-tables."""
    yield Section(path, first_paragraph(model))
    nested: list[tuple[str, type]] = []
    for name, hint, default in fields(model):
        if is_section(hint):
            nested.append((name, hint))
            continue
        yield Setting(
            (*path, name), model, default, allowed(hint), element=_element(hint), group=_group(hint)
        )
    for name, hint in nested:
        yield from entries(hint, (*path, name))


@cache
def settings(model: type) -> Mapping[str, Setting]:
    """Return all settings that a model declares, at any depth, by dotted key, in the order of the file."""
    return {entry.key: entry for entry in entries(model) if isinstance(entry, Setting)}


def fields(model: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield name, type with its limits, and default of each field of a section."""
    hints = typing.get_type_hints(model, include_extras=True)
    if issubclass(model, BaseModel):
        for name, info in model.model_fields.items():
            yield name, hints[name], info.get_default(call_default_factory=True, validated_data={})
        return
    for item in dataclasses.fields(model):
        default = item.default
        if default is dataclasses.MISSING:
            factory = item.default_factory
            default = PydanticUndefined if factory is dataclasses.MISSING else factory()
        yield item.name, hints[item.name], default


def is_section(hint: Any) -> TypeGuard[type]:
    """Return whether a field of this type is a table."""
    return isinstance(hint, type) and (dataclasses.is_dataclass(hint) or issubclass(hint, BaseModel))


@cache
def field_docs(model: type) -> Mapping[str, str]:
    """Return the string below each field in the source as one line, by field; fields of parent classes included."""
    docs: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if cls is BaseModel or not is_section(cls):
            continue
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
        body = tree.body if isinstance(tree, ast.ClassDef) else []
        for above, below in itertools.pairwise(body):
            match above, below:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    docs[name] = " ".join(text.split())
    return docs


def first_paragraph(model: type) -> str:
    """Return the first paragraph of the class's docstring, as one line."""
    return " ".join(inspect.cleandoc(model.__doc__ or "").partition("\n\n")[0].split())


def allowed(hint: Any) -> str:
    """Return the values that a type allows, in words: those that it is annotated with, or made from its limits."""
    limits: list[Any] = []
    if typing.get_origin(hint) is typing.Annotated:
        hint, *metadata = typing.get_args(hint)
        if said := next((item for item in metadata if isinstance(item, str)), ""):
            return said
        limits = list(_flat(metadata))
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return " or ".join(f'"{arg}"' if isinstance(arg, str) else str(arg) for arg in args)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(allowed(arg) for arg in args if arg is not type(None))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"a table of names, each with {allowed(args[1])}"
    if isinstance(origin, type) and issubclass(origin, Sequence):
        fixed = origin is tuple and Ellipsis not in args
        return (
            "[" + ", ".join(map(allowed, args)) + "]"
            if fixed
            else f"a list{_bounds(limits)}, each {allowed(args[0])}"
        )
    if hint is JsonValue:
        return "any value"
    words = {
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        str: "a text in quotes",
    }
    if isinstance(hint, type) and issubclass(hint, PurePath):
        return "a path in quotes"
    if is_section(hint):
        return "a table with " + ", ".join(name for name, _, _ in fields(hint))
    return words.get(hint, getattr(hint, "__name__", str(hint))) + _bounds(limits)


def _flat(metadata: Sequence[Any]) -> Iterator[Any]:
    for item in metadata:
        if isinstance(item, annotated_types.GroupedMetadata):
            yield from item
        else:
            yield item


def _bounds(limits: Sequence[Any]) -> str:
    low = high = ""
    words: list[str] = []
    for limit in limits:
        match limit:
            case annotated_types.Ge(ge=value):
                low = _number(value)
            case annotated_types.Gt(gt=value):
                low = f"above {_number(value)}"
            case annotated_types.Le(le=value):
                high = _number(value)
            case annotated_types.Lt(lt=value):
                high = f"below {_number(value)}"
            case annotated_types.MinLen(min_length=value):
                words.append("not empty" if value == 1 else f"at least {value} long")
            case annotated_types.MaxLen(max_length=value):
                words.append(f"at most {value} long")
            case annotated_types.MultipleOf(multiple_of=value):
                words.append(f"a multiple of {value}")
    if low and high:
        plain = low[0] != "a" and high[0] != "b"
        words.insert(0, f"from {low} to {high}" if plain else f"{low} and {high}")
    elif low:
        words.insert(0, low if low.startswith("above") else f"{low} or more")
    elif high:
        words.insert(0, high if high.startswith("below") else f"{high} or less")
    if not words:
        return ""
    return (", " if words[0] == "not empty" else " ") + ", ".join(words)


def _number(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def hint_at(model: Any, path: Sequence[str]) -> Any:
    """Return the type at a path, through lists (by index) and tables (by name); None if there is none.

    In a list of tables a name means the same as with an index before it.
    """
    here: Any = model
    for part in path:
        if here is None:
            return None
        here = bare(here)
        if (element := _element(here)) and not part.isdigit():
            here = element
        origin, args = typing.get_origin(here), typing.get_args(here)
        if is_section(here):
            here = next((hint for name, hint, _ in fields(here) if name == part), None)
        elif isinstance(origin, type) and issubclass(origin, Mapping):
            here = args[1]
        elif isinstance(origin, type) and issubclass(origin, Sequence):
            here = args[0]
        else:
            return None
    return here


def bare(hint: Any) -> Any:
    """Return a type without its limits."""
    return typing.get_args(hint)[0] if typing.get_origin(hint) is typing.Annotated else hint


def _element(hint: Any) -> type | None:
    plain = bare(hint)
    args = typing.get_args(plain)
    if typing.get_origin(plain) in (tuple, list) and args and is_section(args[0]):
        section: type = args[0]
        return section
    return None


def _group(hint: Any) -> type | None:
    plain = bare(hint)
    args = typing.get_args(plain)
    origin = typing.get_origin(plain)
    if isinstance(origin, type) and issubclass(origin, Mapping) and is_section(args[1]):
        section: type = args[1]
        return section
    return None
