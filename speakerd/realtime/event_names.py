"""The names of the realtime wire protocol: event types, error codes, close codes.

Both ends of the wire use these constants, the client here and servers such as the embedded offline one, so that a
misspelt name is an `AttributeError`. The current (GA) names are sent and used throughout the layer; the superseded
beta names, which some home servers still send, are read through `canonical()`.
"""

from __future__ import annotations

from typing import Final

# What a client may send.
SESSION_UPDATE: Final = "session.update"
INPUT_AUDIO_APPEND: Final = "input_audio_buffer.append"
INPUT_AUDIO_COMMIT: Final = "input_audio_buffer.commit"
INPUT_AUDIO_CLEAR: Final = "input_audio_buffer.clear"
ITEM_CREATE: Final = "conversation.item.create"
ITEM_RETRIEVE: Final = "conversation.item.retrieve"
ITEM_TRUNCATE: Final = "conversation.item.truncate"
ITEM_DELETE: Final = "conversation.item.delete"
RESPONSE_CREATE: Final = "response.create"
RESPONSE_CANCEL: Final = "response.cancel"
OUTPUT_AUDIO_CLEAR: Final = "output_audio_buffer.clear"
"""For WebRTC and SIP only: never sent over a WebSocket."""

# What a server may send.
ERROR: Final = "error"
SESSION_CREATED: Final = "session.created"
SESSION_UPDATED: Final = "session.updated"
RATE_LIMITS_UPDATED: Final = "rate_limits.updated"
CONVERSATION_CREATED: Final = "conversation.created"
ITEM_ADDED: Final = "conversation.item.added"
ITEM_DONE: Final = "conversation.item.done"
ITEM_CREATED: Final = "conversation.item.created"
ITEM_RETRIEVED: Final = "conversation.item.retrieved"
ITEM_TRUNCATED: Final = "conversation.item.truncated"
ITEM_DELETED: Final = "conversation.item.deleted"
INPUT_TRANSCRIPTION_DELTA: Final = "conversation.item.input_audio_transcription.delta"
INPUT_TRANSCRIPTION_COMPLETED: Final = "conversation.item.input_audio_transcription.completed"
INPUT_TRANSCRIPTION_FAILED: Final = "conversation.item.input_audio_transcription.failed"
INPUT_TRANSCRIPTION_SEGMENT: Final = "conversation.item.input_audio_transcription.segment"
INPUT_AUDIO_COMMITTED: Final = "input_audio_buffer.committed"
INPUT_AUDIO_CLEARED: Final = "input_audio_buffer.cleared"
SPEECH_STARTED: Final = "input_audio_buffer.speech_started"
SPEECH_STOPPED: Final = "input_audio_buffer.speech_stopped"
INPUT_AUDIO_TIMEOUT: Final = "input_audio_buffer.timeout_triggered"
DTMF_RECEIVED: Final = "input_audio_buffer.dtmf_event_received"
RESPONSE_CREATED: Final = "response.created"
RESPONSE_DONE: Final = "response.done"
OUTPUT_ITEM_ADDED: Final = "response.output_item.added"
OUTPUT_ITEM_DONE: Final = "response.output_item.done"
CONTENT_PART_ADDED: Final = "response.content_part.added"
CONTENT_PART_DONE: Final = "response.content_part.done"
TEXT_DELTA: Final = "response.output_text.delta"
TEXT_DONE: Final = "response.output_text.done"
AUDIO_DELTA: Final = "response.output_audio.delta"
AUDIO_DONE: Final = "response.output_audio.done"
TRANSCRIPT_DELTA: Final = "response.output_audio_transcript.delta"
TRANSCRIPT_DONE: Final = "response.output_audio_transcript.done"
ARGUMENTS_DELTA: Final = "response.function_call_arguments.delta"
ARGUMENTS_DONE: Final = "response.function_call_arguments.done"
MCP_ARGUMENTS_DELTA: Final = "response.mcp_call_arguments.delta"
MCP_ARGUMENTS_DONE: Final = "response.mcp_call_arguments.done"
MCP_CALL_IN_PROGRESS: Final = "response.mcp_call.in_progress"
MCP_CALL_COMPLETED: Final = "response.mcp_call.completed"
MCP_CALL_FAILED: Final = "response.mcp_call.failed"
MCP_TOOLS_IN_PROGRESS: Final = "mcp_list_tools.in_progress"
MCP_TOOLS_COMPLETED: Final = "mcp_list_tools.completed"
MCP_TOOLS_FAILED: Final = "mcp_list_tools.failed"

SERVER_EVENTS: Final = frozenset(
    {
        ERROR,
        SESSION_CREATED,
        SESSION_UPDATED,
        RATE_LIMITS_UPDATED,
        CONVERSATION_CREATED,
        ITEM_ADDED,
        ITEM_DONE,
        ITEM_CREATED,
        ITEM_RETRIEVED,
        ITEM_TRUNCATED,
        ITEM_DELETED,
        INPUT_TRANSCRIPTION_DELTA,
        INPUT_TRANSCRIPTION_COMPLETED,
        INPUT_TRANSCRIPTION_FAILED,
        INPUT_TRANSCRIPTION_SEGMENT,
        INPUT_AUDIO_COMMITTED,
        INPUT_AUDIO_CLEARED,
        SPEECH_STARTED,
        SPEECH_STOPPED,
        INPUT_AUDIO_TIMEOUT,
        DTMF_RECEIVED,
        RESPONSE_CREATED,
        RESPONSE_DONE,
        OUTPUT_ITEM_ADDED,
        OUTPUT_ITEM_DONE,
        CONTENT_PART_ADDED,
        CONTENT_PART_DONE,
        TEXT_DELTA,
        TEXT_DONE,
        AUDIO_DELTA,
        AUDIO_DONE,
        TRANSCRIPT_DELTA,
        TRANSCRIPT_DONE,
        ARGUMENTS_DELTA,
        ARGUMENTS_DONE,
        MCP_ARGUMENTS_DELTA,
        MCP_ARGUMENTS_DONE,
        MCP_CALL_IN_PROGRESS,
        MCP_CALL_COMPLETED,
        MCP_CALL_FAILED,
        MCP_TOOLS_IN_PROGRESS,
        MCP_TOOLS_COMPLETED,
        MCP_TOOLS_FAILED,
    }
)

BETA_ALIASES: Final = {
    "response.audio.delta": AUDIO_DELTA,
    "response.audio.done": AUDIO_DONE,
    "response.audio_transcript.delta": TRANSCRIPT_DELTA,
    "response.audio_transcript.done": TRANSCRIPT_DONE,
    "response.text.delta": TEXT_DELTA,
    "response.text.done": TEXT_DONE,
}
"""Superseded server event names. Read, never written."""


def canonical(name: str) -> str:
    """Return the current name of a server event; unknown names are returned unchanged."""
    return BETA_ALIASES.get(name, name)


# Error codes that the client acts upon.
RESPONSE_ALREADY_ACTIVE: Final = "conversation_already_has_active_response"
CANCEL_NOT_ACTIVE: Final = "response_cancel_not_active"
COMMIT_EMPTY: Final = "input_audio_buffer_commit_empty"
SESSION_EXPIRED: Final = "session_expired"
CANNOT_UPDATE_VOICE: Final = "cannot_update_voice"

FATAL_CODES: Final = frozenset(
    {
        "invalid_api_key",
        "insufficient_quota",
        "model_not_found",
        "account_deactivated",
        "beta_api_shape_disabled",
    }
)
"""Error codes after which trying again cannot help, besides those that begin with `billing_`."""


def is_fatal_code(code: object) -> bool:
    """Return whether trying again cannot help after an error of that code."""
    return isinstance(code, str) and (code in FATAL_CODES or code.startswith("billing_"))


CLOSE_GOING_AWAY: Final = 1001
"""The close code of a session that reached its maximum age: clean for a WebSocket, yet to be replaced."""

SESSION_MAX_AGE_S: Final = 3600.0
"""The maximum age of a session, which cannot be resumed afterwards."""

MAX_APPEND_BYTES: Final = 15 * 1024 * 1024
"""The most bytes of audio, before base64, that one append may carry."""
