"""What a session asks of its model: the port's incoming side.

Each value is one request given to `RealtimeModel.send_event`. A model answers none of them directly; what comes
of it arrives as model events. Requests that need a response (`UserInput`, `ToolOutput`, `Response`) wait in the
model's own queue while another response runs: none is lost and no two responses collide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypeAlias, TypedDict

if TYPE_CHECKING:
    from speakerd.realtime.model.config import RealtimeSessionModelSettings
    from speakerd.realtime.model.events import RealtimeModelToolCallEvent


class RealtimeModelRawClientMessage(TypedDict, total=False):
    """A client event as it goes over the wire. What is under `other_data` is merged into it."""

    type: str
    other_data: NotRequired[Mapping[str, Any]]


class RealtimeModelInputTextContent(TypedDict):
    """A piece of text in a structured message."""

    type: Literal["input_text"]
    text: str


class RealtimeModelInputImageContent(TypedDict):
    """A picture in a structured message: a `data:` or `https:` URL."""

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


@dataclass(frozen=True, slots=True)
class RealtimeModelSendRawMessage:
    """Send a client event as it is. An `event_id` is added; a `response.create` takes its turn in the queue."""

    message: RealtimeModelRawClientMessage | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RealtimeModelSendUserInput:
    """Add a user's message to the conversation and, unless told otherwise, ask for the reply."""

    user_input: RealtimeModelUserInput
    start_response: bool = True


@dataclass(frozen=True, slots=True)
class RealtimeModelSendContext:
    """Add a system message to the conversation. No reply is asked, nothing that runs is disturbed."""

    text: str
    previous_item_id: str | None = None
    """Where it goes: `None` = at the end, `"root"` = in front, else behind that item."""


@dataclass(frozen=True, slots=True)
class RealtimeModelSendAudio:
    """Append audio, in the session's input format, to the input buffer; then, if told so, commit it."""

    audio: bytes
    commit: bool = False


@dataclass(frozen=True, slots=True)
class RealtimeModelSendAudioCommit:
    """Make a user item of what is in the input buffer. No reply is asked."""


@dataclass(frozen=True, slots=True)
class RealtimeModelSendAudioClear:
    """Throw away what is in the input buffer."""


@dataclass(frozen=True, slots=True)
class RealtimeModelSendResponse:
    """Ask for a response by hand; fields left at `None` are not sent."""

    instructions: str | None = None
    conversation: Literal["auto", "none"] = "auto"
    """`none`: out of band, leaving the conversation as it is."""
    input: Sequence[Mapping[str, Any]] | None = None
    """Items in the wire's form, `item_reference` among them, to be used instead of the conversation."""
    metadata: Mapping[str, str] | None = None
    output_modalities: Sequence[Literal["text", "audio"]] | None = None
    tool_choice: Any = None
    max_output_tokens: int | Literal["inf"] | None = None


@dataclass(frozen=True, slots=True)
class RealtimeModelSendToolOutput:
    """Answer a tool call and, if told so, ask for the response that uses the answer."""

    tool_call: RealtimeModelToolCallEvent
    output: str
    start_response: bool = True


@dataclass(frozen=True, slots=True)
class RealtimeModelSendMcpApproval:
    """Answer an `mcp_approval_request`."""

    approval_request_id: str
    approve: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RealtimeModelSendInterrupt:
    """End the response that runs and cut what was said to what was heard."""

    force_response_cancel: bool = False
    """Cancel also where the server's own turn detection would do it."""
    response_id: str | None = None
    """Only if this response is the one; `None` = whichever runs or plays."""


@dataclass(frozen=True, slots=True)
class RealtimeModelSendSessionUpdate:
    """Change the session's settings. Only fields that are present and differ from what is in force are sent."""

    session_settings: RealtimeSessionModelSettings


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
