"""Items: created, retrieved, truncated, deleted; what is refused; what is bounded."""

import base64
import json
from typing import Any

import pytest

from speakerd.offline.items import KEPT_AUDIO_BYTES, MAX_ITEMS, Conversation, Item, Part
from tests.offline.talk import Talk, base64_of, error_of, kinds, only, silence

TEXT = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}


def create(talk: Talk, item: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    return talk.send("conversation.item.create", item=item, **more)


def spoken_item(talk: Talk) -> str:
    return str(only(talk.ask("thanks"), "response.output_item.added")["item"]["id"])


def test_a_created_item_is_told_as_added_and_done() -> None:
    talk = Talk()
    events = create(talk, {**TEXT, "id": "mine"})
    assert kinds(events) == ["conversation.item.added", "conversation.item.done"]
    assert events[0]["item"] == {"object": "realtime.item", "status": "completed", **TEXT, "id": "mine"}
    assert events[0]["previous_item_id"] is None
    assert create(talk, TEXT)[0]["previous_item_id"] == "mine"


def test_an_item_goes_where_it_is_told_to() -> None:
    talk = Talk()
    create(talk, {**TEXT, "id": "a"})
    create(talk, {**TEXT, "id": "b"})
    assert create(talk, {**TEXT, "id": "first"}, previous_item_id="root")[0]["previous_item_id"] is None
    assert create(talk, {**TEXT, "id": "c"}, previous_item_id="a")[0]["previous_item_id"] == "a"
    assert [item.id for item in talk.protocol._conversation] == ["first", "a", "c", "b"]


def test_every_kind_of_message_can_be_told_again() -> None:
    talk = Talk()
    create(talk, {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "rule"}]})
    create(
        talk, {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "yes"}]}
    )
    image = {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "low"}
    events = create(talk, {"type": "message", "role": "user", "content": [image]})
    assert events[0]["item"]["content"] == [image]
    call = {"type": "function_call", "name": "f", "call_id": "c1", "arguments": "{}"}
    assert create(talk, call)[0]["item"]["name"] == "f"
    output = {"type": "function_call_output", "call_id": "c1", "output": "done"}
    assert create(talk, output)[0]["item"]["output"] == "done"


def test_a_spoken_message_that_is_created_is_understood() -> None:
    talk = Talk("thank you")
    audio = {"type": "input_audio", "audio": base64_of(silence(400))}
    events = create(talk, {"type": "message", "role": "user", "content": [audio]})
    assert only(events, "conversation.item.input_audio_transcription.completed")["transcript"] == "thank you"
    talk.respond()
    assert talk.spoken[0].text == "You are welcome."


def test_a_spoken_message_with_its_words_is_not_listened_to() -> None:
    talk = Talk()
    audio = {"type": "input_audio", "audio": base64_of(silence(400)), "transcript": "thank you"}
    create(talk, {"type": "message", "role": "user", "content": [audio]})
    assert talk.utterances == {}
    talk.respond()
    assert talk.spoken[0].text == "You are welcome."


def test_a_spoken_message_outside_the_conversation_is_understood_too() -> None:
    talk = Talk("thank you")
    audio = {"type": "input_audio", "audio": base64_of(silence(400))}
    talk.respond(conversation="none", input=[{"type": "message", "role": "user", "content": [audio]}])
    assert talk.spoken[0].text == "You are welcome."


BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "missing_required_parameter"),
    ({"type": "novel"}, "invalid_value"),
    ({"type": "message", "role": "user"}, "missing_required_parameter"),
    ({**TEXT, "role": "judge"}, "invalid_value"),
    ({**TEXT, "id": "root"}, "invalid_value"),
    ({**TEXT, "id": 7}, "invalid_type"),
    ({**TEXT, "mood": "good"}, "unknown_parameter"),
    ({**TEXT, "content": "hi"}, "invalid_type"),
    ({**TEXT, "content": [{"type": "output_text", "text": "x"}]}, "invalid_value"),
    ({**TEXT, "content": [{"type": "input_text", "text": "x" * 100_001}]}, "string_above_max_length"),
    ({**TEXT, "role": "assistant", "content": [{"type": "output_audio", "audio": ""}]}, "invalid_value"),
    ({**TEXT, "content": [{"type": "input_audio", "audio": "no base64!"}]}, "invalid_value"),
    ({**TEXT, "content": [{"type": "input_audio", "audio": "AAAA"}]}, "invalid_value"),
    ({"type": "function_call_output", "call_id": "nobody", "output": "x"}, "invalid_tool_call_id"),
    ({"type": "function_call", "name": "f", "arguments": "{}"}, "missing_required_parameter"),
]  # fmt: skip


@pytest.mark.parametrize(("item", "code"), BAD, ids=str)
def test_a_wrong_item_is_refused_and_not_kept(item: dict[str, Any], code: str) -> None:
    talk = Talk()
    events = talk.send_raw(json.dumps({"type": "conversation.item.create", "item": item}))
    assert error_of(events)["code"] == code
    assert len(talk.protocol._conversation) == 0


def test_an_unknown_predecessor_is_refused() -> None:
    talk = Talk()
    error = error_of(create(talk, TEXT, previous_item_id="nobody"))
    assert (error["code"], error["param"]) == ("item_not_found", "previous_item_id")


def test_an_id_is_given_once() -> None:
    talk = Talk()
    create(talk, {**TEXT, "id": "mine"})
    assert error_of(create(talk, {**TEXT, "id": "mine"}))["code"] == "item_already_exists"


def test_a_retrieved_item_has_its_sound() -> None:
    talk = Talk("hello", voice_ms=500)
    talk.append(silence(300))
    heard = only(talk.send("input_audio_buffer.commit"), "conversation.item.added")["item"]["id"]
    item = only(talk.send("conversation.item.retrieve", item_id=heard), "conversation.item.retrieved")["item"]
    assert base64.b64decode(item["content"][0]["audio"]) == silence(300)
    assert item["content"][0]["transcript"] == "hello"
    said = spoken_item(talk)
    item = only(talk.send("conversation.item.retrieve", item_id=said), "conversation.item.retrieved")["item"]
    assert len(base64.b64decode(item["content"][0]["audio"])) == 500 * 48


def test_a_deleted_item_is_gone() -> None:
    talk = Talk()
    item_id = talk.user_says("hi")
    assert only(talk.send("conversation.item.delete", item_id=item_id), "conversation.item.deleted")
    for kind in ("retrieve", "delete"):
        assert error_of(talk.send(f"conversation.item.{kind}", item_id=item_id))["code"] == "item_not_found"


def test_truncating_takes_the_sound_and_its_words() -> None:
    talk = Talk(voice_ms=1000)
    item_id = spoken_item(talk)
    where = {"item_id": item_id, "content_index": 0, "audio_end_ms": 400}
    event = only(talk.send("conversation.item.truncate", **where), "conversation.item.truncated")
    assert where.items() <= event.items()
    part = only(talk.send("conversation.item.retrieve", item_id=item_id), "conversation.item.retrieved")[
        "item"
    ]
    assert len(base64.b64decode(part["content"][0]["audio"])) == 400 * 48
    assert part["content"][0]["transcript"] == ""


def test_truncating_beyond_the_end_is_refused_with_both_lengths() -> None:
    talk = Talk(voice_ms=1000)
    where = {"item_id": spoken_item(talk), "content_index": 0, "audio_end_ms": 1001}
    error = error_of(talk.send("conversation.item.truncate", **where))
    assert error["message"] == "Audio content of 1000ms is already shorter than 1001ms"


def test_an_item_can_be_truncated_while_it_is_made() -> None:
    talk = Talk()
    talk.speaks_at_once = False
    talk.user_says("help")
    talk.send("response.create")
    talk.speak(5000)
    item_id = only(talk.events, "response.output_item.added")["item"]["id"]
    talk.send("response.cancel")
    assert only(
        talk.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=150),
        "conversation.item.truncated",
    )


def test_only_what_the_assistant_said_can_be_truncated() -> None:
    talk = Talk()
    mine = talk.user_says("hi")
    error = error_of(talk.send("conversation.item.truncate", item_id=mine, content_index=0, audio_end_ms=0))
    assert error["param"] == "item_id"
    said = spoken_item(talk)
    error = error_of(talk.send("conversation.item.truncate", item_id=said, content_index=1, audio_end_ms=0))
    assert error["param"] == "content_index"
    for item_id, code in (("nobody", "item_not_found"), (said, "invalid_value")):
        fields = {"item_id": item_id, "content_index": 0, "audio_end_ms": 10**9}
        assert error_of(talk.send("conversation.item.truncate", **fields))["code"] == code


def test_the_conversation_is_bounded() -> None:
    conversation = Conversation()
    for number in range(MAX_ITEMS + 50):
        conversation.add(Item(f"i{number}", "message", role="user"))
    assert len(conversation) == MAX_ITEMS
    assert "i49" not in conversation
    assert "i50" in conversation


def test_old_sound_is_dropped_but_its_length_stays_known() -> None:
    conversation = Conversation()
    pcm = bytes(KEPT_AUDIO_BYTES // 2)
    for number in range(3):
        part = Part("output_audio", transcript="x", audio=pcm, audio_ms=len(pcm) // 48)
        conversation.add(Item(f"i{number}", "message", role="assistant", content=[part]))
    lengths = [(len(item.content[0].audio), item.content[0].audio_ms) for item in conversation]
    assert lengths == [(0, len(pcm) // 48), (len(pcm), len(pcm) // 48), (len(pcm), len(pcm) // 48)]
    conversation.truncate("i0", 0, 100)
