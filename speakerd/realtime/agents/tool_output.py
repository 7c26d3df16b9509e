"""What a tool returned, as text for the model. Nothing is refused: a model whose call has no output stays silent.

Text goes unchanged, `None` as empty text, bytes as the text they hold, anything else as JSON. What JSON does not
know becomes its `str()`; what has none, its type's name. Characters that UTF-8 cannot carry, such as those by which
Python marks bytes of a file name that are no text, are escaped.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

_MAX_DEPTH = 50
"""How deep a result may be nested before the rest is shown as text: also ends one that contains itself."""


_MAX_BITS = 10_000
"""The size of a number from which on Python may refuse to write it in decimal."""


class ToolFailureText(str):
    """What the model is told when a tool has no result: its `failure_error_function`'s words, or ours."""

    __slots__ = ()


def output_text(output: Any) -> str:
    """Return a tool's result as text for the model, in characters that can be sent."""
    if output is None:
        return ""
    if isinstance(output, str):
        return sendable(output)
    if isinstance(output, bytes | bytearray | memoryview):
        return safe_text(output)
    try:
        return sendable(json.dumps(output, ensure_ascii=False, default=_plain))
    except BaseException:  # noqa: BLE001  # the result's own methods ran, and may raise anything
        return sendable(json.dumps(_jsonable(output, 0), ensure_ascii=False))


def sendable(text: str) -> str:
    """Return `text` with every lone half of a surrogate pair escaped: no JSON frame can carry it otherwise."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def described(error: BaseException) -> str:
    """Return an exception's text, or the name of its type if it has none or fails to give it."""
    return safe_text(error) or type(error).__name__


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if callable(dump := getattr(value, "model_dump", None)):
        return dump(mode="json")
    if isinstance(value, AbstractSet):
        return list(value)
    return safe_text(value)


def _jsonable(value: Any, depth: int) -> Any:
    """Return `value` as what `json.dumps` cannot refuse; a part that fails spoils no other."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if value.bit_length() < _MAX_BITS else safe_text(value)
    if isinstance(value, str):
        return str.__str__(value)
    if depth < _MAX_DEPTH:
        try:
            if isinstance(value, Mapping):
                return {_key(key): _jsonable(each, depth + 1) for key, each in list(value.items())}
            if isinstance(value, list | tuple | AbstractSet):
                return [_jsonable(each, depth + 1) for each in value]
            plain = _plain(value)
            if not isinstance(plain, str):
                return _jsonable(plain, depth + 1)
        except BaseException:  # noqa: BLE001, S110  # as above: then only its text is left
            pass
    return safe_text(value)


def _key(key: Any) -> str:
    return json.dumps(key) if key is None or isinstance(key, bool | float) else safe_text(key)


def safe_text(value: Any) -> str:
    """Return `str(value)`, bytes as the text they hold; the type's name in brackets if that fails."""
    try:
        if isinstance(value, bytes | bytearray | memoryview):
            return bytes(value).decode("utf-8", "backslashreplace")
        return sendable(str(value))
    except BaseException:  # noqa: BLE001  # the value's own method ran, and may raise anything
        return f"<{type(value).__name__}>"
