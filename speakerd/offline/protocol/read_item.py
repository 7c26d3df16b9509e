"""Reads the items that a client creates: every type of the protocol, checked key by key."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final

from speakerd.offline.items import BYTES_PER_MS, Item, Part
from speakerd.offline.request_errors import (
    RequestError,
    as_choice,
    as_list,
    as_object,
    as_text,
    only_keys,
    required,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_MESSAGE_KEYS: Final = frozenset({"id", "type", "object", "status", "role", "content"})
_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "function_call": ("name", "arguments", "call_id"),
    "function_call_output": ("call_id", "output"),
}
_PART_KEYS: Final[dict[str, frozenset[str]]] = {
    "input_text": frozenset({"type", "text"}),
    "input_audio": frozenset({"type", "audio", "transcript"}),
    "input_image": frozenset({"type", "image_url", "detail"}),
    "output_text": frozenset({"type", "text"}),
}
_KINDS: Final[dict[str, tuple[str, ...]]] = {
    "user": ("input_text", "input_audio", "input_image"),
    "system": ("input_text",),
    "assistant": ("output_text",),
}
_LONGEST_TEXT: Final = 100_000
_LONGEST_IMAGE: Final = 20 * 1024 * 1024


def read_item(value: Any, param: str, new_id: Callable[[str], str]) -> Item:
    """Return the item of a client's JSON object. Raises RequestError."""
    data = as_object(value, param)
    kind = as_choice(required(data, "type", param), f"{param}.type", ("message", *_FIELDS))
    item_id = as_text(data["id"], f"{param}.id", 200) if data.get("id") is not None else new_id("item")
    if not item_id or item_id == "root":
        raise RequestError("invalid_value", f"{item_id!r} cannot be an item's id.", f"{param}.id")
    if kind == "message":
        return _read_message(data, param, item_id)
    names = _FIELDS[kind]
    only_keys(data, param, frozenset({"id", "type", "object", "status", *names}))
    fields = {name: as_text(required(data, name, param), f"{param}.{name}") for name in names}
    return Item(item_id, kind, fields=fields)


def read_audio(value: Any, param: str) -> bytes:
    """Return the 16-bit PCM of a base64 string. Raises RequestError."""
    if not isinstance(value, str):
        raise RequestError("invalid_type", f"'{param}' must be a string of base64.", param)
    try:
        pcm = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RequestError("invalid_value", f"'{param}' is not base64: {error}.", param) from error
    if len(pcm) % 2:
        raise RequestError("invalid_value", f"'{param}' ends in the middle of a 16-bit sample.", param)
    return pcm


def _read_message(data: dict[str, Any], param: str, item_id: str) -> Item:
    only_keys(data, param, _MESSAGE_KEYS)
    role = as_choice(required(data, "role", param), f"{param}.role", tuple(_KINDS))
    parts = as_list(required(data, "content", param), f"{param}.content", 100)
    content = [_read_part(part, f"{param}.content[{index}]", role) for index, part in enumerate(parts)]
    return Item(item_id, "message", role=role, content=content)


def _read_part(value: Any, param: str, role: str) -> Part:
    data = as_object(value, param)
    kind = as_choice(required(data, "type", param), f"{param}.type", _KINDS[role])
    only_keys(data, param, _PART_KEYS[kind])
    if kind == "input_audio":
        pcm = read_audio(required(data, "audio", param), f"{param}.audio")
        transcript = data.get("transcript")
        words = None if transcript is None else as_text(transcript, f"{param}.transcript", _LONGEST_TEXT)
        return Part(kind, transcript=words, audio=pcm, audio_ms=len(pcm) // BYTES_PER_MS)
    if kind == "input_image":
        url = as_text(required(data, "image_url", param), f"{param}.image_url", _LONGEST_IMAGE)
        extra: dict[str, Any] = {"image_url": url}
        if data.get("detail") is not None:
            extra["detail"] = as_choice(data["detail"], f"{param}.detail", ("auto", "low", "high"))
        return Part(kind, extra=extra)
    return Part(kind, text=as_text(required(data, "text", param), f"{param}.text", _LONGEST_TEXT))
