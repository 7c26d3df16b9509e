"""Client events as JSON text, each with an `event_id` so that an error can be matched to its cause.

The append is built by concatenation: it goes out fifty times a second and needs no escaping.
"""

from __future__ import annotations

import json
from binascii import b2a_base64
from typing import TYPE_CHECKING, Any

from speakerd.realtime import event_names as names
from speakerd.realtime.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class EventIds:
    """Ids for the events and items that we make, unique within a conversation by `salt`."""

    def __init__(self, salt: str = "") -> None:
        self._salt = salt
        self._count = 0

    def event(self) -> str:
        """An id for a client event."""
        self._count += 1
        return f"evt_{self._salt}{self._count}"

    def item(self) -> str:
        """An id for a conversation item: under the 32 characters that servers allow."""
        self._count += 1
        return f"item_{self._salt}{self._count}"


def encode(event: Mapping[str, Any]) -> str:
    """Any client event.

    Raises:
        UserError: something in it is not JSON.
    """
    try:
        return _encode(event)
    except (TypeError, ValueError, RecursionError) as error:
        raise UserError(f"a client event must be plain JSON: {error}") from error


def appends(audio: bytes, event_id: str) -> Iterator[str]:
    """`input_audio_buffer.append` for that audio: one, or more where it exceeds what one may carry."""
    for start in range(0, len(audio), names.MAX_APPEND_BYTES):
        encoded = b2a_base64(audio[start : start + names.MAX_APPEND_BYTES], newline=False).decode("ascii")
        yield f'{{"event_id":"{event_id}","type":"input_audio_buffer.append","audio":"{encoded}"}}'


def text_message(role: str, text: str, item_id: str) -> dict[str, Any]:
    """A message of one piece of text by `user` or `system`."""
    return {
        "id": item_id,
        "type": "message",
        "role": role,
        "content": [{"type": "input_text", "text": text}],
    }


def user_message(user_input: str | Mapping[str, Any], item_id: str) -> dict[str, Any]:
    """A user's message, given as text or in parts.

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
    """A user's message that was spoken, for a server that lost it."""
    encoded = b2a_base64(audio, newline=False).decode("ascii")
    return {
        "id": item_id,
        "type": "message",
        "role": "user",
        "content": [{"type": "input_audio", "audio": encoded}],
    }


def function_output(call_id: str, output: str, item_id: str) -> dict[str, Any]:
    """What a tool answered."""
    return {"id": item_id, "type": "function_call_output", "call_id": call_id, "output": output}
