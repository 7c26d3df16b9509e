"""The events of a model for its listeners: the port's outgoing side.

A `RealtimeModel` turns its server's frames into these values, in order. Each has a `type`:

======================================= ==============================================================
`raw_server_event`                      every frame that was read, before its other events (can be turned off)
`connection_status`                     the connection was opened, was lost, is being restored, or ended
`turn_started`, `turn_ended`            `response.created` and `response.done`
`audio`, `audio_done`                   a chunk to play; the last chunk of an item has been sent
`audio_interrupted`                     playback must stop now (never when playback had finished)
`item_truncated`                        an assistant item was cut to what was heard of it
`transcript_delta`, `transcript_done`   what the assistant is saying; all it said in one part
`output_text_delta`                     a piece of the assistant's text, in text modality
`input_audio_transcription_delta`,      what the user said, while and after it was transcribed
`input_audio_transcription_completed`
`speech_started`, `speech_stopped`      the server's turn detection heard the user begin and stop
`input_audio_committed`                 the audio sent so far became a user item
`input_audio_timeout_triggered`         the server's idle timeout fired
`item_updated`, `item_deleted`          the conversation changed
`function_call`                         the model calls a tool
`mcp_approval_request`                  the server asks whether it may call a hosted MCP tool
`mcp_call_started`, `mcp_call_ended`    the server runs a hosted MCP tool; what came of it
`usage`                                 token counts of one response
`error`                                 the server reported an error, or a frame was malformed
`exception`                             the model cannot go on; the session ends after it
`end_of_stream`                         no event follows
`other`                                 a frame of an unknown type
======================================= ==============================================================

Events are values: do not change them. (They are not frozen because making a frozen one takes three times as long,
and several are made for each chunk of audio.)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from speakerd.realtime.items import RealtimeItem
    from speakerd.realtime.usage import (
        RealtimeModelInputTokensDetails,
        RealtimeModelOutputTokensDetails,
        Usage,
    )

RealtimeConnectionStatus: TypeAlias = Literal["connecting", "connected", "reconnecting", "disconnected"]
ResponseStatus: TypeAlias = Literal["in_progress", "completed", "cancelled", "failed", "incomplete"]

ErrorSubject: TypeAlias = Literal["session", "request", "response", "aside", "transcription"]
"""What an error is about: the session or something asked of it, a request for a response that was refused for good,
a response that failed or was given up, one that was asked for out of band, or the transcript of what the user said.
The conversation needs none of the last two."""


@dataclass(slots=True)
class RealtimeModelErrorEvent:
    """The server reported an error, or sent something malformed. The session goes on."""

    error: Any
    """The server's error object (`type`, `code`, `message`, `param`, `event_id`), or an exception."""
    about: ErrorSubject = "session"
    type: Literal["error"] = "error"


@dataclass(slots=True)
class RealtimeModelToolCallEvent:
    """The model calls a tool or a handoff."""

    name: str
    call_id: str
    arguments: str
    """A JSON object as text, as the model wrote it: possibly invalid."""
    id: str | None = None
    """The item's id."""
    previous_item_id: str | None = None
    response_id: str | None = None
    type: Literal["function_call"] = "function_call"


@dataclass(slots=True)
class RealtimeModelMcpApprovalRequestEvent:
    """The server asks whether it may call a tool of a hosted MCP server."""

    approval_request_id: str
    server_label: str
    name: str
    arguments: str
    response_id: str | None = None
    type: Literal["mcp_approval_request"] = "mcp_approval_request"


@dataclass(slots=True)
class RealtimeModelMcpCallStartedEvent:
    """The server runs a tool of a hosted MCP server."""

    item_id: str
    server_label: str
    name: str
    arguments: str
    response_id: str | None = None
    type: Literal["mcp_call_started"] = "mcp_call_started"


@dataclass(slots=True)
class RealtimeModelMcpCallEndedEvent:
    """A hosted MCP tool has ended. The model has its output, but says nothing about it unless it is asked to."""

    item_id: str
    server_label: str
    name: str
    arguments: str
    output: str
    """What the tool returned, or why it failed; empty if the server does not say."""
    failed: bool = False
    response_id: str | None = None
    type: Literal["mcp_call_ended"] = "mcp_call_ended"


@dataclass(slots=True)
class RealtimeModelAudioEvent:
    """A chunk of audio to play, decoded, in the session's output format."""

    data: bytes
    response_id: str
    item_id: str
    content_index: int = 0
    type: Literal["audio"] = "audio"


@dataclass(slots=True)
class RealtimeModelAudioInterruptedEvent:
    """Playback has to stop at once. Sent only when something was, or may have been, still to be heard."""

    item_id: str
    """The item that was being heard."""
    content_index: int = 0
    type: Literal["audio_interrupted"] = "audio_interrupted"


@dataclass(slots=True)
class RealtimeModelAudioDoneEvent:
    """All audio of this part has been sent. It may still be playing for a long time."""

    item_id: str
    content_index: int = 0
    type: Literal["audio_done"] = "audio_done"


@dataclass(slots=True)
class RealtimeModelItemTruncatedEvent:
    """An assistant item was cut to the part that was heard, by this client or by the server."""

    item_id: str
    content_index: int = 0
    audio_end_ms: int = 0
    """How much of it was heard."""
    audio_total_ms: int | None = None
    """How much of it had been received, if known: the transcript is cut in proportion."""
    type: Literal["item_truncated"] = "item_truncated"


@dataclass(slots=True)
class RealtimeModelInputAudioTranscriptionDeltaEvent:
    """A piece of the transcript of what the user says."""

    item_id: str
    delta: str
    content_index: int = 0
    type: Literal["input_audio_transcription_delta"] = "input_audio_transcription_delta"


@dataclass(slots=True)
class RealtimeModelInputAudioTranscriptionCompletedEvent:
    """The whole transcript of what the user said."""

    item_id: str
    transcript: str
    content_index: int = 0
    type: Literal["input_audio_transcription_completed"] = "input_audio_transcription_completed"


@dataclass(slots=True)
class RealtimeModelInputAudioTimeoutTriggeredEvent:
    """The server's idle timeout committed a stretch of silence. Times count from the session's first audio."""

    item_id: str
    audio_start_ms: int
    audio_end_ms: int
    type: Literal["input_audio_timeout_triggered"] = "input_audio_timeout_triggered"


@dataclass(slots=True)
class RealtimeModelSpeechStartedEvent:
    """The server's turn detection heard the user begin to speak."""

    item_id: str | None = None
    """The id of the user item to come."""
    audio_start_ms: int | None = None
    """Counted from the session's first audio; includes the prefix padding."""
    type: Literal["speech_started"] = "speech_started"


@dataclass(slots=True)
class RealtimeModelSpeechStoppedEvent:
    """The server's turn detection heard the user stop speaking."""

    item_id: str | None = None
    audio_end_ms: int | None = None
    type: Literal["speech_stopped"] = "speech_stopped"


@dataclass(slots=True)
class RealtimeModelInputAudioCommittedEvent:
    """The input buffer became a user item."""

    item_id: str
    previous_item_id: str | None = None
    type: Literal["input_audio_committed"] = "input_audio_committed"


@dataclass(slots=True)
class RealtimeModelTranscriptDeltaEvent:
    """A piece of the transcript of what the assistant says."""

    item_id: str
    delta: str
    response_id: str
    content_index: int = 0
    type: Literal["transcript_delta"] = "transcript_delta"


@dataclass(slots=True)
class RealtimeModelTranscriptDoneEvent:
    """The whole transcript of one audio part that the assistant generated."""

    item_id: str
    transcript: str
    response_id: str
    content_index: int = 0
    type: Literal["transcript_done"] = "transcript_done"


@dataclass(slots=True)
class RealtimeModelOutputTextDeltaEvent:
    """A piece of the assistant's answer in text modality."""

    item_id: str
    delta: str
    response_id: str
    content_index: int = 0
    type: Literal["output_text_delta"] = "output_text_delta"


@dataclass(slots=True)
class RealtimeModelItemUpdatedEvent:
    """A conversation item appeared or changed. `item` holds all that is known of it now."""

    item: RealtimeItem
    type: Literal["item_updated"] = "item_updated"


@dataclass(slots=True)
class RealtimeModelItemDeletedEvent:
    """A conversation item was removed."""

    item_id: str
    type: Literal["item_deleted"] = "item_deleted"


@dataclass(slots=True)
class RealtimeModelConnectionStatusEvent:
    """The state of the connection changed."""

    status: RealtimeConnectionStatus
    reason: str | None = None
    """A text for people: why the connection was lost, or what it waits for."""
    fatal: bool = False
    """With `disconnected`: trying again cannot help (a bad key, no such model, no money)."""
    attempt: int = 0
    """With `reconnecting`: the number of the next attempt, from 1."""
    retry_in_s: float | None = None
    """With `reconnecting`: the seconds until the next attempt."""
    type: Literal["connection_status"] = "connection_status"


@dataclass(slots=True)
class RealtimeModelEndOfStreamEvent:
    """The model has ended; no event follows."""

    type: Literal["end_of_stream"] = "end_of_stream"


@dataclass(slots=True)
class RealtimeModelTurnStartedEvent:
    """A response has begun."""

    response_id: str | None = None
    out_of_band: bool = False
    """It was requested with `conversation: "none"`: it leaves the conversation unchanged."""
    metadata: Mapping[str, str] | None = None
    """The metadata of the request for it."""
    type: Literal["turn_started"] = "turn_started"


@dataclass(slots=True)
class RealtimeModelTurnEndedEvent:
    """A response was generated to its end, or was cancelled. Its audio may still be playing."""

    response_id: str | None = None
    status: ResponseStatus | None = None
    reason: str | None = None
    """Why it was not completed, in the server's words (`turn_detected`, `max_output_tokens` …)."""
    had_audio: bool = False
    """At least one `audio` event came from it."""
    out_of_band: bool = False
    metadata: Mapping[str, str] | None = None
    output_text: str = ""
    """All text and transcript of its messages, joined: the answer of an out-of-band response."""
    type: Literal["turn_ended"] = "turn_ended"


@dataclass(slots=True)
class RealtimeModelUsageEvent:
    """Token counts of one response."""

    usage: Usage
    response_id: str | None = None
    type: Literal["usage"] = "usage"

    @property
    def input_tokens_details(self) -> RealtimeModelInputTokensDetails:
        """The input tokens by kind."""
        return self.usage.input_tokens_details

    @property
    def output_tokens_details(self) -> RealtimeModelOutputTokensDetails:
        """The output tokens by kind."""
        return self.usage.output_tokens_details


@dataclass(slots=True)
class RealtimeModelRawServerEvent:
    """A frame of the server, parsed and unchanged."""

    data: Any
    type: Literal["raw_server_event"] = "raw_server_event"
    size: int = field(default=0, compare=False)
    """The length of the frame; 0 if it is not known."""


@dataclass(slots=True)
class RealtimeModelOtherEvent:
    """A frame of an unknown type, parsed."""

    data: Any
    type: Literal["other"] = "other"


@dataclass(slots=True)
class RealtimeModelExceptionEvent:
    """The model failed and cannot go on; the session ends after it."""

    exception: Exception
    context: str | None = None
    """What the model was doing."""
    type: Literal["exception"] = "exception"


RealtimeModelEvent: TypeAlias = (
    RealtimeModelErrorEvent
    | RealtimeModelToolCallEvent
    | RealtimeModelMcpApprovalRequestEvent
    | RealtimeModelMcpCallStartedEvent
    | RealtimeModelMcpCallEndedEvent
    | RealtimeModelAudioEvent
    | RealtimeModelAudioInterruptedEvent
    | RealtimeModelAudioDoneEvent
    | RealtimeModelItemTruncatedEvent
    | RealtimeModelInputAudioTranscriptionDeltaEvent
    | RealtimeModelInputAudioTranscriptionCompletedEvent
    | RealtimeModelInputAudioTimeoutTriggeredEvent
    | RealtimeModelSpeechStartedEvent
    | RealtimeModelSpeechStoppedEvent
    | RealtimeModelInputAudioCommittedEvent
    | RealtimeModelTranscriptDeltaEvent
    | RealtimeModelTranscriptDoneEvent
    | RealtimeModelOutputTextDeltaEvent
    | RealtimeModelItemUpdatedEvent
    | RealtimeModelItemDeletedEvent
    | RealtimeModelConnectionStatusEvent
    | RealtimeModelEndOfStreamEvent
    | RealtimeModelTurnStartedEvent
    | RealtimeModelTurnEndedEvent
    | RealtimeModelUsageEvent
    | RealtimeModelRawServerEvent
    | RealtimeModelOtherEvent
    | RealtimeModelExceptionEvent
)
