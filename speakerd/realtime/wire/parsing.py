"""Lenient reading of server events: a default for what is missing or has another type, never an exception."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from speakerd.realtime.usage import Usage

ServerEvent: TypeAlias = Mapping[str, Any]
"""A JSON object that the server sent, parsed."""


HIGH_SURROGATES: Final = ("\ud800", "\udbff")
"""The first and the last code unit of those that begin a pair."""


def well_formed(value: str) -> str:
    """Return the text with surrogates joined to the characters they are halves of, and lone ones replaced.

    JSON can escape half of a character; such a text cannot be encoded, neither to be sent nor to be written.
    """
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def all_well_formed(value: Any) -> Any:
    """Return a JSON value with every text in it, names included, well-formed."""
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, list):
        return [all_well_formed(entry) for entry in value]
    if isinstance(value, dict):
        return {well_formed(key): all_well_formed(entry) for key, entry in value.items()}
    return value


def mapping(value: object) -> ServerEvent:
    """Return `value` if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def text(event: ServerEvent, key: str) -> str:
    """Return the text or id under `key`, empty if there is none."""
    value = event.get(key)
    return value if isinstance(value, str) else ""


def count(event: ServerEvent, key: str) -> int | None:
    """Return the count under `key`, `None` if there is none."""
    value = event.get(key)
    return (
        int(value) if isinstance(value, (int, float)) and 0 <= value < 1e12 else None
    )  # a union made at each call is five times as slow


def index(event: ServerEvent) -> int:
    """Return the content index, 0 if the server leaves it out."""
    return count(event, "content_index") or 0


def usage_from_wire(data: object) -> Usage | None:
    """Read the `usage` object of a `response.done`; `None` when the server sent no counts. Missing counts are 0."""
    counts = mapping(data)
    if not counts:
        return None
    inputs, outputs = mapping(counts.get("input_token_details")), mapping(counts.get("output_token_details"))
    input_tokens, output_tokens = count(counts, "input_tokens") or 0, count(counts, "output_tokens") or 0
    cached = mapping(inputs.get("cached_tokens_details"))
    return Usage(
        requests=1,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        total_tokens=count(counts, "total_tokens") or input_tokens + output_tokens,
        input_text_tokens=count(inputs, "text_tokens") or 0,
        input_audio_tokens=count(inputs, "audio_tokens") or 0,
        input_image_tokens=count(inputs, "image_tokens") or 0,
        cached_tokens=count(inputs, "cached_tokens") or 0,
        output_text_tokens=count(outputs, "text_tokens") or 0,
        output_audio_tokens=count(outputs, "audio_tokens") or 0,
        cached_text_tokens=count(cached, "text_tokens") or 0,
        cached_audio_tokens=count(cached, "audio_tokens") or 0,
        cached_image_tokens=count(cached, "image_tokens") or 0,
    )
