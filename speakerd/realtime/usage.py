"""Token counts as the server reports them, and their sum over a session.

Servers other than the hosted one send some, none or empty counts: everything missing counts as 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one response, or of all responses so far; `requests` counts the responses."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    input_text_tokens: int = 0
    input_audio_tokens: int = 0
    input_image_tokens: int = 0
    cached_tokens: int = 0
    """Part of `input_tokens` that was served from the cache, at a lower price."""
    output_text_tokens: int = 0
    output_audio_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        """The sum, field by field."""
        return Usage(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Usage)))

    def to_dict(self) -> dict[str, int]:
        """The counts by name."""
        return {f.name: getattr(self, f.name) for f in fields(Usage)}


def usage_from_wire(data: object) -> Usage | None:
    """Read `response.usage` of a `response.done`; `None` when the server sent no counts."""
    if not isinstance(data, Mapping) or not data:
        return None
    inputs = _mapping(data.get("input_token_details"))
    outputs = _mapping(data.get("output_token_details"))
    input_tokens = _count(data.get("input_tokens"))
    output_tokens = _count(data.get("output_tokens"))
    return Usage(
        requests=1,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        total_tokens=_count(data.get("total_tokens")) or input_tokens + output_tokens,
        input_text_tokens=_count(inputs.get("text_tokens")),
        input_audio_tokens=_count(inputs.get("audio_tokens")),
        input_image_tokens=_count(inputs.get("image_tokens")),
        cached_tokens=_count(inputs.get("cached_tokens")),
        output_text_tokens=_count(outputs.get("text_tokens")),
        output_audio_tokens=_count(outputs.get("audio_tokens")),
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(value: object) -> int:
    return int(value) if isinstance(value, int | float) and value == value and 0 <= value < 1e15 else 0  # noqa: PLR0124  # NaN is the one value unequal to itself
