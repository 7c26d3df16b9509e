"""The conversation as the server keeps it: items in order, bounded, and their form on the wire.

Audio is kept for `conversation.item.retrieve` only, and only the newest `KEPT_AUDIO_BYTES` of it; its duration is
kept longer, because a truncation is checked against it. Beyond `MAX_ITEMS` the oldest items are dropped, as a
hosted model does.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from speakerd.offline.request_errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_ITEMS: Final = 1000
KEPT_AUDIO_BYTES: Final = 8 * 1024 * 1024
"""Some three minutes at 24 kHz."""
BYTES_PER_MS: Final = 48
"""24 000 samples a second of two bytes."""


@dataclass(slots=True)
class Part:
    """One part of a message. `audio` is 24 kHz PCM and may have been dropped; `audio_ms` stays."""

    kind: str
    text: str | None = None
    transcript: str | None = None
    audio: bytes = b""
    audio_ms: int = 0
    extra: dict[str, Any] = field(default_factory=dict)

    def wire(self, *, with_audio: bool = False) -> dict[str, Any]:
        """Return the JSON object of the protocol; audio is included only when an item is retrieved."""
        part: dict[str, Any] = {"type": self.kind, **self.extra}
        if self.text is not None:
            part["text"] = self.text
        if self.kind in ("input_audio", "output_audio"):
            part["transcript"] = self.transcript
            if with_audio and self.audio:
                part["audio"] = base64.b64encode(self.audio).decode("ascii")
        return part

    @property
    def words(self) -> str:
        """Its text or transcript; "" as long as it is not known."""
        return self.text or self.transcript or ""


@dataclass(slots=True)
class Item:
    """A message, or one of the other kinds with its `fields` (name, call_id, arguments, output, ...)."""

    id: str
    type: str
    status: str = "completed"
    role: str | None = None
    content: list[Part] = field(default_factory=list)
    fields: dict[str, Any] = field(default_factory=dict)

    def wire(self, *, with_audio: bool = False) -> dict[str, Any]:
        """Return the JSON object of the protocol."""
        item: dict[str, Any] = {"id": self.id, "type": self.type, **self.fields}
        if self.type in ("message", "function_call", "function_call_output"):
            item["object"] = "realtime.item"
            item["status"] = self.status
        if self.type == "message":
            item["role"] = self.role
            item["content"] = [part.wire(with_audio=with_audio) for part in self.content]
        return item

    @property
    def words(self) -> str:
        """The text and transcripts of all its parts that are known."""
        return " ".join(part.words for part in self.content if part.words)


class Conversation:
    """The items of one session, in order. Not thread-safe."""

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}
        self._order: list[str] = []

    def __iter__(self) -> Iterator[Item]:
        return (self._items[item_id] for item_id in self._order)

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._items

    def find(self, item_id: str, param: str = "item_id") -> Item:
        """Return the item with this id. Raises RequestError if there is none."""
        item = self._items.get(item_id)
        if item is None:
            raise RequestError("item_not_found", f"Item with id '{item_id[:100]}' was not found.", param)
        return item

    def add(self, item: Item, after: str | None = None) -> str | None:
        """Insert `item` at the end, after another one, or first (`after="root"`); return the id before it.

        Raises RequestError.
        """
        if item.id in self._items:
            raise RequestError(
                "item_already_exists", f"An item with id '{item.id[:100]}' is there already.", "item.id"
            )
        if after is None:
            position = len(self._order)
        elif after == "root":
            position = 0
        else:
            self.find(after, "previous_item_id")
            position = self._order.index(after) + 1
        before = self._order[position - 1] if position else None
        self._order.insert(position, item.id)
        self._items[item.id] = item
        self._keep_bounds()
        return before

    def delete(self, item_id: str) -> None:
        """Remove an item. Raises RequestError if there is none with this id."""
        self.find(item_id)
        del self._items[item_id]
        self._order.remove(item_id)

    def truncate(self, item_id: str, content_index: int, audio_end_ms: int) -> None:
        """Cut assistant audio where the user stopped hearing it, and drop its transcript. Raises RequestError."""
        item = self.find(item_id)
        if item.role != "assistant":
            raise RequestError("invalid_value", "Only an assistant's message can be truncated.", "item_id")
        if content_index >= len(item.content) or item.content[content_index].kind != "output_audio":
            raise RequestError(
                "invalid_value", f"There is no audio at content index {content_index}.", "content_index"
            )
        part = item.content[content_index]
        if audio_end_ms > part.audio_ms:
            message = f"Audio content of {part.audio_ms}ms is already shorter than {audio_end_ms}ms"
            raise RequestError("invalid_value", message, "audio_end_ms")
        part.audio_ms = audio_end_ms
        part.audio = part.audio[: audio_end_ms * BYTES_PER_MS]
        part.transcript = ""

    def _keep_bounds(self) -> None:
        while len(self._order) > MAX_ITEMS:
            del self._items[self._order.pop(0)]
        kept = 0
        for item_id in reversed(self._order):
            for part in self._items[item_id].content:
                kept += len(part.audio)
                if kept > KEPT_AUDIO_BYTES:
                    part.audio = b""
