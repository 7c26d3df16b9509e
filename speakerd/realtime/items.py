"""The items of a conversation: messages and tool calls, as immutable values.

The session's history consists of items, and `history_added` and `history_updated` carry them. Items are frozen, so
a list of them is a snapshot that no later event changes. `to_dict()` returns JSON-ready values, which
`item_from_dict()` reads back; the field names are the layer's own (`item_id`, not the wire's `id`).

Audio bytes are never kept: `InputAudio.audio` and `AssistantAudio.audio` exist because code written against the
documented items reads them, and are `None` in every history. `AssistantAudio.heard_ms` is set when a reply was cut:
its transcript is then what was heard, not what was generated.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias, assert_never

ItemStatus: TypeAlias = Literal["in_progress", "completed", "incomplete"]


@dataclass(frozen=True, slots=True)
class InputText:
    """Text that the user typed, or that the program put in as the system."""

    text: str = ""
    type: Literal["input_text"] = "input_text"


@dataclass(frozen=True, slots=True)
class InputAudio:
    """Speech of the user; `transcript` is `None` until the server has transcribed it."""

    transcript: str | None = None
    audio: str | None = None
    type: Literal["input_audio"] = "input_audio"


@dataclass(frozen=True, slots=True)
class InputImage:
    """An image for the model: a `data:` or `https:` URL."""

    image_url: str = ""
    detail: str | None = None
    type: Literal["input_image"] = "input_image"


@dataclass(frozen=True, slots=True)
class AssistantText:
    """Text of the model's reply, in text modality."""

    text: str = ""
    type: Literal["text"] = "text"


@dataclass(frozen=True, slots=True)
class AssistantAudio:
    """Speech of the model. `heard_ms` is how much of it had been played when it was cut."""

    transcript: str | None = None
    heard_ms: int | None = None
    audio: str | None = None
    type: Literal["audio"] = "audio"


UserContent: TypeAlias = InputText | InputAudio | InputImage
AssistantContent: TypeAlias = AssistantText | AssistantAudio
Content: TypeAlias = UserContent | AssistantContent


class _Dumping:
    """Gives the item as plain values, under our name for it and under that of pydantic."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the item as JSON-ready values."""
        return _to_dict(self)

    def model_dump(self, *, exclude_none: bool = False, **_options: Any) -> dict[str, Any]:
        """Return the item as JSON-ready values; `exclude_none` leaves out what is not known."""
        return _without_none(self.to_dict()) if exclude_none else self.to_dict()

    def model_dump_json(self, *, exclude_none: bool = False, **_options: Any) -> str:
        """Return the item as JSON text."""
        return json.dumps(self.model_dump(exclude_none=exclude_none))


class _Freezing:
    """Turns the sequence given as `content` into a tuple, so that the item is a value throughout."""

    __slots__ = ()

    content: Sequence[Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "content", tuple(self.content))


@dataclass(frozen=True, slots=True)
class SystemMessageItem(_Freezing, _Dumping):
    """A message of the program: context for the model that nobody said."""

    item_id: str
    content: Sequence[InputText] = ()
    previous_item_id: str | None = None
    status: ItemStatus | None = None
    type: Literal["message"] = "message"
    role: Literal["system"] = "system"


@dataclass(frozen=True, slots=True)
class UserMessageItem(_Freezing, _Dumping):
    """A message of the user: spoken, typed, or an image."""

    item_id: str
    content: Sequence[UserContent] = ()
    previous_item_id: str | None = None
    status: ItemStatus | None = None
    type: Literal["message"] = "message"
    role: Literal["user"] = "user"


@dataclass(frozen=True, slots=True)
class AssistantMessageItem(_Freezing, _Dumping):
    """A message of the model; `incomplete` if it was cut."""

    item_id: str
    content: Sequence[AssistantContent] = ()
    previous_item_id: str | None = None
    status: ItemStatus | None = None
    type: Literal["message"] = "message"
    role: Literal["assistant"] = "assistant"


@dataclass(frozen=True, slots=True)
class RealtimeToolCallItem(_Dumping):
    """A call of a tool by the model, with its `output`: `None` until the tool has answered."""

    item_id: str
    name: str
    arguments: str = "{}"
    output: str | None = None
    call_id: str | None = None
    previous_item_id: str | None = None
    status: ItemStatus | None = None
    type: Literal["function_call"] = "function_call"


RealtimeMessageItem: TypeAlias = SystemMessageItem | UserMessageItem | AssistantMessageItem
RealtimeItem: TypeAlias = RealtimeMessageItem | RealtimeToolCallItem

_MESSAGES: dict[str, type[SystemMessageItem | UserMessageItem | AssistantMessageItem]] = {
    "system": SystemMessageItem,
    "user": UserMessageItem,
    "assistant": AssistantMessageItem,
}
_CONTENT: dict[str, type[Content]] = {
    "input_text": InputText,
    "input_audio": InputAudio,
    "input_image": InputImage,
    "text": AssistantText,
    "audio": AssistantAudio,
    # The names that the wire uses for the assistant's parts since the GA protocol.
    "output_text": AssistantText,
    "output_audio": AssistantAudio,
}
_STATUSES = ("in_progress", "completed", "incomplete")


def text_of(item: RealtimeItem) -> str:
    """Return all that was said or written in `item`, as one string; empty if nothing is known (yet)."""
    if isinstance(item, RealtimeToolCallItem):
        return item.output or ""
    parts: list[str] = []
    for part in item.content:
        match part:
            case InputText() | AssistantText():
                parts.append(part.text)
            case InputAudio() | AssistantAudio():
                parts.append(part.transcript or "")
            case InputImage():
                pass
            case _:
                assert_never(part)
    return " ".join(part for part in parts if part)


def size_of(item: RealtimeItem) -> int:
    """Return about how many characters `item` holds."""
    if isinstance(item, RealtimeToolCallItem):
        return len(item.arguments) + len(item.output or "")
    size = 0
    for part in item.content:
        match part:
            case InputText() | AssistantText():
                size += len(part.text)
            case InputAudio() | AssistantAudio():
                size += len(part.transcript or "")
            case InputImage():
                size += len(part.image_url or "")
            case _:
                assert_never(part)
    return size


def item_from_dict(data: Mapping[str, Any]) -> RealtimeItem:
    """Return the item that `data` describes: in the form of `to_dict()`, or in the wire's (`id` for `item_id`).

    Content parts of unknown types are left out, audio bytes are dropped.

    Raises:
        ValueError: `data` is neither a message of a known role nor a function call, or has no id.
    """
    item_id = data.get("item_id") or data.get("id")
    if not isinstance(item_id, str):
        raise ValueError(f"An item needs an id, found {item_id!r}")  # noqa: TRY004  # of the data, not of the call
    previous, call_id = (_text(data.get(key)) for key in ("previous_item_id", "call_id"))
    status = data.get("status") if data.get("status") in _STATUSES else None
    if data.get("type") == "function_call":
        output = data.get("output")
        return RealtimeToolCallItem(
            item_id=item_id,
            name=str(data.get("name") or ""),
            arguments=str(data.get("arguments") or "{}"),
            output=output if output is None or isinstance(output, str) else str(output),
            call_id=call_id,
            previous_item_id=previous,
            status=status,
        )
    kind = _MESSAGES.get(str(data.get("role")))
    if data.get("type", "message") != "message" or kind is None:
        raise ValueError(
            f"Not a message or function call: type {data.get('type')!r}, role {data.get('role')!r}"
        )
    parts = tuple(part for raw in data.get("content") or () if (part := _content_from_dict(raw)) is not None)
    return kind(item_id=item_id, content=parts, previous_item_id=previous, status=status)  # type: ignore[arg-type]  # a server may put any part under any role


def _content_from_dict(raw: object) -> Content | None:
    if not isinstance(raw, Mapping):
        return None
    kind = _CONTENT.get(str(raw.get("type")))
    if kind is None:
        return None
    known = {f.name for f in fields(kind)} - {"type", "audio"}
    # Of a server's odd values none gets into a history: texts are texts, a length is a number.
    kept = {
        key: value
        for key, value in raw.items()
        if key in known and isinstance(value, int if key == "heard_ms" else str)
    }
    return kind(**kept)  # type: ignore[arg-type]  # by the names, as just checked


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _to_dict(item: Any) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for f in fields(item):
        value = getattr(item, f.name)
        if f.name == "content":
            value = [{g.name: getattr(part, g.name) for g in fields(part)} for part in value]
        out[f.name] = value
    return out


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(each) for key, each in value.items() if each is not None}
    return [_without_none(each) for each in value] if isinstance(value, list) else value
