"""What a session tells the program: iterate over the session to get these.

Each event has a `type` to tell it apart, an `info` with the run's context, and `to_dict()`, which gives JSON-ready
values: agents and tools by name, audio by its length (or as base64, when asked), exceptions by kind and text. The
context stays out of it: it is the program's own.

A reply goes `agent_start`, then `audio` and `transcript_delta` in turn, `audio_end`, `agent_end`. `agent_start`
comes with the server's `response.created`, `agent_end` with its `response.done`, which means generated, not heard.
Tools: `tool_start`, perhaps `tool_approval_required` before it, `tool_end`. The record of a conversation is
`history_added` and `history_updated`, with `tool_start` and `tool_end` between them.

Events are values: do not change one. (They are not frozen only because that makes them thrice as slow to make.)
"""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from speakerd.realtime.agents import OutputGuardrailResult, RealtimeAgent, Tool
    from speakerd.realtime.items import RealtimeItem
    from speakerd.realtime.model import (
        RealtimeConnectionStatus,
        RealtimeModelAudioEvent,
        RealtimeModelEvent,
        ResponseStatus,
    )
    from speakerd.realtime.run_context import RunContextWrapper
    from speakerd.realtime.usage import Usage


@dataclass(slots=True)
class RealtimeEventInfo:
    """What all events of a session have in common."""

    context: RunContextWrapper[Any]


class _Event:
    __slots__ = ()

    def to_dict(self, *, include_audio: bool = False) -> dict[str, Any]:
        """The event as JSON-ready values.

        Args:
            include_audio: Give audio as base64 text instead of its length in bytes.
        """
        out: dict[str, Any] = {"type": getattr(self, "type", "")}
        for f in dataclasses.fields(self):  # type: ignore[arg-type]  # all subclasses are dataclasses
            if f.name not in ("info", "type"):
                out[f.name] = to_jsonable(getattr(self, f.name), include_audio=include_audio)
        return out


@dataclass(slots=True)
class RealtimeAgentStartEvent(_Event):
    """The agent begins a reply."""

    agent: RealtimeAgent[Any]
    info: RealtimeEventInfo
    response_id: str | None = None
    out_of_band: bool = False
    """Asked for by `respond(conversation="none")`."""
    metadata: Mapping[str, str] | None = None
    type: Literal["agent_start"] = "agent_start"


@dataclass(slots=True)
class RealtimeAgentEndEvent(_Event):
    """The agent's reply has been generated to its end, or was ended. Its sound may still be playing."""

    agent: RealtimeAgent[Any]
    info: RealtimeEventInfo
    response_id: str | None = None
    status: ResponseStatus | None = None
    reason: str | None = None
    had_audio: bool = False
    output_text: str = ""
    """All that was generated, as text: also how an out-of-band answer is had."""
    out_of_band: bool = False
    metadata: Mapping[str, str] | None = None
    tool_calls: int = 0
    """How many tools and handoffs the reply called: a further reply follows when they have been answered."""
    type: Literal["agent_end"] = "agent_end"


@dataclass(slots=True)
class RealtimeHandoffEvent(_Event):
    """One agent gave the conversation to another."""

    from_agent: RealtimeAgent[Any]
    to_agent: RealtimeAgent[Any]
    info: RealtimeEventInfo
    type: Literal["handoff"] = "handoff"


@dataclass(slots=True)
class RealtimeToolStart(_Event):
    """A tool begins to run."""

    agent: RealtimeAgent[Any]
    tool: Tool
    info: RealtimeEventInfo
    arguments: str = "{}"
    call_id: str = ""
    type: Literal["tool_start"] = "tool_start"


@dataclass(slots=True)
class RealtimeToolEnd(_Event):
    """A tool has given its result, and the model has been sent it."""

    agent: RealtimeAgent[Any]
    tool: Tool
    output: Any
    info: RealtimeEventInfo
    arguments: str = "{}"
    call_id: str = ""
    type: Literal["tool_end"] = "tool_end"


@dataclass(slots=True)
class RealtimeToolApprovalRequired(_Event):
    """A call waits for `session.approve_tool_call(call_id)` or `session.reject_tool_call(call_id)`."""

    agent: RealtimeAgent[Any]
    tool: Tool
    call_id: str
    arguments: str
    info: RealtimeEventInfo
    type: Literal["tool_approval_required"] = "tool_approval_required"


@dataclass(slots=True)
class RealtimeAudio(_Event):
    """A chunk of the agent's voice to play: `audio.data`, in the session's output format."""

    audio: RealtimeModelAudioEvent
    item_id: str
    content_index: int
    info: RealtimeEventInfo
    type: Literal["audio"] = "audio"


@dataclass(slots=True)
class RealtimeAudioEnd(_Event):
    """All audio of an item has been handed out. It may still be playing for a long time."""

    info: RealtimeEventInfo
    item_id: str = ""
    content_index: int = 0
    type: Literal["audio_end"] = "audio_end"


@dataclass(slots=True)
class RealtimeAudioInterrupted(_Event):
    """Stop playing, at once, and throw away what is queued."""

    info: RealtimeEventInfo
    item_id: str = ""
    content_index: int = 0
    type: Literal["audio_interrupted"] = "audio_interrupted"


@dataclass(slots=True)
class RealtimeError(_Event):
    """Something went wrong, and the session goes on. `error` is what the server said, or an exception."""

    error: Any
    info: RealtimeEventInfo
    type: Literal["error"] = "error"


@dataclass(slots=True)
class RealtimeHistoryUpdated(_Event):
    """Items of the history changed. `history` is all of it, as it was then."""

    history: list[RealtimeItem]
    info: RealtimeEventInfo
    type: Literal["history_updated"] = "history_updated"


@dataclass(slots=True)
class RealtimeHistoryAdded(_Event):
    """An item was added to the history."""

    item: RealtimeItem
    info: RealtimeEventInfo
    type: Literal["history_added"] = "history_added"


@dataclass(slots=True)
class RealtimeGuardrailTripped(_Event):
    """Guardrails found fault with what the agent was saying; it was cut off."""

    guardrail_results: list[OutputGuardrailResult]
    message: str
    """What had been said so far."""
    info: RealtimeEventInfo
    type: Literal["guardrail_tripped"] = "guardrail_tripped"


@dataclass(slots=True)
class RealtimeInputAudioTimeoutTriggered(_Event):
    """The server's idle timeout fired: nobody said anything."""

    info: RealtimeEventInfo
    type: Literal["input_audio_timeout_triggered"] = "input_audio_timeout_triggered"


@dataclass(slots=True)
class RealtimeSpeechStarted(_Event):
    """The server's turn detection heard the user begin."""

    info: RealtimeEventInfo
    item_id: str | None = None
    type: Literal["speech_started"] = "speech_started"


@dataclass(slots=True)
class RealtimeSpeechStopped(_Event):
    """The server's turn detection heard the user end."""

    info: RealtimeEventInfo
    item_id: str | None = None
    type: Literal["speech_stopped"] = "speech_stopped"


@dataclass(slots=True)
class RealtimeInputAudioCommitted(_Event):
    """The audio sent so far became a user item: the user's turn has ended."""

    info: RealtimeEventInfo
    item_id: str = ""
    type: Literal["input_audio_committed"] = "input_audio_committed"


@dataclass(slots=True)
class RealtimeTranscriptDelta(_Event):
    """Live captions: a further piece of what either side says."""

    item_id: str
    role: Literal["user", "assistant"]
    delta: str
    info: RealtimeEventInfo
    type: Literal["transcript_delta"] = "transcript_delta"


@dataclass(slots=True)
class RealtimeAssistantTranscript(_Event):
    """All that the assistant said in one item, once it is known. The quickstart's name for it is kept."""

    item_id: str
    transcript: str
    info: RealtimeEventInfo
    type: Literal["response.audio_transcript.done"] = "response.audio_transcript.done"


@dataclass(slots=True)
class RealtimeUserTranscript(_Event):
    """All that the user said in one item, once it is known. The quickstart's name for it is kept."""

    item_id: str
    transcript: str
    info: RealtimeEventInfo
    type: Literal["conversation.item.input_audio_transcription.completed"] = (
        "conversation.item.input_audio_transcription.completed"
    )


@dataclass(slots=True)
class RealtimeConnection(_Event):
    """The connection came up, was lost, is being healed, or has ended."""

    status: RealtimeConnectionStatus
    reason: str | None
    info: RealtimeEventInfo
    fatal: bool = False
    """With `disconnected`: trying again cannot help."""
    type: Literal["connection"] = "connection"


@dataclass(slots=True)
class RealtimeUsage(_Event):
    """Tokens of one response, and of the session so far."""

    usage: Usage
    total: Usage
    info: RealtimeEventInfo
    response_id: str | None = None
    type: Literal["usage"] = "usage"


@dataclass(slots=True)
class RealtimeRawModelEvent(_Event):
    """Whatever the model layer said, as it said it; frames of the server are `data.type == "raw_server_event"`."""

    data: RealtimeModelEvent
    info: RealtimeEventInfo
    type: Literal["raw_model_event"] = "raw_model_event"

    def to_dict(self, *, include_audio: bool = False) -> dict[str, Any]:
        """As for all events; audio in a frame of the server is given by the length of its base64 text."""
        out = _Event.to_dict(self, include_audio=include_audio)
        frame = out["data"].get("data")
        if not include_audio and isinstance(frame, dict) and str(frame.get("type")).endswith("audio.delta"):
            frame["delta"] = len(str(frame.get("delta", "")))
        return out


RealtimeSessionEvent: TypeAlias = (
    RealtimeAgentStartEvent
    | RealtimeAgentEndEvent
    | RealtimeHandoffEvent
    | RealtimeToolStart
    | RealtimeToolEnd
    | RealtimeToolApprovalRequired
    | RealtimeAudio
    | RealtimeAudioEnd
    | RealtimeAudioInterrupted
    | RealtimeError
    | RealtimeHistoryUpdated
    | RealtimeHistoryAdded
    | RealtimeGuardrailTripped
    | RealtimeInputAudioTimeoutTriggered
    | RealtimeSpeechStarted
    | RealtimeSpeechStopped
    | RealtimeInputAudioCommitted
    | RealtimeTranscriptDelta
    | RealtimeAssistantTranscript
    | RealtimeUserTranscript
    | RealtimeConnection
    | RealtimeUsage
    | RealtimeRawModelEvent
)


def to_jsonable(value: Any, *, include_audio: bool = False) -> Any:
    """`value` in values that JSON has. Nothing is refused: what is unknown is given as text."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)  # NaN and infinity are not JSON
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode() if include_audio else len(value)
    if isinstance(value, Mapping):
        return {str(key): to_jsonable(each, include_audio=include_audio) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_jsonable(each, include_audio=include_audio) for each in value]
    if isinstance(value, BaseException):
        return {"type": type(value).__name__, "message": str(value)}
    named = _NAMED.get(type(value).__name__)
    if named is not None and hasattr(value, named):
        return str(getattr(value, named))
    if callable(get_name := getattr(value, "get_name", None)):
        return str(get_name())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            f.name: to_jsonable(getattr(value, f.name), include_audio=include_audio)
            for f in dataclasses.fields(value)
        }
    return str(value)


_NAMED = {"RealtimeAgent": "name", "FunctionTool": "name", "HostedMCPTool": "server_label"}
"""What is given by its name: its inside is functions, or secrets."""
