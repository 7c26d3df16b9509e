"""Reads `response.create`: the settings of the session, overridden by those of this response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from speakerd.offline.protocol.read_item import read_item
from speakerd.offline.protocol.session_settings import (
    read_format,
    read_max_tokens,
    read_modalities,
    read_tool_choice,
    read_tools,
    read_voice,
)
from speakerd.offline.request_errors import (
    RequestError,
    as_boolean,
    as_choice,
    as_list,
    as_object,
    as_text,
    only_keys,
    required,
)
from speakerd.offline.values import ResponseSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from speakerd.offline.items import Conversation, Item
    from speakerd.offline.protocol.session_settings import SessionConfig

_KEYS: Final = frozenset(
    {
        "audio",
        "conversation",
        "input",
        "instructions",
        "max_output_tokens",
        "metadata",
        "output_modalities",
        "parallel_tool_calls",
        "prompt",
        "reasoning",
        "tool_choice",
        "tools",
    }
)
_MOST_METADATA: Final = 16


def read_spec(
    value: Any, session: SessionConfig, conversation: Conversation, new_id: Callable[[str], str]
) -> ResponseSpec:
    """Return the settings of a response. `value`: the event's `response`, or None. Raises RequestError."""
    data = {} if value is None else as_object(value, "response")
    only_keys(data, "response", _KEYS)
    given = {key: entry for key, entry in data.items() if entry is not None}
    defaults = session.data
    conversation_name = given.get("conversation", "auto")
    as_choice(conversation_name, "response.conversation", ("auto", "none"))
    audio = as_object(given.get("audio", {}), "response.audio")
    only_keys(audio, "response.audio", frozenset({"output"}))
    output = as_object(audio.get("output", {}), "response.audio.output")
    only_keys(output, "response.audio.output", frozenset({"format", "voice"}))
    if "format" in output:
        read_format(output["format"], "response.audio.output.format")
    if "parallel_tool_calls" in given:
        as_boolean(given["parallel_tool_calls"], "response.parallel_tool_calls")
    own = as_text(given["instructions"], "response.instructions") if "instructions" in given else ""
    return ResponseSpec(
        in_conversation=conversation_name == "auto",
        modality=read_modalities(
            given.get("output_modalities", defaults["output_modalities"]), "response.output_modalities"
        )[0],
        voice=read_voice(output.get("voice", session.voice), "response.audio.output.voice"),
        speed=session.speed,
        max_tokens=read_max_tokens(
            given.get("max_output_tokens", defaults["max_output_tokens"]), "response.max_output_tokens"
        ),
        instructions=own or defaults["instructions"],
        own_instructions=own,
        tools=tuple(read_tools(given.get("tools", defaults["tools"]), "response.tools")),
        tool_choice=read_tool_choice(
            given.get("tool_choice", defaults["tool_choice"]), "response.tool_choice"
        ),
        metadata=_read_metadata(given.get("metadata")),
        input=_read_input(given["input"], conversation, new_id) if "input" in given else None,
    )


def _read_metadata(value: Any) -> dict[str, str] | None:
    if value is None:
        return None
    data = as_object(value, "response.metadata")
    if len(data) > _MOST_METADATA:
        message = f"'response.metadata' may have {_MOST_METADATA} entries at most."
        raise RequestError("object_above_max_properties", message, "response.metadata")
    for key, entry in data.items():
        as_text(key, "response.metadata", 64)
        as_text(entry, f"response.metadata.{key[:64]}", 512)
    return dict(data)


def _read_input(value: Any, conversation: Conversation, new_id: Callable[[str], str]) -> tuple[Item, ...]:
    items = []
    for index, entry in enumerate(as_list(value, "response.input")):
        path = f"response.input[{index}]"
        data = as_object(entry, path)
        if data.get("type") == "item_reference":
            only_keys(data, path, frozenset({"type", "id"}))
            items.append(conversation.find(as_text(required(data, "id", path), f"{path}.id"), f"{path}.id"))
        else:
            items.append(read_item(data, path, new_id))
    return tuple(items)
