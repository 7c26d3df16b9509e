"""Frames out of order: after each, the session goes on."""

from __future__ import annotations

import json
from typing import Any

from speakerd.realtime.testing import server_events as s
from speakerd.realtime.testing.loopback import Expect, Raw
from tests.realtime.wire.case import Case, Plays, Saw, Say, Until

_CREATE = Expect("response.create")


def _survives(name: str, *frames: Any, point: int | None = 9, error: bool | None = None, **more: Any) -> Case:
    """After these frames the session goes on: a turn behind them is had in full."""
    expect: list[Any] = [Plays("item_after", 200), Saw("agent_end", times=1)]
    if error is not None:
        expect.append(Saw("error") if error else Saw("error", times=0))
    return Case(
        name,
        [_CREATE, *frames, *s.spoken_response("resp_after", "item_after", ms=200)],
        [Say("Hello"), Until("agent_end")],
        expect=expect,
        point=point,
        **more,
    )


CASES = [
    _survives("a frame that is no JSON", Raw("{not json"), error=True),
    _survives(
        "a frame cut off in the middle",
        Raw('{"type": "response.output_audio.delta", "delta": "AAA'),
        error=True,
    ),
    _survives("an empty frame", Raw(""), error=True),
    _survives("a frame that is a list", Raw("[1, 2]"), error=True),
    _survives("a frame that is a number", Raw("7"), error=True),
    _survives("a frame without a type", Raw('{"hello": 1}'), error=True),
    _survives("a type that is no text", Raw('{"type": 5}'), error=True),
    _survives("deeply nested JSON", Raw("[" * 100_000), error=True),
    _survives("an unknown event", {"type": "response.brand_new.delta", "x": 1}, error=False),
    _survives("a ping event", {"type": "ping"}, error=False),
    _survives(
        "a delta that is no base64",
        {**s.audio_delta("resp_after", "item_after", b""), "delta": "***"},
        error=True,
    ),
    _survives(
        "a delta that is null", {**s.audio_delta("resp_after", "item_after", b""), "delta": None}, error=True
    ),
    _survives("an item that is null", {"type": "conversation.item.added", "item": None}),
    _survives(
        "an item of an unknown kind",
        {"type": "conversation.item.added", "item": {"id": "x", "type": "hologram"}},
    ),
    _survives(
        "a transcript without an item",
        {"type": "conversation.item.input_audio_transcription.completed", "transcript": "x"},
    ),
    _survives("an error without details", {"type": "error"}, error=True),
    _survives("an error that is a text", {"type": "error", "error": "oops"}, error=True),
    _survives(
        "an error of the server", s.error("server_error", "try later", kind="server_error"), error=True
    ),
    _survives("the slug in the error's type", s.error(None, "?", kind="rate_limit_exceeded"), error=True),
    _survives("a NaN", Raw('{"type": "rate_limits.updated", "rate_limits": [NaN]}')),
    _survives("a lone surrogate", Raw('{"type": "rate_limits.updated", "x": "\\ud800"}')),
    _survives(
        "events of item lists", {"type": "conversation.item.deleted", "item_id": "item_gone"}, error=False
    ),
    Case(
        "a failure loses no event that was queued",
        [_CREATE, *s.spoken_response(), Raw("{not json"), *s.spoken_response("resp_2", "item_2", ms=200)],
        [Say("Hello"), Until("agent_end", count=2)],
        expect=[Plays("item_1", 400), Plays("item_2", 200)],
        point=9,
    ),
    Case(
        "binary frames are read like text",
        [_CREATE, *(Raw(json.dumps({"event_id": "e", **event})) for event in s.spoken_response())],
        [Say("Hello"), Until("agent_end")],
        expect=[Plays("item_1", 400)],
    ),
]
