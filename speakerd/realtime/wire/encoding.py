"""Client events as JSON text, each with an `event_id` so that an error can be matched to its cause.

The append is built by concatenation: it goes out fifty times a second and needs no escaping.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, get_args

from speakerd.realtime import event_names as names
from speakerd.realtime.dialects import OPENAI, Dialect, ItemKind
from speakerd.realtime.errors import UserError
from speakerd.realtime.wire.codec import dump_base64
from speakerd.realtime.wire.parsing import well_formed

if TYPE_CHECKING:
    from collections.abc import Mapping

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class EventIds:
    """Makes ids of client events and items; `salt` makes them unique among conversations."""

    def __init__(self, salt: str = "", prefixes: Mapping[ItemKind, str] | None = None) -> None:
        """`prefixes`: what ids of items begin with, by their kind, where not with `item_`."""
        self._salt = salt
        self._prefixes = prefixes or {}
        self._count = 0

    def event(self) -> str:
        """Return a new id of a client event."""
        self._count += 1
        return f"evt_{self._salt}{self._count}"

    def made(self, event_id: object) -> bool:
        """Return whether `event_id` has the form of those made here."""
        return isinstance(event_id, str) and event_id.startswith(("evt_", "rsp_"))

    def item(self, kind: ItemKind = "other") -> str:
        """Return a new id of a conversation item, within the 32 characters that servers allow."""
        self._count += 1
        return f"{self._prefixes.get(kind, 'item_')}{self._salt}{self._count}"

    def response(self) -> str:
        """Return a new id of a response that the server names badly."""
        self._count += 1
        return f"resp_{self._salt}{self._count}"

    def call(self) -> str:
        """Return a new id of a tool call that the server names badly."""
        self._count += 1
        return f"call_{self._salt}{self._count}"

    def fits(self, item_id: object, kind: ItemKind) -> bool:
        """Return whether an item of that kind may have that id."""
        return isinstance(item_id, str) and item_id.startswith(self._prefixes.get(kind, ""))


def kind_of(item: Mapping[str, Any]) -> ItemKind:
    """Return which kind of item it is."""
    kind = item.get("role") if item.get("type") == "message" else item.get("type")
    return next((known for known in get_args(ItemKind) if known == kind), "other")


def for_dialect(item: Mapping[str, Any], dialect: Dialect) -> Mapping[str, Any]:
    """Return an item as that server wants it."""
    if dialect.assistant_part == OPENAI.assistant_part or item.get("role") != "assistant":
        return item
    parts = [
        {**part, "type": dialect.assistant_part} if part.get("type") == OPENAI.assistant_part else part
        for part in item["content"]
    ]
    return {**item, "content": parts}


def response_for_dialect(params: Mapping[str, Any], dialect: Dialect) -> dict[str, Any]:
    """Return the parameters of a response as that server wants them, without those that it lacks."""
    given = {
        name: value
        for name, value in params.items()
        if dialect.response_fields is None or name in dialect.response_fields
    }
    if "output_modalities" in given and given["output_modalities"] == ["audio"]:
        given["output_modalities"] = list(dialect.with_audio)
    return {dialect.place((name,))[0]: value for name, value in given.items()}


def encode(event: Mapping[str, Any]) -> str:
    """Return a client event as JSON text that can be sent: lone surrogates in it are replaced.

    Raises:
        UserError: something in it is not JSON.
    """
    try:
        return well_formed(_encode(event))
    except (TypeError, ValueError, RecursionError) as error:
        raise UserError(f"a client event must be plain JSON: {error}") from error


def appends(audio: bytes, event_id: str) -> list[str]:
    """Return the `input_audio_buffer.append` events for that audio: more than one only where one is too small."""
    most = names.MAX_APPEND_BYTES
    if 0 < len(audio) <= most:  # Fifty times a second: the plain case first.
        return [_append(audio, event_id)]
    return [_append(audio[start : start + most], event_id) for start in range(0, len(audio), most)]


def _append(audio: bytes, event_id: str) -> str:
    return f'{{"event_id":"{event_id}","type":"input_audio_buffer.append","audio":"{dump_base64(audio)}"}}'


def text_message(role: str, text: str, item_id: str) -> dict[str, Any]:
    """Return a message item with one text, by `user` or `system`."""
    return {
        "id": item_id,
        "type": "message",
        "role": role,
        "content": [{"type": "input_text", "text": text}],
    }


def user_message(user_input: str | Mapping[str, Any], item_id: str) -> dict[str, Any]:
    """Return a user's message item, made of a text or of parts.

    Raises:
        UserError: a part is neither text nor image.
    """
    if isinstance(user_input, str):
        return text_message("user", user_input, item_id)
    content: list[dict[str, Any]] = []
    for part in user_input.get("content") or ():
        kind = part.get("type")
        if kind == "input_text":
            content.append({"type": kind, "text": part.get("text", "")})
        elif kind == "input_image":
            image = {"type": kind, "image_url": part.get("image_url", "")}
            content.append(image | ({"detail": part["detail"]} if part.get("detail") else {}))
        else:
            raise UserError(f"a message is made of input_text and input_image, not {kind!r}")
    return {"id": item_id, "type": "message", "role": "user", "content": content}


def audio_message(audio: bytes, item_id: str) -> dict[str, Any]:
    """Return a user's message item that holds speech, for a server that lost it."""
    encoded = dump_base64(audio)
    return {
        "id": item_id,
        "type": "message",
        "role": "user",
        "content": [{"type": "input_audio", "audio": encoded}],
    }


def function_output(call_id: str, output: str, item_id: str) -> dict[str, Any]:
    """Return the item with the output of a tool call."""
    return {"id": item_id, "type": "function_call_output", "call_id": call_id, "output": output}
