"""The errors that a client's request can cause, and the functions that check the values of a request.

Each of these functions returns the checked value or raises `RequestError` with the path of the parameter.
"""

from __future__ import annotations

from typing import Any, Final

INVALID_REQUEST: Final = "invalid_request_error"
SERVER_ERROR: Final = "server_error"


class RequestError(Exception):
    """Answered with an `error` event: `code` is the protocol's slug, `param` the path of the parameter."""

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param


def as_object(value: Any, param: str) -> dict[str, Any]:
    """Check that `value` is a JSON object."""
    if not isinstance(value, dict):
        raise _wrong_type(param, "an object", value)
    return value


def as_text(value: Any, param: str, longest: int = 100_000) -> str:
    """Check that `value` is a string of at most `longest` characters."""
    if not isinstance(value, str):
        raise _wrong_type(param, "a string", value)
    if len(value) > longest:
        raise RequestError(
            "string_above_max_length", f"'{param}' is longer than {longest} characters.", param
        )
    return value


def as_integer(value: Any, param: str, least: int = 0, most: int = 2**53) -> int:
    """Check that `value` is an integer within the limits; a boolean is not one."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong_type(param, "an integer", value)
    if not least <= value <= most:
        raise RequestError("invalid_value", f"'{param}' must be from {least} to {most}, not {value}.", param)
    return value


def as_number(value: Any, param: str, least: float, most: float) -> float:
    """Check that `value` is a number within the limits; a boolean is not one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong_type(param, "a number", value)
    if not least <= value <= most:
        raise RequestError(
            "invalid_value", f"'{param}' must be from {least:g} to {most:g}, not {value}.", param
        )
    return float(value)


def as_boolean(value: Any, param: str) -> bool:
    """Check that `value` is true or false."""
    if not isinstance(value, bool):
        raise _wrong_type(param, "a boolean", value)
    return value


def as_list(value: Any, param: str, longest: int = 1000) -> list[Any]:
    """Check that `value` is an array of at most `longest` entries."""
    if not isinstance(value, list):
        raise _wrong_type(param, "an array", value)
    if len(value) > longest:
        raise RequestError("array_above_max_length", f"'{param}' has more than {longest} entries.", param)
    return value


def as_choice(value: Any, param: str, choices: tuple[str, ...]) -> str:
    """Check that `value` is one of `choices`."""
    if not isinstance(value, str) or value not in choices:
        found = value if isinstance(value, str) else type(value).__name__
        allowed = ", ".join(repr(choice) for choice in choices)
        raise RequestError(
            "invalid_value", f"Invalid value for '{param}': {str(found)[:80]!r}. Allowed: {allowed}.", param
        )
    return value


def only_keys(value: dict[str, Any], param: str, known: frozenset[str]) -> None:
    """Raise RequestError for a key that is not in `known`."""
    for key in value:
        if key not in known:
            path = f"{param}.{key}" if param else key
            raise RequestError("unknown_parameter", f"Unknown parameter: '{path[:200]}'.", path[:200])


def required(value: dict[str, Any], key: str, param: str) -> Any:
    """Return the value of a key, or raise RequestError if it is missing."""
    if key not in value:
        path = f"{param}.{key}" if param else key
        raise RequestError("missing_required_parameter", f"Missing required parameter: '{path}'.", path)
    return value[key]


def _wrong_type(param: str, wanted: str, value: Any) -> RequestError:
    return RequestError("invalid_type", f"'{param}' must be {wanted}, not {_kind(value)}.", param)


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
