"""Sends the conversation so far to a new session, as text.

A session cannot be resumed: after a reconnect the new one knows nothing. A client cannot create assistant audio, so
speech is sent as text, under the ids that the items had; images, tool calls and their outputs are sent as such.
Of a turn without a transcript the sound is sent again, if it is known. What nothing is known of is left out.

Where a server takes no such items, or bills them, the conversation is told in the instructions.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from speakerd.realtime.items import (
    InputImage,
    RealtimeToolCallItem,
    text_of,
)
from speakerd.realtime.wire.encoding import audio_message

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence

    from speakerd.realtime.items import RealtimeItem, RealtimeMessageItem

MAX_RECALLED_CHARS = 12_000
"""The most that is written below the instructions, which are bounded to some 16,000 characters at some servers."""

MAX_REPLAY_CHARS = 60_000
"""About 15,000 tokens, half of a realtime model's context. The oldest items are left out."""


def replay_items(
    history: Sequence[RealtimeItem],
    leave_out: Container[str] = (),
    sound_of: Callable[[str], bytes | None] = lambda _item_id: None,
) -> list[dict[str, Any]]:
    """Return the wire items to create, in order, without those whose id is in `leave_out`.

    `sound_of` returns what was said in a turn of which there is no transcript.
    """
    groups: list[list[dict[str, Any]]] = []
    chars = 0
    for item in reversed(history):
        if item.item_id in leave_out:
            continue
        wire = _tool_call(item) if isinstance(item, RealtimeToolCallItem) else _message(item)
        if not wire and (sound := sound_of(item.item_id)):
            wire = [audio_message(sound, item.item_id)]
        chars += len(text_of(item))
        if chars > MAX_REPLAY_CHARS:
            break
        groups.append(wire)
    return [wire for group in reversed(groups) for wire in group]


def replay_lines(history: Sequence[RealtimeItem], leave_out: Container[str] = ()) -> list[str]:
    """Return the conversation as lines to be written below the instructions; none if nothing was said."""
    lines = [
        f"{_SPEAKERS[item.role]}: {said}"
        for item in history
        if not isinstance(item, RealtimeToolCallItem)
        and item.item_id not in leave_out
        and (said := text_of(item))
    ]
    return [RECALLED, *lines] if lines else []


RECALLED = "What was said in this conversation so far:"
_SPEAKERS = {"user": "User", "assistant": "You", "system": "Note"}


def _message(item: RealtimeMessageItem) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = []
    if text := text_of(item):
        kind = "output_text" if item.role == "assistant" else "input_text"
        content.append({"type": kind, "text": text})
    for part in item.content:
        if isinstance(part, InputImage):
            image = {"type": part.type, "image_url": part.image_url}
            content.append(image | ({"detail": part.detail} if part.detail else {}))
    if not content:
        return []
    return [{"id": item.item_id, "type": "message", "role": item.role, "content": content}]


def _tool_call(item: RealtimeToolCallItem) -> list[dict[str, Any]]:
    if not item.call_id:
        return []
    call = {
        "id": item.item_id,
        "type": "function_call",
        "call_id": item.call_id,
        "name": item.name,
        "arguments": _json_object(item.arguments),
    }
    if item.output is None:
        return [call]
    return [call, {"type": "function_call_output", "call_id": item.call_id, "output": item.output}]


def _json_object(text: str) -> str:
    """Return the arguments unchanged if they are JSON, else an empty object: a server refuses others."""
    try:
        json.loads(text)
    except ValueError:
        return "{}"
    return text
