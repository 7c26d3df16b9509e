"""A text that is not shown by accident."""

import hmac
from typing import Never

MASK = "********"


class Secret:
    """Holds a secret so that logging, formatting, tracebacks and pickling do not show it. Immutable.

    Only `reveal()` returns it, and a search for that word finds every such place.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret itself. Keep no copy of it."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, format_spec: str) -> str:
        return format(MASK, format_spec)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    __hash__ = None  # type: ignore[assignment]  # a hash is a fingerprint that could be shown

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: object) -> "Secret":
        return self

    def __reduce__(self) -> Never:
        raise TypeError("a secret is not pickled: it would be written out in clear")
