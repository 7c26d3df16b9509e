"""What the wits decide to do: things to say and tools to call, in order."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Say:
    """An assistant message."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function call; `arguments` is JSON."""

    name: str
    arguments: str


Reply = tuple[Say | Call, ...]
"""May be empty: there is nothing to say to that."""
