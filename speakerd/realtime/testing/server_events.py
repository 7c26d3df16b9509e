"""Server events for scripts: valid ones, shaped as the hosted service sends them.

Each function gives an event, or the list of events that belong together, as mappings without `event_id` (the server
adds it). Ids default to simple ones; give your own where several of a kind occur.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

BYTES_PER_MS = 48
"""24 kHz, 16 bits, mono."""


def session(**fields: Any) -> dict[str, Any]:
    """A session object."""
    return {"type": "realtime", **fields}


def session_created(**fields: Any) -> dict[str, Any]:
    """`session.created`, the server's greeting."""
    return {"type": "session.created", "session": session(**fields)}


def session_updated(**fields: Any) -> dict[str, Any]:
    """The answer to a `session.update`."""
    return {"type": "session.updated", "session": session(**fields)}


def error(
    code: str | None, message: str = "", *, event_id: str | None = None, kind: str = "invalid_request_error"
) -> dict[str, Any]:
    """An error; `event_id` is that of the client event it is about."""
    return {
        "type": "error",
        "error": {
            "type": kind,
            "code": code,
            "message": message or f"{code}",
            "param": None,
            "event_id": event_id,
        },
    }


# Items.


def message_item(
    item_id: str, role: str, content: list[dict[str, Any]] | None = None, status: str = "completed"
) -> dict[str, Any]:
    """A message in the form that the server keeps."""
    return {
        "id": item_id,
        "object": "realtime.item",
        "type": "message",
        "status": status,
        "role": role,
        "content": content or [],
    }


def item_added(item: dict[str, Any], previous_item_id: str | None = None) -> dict[str, Any]:
    """An item entered the conversation."""
    return {"type": "conversation.item.added", "item": item, "previous_item_id": previous_item_id}


def item_done(item: dict[str, Any], previous_item_id: str | None = None) -> dict[str, Any]:
    """An item is complete."""
    return {"type": "conversation.item.done", "item": item, "previous_item_id": previous_item_id}


def user_text(item_id: str, text: str, previous_item_id: str | None = None) -> list[dict[str, Any]]:
    """The confirmation of a user's text."""
    item = message_item(item_id, "user", [{"type": "input_text", "text": text}])
    return [item_added(item, previous_item_id), item_done(item, previous_item_id)]


# The user's audio.


def speech_started(item_id: str = "item_user", audio_start_ms: int = 0) -> dict[str, Any]:
    """The server's turn detection heard the user begin to speak."""
    return {
        "type": "input_audio_buffer.speech_started",
        "audio_start_ms": audio_start_ms,
        "item_id": item_id,
    }


def speech_stopped(item_id: str = "item_user", audio_end_ms: int = 1000) -> dict[str, Any]:
    """The server's turn detection heard the user stop speaking."""
    return {"type": "input_audio_buffer.speech_stopped", "audio_end_ms": audio_end_ms, "item_id": item_id}


def committed(item_id: str = "item_user", previous_item_id: str | None = None) -> list[dict[str, Any]]:
    """The input buffer became a user item."""
    item = message_item(item_id, "user", [{"type": "input_audio", "transcript": None}])
    return [
        {"type": "input_audio_buffer.committed", "item_id": item_id, "previous_item_id": previous_item_id},
        item_added(item, previous_item_id),
        item_done(item, previous_item_id),
    ]


def transcribed(item_id: str = "item_user", transcript: str = "Hello") -> dict[str, Any]:
    """The transcript of what the user said."""
    return {
        "type": "conversation.item.input_audio_transcription.completed",
        "item_id": item_id,
        "content_index": 0,
        "transcript": transcript,
        "usage": {"type": "duration", "seconds": 1.0},
    }


def heard(item_id: str = "item_user", transcript: str = "Hello") -> list[dict[str, Any]]:
    """A whole turn of the user, as reported by the server's turn detection."""
    return [
        speech_started(item_id),
        speech_stopped(item_id),
        *committed(item_id),
        transcribed(item_id, transcript),
    ]


# Responses.


def response(
    response_id: str = "resp_1",
    status: str = "in_progress",
    *,
    output: list[dict[str, Any]] | None = None,
    reason: str | None = None,
    out_of_band: bool = False,
    metadata: dict[str, str] | None = None,
    usage: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A response object."""
    details: dict[str, Any] | None = None
    if status in ("cancelled", "failed", "incomplete"):
        details = {"type": status, **({} if reason is None else {"reason": reason})}
    return {
        "object": "realtime.response",
        "id": response_id,
        "status": status,
        "status_details": details,
        "output": output or [],
        "conversation_id": None if out_of_band else "conv_1",
        "output_modalities": ["audio"],
        "metadata": metadata,
        "usage": usage,
    }


def response_created(response_id: str = "resp_1", **fields: Any) -> dict[str, Any]:
    """A response begins. For the fields see `response`."""
    return {"type": "response.created", "response": response(response_id, **fields)}


def response_done(response_id: str = "resp_1", status: str = "completed", **fields: Any) -> dict[str, Any]:
    """A response ends. For the fields see `response`."""
    return {"type": "response.done", "response": response(response_id, status, **fields)}


def _part(response_id: str, item_id: str, output_index: int = 0, content_index: int = 0) -> dict[str, Any]:
    return {
        "response_id": response_id,
        "item_id": item_id,
        "output_index": output_index,
        "content_index": content_index,
    }


def audio_delta(
    response_id: str, item_id: str, pcm: bytes, *, output_index: int = 0, content_index: int = 0
) -> dict[str, Any]:
    """A chunk of audio."""
    where = _part(response_id, item_id, output_index, content_index)
    return {"type": "response.output_audio.delta", **where, "delta": b64encode(pcm).decode()}


def transcript_delta(
    response_id: str, item_id: str, delta: str, *, output_index: int = 0, content_index: int = 0
) -> dict[str, Any]:
    """A piece of the transcript."""
    where = _part(response_id, item_id, output_index, content_index)
    return {"type": "response.output_audio_transcript.delta", **where, "delta": delta}


def output_item_added(response_id: str, item: dict[str, Any], output_index: int = 0) -> dict[str, Any]:
    """An item of a response begins."""
    return {
        "type": "response.output_item.added",
        "response_id": response_id,
        "output_index": output_index,
        "item": item,
    }


def output_item_done(response_id: str, item: dict[str, Any], output_index: int = 0) -> dict[str, Any]:
    """An item of a response is complete."""
    return {**output_item_added(response_id, item, output_index), "type": "response.output_item.done"}


def spoken_begin(response_id: str, item_id: str, output_index: int = 0) -> list[dict[str, Any]]:
    """The events before the first delta of a spoken item."""
    item = message_item(item_id, "assistant", status="in_progress")
    return [
        output_item_added(response_id, item, output_index),
        item_added(item),
        {
            "type": "response.content_part.added",
            **_part(response_id, item_id, output_index),
            "part": {"type": "audio", "transcript": ""},
        },
    ]


def spoken_deltas(
    response_id: str, item_id: str, text: str, ms: int, *, chunk_ms: int = 100, output_index: int = 0
) -> list[dict[str, Any]]:
    """`ms` of faint audio in chunks, with the words of `text` spread over them."""
    words = text.split(" ")
    chunks = max(1, -(-ms // chunk_ms))
    events: list[dict[str, Any]] = []
    told = 0
    for number in range(chunks):
        upto = len(words) * (number + 1) // chunks
        if upto > told:
            delta = ("" if told == 0 else " ") + " ".join(words[told:upto])
            events.append(transcript_delta(response_id, item_id, delta, output_index=output_index))
            told = upto
        length = min(chunk_ms, ms - number * chunk_ms) * BYTES_PER_MS // 2
        pcm = (number % 97 + 1).to_bytes(2, "little") * length
        events.append(audio_delta(response_id, item_id, pcm, output_index=output_index))
    return events


def spoken_end(response_id: str, item_id: str, text: str, output_index: int = 0) -> list[dict[str, Any]]:
    """The events after the last delta of a spoken item."""
    where = _part(response_id, item_id, output_index)
    item = spoken_item(item_id, text)
    return [
        {"type": "response.output_audio.done", **where},
        {"type": "response.output_audio_transcript.done", **where, "transcript": text},
        {"type": "response.content_part.done", **where, "part": {"type": "audio", "transcript": text}},
        output_item_done(response_id, item, output_index),
        item_done(item),
    ]


def spoken_item(item_id: str, text: str, status: str = "completed") -> dict[str, Any]:
    """A spoken item in the form that the server keeps."""
    return message_item(item_id, "assistant", [{"type": "output_audio", "transcript": text}], status)


def spoken_response(
    response_id: str = "resp_1",
    item_id: str = "item_1",
    text: str = "Hello there.",
    ms: int = 400,
    *,
    chunk_ms: int = 100,
    usage: dict[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """All events of a response that is one spoken item."""
    return [
        response_created(response_id),
        *spoken_begin(response_id, item_id),
        *spoken_deltas(response_id, item_id, text, ms, chunk_ms=chunk_ms),
        *spoken_end(response_id, item_id, text),
        response_done(response_id, output=[spoken_item(item_id, text)], usage=usage),
    ]


def written_response(
    response_id: str = "resp_1",
    item_id: str = "item_1",
    text: str = "Hello there.",
    *,
    out_of_band: bool = False,
    metadata: dict[str, str] | None = None,
) -> list[dict[str, Any]]:
    """All events of a response that is one text item."""
    where = _part(response_id, item_id)
    begun = message_item(item_id, "assistant", status="in_progress")
    item = message_item(item_id, "assistant", [{"type": "output_text", "text": text}])
    words = text.split(" ")
    deltas = [word if not i else f" {word}" for i, word in enumerate(words)]
    return [
        response_created(response_id, out_of_band=out_of_band, metadata=metadata),
        output_item_added(response_id, begun),
        *([] if out_of_band else [item_added(begun)]),
        {"type": "response.content_part.added", **where, "part": {"type": "text", "text": ""}},
        *({"type": "response.output_text.delta", **where, "delta": delta} for delta in deltas),
        {"type": "response.output_text.done", **where, "text": text},
        {"type": "response.content_part.done", **where, "part": {"type": "text", "text": text}},
        output_item_done(response_id, item),
        *([] if out_of_band else [item_done(item)]),
        response_done(response_id, output=[item], out_of_band=out_of_band, metadata=metadata),
    ]


def call_item(
    name: str, arguments: str, call_id: str = "call_1", item_id: str = "item_call", status: str = "completed"
) -> dict[str, Any]:
    """A function call in the form that the server keeps."""
    return {
        "id": item_id,
        "object": "realtime.item",
        "type": "function_call",
        "status": status,
        "call_id": call_id,
        "name": name,
        "arguments": arguments,
    }


def call_events(
    response_id: str,
    name: str,
    arguments: str = "{}",
    *,
    call_id: str = "call_1",
    item_id: str = "item_call",
    output_index: int = 0,
) -> list[dict[str, Any]]:
    """The events of a function call within a response."""
    begun = call_item(name, "", call_id, item_id, "in_progress")
    item = call_item(name, arguments, call_id, item_id)
    where = {
        "response_id": response_id,
        "item_id": item_id,
        "output_index": output_index,
        "call_id": call_id,
    }
    return [
        output_item_added(response_id, begun, output_index),
        item_added(begun),
        {"type": "response.function_call_arguments.delta", **where, "delta": arguments},
        {"type": "response.function_call_arguments.done", **where, "name": name, "arguments": arguments},
        output_item_done(response_id, item, output_index),
        item_done(item),
    ]


def call_response(
    response_id: str = "resp_1",
    name: str = "get_time",
    arguments: str = "{}",
    *,
    call_id: str = "call_1",
    item_id: str = "item_call",
) -> list[dict[str, Any]]:
    """All events of a response that is only a function call."""
    return [
        response_created(response_id),
        *call_events(response_id, name, arguments, call_id=call_id, item_id=item_id),
        response_done(response_id, output=[call_item(name, arguments, call_id, item_id)]),
    ]


def usage(input_tokens: int = 100, output_tokens: int = 50) -> dict[str, Any]:
    """Token counts of a response."""
    return {
        "total_tokens": input_tokens + output_tokens,
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "input_token_details": {
            "text_tokens": input_tokens // 2,
            "audio_tokens": input_tokens // 2,
            "cached_tokens": 0,
        },
        "output_token_details": {"text_tokens": output_tokens // 5, "audio_tokens": output_tokens * 4 // 5},
    }
