"""Who ends a turn: the client by committing, or turn detection by silence; and what an interruption does."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from speakerd.audio.resample import resample
from speakerd.offline.protocol.turn_detection import SpeechOffset, SpeechOnset, TurnDetector
from tests.offline.talk import BYTES_PER_MS, Talk, error_of, kinds, only, silence

DATA = Path(__file__).parents[1] / "data"
SERVER_VAD = {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 500}


@cache
def recording(name: str) -> bytes:
    """A recording of human speech at 24 kHz."""
    return resample((DATA / name).read_bytes()[44:], 16_000, 24_000)


def detecting(*says: str, **detection: Any) -> Talk:
    talk = Talk(*says, manual=False)
    turn_detection = {**SERVER_VAD, **detection}
    talk.update(audio={"input": {"turn_detection": turn_detection, "transcription": {"model": "any"}}})
    talk.events.clear()
    return talk


def stream(talk: Talk, pcm: bytes, step_ms: int = 100) -> list[dict[str, Any]]:
    """Append it in real time."""
    found: list[dict[str, Any]] = []
    for start in range(0, len(pcm), step_ms * BYTES_PER_MS):
        found += talk.append(pcm[start : start + step_ms * BYTES_PER_MS])
        talk.now += step_ms / 1000
        found += talk.perform(talk.protocol.tick(talk.now))
    return found


def test_a_committed_turn_becomes_an_item_and_a_transcript_but_no_response() -> None:
    talk = Talk("what time is it")
    talk.append(silence(700))
    events = talk.send("input_audio_buffer.commit")
    assert kinds(events) == [
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
    ]
    assert len({event.get("item_id") or event["item"]["id"] for event in events}) == 1
    assert events[-1]["transcript"] == "what time is it"
    assert events[-1]["usage"] == {"type": "duration", "seconds": 0.7}


def test_an_append_is_never_acknowledged() -> None:
    assert Talk().append(silence(500)) == []


@pytest.mark.parametrize("ms", [0, 20, 99])
def test_too_little_audio_cannot_be_committed(ms: int) -> None:
    talk = Talk()
    if ms:
        talk.append(silence(ms))
    assert error_of(talk.send("input_audio_buffer.commit"))["code"] == "input_audio_buffer_commit_empty"


def test_what_was_cleared_is_not_committed() -> None:
    talk = Talk()
    talk.append(silence(500))
    assert kinds(talk.send("input_audio_buffer.clear")) == ["input_audio_buffer.cleared"]
    assert talk.utterances == {}, "the recogniser was told to forget it"
    assert error_of(talk.send("input_audio_buffer.commit"))["code"] == "input_audio_buffer_commit_empty"


def test_the_recogniser_gets_the_sound_while_it_comes_in() -> None:
    talk = Talk()
    talk.hears_at_once = False
    talk.append(silence(400))
    (pcm,) = talk.utterances.values()
    assert 300 * 32 < len(pcm) <= 400 * 32
    talk.send("input_audio_buffer.commit")
    assert len(pcm) == pytest.approx(400 * 32, abs=64)


def test_a_response_waits_for_the_words_it_answers() -> None:
    talk = Talk("thank you")
    talk.hears_at_once = False
    talk.append(silence(500))
    talk.send("input_audio_buffer.commit")
    assert kinds(talk.send("response.create")) == ["response.created", "rate_limits.updated"]
    talk.hear()
    talk.settle()
    assert talk.events[-1]["type"] == "response.done"
    assert talk.spoken[0].text == "You are welcome."


def test_without_transcription_nothing_is_told_but_it_is_understood() -> None:
    talk = Talk("thank you")
    talk.update(audio={"input": {"transcription": None}})
    talk.append(silence(500))
    assert kinds(talk.send("input_audio_buffer.commit"))[-1] == "conversation.item.done"
    talk.respond()
    assert talk.spoken[0].text == "You are welcome."


def test_a_failed_recognition_is_told_and_answered_with_regret() -> None:
    talk = Talk()
    talk.hears_at_once = False
    talk.append(silence(500))
    talk.send("input_audio_buffer.commit")
    talk.send("response.create")
    events = talk.perform(talk.protocol.recognition_failed(talk.waiting_utterances[0], "it broke", talk.now))
    assert (
        only(events, "conversation.item.input_audio_transcription.failed")["error"]["message"] == "it broke"
    )
    assert "cannot listen" in talk.spoken[0].text


def test_only_the_beginning_of_a_very_long_turn_counts() -> None:
    talk = Talk(longest_turn_s=2)
    for _ in range(10):
        talk.append(silence(1000))
    (pcm,) = talk.utterances.values()
    assert len(pcm) <= 2000 * 32
    item = only(talk.send("input_audio_buffer.commit"), "conversation.item.added")["item"]
    usage = talk.respond()[-1]["response"]["usage"]
    assert usage["input_token_details"]["audio_tokens"] == 20
    assert item["content"][0]["type"] == "input_audio"


def test_detected_speech_makes_a_turn_and_its_response() -> None:
    talk = detecting("go forward ten meters")
    events = stream(talk, recording("goforward.wav") + silence(1000))
    assert kinds(events)[:8] == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
        "rate_limits.updated",
        "conversation.item.input_audio_transcription.delta",
    ]
    started, stopped = events[0], events[1]
    assert started["item_id"] == stopped["item_id"] == events[2]["item_id"]
    # The words are at 0.46 to 2.12 s of the recording.
    assert 100 <= started["audio_start_ms"] <= 400
    assert 2300 <= stopped["audio_end_ms"] <= 3000


def test_the_turn_holds_all_that_was_said() -> None:
    talk = detecting()
    talk.hears_at_once = False
    stream(talk, recording("goforward.wav") + silence(1000))
    (pcm,) = talk.utterances.values()
    assert 2.0 < len(pcm) / 32_000 < 3.2


def test_two_turns_within_one_append_are_two() -> None:
    talk = detecting("one", "two", create_response=False)
    spoken = recording("goforward.wav") + silence(1500)
    events = talk.append(spoken + spoken)
    assert kinds(events).count("input_audio_buffer.speech_started") == 2
    starts = [
        event["audio_start_ms"] for event in events if event["type"] == "input_audio_buffer.speech_started"
    ]
    assert starts[1] - starts[0] == pytest.approx(len(spoken) / BYTES_PER_MS, abs=200)


def test_silence_alone_makes_no_turn_and_keeps_no_memory() -> None:
    talk = detecting()
    assert stream(talk, silence(20_000)) == []
    assert len(talk.protocol._input._buffer) <= 600 * BYTES_PER_MS


def test_detection_can_leave_responses_to_the_client() -> None:
    talk = detecting("hello", create_response=False)
    events = stream(talk, recording("goforward.wav") + silence(1000))
    assert "response.created" not in kinds(events)


def test_speech_interrupts_the_running_response() -> None:
    talk = detecting("hello")
    talk.speaks_at_once = False
    talk.user_says("help")
    talk.send("response.create")
    talk.speak(20_000)
    events = stream(talk, recording("goforward.wav") + silence(1000))
    done = next(event for event in events if event["type"] == "response.done")["response"]
    assert (done["status"], done["status_details"]["reason"]) == ("cancelled", "turn_detected")
    order = kinds([event for event in events if not event["type"].endswith("audio.delta")])
    assert order.index("input_audio_buffer.speech_started") < order.index("response.done")
    assert "response.created" in order[order.index("response.done") :]


def test_without_interruption_the_next_response_waits_its_turn() -> None:
    talk = detecting("thanks", interrupt_response=False)
    talk.speaks_at_once = False
    talk.user_says("help")
    talk.send("response.create")
    talk.speak(60_000)
    events = stream(talk, recording("goforward.wav") + silence(1000))
    assert "response.created" not in kinds(events)
    talk.speaks_at_once = True
    talk.settle()
    statuses = [event["response"]["status"] for event in talk.events if event["type"] == "response.done"]
    assert statuses == ["completed", "completed"]
    assert talk.spoken[-1].text == "You are welcome."


def test_a_commit_while_speech_is_detected_ends_the_turn() -> None:
    talk = detecting("hello", create_response=False)
    stream(talk, recording("goforward.wav")[: 1500 * BYTES_PER_MS])
    assert kinds(talk.send("input_audio_buffer.commit"))[0] == "input_audio_buffer.committed"
    assert stream(talk, silence(1000)) == []


def test_switching_detection_off_keeps_what_is_being_said() -> None:
    talk = detecting()
    stream(talk, recording("goforward.wav")[: 1500 * BYTES_PER_MS])
    talk.update(audio={"input": {"turn_detection": None}})
    talk.append(recording("goforward.wav")[1500 * BYTES_PER_MS :])
    item = only(talk.send("input_audio_buffer.commit"), "conversation.item.added")["item"]["id"]
    assert len(talk.utterances[item]) > 2.2 * 32_000


@pytest.mark.parametrize(
    ("eagerness", "silence_ms"), [("high", 500), ("auto", 900), ("medium", 900), ("low", 1600)]
)
def test_semantic_detection_waits_by_its_eagerness(eagerness: str, silence_ms: int) -> None:
    detector = TurnDetector({"type": "semantic_vad", "eagerness": eagerness})
    pcm = (DATA / "goforward.wav").read_bytes()[44:] + bytes(32 * 2500)
    began, ended = detector.feed(pcm)
    assert isinstance(began, SpeechOnset)
    assert isinstance(ended, SpeechOffset)
    # The last word ends at 2.12 s.
    assert ended.at_ms == pytest.approx(2120 + silence_ms, abs=350)


def test_detection_does_not_depend_on_how_the_sound_is_cut() -> None:
    pcm = (DATA / "librivox-0880.wav").read_bytes()[44:] + bytes(32_000)
    whole = TurnDetector(SERVER_VAD).feed(pcm)
    cut = TurnDetector(SERVER_VAD)
    assert [
        change for start in range(0, len(pcm), 74) for change in cut.feed(pcm[start : start + 74])
    ] == whole


def test_steady_noise_is_not_speech() -> None:
    import numpy as np

    noise = np.random.default_rng(1).normal(0, 300, 16_000 * 20).astype("<i2").tobytes()
    assert TurnDetector(SERVER_VAD).feed(noise) == []
