"""Responses: the order of their events, pace, cancelling, outside the conversation, limits, usage."""

import base64
from typing import Any

import pytest

from tests.offline.talk import Talk, error_of, kinds, only, said, silence

SPOKEN = [
    "response.created",
    "rate_limits.updated",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "response.output_item.done",
    "conversation.item.done",
    "response.done",
]


def test_a_spoken_answer_comes_in_the_protocols_order() -> None:
    events = Talk(voice_ms=100).ask("thank you")
    assert kinds(events) == SPOKEN
    assert said(events) == "You are welcome."
    done = events[-1]["response"]
    assert done["status"] == "completed"
    assert done["output"][0]["content"] == [{"type": "output_audio", "transcript": "You are welcome."}]


def test_the_deltas_add_up_to_the_whole() -> None:
    events = Talk(voice_ms=1234).ask("help")
    deltas = [event["delta"] for event in events if event["type"] == "response.output_audio_transcript.delta"]
    assert "".join(deltas) == said(events)
    pcm = b"".join(base64.b64decode(e["delta"]) for e in events if e["type"] == "response.output_audio.delta")
    assert len(pcm) == 1234 * 48


def test_a_text_answer_has_text_and_no_sound() -> None:
    talk = Talk()
    events = talk.ask("thanks", output_modalities=["text"])
    assert kinds(events) == [
        *SPOKEN[:5],
        "response.output_text.delta",
        "response.output_text.done",
        *SPOKEN[9:],
    ]
    assert only(events, "response.output_text.done")["text"] == "You are welcome."
    assert talk.spoken == []


def test_sound_is_sent_faster_than_it_lasts_but_paced() -> None:
    talk = Talk(pace=4.0)
    talk.speaks_at_once = False
    talk.user_says("help")
    talk.send("response.create")
    began = talk.now
    talk.speak(10_000)
    sent_at_once = sum(event["type"] == "response.output_audio.delta" for event in talk.events)
    assert sent_at_once == 2, "a lead of 200 ms"
    talk.settle()
    assert talk.events[-1]["type"] == "response.done"
    assert talk.now - began == pytest.approx((10.0 - 0.2) / 4, abs=0.01)


def test_with_pace_zero_all_is_sent_at_once() -> None:
    talk = Talk(pace=0, voice_ms=5000)
    talk.user_says("help")
    assert talk.send("response.create")[-1]["type"] == "response.done"


def test_a_second_response_is_refused_while_one_runs() -> None:
    talk = Talk()
    talk.speaks_at_once = False
    talk.user_says("help")
    first = only(talk.send("response.create"), "response.created")["response"]["id"]
    error = error_of(talk.send("response.create"))
    assert error["code"] == "conversation_already_has_active_response"
    assert first in error["message"]
    assert error["event_id"] == "ev4"


def test_cancelling_closes_what_is_open_and_tells_the_reason() -> None:
    talk = Talk()
    talk.speaks_at_once = False
    talk.user_says("help")
    talk.send("response.create")
    talk.speak(1000, end=False)
    events = talk.send("response.cancel")
    assert kinds(events) == SPOKEN[7:]
    response = events[-1]["response"]
    assert (response["status"], response["status_details"]["reason"]) == ("cancelled", "client_cancelled")
    assert response["output"][0]["status"] == "incomplete"
    assert talk.hushed == [response["id"]]


def test_sound_that_comes_after_cancelling_is_not_sent() -> None:
    talk = Talk()
    talk.speaks_at_once = False
    talk.user_says("help")
    talk.send("response.create")
    talk.send("response.cancel")
    assert talk.speak(1000) == []


def test_cancelling_while_it_still_listens_gives_an_empty_response() -> None:
    talk = Talk("what time is it")
    talk.hears_at_once = False
    talk.append(silence(500))
    talk.send("input_audio_buffer.commit")
    talk.send("response.create")
    assert kinds(talk.send("response.cancel")) == ["response.done"]
    events = talk.hear()
    assert kinds(events) == [
        f"conversation.item.input_audio_transcription.{kind}" for kind in ("delta", "completed")
    ]


@pytest.mark.parametrize("fields", [{}, {"response_id": "resp_nobody"}])
def test_cancelling_nothing_is_a_harmless_error(fields: dict[str, str]) -> None:
    assert error_of(Talk().send("response.cancel", **fields))["code"] == "response_cancel_not_active"


def test_a_response_outside_the_conversation_leaves_it_alone() -> None:
    talk = Talk()
    content = [{"type": "input_text", "text": "thank you"}]
    events = talk.respond(
        conversation="none",
        metadata={"topic": "aside"},
        input=[{"type": "message", "role": "user", "content": content}],
        output_modalities=["text"],
    )
    assert not any(event["type"].startswith("conversation.") for event in events)
    assert only(events, "response.created")["response"]["metadata"] == {"topic": "aside"}
    assert only(events, "response.done")["response"]["metadata"] == {"topic": "aside"}
    item_id = only(events, "response.output_item.added")["item"]["id"]
    assert error_of(talk.send("conversation.item.retrieve", item_id=item_id))["code"] == "item_not_found"


def test_a_response_outside_may_run_beside_the_main_one() -> None:
    talk = Talk()
    talk.speaks_at_once = False
    talk.user_says("help")
    main = only(talk.send("response.create"), "response.created")["response"]["id"]
    aside = talk.send("response.create", response={"conversation": "none", "output_modalities": ["text"]})
    assert only(aside, "response.done")["response"]["id"] != main
    talk.speak()
    talk.settle()
    assert talk.events[-1]["response"]["id"] == main


def test_a_response_outside_can_be_cancelled_by_its_id_only() -> None:
    talk = Talk()
    talk.speaks_at_once = False
    aside = only(talk.send("response.create", response={"conversation": "none"}), "response.created")[
        "response"
    ]["id"]
    assert error_of(talk.send("response.cancel"))["code"] == "response_cancel_not_active"
    assert (
        only(talk.send("response.cancel", response_id=aside), "response.done")["response"]["status"]
        == "cancelled"
    )


def test_responses_outside_are_bounded() -> None:
    talk = Talk()
    talk.speaks_at_once = False
    for _ in range(8):
        talk.send("response.create", response={"conversation": "none"})
    error = error_of(talk.send("response.create", response={"conversation": "none"}))
    assert error["code"] == "too_many_responses"


def test_input_may_refer_to_items_of_the_conversation() -> None:
    talk = Talk()
    first = talk.user_says("thank you")
    talk.user_says("what day is it")
    events = talk.respond(input=[{"type": "item_reference", "id": first}], conversation="none")
    assert said(events) == "You are welcome."
    bad = {"conversation": "none", "input": [{"type": "item_reference", "id": "nobody"}]}
    assert error_of(talk.send("response.create", response=bad))["code"] == "item_not_found"


def test_an_answer_longer_than_the_limit_is_cut_and_told_incomplete() -> None:
    talk = Talk(voice_ms=10_000)
    response = talk.ask("help", max_output_tokens=40)[-1]["response"]
    assert response["status"] == "incomplete"
    assert response["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
    assert response["usage"]["output_token_details"]["audio_tokens"] < 50


def test_a_text_answer_longer_than_the_limit_is_told_incomplete() -> None:
    response = Talk().ask("help", max_output_tokens=2, output_modalities=["text"])[-1]["response"]
    assert response["status"] == "incomplete"


def test_a_voice_that_fails_fails_the_response_and_the_session_goes_on() -> None:
    talk = Talk()
    talk.speaks_at_once = False
    talk.user_says("help")
    talk.send("response.create")
    response = talk.speak(error="espeak-ng is not installed")[-1]["response"]
    assert response["status"] == "failed"
    assert response["status_details"]["error"]["message"] == "espeak-ng is not installed"
    talk.speaks_at_once = True
    assert talk.ask("thanks")[-1]["response"]["status"] == "completed"


def test_usage_counts_the_whole_conversation_again_each_time() -> None:
    talk = Talk("thank you", voice_ms=1000)
    talk.append(silence(1000))
    talk.send("input_audio_buffer.commit")
    first = talk.respond()[-1]["response"]["usage"]
    assert first["input_token_details"]["audio_tokens"] == 10
    assert first["output_token_details"]["audio_tokens"] == 20
    second = talk.ask("thanks")[-1]["response"]["usage"]
    assert second["input_token_details"]["audio_tokens"] == 30
    assert second["total_tokens"] == second["input_tokens"] + second["output_tokens"]


def test_instructions_can_dictate_the_words() -> None:
    assert said(Talk().respond(instructions='Say exactly: "The kettle boils."')) == "The kettle boils."


def test_with_nothing_to_answer_it_greets() -> None:
    assert said(Talk(greeting="Good day to you.").respond()) == "Good day to you."


BAD: list[tuple[dict[str, Any], str]] = [
    ({"conversation": "other"}, "invalid_value"),
    ({"metadata": {"a": 1}}, "invalid_type"),
    ({"metadata": {str(n): "x" for n in range(17)}}, "object_above_max_properties"),
    ({"output_modalities": ["text", "audio"]}, "invalid_value"),
    ({"voice": "marin"}, "unknown_parameter"),
    ({"input": "hello"}, "invalid_type"),
    ({"input": [{"type": "message", "role": "user"}]}, "missing_required_parameter"),
    ({"audio": {"output": {"format": {"type": "audio/pcma"}}}}, "unsupported_format"),
    ({"parallel_tool_calls": "no"}, "invalid_type"),
]


@pytest.mark.parametrize(("response", "code"), BAD, ids=str)
def test_a_wrong_request_is_refused_and_starts_nothing(response: dict[str, Any], code: str) -> None:
    import json

    talk = Talk()
    events = talk.send_raw(json.dumps({"type": "response.create", "response": response}))
    assert error_of(events)["code"] == code
    assert kinds(events) == ["error"]
