from typing import Any

import pytest

from tests.realtime.validation import validate_client_event, validate_server_event


def test_a_valid_event_passes_on_either_side() -> None:
    validate_client_event({"type": "input_audio_buffer.commit", "event_id": "e1"})
    validate_server_event({"type": "input_audio_buffer.cleared", "event_id": "e1"})


@pytest.mark.parametrize(
    "event",
    [
        {"type": "no.such.event"},
        {"event_id": "e1"},
        {"type": "input_audio_buffer.commit", "surplus": 1},
        {"type": "session.update", "session": {"type": "realtime", "voice": "ash"}},
        {"type": "session.update", "session": {"instructions": "the type is missing"}},
        {"type": "session.update", "session": {"type": "realtime", "audio": {"input": {"turn": 1}}}},
        {
            "type": "session.update",
            "session": {"type": "realtime", "audio": {"output": {"format": {"type": "pcm16"}}}},
        },
        {
            "type": "conversation.item.create",
            "item": {"type": "message", "role": "user", "content": [{"type": "text", "text": "x"}]},
        },
        {"type": "conversation.item.truncate", "item_id": "a", "content_index": 0},
        {"type": "response.create", "response": {"modalities": ["text"]}},
        {"type": "response.create", "response": {"input": [{"type": "item_reference", "id": "a", "x": 1}]}},
    ],
)
def test_what_is_not_published_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        validate_client_event(event)


def test_a_reference_among_the_input_of_a_response_is_valid() -> None:
    validate_client_event(
        {
            "type": "response.create",
            "response": {"conversation": "none", "input": [{"type": "item_reference", "id": "a"}]},
        }
    )


def test_a_server_event_without_its_event_id_is_refused() -> None:
    with pytest.raises(AssertionError, match="event_id"):
        validate_server_event({"type": "input_audio_buffer.cleared"})
