"""What a response is asked for, and what the responder answers: texts to say and tools to call, in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from speakerd.offline.items import Item


@dataclass(frozen=True, slots=True)
class SayText:
    """Send this as an assistant message."""

    text: str


@dataclass(frozen=True, slots=True)
class CallTool:
    """Call a function of the client; `arguments` is JSON."""

    name: str
    arguments: str


ResponsePlan = tuple[SayText | CallTool, ...]
"""Carried out in order. Empty if there is nothing to answer."""


@dataclass(frozen=True, slots=True)
class ResponseSpec:
    """What a response was asked to be: the session's settings, overridden by `response.create`."""

    in_conversation: bool
    modality: str
    voice: Any
    speed: float
    max_tokens: int | str
    instructions: str
    own_instructions: str
    tools: tuple[dict[str, Any], ...]
    tool_choice: Any
    metadata: dict[str, str] | None
    input: tuple[Item, ...] | None = None
    """The items to answer; None for the conversation."""
