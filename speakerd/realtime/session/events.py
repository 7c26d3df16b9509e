"""The events of a session, which the program gets by iterating over it.

Each event has a `type`, an `info` with the run's context, and `to_dict()`, which returns JSON-ready values:
agents and tools by name, audio by its length (or as base64, on request), exceptions by type and text, without the
program's context.

A reply goes `agent_start`, then `audio` and `transcript_delta` in turn, `audio_end`, `agent_end`. `agent_start`
comes with the server's `response.created`, `agent_end` with its `response.done`, which means generated, not heard.
Tools: `tool_start`, perhaps `tool_approval_required` before it, `tool_end`, then a further reply or `no_reply_due`.
The record of a conversation is
`history_added` and `history_updated`, with `tool_start` and `tool_end` between them.

Events are values: do not change them. (They are not frozen because making a frozen one takes three times as long.)
"""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from speakerd.realtime.agents import described, safe_text

if TYPE_CHECKING:
    from speakerd.realtime.agents import OutputGuardrailResult, RealtimeAgent, Tool
    from speakerd.realtime.items import RealtimeItem
    from speakerd.realtime.model import (
        ErrorSubject,
        RealtimeConnectionStatus,
        RealtimeModelAudioEvent,
        RealtimeModelEvent,
        ResponseStatus,
    )
    from speakerd.realtime.run_context import RunContextWrapper
    from speakerd.realtime.usage import Usage


@dataclass(slots=True)
class RealtimeEventInfo:
    """What all events of a session carry: the run's context."""

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
    """The agent's reply was generated to its end, or was cancelled. Its audio may still be playing."""

    agent: RealtimeAgent[Any]
    info: RealtimeEventInfo
    response_id: str | None = None
    status: ResponseStatus | None = None
    reason: str | None = None
    had_audio: bool = False
    output_text: str = ""
    """All that was generated, as text: also the answer of an out-of-band response."""
    out_of_band: bool = False
    metadata: Mapping[str, str] | None = None
    tool_calls: int = 0
    """How many tools and handoffs the reply called: when they have been answered, a further reply follows or a
    `no_reply_due`."""
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
    """A tool has returned its result, which was sent to the model."""

    agent: RealtimeAgent[Any]
    tool: Tool
    output: Any
    info: RealtimeEventInfo
    arguments: str = "{}"
    call_id: str = ""
    type: Literal["tool_end"] = "tool_end"


@dataclass(slots=True)
class RealtimeNoReplyDue(_Event):
    """All calls of a response are answered, and no reply to them is asked for. Their `tool_end` came before.

    The tools want none, the response was cancelled, or a limit of `tool_execution` is reached.
    """

    info: RealtimeEventInfo
    response_id: str | None = None
    type: Literal["no_reply_due"] = "no_reply_due"


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
    """All audio of an item has been passed on. It may still be playing for a long time."""

    info: RealtimeEventInfo
    item_id: str = ""
    content_index: int = 0
    type: Literal["audio_end"] = "audio_end"


@dataclass(slots=True)
class RealtimeAudioInterrupted(_Event):
    """Playback has to stop at once, and queued audio has to be discarded."""

    info: RealtimeEventInfo
    item_id: str = ""
    content_index: int = 0
    type: Literal["audio_interrupted"] = "audio_interrupted"


@dataclass(slots=True)
class RealtimeError(_Event):
    """A failure after which the session goes on. `error` is the server's error object, or an exception."""

    error: Any
    info: RealtimeEventInfo
    about: ErrorSubject = "session"
    type: Literal["error"] = "error"


@dataclass(slots=True)
class RealtimeHistoryUpdated(_Event):
    """Items of the history changed. `history` is a copy of all of it."""

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
    """Output guardrails tripped; the agent's response was cancelled."""

    guardrail_results: list[OutputGuardrailResult]
    message: str
    """The text that was checked."""
    info: RealtimeEventInfo
    type: Literal["guardrail_tripped"] = "guardrail_tripped"


@dataclass(slots=True)
class RealtimeInputAudioTimeoutTriggered(_Event):
    """The server's idle timeout expired: nobody said anything."""

    info: RealtimeEventInfo
    type: Literal["input_audio_timeout_triggered"] = "input_audio_timeout_triggered"


@dataclass(slots=True)
class RealtimeSpeechStarted(_Event):
    """The server's turn detection heard the user begin to speak."""

    info: RealtimeEventInfo
    item_id: str | None = None
    type: Literal["speech_started"] = "speech_started"


@dataclass(slots=True)
class RealtimeSpeechStopped(_Event):
    """The server's turn detection heard the user stop speaking."""

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
    """Live captions: a piece of what the user or the assistant says."""

    item_id: str
    role: Literal["user", "assistant"]
    delta: str
    info: RealtimeEventInfo
    type: Literal["transcript_delta"] = "transcript_delta"


@dataclass(slots=True)
class RealtimeAssistantTranscript(_Event):
    """The whole transcript of an assistant's item. The `type` is the quickstart's name for it."""

    item_id: str
    transcript: str
    info: RealtimeEventInfo
    type: Literal["response.audio_transcript.done"] = "response.audio_transcript.done"


@dataclass(slots=True)
class RealtimeUserTranscript(_Event):
    """The whole transcript of a user's item. The `type` is the quickstart's name for it."""

    item_id: str
    transcript: str
    info: RealtimeEventInfo
    type: Literal["conversation.item.input_audio_transcription.completed"] = (
        "conversation.item.input_audio_transcription.completed"
    )


@dataclass(slots=True)
class RealtimeConnection(_Event):
    """The connection was opened, was lost and is being restored, or has ended."""

    status: RealtimeConnectionStatus
    reason: str | None
    info: RealtimeEventInfo
    fatal: bool = False
    """With `disconnected`: whether trying again cannot help."""
    type: Literal["connection"] = "connection"


@dataclass(slots=True)
class RealtimeUsage(_Event):
    """Token counts of one response, and of the session so far."""

    usage: Usage
    total: Usage
    info: RealtimeEventInfo
    response_id: str | None = None
    type: Literal["usage"] = "usage"


@dataclass(slots=True)
class RealtimeRawModelEvent(_Event):
    """An event of the model, unchanged; frames of the server have `data.type == "raw_server_event"`."""

    data: RealtimeModelEvent
    info: RealtimeEventInfo
    type: Literal["raw_model_event"] = "raw_model_event"

    def to_dict(self, *, include_audio: bool = False) -> dict[str, Any]:
        """Return JSON-ready values; audio in a server's frame is replaced by the length of its base64 text."""
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
    | RealtimeNoReplyDue
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
    """Return `value` as JSON-ready values. Nothing is refused: an unknown type becomes text."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)  # NaN and infinity are not JSON
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode() if include_audio else len(value)
    if isinstance(value, Mapping):
        return {safe_text(key): to_jsonable(each, include_audio=include_audio) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_jsonable(each, include_audio=include_audio) for each in value]
    if isinstance(value, BaseException):
        return {"type": type(value).__name__, "message": described(value)}
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
    return safe_text(value)


_NAMED = {"RealtimeAgent": "name", "FunctionTool": "name", "HostedMCPTool": "server_label"}
"""Types that `to_jsonable` gives by name, since they hold functions or secrets, and the attribute with it."""
