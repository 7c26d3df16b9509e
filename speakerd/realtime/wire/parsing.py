"""Reading what a server may leave out or send in another type: defaults instead of exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

Event: TypeAlias = Mapping[str, Any]
"""A parsed JSON object of the server's."""


def mapping(value: object) -> Event:
    """The object, empty if there is none."""
    return value if isinstance(value, Mapping) else {}


def text(event: Event, key: str) -> str:
    """A text or an id, empty if there is none."""
    value = event.get(key)
    return value if isinstance(value, str) else ""


def count(event: Event, key: str) -> int | None:
    """A number that counts something, `None` if there is none."""
    value = event.get(key)
    return (
        int(value) if isinstance(value, (int, float)) and 0 <= value < 1e12 else None
    )  # a union made at each call is five times as slow


def index(event: Event) -> int:
    """The content index; home servers leave it out."""
    return count(event, "content_index") or 0
