"""What a client may do wrong: each is answered by one `error` with its code, and the session goes on."""

import base64

import pytest

from tests.offline.talk import Talk, error_of, kinds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "{",
        "[1, 2]",
        "null",
        '"text"',
        "\x00",
        b"\xff\xfe",
        "[" * 100_000,
        '{"type": "session.update"',
    ],
    ids=lambda text: repr(text[:12]),
)
def test_what_is_no_json_object_is_refused(text: str | bytes) -> None:
    assert error_of(Talk().send_raw(text))["code"] == "invalid_json"


@pytest.mark.parametrize("kind", ["response.audio.delta", "session.created", "", "a" * 10_000])
def test_an_unknown_event_is_refused_with_the_known_ones(kind: str) -> None:
    error = error_of(Talk().send_raw(f'{{"type": "{kind}", "event_id": "e1"}}'))
    assert (error["code"], error["param"], error["event_id"]) == ("invalid_value", "type", "e1")
    assert "'session.update'" in error["message"]
    assert len(error["message"]) < 1000


@pytest.mark.parametrize("kind", ["5", "null", "{}", '["x"]'])
def test_a_type_that_is_no_name_is_refused(kind: str) -> None:
    assert error_of(Talk().send_raw(f'{{"type": {kind}}}'))["param"] == "type"


def test_an_event_without_a_type_is_refused() -> None:
    assert error_of(Talk().send_raw('{"event_id": "e"}'))["code"] == "missing_required_parameter"


def test_an_error_without_a_cause_to_name_names_none() -> None:
    assert error_of(Talk().send_raw('{"type": "response.cancel", "event_id": 5}'))["event_id"] is None


@pytest.mark.parametrize(
    ("event", "param"),
    [
        ('{"type": "input_audio_buffer.append"}', "audio"),
        ('{"type": "input_audio_buffer.append", "audio": 7}', "audio"),
        ('{"type": "input_audio_buffer.append", "audio": "%%%"}', "audio"),
        ('{"type": "input_audio_buffer.append", "audio": "AAAA"}', "audio"),
        ('{"type": "input_audio_buffer.append", "audio": "", "rate": 16000}', "rate"),
        ('{"type": "input_audio_buffer.commit", "final": true}', "final"),
        ('{"type": "conversation.item.retrieve"}', "item_id"),
        ('{"type": "conversation.item.delete", "item_id": ["x"]}', "item_id"),
        ('{"type": "conversation.item.truncate", "item_id": "x", "content_index": -1, "audio_end_ms": 0}', "content_index"),
        ('{"type": "conversation.item.truncate", "item_id": "x", "content_index": 0, "audio_end_ms": 1.5}', "audio_end_ms"),
        ('{"type": "session.update", "session": []}', "session"),
        ('{"type": "response.create", "response": "now"}', "response"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named(event: str, param: str) -> None:
    assert error_of(Talk().send_raw(event))["param"] == param


def test_the_output_buffer_cannot_be_cleared_over_a_websocket() -> None:
    assert "WebRTC" in error_of(Talk().send_raw('{"type": "output_audio_buffer.clear"}'))["message"]


def test_an_append_may_carry_15_mib_and_no_more() -> None:
    talk = Talk()
    largest = base64.b64encode(bytes(15 * 1024 * 1024)).decode()
    assert talk.send_raw(f'{{"type": "input_audio_buffer.append", "audio": "{largest}"}}') == []
    larger = base64.b64encode(bytes(15 * 1024 * 1024 + 2)).decode()
    error = error_of(talk.send_raw(f'{{"type": "input_audio_buffer.append", "audio": "{larger}"}}'))
    assert error["code"] == "audio_above_max_length"


def test_after_any_error_the_session_goes_on() -> None:
    talk = Talk()
    talk.send_raw("garbage")
    talk.send_raw('{"type": "nonsense"}')
    assert kinds(talk.ask("thanks"))[-1] == "response.done"
