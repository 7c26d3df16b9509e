"""Collections that forget their oldest entries, for what has to be recognised again in a session of months."""

from __future__ import annotations

from typing import Final, TypeVar

K = TypeVar("K")
V = TypeVar("V")

REMEMBERED: Final = 256
"""Ids kept of each kind that has to be recognised when it comes again, where nothing else is said."""


class BoundedDict(dict[K, V]):
    """A dict that holds at most `limit` entries: setting a new key by `[]` drops the oldest ones."""

    __slots__ = ("limit",)

    def __init__(self, limit: int = REMEMBERED) -> None:
        super().__init__()
        self.limit = limit

    def __setitem__(self, key: K, value: V) -> None:
        super().__setitem__(key, value)
        while len(self) > self.limit:
            del self[next(iter(self))]


class BoundedSet(BoundedDict[K, None]):
    """A set that holds at most `limit` keys; it iterates from the oldest to the newest."""

    __slots__ = ()

    def add(self, key: K) -> bool:
        """Add `key`; return True if it was not present."""
        if key in self:
            return False
        self[key] = None
        return True

    def discard(self, key: K) -> bool:
        """Remove `key`; return True if it was present."""
        return self.pop(key, self) is None
