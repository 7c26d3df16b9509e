"""What a dialect changes on the wire, frame by frame; whole conversations are in `tests/servers`."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from speakerd.realtime.dialects import DIALECTS
from speakerd.realtime.errors import NoAnswerError, UserError
from speakerd.realtime.items import item_from_dict
from speakerd.realtime.model import (
    RealtimeModelSendAudio,
    RealtimeModelSendAudioClear,
    RealtimeModelSendAudioCommit,
    RealtimeModelSendContext,
    RealtimeModelSendInterrupt,
    RealtimeModelSendResponse,
    RealtimeModelSendUserInput,
)
from speakerd.realtime.testing import server_events as s
from speakerd.realtime.transport.retry_policy import rotation
from speakerd.realtime.wire import RealtimeProtocol
from speakerd.realtime.wire.due import DUE, MAX_ASKED

if TYPE_CHECKING:
    from collections.abc import Sequence

PCM = b"\1\0" * 4_800


class Talk:
    """A protocol in a dialect; its server confirms the settings."""

    def __init__(self, dialect: str, settings: Any = None, history: Sequence[Any] = ()) -> None:
        given: Any = {"instructions": "Be kind.", "turn_detection": None, **(settings or {})}
        self.protocol = RealtimeProtocol(given, dialect=DIALECTS[dialect])
        self.told: list[Any] = []
        self.protocol.connected(history, 0.0)
        self.opening = self.sent()
        self.hear(s.session_updated())

    @property
    def session(self) -> dict[str, Any]:
        session: dict[str, Any] = self.opening[0]["session"]
        return session

    def hear(self, *events: Any) -> None:
        for event in events:
            self.told += self.protocol.receive(json.dumps(event), 0.0)

    def ask(self, *requests: Any) -> list[dict[str, Any]]:
        for request in requests:
            self.told += self.protocol.send(request, 0.0)
        return self.sent()

    def sent(self) -> list[dict[str, Any]]:
        return [json.loads(frame) for frame in iter(self.protocol.next_frame, None)]

    def of_type(self, kind: str) -> list[Any]:
        return [event for event in self.told if event.type == kind]


def kinds(events: Sequence[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


FULL: dict[str, Any] = {
    "output_modalities": ["audio"],
    "truncation": "auto",
    "reasoning": {"effort": "low"},
    "max_output_tokens": 100,
    "tools": [{"type": "function", "name": "f", "parameters": {}}],
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 16_000},
            "noise_reduction": {"type": "far_field"},
            "transcription": {"model": "m", "language": "de"},
            "turn_detection": {
                "type": "semantic_vad",
                "eagerness": "low",
                "create_response": True,
                "interrupt_response": False,
            },
        },
        "output": {"format": "pcm16", "voice": "v", "speed": 1.1},
    },
    "extra": {"temperature": 0.5, "audio": {"input": {"echo": {}}}},
}
TOOL = {"type": "function", "name": "f", "parameters": {}}


@pytest.mark.parametrize(
    ("dialect", "session"),
    [
        (
            "azure-voice-live",
            {
                "instructions": "Be kind.",
                "modalities": ["text", "audio"],
                "reasoning_effort": "low",
                "max_response_output_tokens": 100,
                "tools": [TOOL],
                "input_audio_format": "pcm16",
                "input_audio_sampling_rate": 16_000,
                "output_audio_format": "pcm16",
                "input_audio_noise_reduction": {"type": "far_field"},
                "input_audio_transcription": {"model": "m", "language": "de"},
                "turn_detection": {"type": "azure_semantic_vad", "interrupt_response": False},
                "voice": "v",
                "temperature": 0.5,
                "audio": {"input": {"echo": {}}},
            },
        ),
        (
            "xai",
            {
                "type": "realtime",
                "instructions": "Be kind.",
                "reasoning": {"effort": "low"},
                "tools": [TOOL],
                "voice": "v",
                "turn_detection": {"type": "semantic_vad", "eagerness": "low", "interrupt_response": False},
                "audio": {
                    "input": {
                        "format": {"type": "audio/pcm", "rate": 16_000},
                        "transcription": {"model": "m", "language_hint": "de"},
                        "echo": {},
                    },
                    "output": {"format": {"type": "audio/pcm", "rate": 24_000}, "speed": 1.1},
                },
                "temperature": 0.5,
            },
        ),
        (
            "qwen",
            {
                "instructions": "Be kind.",
                "modalities": ["text", "audio"],
                "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
                "input_audio_format": "pcm",
                "output_audio_format": "pcm",
                "input_audio_transcription": {"model": "m", "language": "de"},
                "turn_detection": {"type": "semantic_vad", "eagerness": "low", "interrupt_response": False},
                "voice": "v",
                "temperature": 0.5,
                "audio": {"input": {"echo": {}}},
            },
        ),
    ],
)
def test_the_settings_are_written_as_the_server_wants_them(dialect: str, session: dict[str, Any]) -> None:
    assert Talk(dialect, FULL).session == session


def test_a_field_passed_through_holds_over_a_setting_of_the_same_place() -> None:
    talk = Talk("openai", {"max_output_tokens": 5, "extra": {"max_output_tokens": 9}})
    assert talk.session["max_output_tokens"] == 9


@pytest.mark.parametrize(
    ("dialect", "written"),
    [("openai", None), ("xai", {"type": None}), ("speaches", "nothing"), ("speech-to-speech", "nothing")],
)
def test_that_turns_are_not_detected_is_written_in_each_way(dialect: str, written: Any) -> None:
    session = Talk(dialect).session
    places = (session, session.get("audio", {}).get("input", {}))
    said = [place["turn_detection"] for place in places if "turn_detection" in place]
    assert said == ([] if written == "nothing" else [written])


def test_a_commit_that_the_server_answers_by_itself_swallows_the_request_beside_it() -> None:
    talk = Talk("localai")
    turn = (RealtimeModelSendAudio(PCM), RealtimeModelSendAudioCommit(), RealtimeModelSendResponse())
    assert kinds(talk.ask(*turn)) == ["input_audio_buffer.append", "input_audio_buffer.commit"]
    talk.hear(s.response_created("resp_1"), s.response_done("resp_1"))
    assert kinds(talk.ask(RealtimeModelSendResponse())) == ["response.create"]


COMMIT_ANSWERS = [name for name, dialect in DIALECTS.items() if dialect.commit == "answers"]


@pytest.mark.parametrize("dialect", COMMIT_ANSWERS)
@pytest.mark.parametrize("begins", [True, False])
def test_a_spoken_question_at_which_each_connection_is_lost_is_sent_twice_and_then_given_up(
    dialect: str, begins: bool
) -> None:
    talk = Talk(dialect)
    sent = talk.ask(RealtimeModelSendAudio(PCM), RealtimeModelSendAudioCommit(), RealtimeModelSendResponse())
    for number in range(6):
        if begins and number < MAX_ASKED:
            talk.hear(s.response_created(f"resp_{number}"))
        talk.told += talk.protocol.connection_lost()
        talk.told += talk.protocol.connected([], 0.0)
        talk.hear(s.session_updated())
        sent += talk.sent()
    assert kinds(sent).count("input_audio_buffer.commit") == MAX_ASKED
    assert "response.create" not in kinds(sent)
    (error,) = talk.of_type("error")
    assert isinstance(error.error, NoAnswerError)


@pytest.mark.parametrize("dialect", COMMIT_ANSWERS)
def test_a_question_after_speech_that_the_server_left_unanswered_is_asked(dialect: str) -> None:
    talk = Talk(dialect)
    talk.ask(RealtimeModelSendAudio(PCM), RealtimeModelSendAudioCommit())
    talk.told += talk.protocol.tick(DUE["server_response"].within_s)
    assert "by itself" in str(talk.protocol.must_reconnect)
    talk.ask(RealtimeModelSendResponse())
    talk.told += talk.protocol.connection_lost()
    talk.told += talk.protocol.connected([], 20.0)
    talk.hear(s.session_updated())
    assert "input_audio_buffer.commit" in kinds(talk.sent())
    talk.told += talk.protocol.tick(20.0 + DUE["server_response"].within_s)
    talk.told += talk.protocol.connection_lost()
    (error,) = talk.of_type("error")
    assert isinstance(error.error, NoAnswerError)
    talk.told += talk.protocol.connected([], 40.0)
    talk.hear(s.session_updated())
    assert kinds(talk.ask(RealtimeModelSendResponse()))[-1] == "response.create"


def test_a_server_that_may_not_confirm_a_clear_is_held_to_it_once_it_has() -> None:
    talk = Talk("custom")
    for due in (None, DUE["cleared"].within_s):
        talk.ask(RealtimeModelSendAudio(PCM), RealtimeModelSendAudioClear())
        assert talk.protocol.deadline == due
        talk.hear({"type": "input_audio_buffer.cleared"})


def test_where_a_commit_ends_nothing_silence_does() -> None:
    talk = Talk("speech-to-speech", {"input_audio_format": {"type": "audio/pcm", "rate": 16_000}})
    turn = (RealtimeModelSendAudio(PCM), RealtimeModelSendAudioCommit(), RealtimeModelSendResponse())
    sent = talk.ask(*turn)
    assert kinds(sent) == ["input_audio_buffer.append", "input_audio_buffer.append"]
    assert len(sent[1]["audio"]) == 1_000 * 32 // 3 * 4 + 4
    assert set(sent[1]["audio"].rstrip("=")) == {"A"}


def test_without_a_committed_event_the_end_of_speech_is_one() -> None:
    talk = Talk("speech-to-speech")
    talk.ask(RealtimeModelSendAudio(PCM))
    talk.hear(s.speech_started("item_a"), s.speech_stopped("item_a"))
    assert [event.item_id for event in talk.of_type("input_audio_committed")] == ["item_a"]
    talk.hear(*s.spoken_response())
    talk.protocol.connection_lost()
    talk.protocol.connected([], 1.0)
    assert kinds(talk.sent()) == ["session.update"]


def test_a_committed_event_after_the_end_of_speech_is_no_second_one() -> None:
    talk = Talk("speech-to-speech")
    talk.ask(RealtimeModelSendAudio(PCM))
    talk.hear(s.speech_started("item_a"), s.speech_stopped("item_a"), s.committed("item_a")[0])
    assert len(talk.of_type("input_audio_committed")) == 1


def test_a_rate_that_a_server_refuses_to_be_told_is_not_written() -> None:
    talk = Talk("speech-to-speech", {"input_audio_format": {"type": "audio/pcm", "rate": 16_000}})
    assert talk.session["audio"]["input"]["format"] == {"type": "audio/pcm"}
    assert talk.protocol.send(RealtimeModelSendAudio(PCM), 0.0) == []


def test_the_ids_of_one_turn_are_one() -> None:
    talk = Talk("localai")
    item = s.message_item("c", "user", [{"type": "input_audio", "transcript": "hello"}])
    talk.hear(
        {"type": "input_audio_buffer.committed", "item_id": "a"},
        s.transcribed("b", "hello"),
        s.item_added(item),
    )
    done = talk.of_type("input_audio_transcription_completed")
    assert [event.item_id for event in done] == ["a"]
    assert [event.item.item_id for event in talk.of_type("item_updated")] == ["a"]


def test_items_get_ids_that_the_server_takes_those_of_the_replay_too() -> None:
    history = [
        item_from_dict(s.message_item("item_1", "user", [{"type": "input_text", "text": "hello"}])),
        item_from_dict(s.message_item("msg_2", "assistant", [{"type": "output_text", "text": "hi"}])),
    ]
    talk = Talk("speech-to-speech", history=history)
    ids = [event["item"]["id"] for event in talk.opening[1:]]
    assert ids[0].startswith("msg_")
    assert ids[1] == "msg_2"
    # The server's confirmation of what was told again is no news.
    talk.hear(s.item_added({**talk.opening[1]["item"], "status": "completed"}))
    assert talk.of_type("item_updated") == []


@pytest.mark.parametrize("dialect", ["xai", "qwen"])
def test_the_conversation_is_told_in_the_instructions(dialect: str) -> None:
    history = [
        item_from_dict(s.message_item("1", "user", [{"type": "input_text", "text": "hello"}])),
        item_from_dict(s.message_item("2", "assistant", [{"type": "output_text", "text": "hi"}])),
        item_from_dict(s.message_item("3", "user", [])),
    ]
    talk = Talk(dialect, history=history)
    assert kinds(talk.opening) == ["session.update"]
    assert talk.session["instructions"].splitlines() == [
        "Be kind.",
        "What was said in this conversation so far:",
        "User: hello",
        "You: hi",
    ]


def test_of_a_long_conversation_the_end_is_told() -> None:
    history = [
        item_from_dict(
            s.message_item(f"{number}", "user", [{"type": "input_text", "text": f"{number} " + "x" * 500}])
        )
        for number in range(100)
    ]
    instructions = Talk("xai", history=history).session["instructions"]
    assert len(instructions) < 13_000
    assert "User: 99 " in instructions


def test_the_text_of_the_assistant_is_a_part_that_the_server_knows() -> None:
    history = [item_from_dict(s.message_item("2", "assistant", [{"type": "output_text", "text": "hi"}]))]
    assert Talk("speaches", history=history).opening[1]["item"]["content"] == [{"type": "text", "text": "hi"}]


def test_a_note_is_written_below_the_instructions_where_a_system_message_would_replace_them() -> None:
    talk = Talk("speech-to-speech")
    [update] = talk.ask(RealtimeModelSendContext("It rains."))
    assert update["session"]["instructions"] == "Be kind.\nIt rains."


def test_a_server_without_texts_gets_a_question_in_the_instructions_of_the_answer() -> None:
    talk = Talk("qwen")
    update, create = talk.ask(RealtimeModelSendUserInput("How late is it?"))
    assert update["session"]["instructions"] == "Be kind.\nUser, in writing: How late is it?"
    assert create["response"]["instructions"].endswith("User, in writing: How late is it?\nAnswer that now.")
    assert [event.item.role for event in talk.of_type("item_updated")] == ["user"]
    picture = {"type": "message", "content": [{"type": "input_image", "image_url": "data:,"}]}
    with pytest.raises(UserError, match="no images"):
        talk.ask(RealtimeModelSendUserInput(picture))  # type: ignore[arg-type]  # as a program may give it


def test_what_a_server_lacks_is_not_sent() -> None:
    talk = Talk("speaches")
    talk.ask(RealtimeModelSendResponse())
    talk.hear(
        s.response_created("resp_1"),
        *s.spoken_begin("resp_1", "item_1"),
        *s.spoken_deltas("resp_1", "item_1", "so", 500),
    )
    assert kinds(talk.ask(RealtimeModelSendInterrupt())) == ["conversation.item.delete"]
    # The next request ends at the server what was cancelled here.
    assert kinds(talk.ask(RealtimeModelSendResponse())) == ["response.create"]
    assert Talk("speech-to-speech").ask(RealtimeModelSendAudioClear()) == []


def test_a_response_beside_the_conversation_is_refused_here_where_the_server_has_none() -> None:
    talk = Talk("vllm-omni")
    assert talk.ask(RealtimeModelSendResponse(conversation="none")) == []
    [error] = talk.of_type("error")
    assert isinstance(error.error, NoAnswerError)
    assert error.about == "aside"


def test_a_response_has_the_fields_that_the_server_knows() -> None:
    talk = Talk("qwen")
    [create] = talk.ask(
        RealtimeModelSendResponse(instructions="Say so.", tool_choice="none", output_modalities=["audio"])
    )
    assert create["response"] == {"instructions": "Say so.", "modalities": ["text", "audio"]}


def test_that_nothing_ran_is_understood_from_the_text_where_there_is_no_code() -> None:
    talk = Talk("xai")
    talk.ask(RealtimeModelSendResponse())
    talk.hear(s.response_created("resp_1"))
    talk.ask(RealtimeModelSendInterrupt())
    talk.hear(s.error("invalid_event", "Cancellation failed: no active response found"))
    assert talk.of_type("error") == []
    assert [event.status for event in talk.of_type("turn_ended")] == ["cancelled"]


def test_a_transcript_that_is_sent_again_as_it_grows_is_reported_by_what_is_new() -> None:
    talk = Talk("xai")
    kind = "conversation.item.input_audio_transcription.updated"
    for transcript in ("go", "go for", "go for", "no", "go forward"):
        talk.hear({"type": kind, "item_id": "a", "transcript": transcript})
    deltas = talk.of_type("input_audio_transcription_delta")
    assert [event.delta for event in deltas] == ["go", " for", "ward"]


@pytest.mark.parametrize("dialect", ["qwen", "speaches"])
def test_an_unanswered_turn_is_said_again_as_sound_where_no_items_of_sound_are_taken(dialect: str) -> None:
    talk = Talk(dialect, {"turn_detection": {"type": "server_vad"}})
    talk.ask(RealtimeModelSendAudio(PCM))
    talk.hear(*s.committed("item_a"))
    talk.protocol.connection_lost()
    talk.protocol.connected([], 1.0)
    assert kinds(talk.sent())[:2] == ["session.update", "input_audio_buffer.append"]


def test_a_refusal_is_understood_by_the_servers_own_name() -> None:
    talk = Talk("qwen", {"voice": "v"})
    talk.protocol.connection_lost()
    talk.protocol.connected([], 1.0)
    [update] = talk.sent()
    talk.hear(
        {
            "type": "error",
            "error": {
                "type": "x",
                "code": "invalid_value",
                "message": "no",
                "param": "session.voice",
                "event_id": update["event_id"],
            },
        }
    )
    [again] = talk.sent()
    assert "voice" in update["session"]
    assert "voice" not in again["session"]


@pytest.mark.parametrize(
    ("age_min", "quiet_min", "latest_min"),
    [(60, 50, 58), (120, 50, 58), (30, 25, 29)],
)
def test_a_session_is_renewed_in_proportion_to_its_age(
    age_min: float, quiet_min: float, latest_min: float
) -> None:
    assert rotation(50 * 60, 58 * 60, age_min * 60) == (quiet_min * 60, latest_min * 60)


def test_a_session_that_may_grow_old_is_renewed_only_when_it_is_quiet() -> None:
    assert rotation(50 * 60, 58 * 60, None) == (50 * 60, float("inf"))


def test_what_was_said_and_never_written_down_is_sent_again_as_sound() -> None:
    history = [
        item_from_dict(s.message_item(each, "user", [{"type": "input_audio"}]))
        for each in ("item_a", "item_b")
    ]
    talk = Talk("openai")
    for item_id in ("item_a", "item_b"):
        talk.ask(RealtimeModelSendAudio(item_id.encode() * 2_000), RealtimeModelSendAudioCommit())
        talk.hear(*s.committed(item_id), *s.spoken_response(f"resp_{item_id}", f"said_{item_id}"))
    talk.hear(s.transcribed("item_b", "hello"))
    talk.protocol.connection_lost()
    talk.protocol.connected(history, 1.0)
    sent = talk.sent()
    assert kinds(sent) == ["session.update", "conversation.item.create"]
    assert sent[1]["item"]["id"] == "item_a"
    assert base64.b64decode(sent[1]["item"]["content"][0]["audio"]) == b"item_a" * 2_000


def test_of_much_that_was_never_written_down_the_end_is_sent_again() -> None:
    history = [
        item_from_dict(s.message_item(f"item_{each}", "user", [{"type": "input_audio"}])) for each in range(8)
    ]
    talk = Talk("openai")
    for each in range(8):
        talk.ask(RealtimeModelSendAudio(bytes(10 * 48_000)), RealtimeModelSendAudioCommit())
        talk.hear(*s.committed(f"item_{each}"), *s.spoken_response(f"resp_{each}", f"said_{each}"))
    talk.protocol.connection_lost()
    talk.protocol.connected(history, 1.0)
    assert [event["item"]["id"] for event in talk.sent()[1:]] == ["item_5", "item_6", "item_7"]
