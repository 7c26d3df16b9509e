"""The session's own record of the conversation. Pure: each method says whether the record changed.

It holds what was *heard and said*: a cut reply keeps the part of its transcript that was played, and nothing that
the server reports about it later brings the rest back. A user's transcript only ever goes into a user's item. Audio
bytes are not kept. The oldest items are dropped when there are more than `max_items`, or when all together hold
more than `_MAX_CHARACTERS`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from speakerd.realtime.items import (
    AssistantAudio,
    AssistantMessageItem,
    AssistantText,
    InputAudio,
    RealtimeItem,
    RealtimeToolCallItem,
    SystemMessageItem,
    UserMessageItem,
    size_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from speakerd.realtime.items import AssistantContent, UserContent

Change: TypeAlias = Literal["added", "updated"] | None
"""What an operation changed: it added an item, updated known ones, or did nothing (`None`)."""


_MAX_PARTS = 32
"""The most parts of one item; a higher index is a fault of the server."""
_MAX_TRANSCRIPT = 1_000_000
"""The most characters of one part: a day of talking."""
_MAX_CHARACTERS = 16_000_000
"""The most characters of all items: some pictures, which are most of it where there are any."""
_CHARACTERS_PER_SECOND = 15.0
"""How fast speech is, for cutting a transcript when the length of its audio is not known."""


class History:
    """The items of a conversation, in order."""

    def __init__(self, max_items: int = 400) -> None:
        self._max_items = max_items
        self._items: list[RealtimeItem] = []
        self._characters = 0
        self._cut: dict[str, None] = {}

    @property
    def items(self) -> list[RealtimeItem]:
        """A copy of all items, oldest first."""
        return self._items.copy()

    def get(self, item_id: str) -> RealtimeItem | None:
        """Return the item of that id, if it is (still) known."""
        index = self._index(item_id)
        return None if index is None else self._items[index]

    def put(self, item: RealtimeItem) -> Change:
        """Add an item, or merge what is new of a known one.

        What is already known stays where the new item says nothing. An item never changes its kind or role.
        """
        index = self._index(item.item_id)
        if index is None:
            self._insert(item)
            return "added"
        known = self._items[index]
        merged = self._merge(known, item)
        if merged == known:
            return None
        self._set(index, merged)
        return "updated"

    def delete(self, item_id: str) -> Change:
        """Remove an item; an unknown one changes nothing."""
        index = self._index(item_id)
        if index is None:
            return None
        self._characters -= size_of(self._items.pop(index))
        self._cut.pop(item_id, None)
        return "updated"

    def user_said(self, item_id: str, content_index: int, transcript: str, *, whole: bool) -> Change:
        """Set the transcript of a user's item, or append a piece of it (not `whole`)."""
        index = self._index(item_id)
        if index is None:
            self._insert(
                UserMessageItem(item_id, (InputAudio(transcript),), status="completed" if whole else None)
            )
            return "added"
        item = self._items[index]
        if not isinstance(item, UserMessageItem):
            return None
        parts = list(item.content)
        spoken = [at for at, part in enumerate(parts) if isinstance(part, InputAudio)]
        at = content_index if content_index in spoken else (spoken[-1] if spoken else len(parts))
        before = ""
        if at < len(parts) and not whole:
            part = parts[at]
            before = part.transcript or "" if isinstance(part, InputAudio) else ""
        parts[at : at + 1] = [InputAudio((before + transcript)[:_MAX_TRANSCRIPT])]
        said = replace(item, content=parts, status="completed" if whole else item.status)
        self._set(index, said)
        return "updated" if said != item else None

    def assistant_says(self, item_id: str, content_index: int, delta: str) -> Change:
        """Append a piece to the transcript of an assistant's item."""
        return self._assistant(item_id, content_index, delta, spoken=True)

    def assistant_writes(self, item_id: str, content_index: int, delta: str) -> Change:
        """Append a piece to the text of an assistant's item."""
        return self._assistant(item_id, content_index, delta, spoken=False)

    def truncate(self, item_id: str, content_index: int, heard_ms: int, total_ms: int | None) -> Change:
        """Cut an assistant's item: `heard_ms` of that part were heard, and nothing of later parts.

        The transcript is cut in proportion, at the end of a word; `total_ms` is how much audio there was.
        """
        index = self._index(item_id)
        item = None if index is None else self._items[index]
        if index is None or not isinstance(item, AssistantMessageItem):
            return None
        parts: list[AssistantContent] = list(item.content[: content_index + 1])
        if content_index < len(parts) and isinstance(part := parts[content_index], AssistantAudio):
            if part.heard_ms is not None and part.heard_ms <= heard_ms:
                return None
            heard = _heard(part.transcript, heard_ms, total_ms)
            parts[content_index] = AssistantAudio(heard, heard_ms=heard_ms)
        self._set(index, replace(item, content=parts, status="incomplete"))
        self._cut[item_id] = None
        return "updated"

    def tool_answered(self, call_id: str, output: str) -> Change:
        """Set the output of a tool call."""
        for index in range(len(self._items) - 1, -1, -1):
            item = self._items[index]
            if isinstance(item, RealtimeToolCallItem) and item.call_id == call_id:
                answered = replace(item, output=output, status="completed")
                self._set(index, answered)
                return "updated" if answered != item else None
        return None

    def _index(self, item_id: str) -> int | None:
        # From the end: nearly always it is one of the last.
        for index in range(len(self._items) - 1, -1, -1):
            if self._items[index].item_id == item_id:
                return index
        return None

    def _insert(self, item: RealtimeItem) -> None:
        after = None if item.previous_item_id is None else self._index(item.previous_item_id)
        if item.previous_item_id == "root":
            self._items.insert(0, item)
        elif after is not None:
            self._items.insert(after + 1, item)
        else:
            self._items.append(item)
        self._characters += size_of(item)
        self._drop_oldest()

    def _set(self, index: int, item: RealtimeItem) -> None:
        self._characters += size_of(item) - size_of(self._items[index])
        self._items[index] = item
        self._drop_oldest()

    def _drop_oldest(self) -> None:
        while len(self._items) > self._max_items or (
            self._characters > _MAX_CHARACTERS and len(self._items) > 1
        ):
            oldest = self._items.pop(0)
            self._characters -= size_of(oldest)
            self._cut.pop(oldest.item_id, None)

    def _merge(self, known: RealtimeItem, item: RealtimeItem) -> RealtimeItem:
        previous = item.previous_item_id or known.previous_item_id
        status = item.status or known.status
        if isinstance(known, RealtimeToolCallItem) and isinstance(item, RealtimeToolCallItem):
            return replace(
                item,
                name=item.name or known.name,
                arguments=item.arguments if item.arguments not in ("", "{}") else known.arguments,
                output=item.output if item.output is not None else known.output,
                call_id=item.call_id or known.call_id,
                previous_item_id=previous,
                status=status if known.output is None else known.status,
            )
        if isinstance(known, UserMessageItem) and isinstance(item, UserMessageItem):
            user_parts = _merge_user(known.content, item.content)
            return replace(item, content=user_parts, previous_item_id=previous, status=status)
        if isinstance(known, AssistantMessageItem) and isinstance(item, AssistantMessageItem):
            if item.item_id in self._cut:
                return replace(known, previous_item_id=previous)
            parts = _merge_assistant(known.content, item.content)
            return replace(item, content=parts, previous_item_id=previous, status=status)
        if isinstance(known, SystemMessageItem) and isinstance(item, SystemMessageItem):
            return replace(
                item, content=item.content or known.content, previous_item_id=previous, status=status
            )
        return known

    def _assistant(self, item_id: str, content_index: int, delta: str, *, spoken: bool) -> Change:
        if not 0 <= content_index < _MAX_PARTS or item_id in self._cut:
            return None
        index = self._index(item_id)
        if index is None:
            self._insert(AssistantMessageItem(item_id, (), status="in_progress"))
            index = self._index(item_id)
        item = None if index is None else self._items[index]
        if index is None or not isinstance(item, AssistantMessageItem):
            return None
        parts: list[AssistantContent] = list(item.content)
        blank: AssistantContent = AssistantAudio("") if spoken else AssistantText("")
        parts.extend([blank] * (content_index + 1 - len(parts)))
        part = parts[content_index]
        # Made by hand, not by `replace`: this runs for each word.
        if isinstance(part, AssistantAudio):
            said = (part.transcript or "") + delta
            parts[content_index] = AssistantAudio(said[:_MAX_TRANSCRIPT], part.heard_ms)
        else:
            parts[content_index] = AssistantText((part.text + delta)[:_MAX_TRANSCRIPT])
        self._set(index, AssistantMessageItem(item_id, parts, item.previous_item_id, item.status))
        return "updated" if item.content else "added"


def _merge_user(known: Sequence[UserContent], new: Sequence[UserContent]) -> Sequence[UserContent]:
    if not new:
        return known
    merged: list[UserContent] = []
    for at, part in enumerate(new):
        before = known[at] if at < len(known) else None
        silent = isinstance(part, InputAudio) and not part.transcript
        merged.append(before if silent and isinstance(before, InputAudio) else part)
    return merged


def _merge_assistant(
    known: Sequence[AssistantContent], new: Sequence[AssistantContent]
) -> Sequence[AssistantContent]:
    if not new:
        return known
    merged: list[AssistantContent] = []
    for at, part in enumerate(new):
        before = known[at] if at < len(known) else None
        said = part.transcript if isinstance(part, AssistantAudio) else part.text
        merged.append(before if not said and type(before) is type(part) and before is not None else part)
    return [*merged, *known[len(new) :]]


def _heard(transcript: str | None, heard_ms: int, total_ms: int | None) -> str | None:
    if transcript is None:
        return None
    if total_ms and total_ms > 0:
        if heard_ms >= total_ms:
            return transcript
        length = int(len(transcript) * heard_ms / total_ms)
    else:
        length = int(heard_ms / 1000 * _CHARACTERS_PER_SECOND)
    if length >= len(transcript):
        return transcript
    if transcript[length].isspace():
        return transcript[:length].rstrip()
    heard = transcript[:length]
    last_blank = max(heard.rfind(" "), heard.rfind("\n"))
    if last_blank < 0:
        # Either the first word was not finished, or the script has no blanks: then a character counts as a word.
        return "" if heard.isascii() else heard
    return heard[:last_blank].rstrip()
