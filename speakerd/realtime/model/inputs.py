"""The requests of a session to its model: the port's incoming side.

Each value is one request to `RealtimeModel.send_event`. A model answers none of them directly; their effects
arrive as model events. Requests that need a response (`UserInput`, `ToolOutput`, `Response`) wait in the model's
queue while another response runs: none is lost and no two responses collide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, NotRequired, TypeAlias, TypedDict

from speakerd.realtime.errors import UserError
from speakerd.realtime.field_checks import (
    BYTES,
    COUNT,
    FLAG,
    LIST,
    MAPPING,
    TEXT,
    Kind,
    check,
    check_fields,
    either,
    optional,
)

if TYPE_CHECKING:
    from speakerd.realtime.model.config import RealtimeSessionModelSettings
    from speakerd.realtime.model.events import RealtimeModelToolCallEvent


class RealtimeModelRawClientMessage(TypedDict, total=False):
    """A client event in the wire's form. The keys of `other_data` are merged into it."""

    type: str
    other_data: NotRequired[Mapping[str, Any]]


class RealtimeModelInputTextContent(TypedDict):
    """A text part of a structured message."""

    type: Literal["input_text"]
    text: str


class RealtimeModelInputImageContent(TypedDict):
    """An image part of a structured message: a `data:` or `https:` URL."""

    type: Literal["input_image"]
    image_url: str
    detail: NotRequired[Literal["auto", "low", "high"] | None]


class RealtimeModelUserInputMessage(TypedDict):
    """A user's message in several parts."""

    type: NotRequired[Literal["message"]]
    role: NotRequired[Literal["user"]]
    content: Sequence[RealtimeModelInputTextContent | RealtimeModelInputImageContent]


RealtimeModelUserInput: TypeAlias = str | RealtimeModelUserInputMessage

RealtimeUserInputMessage: TypeAlias = RealtimeModelUserInputMessage
RealtimeUserInput: TypeAlias = RealtimeModelUserInput
RealtimeClientMessage: TypeAlias = Mapping[str, Any]


_PARTS: Final = {"input_text": "text", "input_image": "image_url"}
"""The kinds of parts that a message may have, and the key that each needs."""


def check_message(message: Any) -> None:
    """Compare a user's message with what may be sent.

    Raises:
        UserError: it is neither text nor a message of text and image parts.
    """
    owner = "A message"
    cure = 'Send text, or {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "..."}]}'
    kind = either(TEXT, MAPPING)
    check(owner, "it", message, Kind(kind.words, kind.fits, lambda _value: cure))
    if isinstance(message, str):
        return
    content = message.get("content")
    check(owner, "content", content, Kind("a list of parts", LIST.fits, lambda _value: cure))
    for index, part in enumerate(content):
        at = f"content[{index}]"
        check(owner, at, part, MAPPING)
        known = Kind(" or ".join(_PARTS), lambda value: isinstance(value, str) and value in _PARTS)
        check(owner, f"{at}.type", part.get("type"), known)
        key = _PARTS[part["type"]]
        check(owner, f"{at}.{key}", part.get(key), TEXT)


@dataclass(frozen=True, slots=True)
class RealtimeModelSendRawMessage:
    """Send a client event unchanged, with an `event_id`; a `response.create` takes its turn in the queue."""

    message: RealtimeModelRawClientMessage | Mapping[str, Any]

    def __post_init__(self) -> None:
        check("A raw message", "message", self.message, MAPPING)


@dataclass(frozen=True, slots=True)
class RealtimeModelSendUserInput:
    """Add a user's message to the conversation and, with `start_response`, ask for the reply."""

    user_input: RealtimeModelUserInput
    start_response: bool = True

    def __post_init__(self) -> None:
        check_message(self.user_input)


@dataclass(frozen=True, slots=True)
class RealtimeModelSendContext:
    """Add a system message to the conversation. No reply is asked for, and a running one is not disturbed."""

    text: str
    previous_item_id: str | None = None
    """Where it is added: `None` = at the end, `"root"` = in front, else after that item."""

    def __post_init__(self) -> None:
        check_fields("A context", self, {"text": TEXT, "previous_item_id": optional(TEXT)})


@dataclass(slots=True)
class RealtimeModelSendAudio:
    """Append audio, in the session's input format, to the input buffer; with `commit`, commit it.

    A value: do not change it. (Making a frozen one takes as long as its base64.)
    """

    audio: bytes
    commit: bool = False

    def __post_init__(self) -> None:
        if self.audio.__class__ is not bytes:  # Fifty times a second: the plain case first.
            check("Audio to send", "audio", self.audio, BYTES)


@dataclass(frozen=True, slots=True)
class RealtimeModelSendAudioCommit:
    """Make a user item of the input buffer. No reply is asked for."""


@dataclass(frozen=True, slots=True)
class RealtimeModelSendAudioClear:
    """Discard the input buffer."""


_RESPONSE_FIELDS: Final = {
    "instructions": optional(TEXT),
    "input": optional(LIST),
    "metadata": optional(MAPPING),
    "output_modalities": optional(LIST),
    "tool_choice": optional(either(TEXT, MAPPING)),
    "max_output_tokens": optional(either(COUNT, TEXT)),
    "tools": optional(LIST),
    "reasoning": optional(MAPPING),
}


@dataclass(frozen=True, slots=True)
class RealtimeModelSendResponse:
    """Ask for a response; fields that are `None` are not sent."""

    instructions: str | None = None
    conversation: Literal["auto", "none"] = "auto"
    """`none`: out of band, leaving the conversation unchanged."""
    input: Sequence[Mapping[str, Any]] | None = None
    """Items in the wire's form, also `item_reference`, to be used instead of the conversation."""
    metadata: Mapping[str, str] | None = None
    output_modalities: Sequence[Literal["text", "audio"]] | None = None
    tool_choice: Literal["auto", "none", "required"] | str | Mapping[str, Any] | None = None  # noqa: PYI051  # as in the settings
    max_output_tokens: int | Literal["inf"] | None = None
    tools: Sequence[Any] | None = None
    """The tools of this response, instead of the session's: tools, or mappings in the wire's form."""
    reasoning: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        check_fields("A request for a response", self, _RESPONSE_FIELDS)


@dataclass(frozen=True, slots=True)
class RealtimeModelSendToolOutput:
    """Send the output of a tool call and, with `start_response`, ask for the reply to it."""

    tool_call: RealtimeModelToolCallEvent
    output: str
    start_response: bool = True

    def __post_init__(self) -> None:
        check("The output of a tool call", "output", self.output, TEXT)


@dataclass(frozen=True, slots=True)
class RealtimeModelSendMcpApproval:
    """Answer an `mcp_approval_request`."""

    approval_request_id: str
    approve: bool
    reason: str | None = None

    def __post_init__(self) -> None:
        kinds = {"approval_request_id": TEXT, "approve": FLAG, "reason": optional(TEXT)}
        check_fields("An approval", self, kinds)


@dataclass(frozen=True, slots=True)
class RealtimeModelSendInterrupt:
    """Cancel the response that runs, and cut what was said to what was heard."""

    force_response_cancel: bool = False
    """Cancel even if the server's own turn detection would do so."""
    response_id: str | None = None
    """Only if this response is the one; `None` = whichever runs or plays."""
    cancel_response_only: bool = False
    """Cancel the generation and let what was received be played to its end."""
    playback_only: bool = False
    """Cut what is played and let the generation go on; what it still brings of the cut items is dropped."""

    def __post_init__(self) -> None:
        if self.cancel_response_only and self.playback_only:
            raise UserError(
                "An interruption is cancel_response_only or playback_only, not both: leave both out to do both"
            )


@dataclass(frozen=True, slots=True)
class RealtimeModelSendSessionUpdate:
    """Change the session's settings. Only fields that are present and differ from those in force are sent."""

    session_settings: RealtimeSessionModelSettings

    def __post_init__(self) -> None:
        check("A session update", "session_settings", self.session_settings, MAPPING)


RealtimeModelSendEvent: TypeAlias = (
    RealtimeModelSendRawMessage
    | RealtimeModelSendUserInput
    | RealtimeModelSendContext
    | RealtimeModelSendAudio
    | RealtimeModelSendAudioCommit
    | RealtimeModelSendAudioClear
    | RealtimeModelSendResponse
    | RealtimeModelSendToolOutput
    | RealtimeModelSendMcpApproval
    | RealtimeModelSendInterrupt
    | RealtimeModelSendSessionUpdate
)
