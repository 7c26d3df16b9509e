"""Checks of what a program gives: the wrong kind of value gets an error that names field, value and cure.

Without it a mistake, such as a function where a tool belongs, shows much later, as an `AttributeError` from within.
"""

from __future__ import annotations

import inspect
import reprlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from speakerd.realtime.errors import UserError

_short = reprlib.Repr()
_short.maxother = _short.maxstring = 60


@dataclass(frozen=True, slots=True)
class Kind:
    """What a field may hold, for people and as a check."""

    words: str
    fits: Callable[[Any], bool]
    cure: Callable[[Any], str] = lambda _value: ""
    """Returns a sentence for a value that does not fit; empty if there is nothing to add."""


def instance_of(words: str, *types: type) -> Kind:
    """Make a kind: instances of these types."""
    return Kind(words, lambda value: isinstance(value, types))


def optional(kind: Kind) -> Kind:
    """Make a kind: that one, or `None`."""
    return Kind(f"{kind.words} or None", lambda value: value is None or kind.fits(value), kind.cure)


def either(*kinds: Kind) -> Kind:
    """Make a kind: what fits any of these."""
    return Kind(
        " or ".join(kind.words for kind in kinds), lambda value: any(kind.fits(value) for kind in kinds)
    )


TEXT: Final = instance_of("a text", str)
NAME: Final = Kind("a text that is not empty", lambda value: isinstance(value, str) and bool(value))
FLAG: Final = instance_of("True or False", bool)
NUMBER: Final = Kind("a number", lambda value: isinstance(value, int | float) and not isinstance(value, bool))
COUNT: Final = Kind(
    "a whole number above 0",
    lambda value: isinstance(value, int) and not isinstance(value, bool) and value > 0,
)
BYTES: Final = instance_of("bytes", bytes, bytearray, memoryview)
MAPPING: Final = instance_of("a dict", Mapping)
CALLABLE: Final = Kind("a function", callable)
LIST: Final = Kind(
    "a list", lambda value: isinstance(value, Collection) and not isinstance(value, str | bytes | Mapping)
)


def check(owner: str, field: str, value: Any, kind: Kind) -> None:
    """Compare one value with what may be there.

    Raises:
        UserError: it does not fit; the text names owner, field and value, and says what to do.
    """
    if not kind.fits(value):
        cure = kind.cure(value)
        raise UserError(
            f"{owner}: {field} is {repr_short(value)}; expected {kind.words}{'. ' + cure if cure else ''}"
        )


def check_each(owner: str, field: str, values: Any, kind: Kind) -> None:
    """Compare each value of a list with what may be there.

    Raises:
        UserError: it is no list, or a value does not fit.
    """
    check(owner, field, values, LIST)
    for index, value in enumerate(values):
        check(owner, f"{field}[{index}]", value, kind)


def check_fields(owner: str, given: Any, kinds: Mapping[str, Kind]) -> None:
    """Compare the values under these names, of a mapping or an object, with what may be there.

    Raises:
        UserError: one does not fit. Names that a mapping does not have are not checked.
    """
    for field, kind in kinds.items():
        if not isinstance(given, Mapping):
            check(owner, field, getattr(given, field), kind)
        elif field in given:
            check(owner, field, given[field], kind)


def repr_short(value: Any) -> str:
    """Return a value for an error message: short, with its type, whatever its `__repr__` does."""
    if inspect.isroutine(value) or isinstance(value, type):
        return f"the {'class' if isinstance(value, type) else 'function'} {value.__name__}"
    text = _short.repr(value)
    name = type(value).__name__
    return text if value is None or name in text else f"{text}, of type {name}"
