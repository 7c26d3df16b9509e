"""One valid example of every server event there is: for tests that send it where nobody expects it.

The list of events is the protocol's own (`event_names`), and a new one without an example is an error on import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from speakerd.realtime import event_names as names
from speakerd.realtime.testing import server_events as events

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_PCM: Final = bytes(4_800)
_MCP_CALL: Final = {
    "id": "mcp_x",
    "type": "mcp_call",
    "server_label": "house",
    "name": "look",
    "arguments": "{}",
    "output": "nothing",
}


def _part(response: str, item: str, **fields: Any) -> dict[str, Any]:
    return {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0, **fields}


def _output(response: str, item: str, **fields: Any) -> dict[str, Any]:
    return {"response_id": response, "item_id": item, "output_index": 0, **fields}


def _message(item: str) -> dict[str, Any]:
    return events.spoken_item(item, "So it is.")


def _user(item: str) -> dict[str, Any]:
    return events.message_item(item, "user", [{"type": "input_text", "text": "Who knows?"}])


EXAMPLES: Final[Mapping[str, Callable[[str, str], Mapping[str, Any]]]] = {
    names.ERROR: lambda _r, _i: events.error("server_error", "an error of the server", kind="server_error"),
    names.SESSION_CREATED: lambda _r, _i: events.session_created(),
    names.SESSION_UPDATED: lambda _r, _i: events.session_updated(),
    names.RATE_LIMITS_UPDATED: lambda _r, _i: {
        "type": names.RATE_LIMITS_UPDATED,
        "rate_limits": [{"name": "requests", "limit": 100, "remaining": 99, "reset_seconds": 1.0}],
    },
    names.CONVERSATION_CREATED: lambda _r, _i: {
        "type": names.CONVERSATION_CREATED,
        "conversation": {"id": "conv_1", "object": "realtime.conversation"},
    },
    names.ITEM_ADDED: lambda _r, i: events.item_added(_user(i)),
    names.ITEM_DONE: lambda _r, i: events.item_done(_user(i)),
    names.ITEM_CREATED: lambda _r, i: {
        "type": names.ITEM_CREATED,
        "item": _user(i),
        "previous_item_id": None,
    },
    names.ITEM_RETRIEVED: lambda _r, i: {"type": names.ITEM_RETRIEVED, "item": _user(i)},
    names.ITEM_TRUNCATED: lambda _r, i: {
        "type": names.ITEM_TRUNCATED,
        "item_id": i,
        "content_index": 0,
        "audio_end_ms": 100,
    },
    names.ITEM_DELETED: lambda _r, i: {"type": names.ITEM_DELETED, "item_id": i},
    names.INPUT_TRANSCRIPTION_DELTA: lambda _r, i: {
        "type": names.INPUT_TRANSCRIPTION_DELTA,
        "item_id": i,
        "content_index": 0,
        "delta": "go",
    },
    names.INPUT_TRANSCRIPTION_COMPLETED: lambda _r, i: events.transcribed(i, "go forward"),
    names.INPUT_TRANSCRIPTION_FAILED: lambda _r, i: {
        "type": names.INPUT_TRANSCRIPTION_FAILED,
        "item_id": i,
        "content_index": 0,
        "error": {"type": "server_error", "code": "server_error", "message": "no captions", "param": None},
    },
    names.INPUT_TRANSCRIPTION_SEGMENT: lambda _r, i: {
        "type": names.INPUT_TRANSCRIPTION_SEGMENT,
        "item_id": i,
        "content_index": 0,
        "id": "seg_1",
        "speaker": "A",
        "start": 0.0,
        "end": 1.0,
        "text": "go",
    },
    names.INPUT_AUDIO_COMMITTED: lambda _r, i: events.committed(i)[0],
    names.INPUT_AUDIO_CLEARED: lambda _r, _i: {"type": names.INPUT_AUDIO_CLEARED},
    names.SPEECH_STARTED: lambda _r, i: events.speech_started(i),
    names.SPEECH_STOPPED: lambda _r, i: events.speech_stopped(i),
    names.INPUT_AUDIO_TIMEOUT: lambda _r, i: {
        "type": names.INPUT_AUDIO_TIMEOUT,
        "item_id": i,
        "audio_start_ms": 0,
        "audio_end_ms": 1_000,
    },
    names.DTMF_RECEIVED: lambda _r, _i: {"type": names.DTMF_RECEIVED, "event": "1", "received_at": 1},
    names.RESPONSE_CREATED: lambda r, _i: events.response_created(r),
    names.RESPONSE_DONE: lambda r, _i: events.response_done(r),
    names.OUTPUT_ITEM_ADDED: lambda r, i: events.output_item_added(r, {**_message(i), "content": []}),
    names.OUTPUT_ITEM_DONE: lambda r, i: events.output_item_done(r, _message(i)),
    names.CONTENT_PART_ADDED: lambda r, i: {
        "type": names.CONTENT_PART_ADDED,
        **_part(r, i, part={"type": "audio", "transcript": ""}),
    },
    names.CONTENT_PART_DONE: lambda r, i: {
        "type": names.CONTENT_PART_DONE,
        **_part(r, i, part={"type": "audio", "transcript": "So it is."}),
    },
    names.TEXT_DELTA: lambda r, i: {"type": names.TEXT_DELTA, **_part(r, i, delta="So")},
    names.TEXT_DONE: lambda r, i: {"type": names.TEXT_DONE, **_part(r, i, text="So it is.")},
    names.AUDIO_DELTA: lambda r, i: events.audio_delta(r, i, _PCM),
    names.AUDIO_DONE: lambda r, i: {"type": names.AUDIO_DONE, **_part(r, i)},
    names.TRANSCRIPT_DELTA: lambda r, i: events.transcript_delta(r, i, "So"),
    names.TRANSCRIPT_DONE: lambda r, i: {
        "type": names.TRANSCRIPT_DONE,
        **_part(r, i, transcript="So it is."),
    },
    names.ARGUMENTS_DELTA: lambda r, i: {
        "type": names.ARGUMENTS_DELTA,
        **_output(r, i, call_id="call_x", delta="{}"),
    },
    names.ARGUMENTS_DONE: lambda r, i: {
        "type": names.ARGUMENTS_DONE,
        **_output(r, i, call_id="call_x", name="wait", arguments="{}"),
    },
    names.MCP_ARGUMENTS_DELTA: lambda r, i: {"type": names.MCP_ARGUMENTS_DELTA, **_output(r, i, delta="{}")},
    names.MCP_ARGUMENTS_DONE: lambda r, i: {
        "type": names.MCP_ARGUMENTS_DONE,
        **_output(r, i, arguments="{}"),
    },
    names.MCP_CALL_IN_PROGRESS: lambda _r, i: {
        "type": names.MCP_CALL_IN_PROGRESS,
        "item_id": i,
        "output_index": 0,
    },
    names.MCP_CALL_COMPLETED: lambda _r, i: {
        "type": names.MCP_CALL_COMPLETED,
        "item_id": i,
        "output_index": 0,
    },
    names.MCP_CALL_FAILED: lambda _r, i: {"type": names.MCP_CALL_FAILED, "item_id": i, "output_index": 0},
    names.MCP_TOOLS_IN_PROGRESS: lambda _r, i: {"type": names.MCP_TOOLS_IN_PROGRESS, "item_id": i},
    names.MCP_TOOLS_COMPLETED: lambda _r, i: {"type": names.MCP_TOOLS_COMPLETED, "item_id": i},
    names.MCP_TOOLS_FAILED: lambda _r, i: {"type": names.MCP_TOOLS_FAILED, "item_id": i},
}
"""Type -> a function of a response's and an item's id."""

if missing := names.SERVER_EVENTS ^ EXAMPLES.keys():
    raise AssertionError(f"no example of these server events, or none is needed: {sorted(missing)}")


def mcp_call(item_id: str, **fields: Any) -> dict[str, Any]:
    """The item of a hosted tool's call."""
    return {**_MCP_CALL, "id": item_id, **fields}
