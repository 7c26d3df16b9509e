"""session.created, session.update and what may not be changed."""

import json
from typing import Any

import pytest

from tests.offline.talk import Talk, error_of, kinds, only


def test_a_session_begins_with_its_settings() -> None:
    talk = Talk(manual=False)
    assert kinds(talk.events) == ["session.created", "conversation.created"]
    session = talk.events[0]["session"]
    assert session["audio"]["input"]["turn_detection"]["type"] == "server_vad"
    assert session["audio"]["output"] == {
        "format": {"type": "audio/pcm", "rate": 24000},
        "voice": "en-us",
        "speed": 1.0,
    }


def test_an_update_changes_what_it_names_and_nothing_else() -> None:
    talk = Talk(manual=False)
    before = talk.events[0]["session"]
    after = only(talk.update(instructions="Be brief.", audio={"output": {"speed": 1.2}}), "session.updated")[
        "session"
    ]
    assert after["instructions"] == "Be brief."
    assert after["audio"]["output"]["speed"] == 1.2
    assert after["audio"]["output"]["voice"] == before["audio"]["output"]["voice"]
    assert after["audio"]["input"] == before["audio"]["input"]


def test_a_turn_detection_is_completed_with_the_protocols_defaults() -> None:
    talk = Talk()
    events = talk.update(
        audio={"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 800}}}
    )
    detection = events[0]["session"]["audio"]["input"]["turn_detection"]
    assert detection["silence_duration_ms"] == 800
    assert detection["prefix_padding_ms"] == 300
    events = talk.update(audio={"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "low"}}})
    assert events[0]["session"]["audio"]["input"]["turn_detection"]["eagerness"] == "low"


GOOD_UPDATES: list[dict[str, Any]] = [
    {"output_modalities": ["text"]},
    {"tools": [{"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}}]},
    {"tool_choice": "none"},
    {"tool_choice": {"type": "function", "name": "f"}},
    {"max_output_tokens": 100},
    {"max_output_tokens": "inf"},
    {"truncation": "disabled"},
    {
        "truncation": {
            "type": "retention_ratio",
            "retention_ratio": 0.5,
            "token_limits": {"post_instructions": 9},
        }
    },
    {"tracing": "auto"},
    {"tracing": {"workflow_name": "w", "group_id": "g"}},
    {"prompt": {"id": "pmpt_1", "version": "2", "variables": {"a": "b"}}},
    {"reasoning": {"effort": "low"}},
    {"parallel_tool_calls": False},
    {"include": ["item.input_audio_transcription.logprobs"]},
    {"model": "gpt-realtime"},
    {
        "audio": {
            "input": {
                "noise_reduction": {"type": "far_field"},
                "format": {"type": "audio/pcm", "rate": 24000},
            }
        }
    },
    {
        "audio": {
            "input": {
                "noise_reduction": None,
                "transcription": {"model": "x", "language": "en", "prompt": "p"},
            }
        }
    },
    {"audio": {"output": {"voice": {"id": "voice_1"}, "speed": 0.25}}},
]


@pytest.mark.parametrize("update", GOOD_UPDATES, ids=str)
def test_every_published_setting_is_taken_and_told_back(update: dict[str, Any]) -> None:
    session = only(Talk().update(**update), "session.updated")["session"]
    for key, value in update.items():
        if key != "audio":
            assert session[key] == value


BAD_UPDATES: list[tuple[dict[str, Any], str, str]] = [
    ({"instructions": 5}, "invalid_type", "session.instructions"),
    ({"output_modalities": ["audio", "text"]}, "invalid_value", "session.output_modalities"),
    ({"output_modalities": ["smell"]}, "invalid_value", "session.output_modalities"),
    ({"output_modalities": []}, "invalid_value", "session.output_modalities"),
    ({"max_output_tokens": 0}, "invalid_value", "session.max_output_tokens"),
    ({"max_output_tokens": True}, "invalid_type", "session.max_output_tokens"),
    ({"surprise": 1}, "unknown_parameter", "session.surprise"),
    ({"tools": {}}, "invalid_type", "session.tools"),
    ({"tools": [{"type": "function"}]}, "missing_required_parameter", "session.tools[0].name"),
    ({"tools": [{"type": "mcp", "server_label": "x"}]}, "unsupported_tool", "session.tools[0].type"),
    ({"tools": [{"type": "function", "name": "f"}] * 200}, "array_above_max_length", "session.tools"),
    ({"tool_choice": "sometimes"}, "invalid_value", "session.tool_choice"),
    ({"truncation": 7}, "invalid_type", "session.truncation"),
    ({"audio": {"output": {"speed": 9}}}, "invalid_value", "session.audio.output.speed"),
    ({"audio": {"output": {"speed": "fast"}}}, "invalid_type", "session.audio.output.speed"),
    ({"audio": {"output": {"voice": {"name": "x"}}}}, "unknown_parameter", "session.audio.output.voice.name"),
    ({"audio": {"input": {"format": {"type": "audio/pcmu"}}}}, "unsupported_format", "session.audio.input.format.type"),
    ({"audio": {"input": {"format": {"type": "audio/pcm", "rate": 16000}}}}, "invalid_value", "session.audio.input.format.rate"),
    ({"audio": {"input": {"turn_detection": {"type": "telepathy"}}}}, "invalid_value", "session.audio.input.turn_detection.type"),
    (
        {"audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": 2}}}},
        "invalid_value",
        "session.audio.input.turn_detection.threshold",
    ),
    (
        {"audio": {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 6000}}}},
        "unsupported_value",
        "session.audio.input.turn_detection.idle_timeout_ms",
    ),
    ({"audio": {"input": {"noise_reduction": {"type": "none"}}}}, "invalid_value", "session.audio.input.noise_reduction.type"),
    ({"parallel_tool_calls": 1}, "invalid_type", "session.parallel_tool_calls"),
    ({"type": "transcription"}, "invalid_value", "session.type"),
]  # fmt: skip


@pytest.mark.parametrize(("update", "code", "param"), BAD_UPDATES, ids=str)
def test_a_wrong_setting_is_refused_by_its_path_and_changes_nothing(
    update: dict[str, Any], code: str, param: str
) -> None:
    talk = Talk()
    before = talk.update()[0]["session"]
    event = {
        "type": "session.update",
        "event_id": "mine",
        "session": {"type": "realtime", "instructions": "x", **update},
    }
    error = error_of(talk.send_raw(json.dumps(event)))
    assert (error["code"], error["param"], error["event_id"]) == (code, param, "mine")
    assert talk.update()[0]["session"] == before


def test_an_update_without_a_session_type_is_refused() -> None:
    error = error_of(Talk().send_raw('{"type": "session.update", "session": {"instructions": "x"}}'))
    assert (error["code"], error["param"]) == ("missing_required_parameter", "session.type")


def test_the_voice_is_locked_once_it_has_spoken() -> None:
    talk = Talk()
    assert only(talk.update(audio={"output": {"voice": "marin"}}), "session.updated")
    talk.ask("hello")
    assert error_of(talk.update(audio={"output": {"voice": "cedar"}}))["code"] == "cannot_update_voice"
    assert only(talk.update(audio={"output": {"voice": "marin"}}), "session.updated")


def test_a_text_answer_locks_no_voice() -> None:
    talk = Talk()
    talk.ask("hello", output_modalities=["text"])
    assert only(talk.update(audio={"output": {"voice": "cedar"}}), "session.updated")


def test_the_speed_changes_between_turns_only() -> None:
    talk = Talk()
    talk.speaks_at_once = False
    talk.user_says("hello")
    talk.send("response.create")
    assert error_of(talk.update(audio={"output": {"speed": 1.5}}))["code"] == "cannot_update_speed"
    talk.speak()
    talk.settle()
    assert only(talk.update(audio={"output": {"speed": 1.5}}), "session.updated")


def test_tracing_cannot_change_once_it_is_on() -> None:
    talk = Talk()
    talk.update(tracing="auto")
    assert error_of(talk.update(tracing=None))["code"] == "cannot_update_tracing"


def test_a_session_ends_at_its_greatest_age_with_the_protocols_code() -> None:
    talk = Talk(max_session_s=30)
    assert talk.wait(29) == []
    assert error_of(talk.wait(1.5))["code"] == "session_expired"
    assert talk.closed is not None
    assert talk.closed.code == 1001
