"""Answers that go wrong, and how one hears of it."""

from typing import Any

import pytest

from speakerd.dialogue import commands as c
from tests.dialogue.driver import told, warm


def test_a_model_that_never_answers_ends_in_a_sound_and_listening() -> None:
    d = told(response_timeout_s=12.0).thinking().wait(11.9)
    assert d.phase == "thinking"
    d.take()
    d.wait(0.2)
    assert d.phase == "listening"
    orders = d.take()
    assert orders[0] == c.Interrupt()
    assert c.PlaySound("error") in orders


def test_after_push_to_talk_it_ends_idle() -> None:
    d = warm().idle().hold().gesture("hold_end", 1.0).do("SpeechEnded released").wait(25)
    assert d.phase == "idle"


def test_a_model_that_stops_in_the_middle_is_given_up() -> None:
    d = warm().speaking().drained().wait(21)
    assert d.phase == "listening"
    assert c.Interrupt() in d.take()


def test_a_sound_device_that_hangs_is_given_up() -> None:
    assert told(playback_limit_s=60.0).speaking().ended().wait(61).phase == "listening"


def test_a_failed_answer_is_heard_as_an_error_after_what_came_of_it() -> None:
    d = warm().speaking().ended(status="failed")
    assert c.PlaySound("error") not in d.take()
    d.drained()
    assert d.phase == "listening"
    assert c.PlaySound("error") in d.take()


def test_an_error_while_thinking_is_heard_and_shown_and_forgotten() -> None:
    d = told(error_shown_s=3.0).thinking().do("SessionError server")
    assert d.phase == "listening"
    assert c.PlaySound("error") in d.take()
    assert d.flags.error
    assert not d.wait(3).flags.error


def test_a_turn_without_speech_is_no_error() -> None:
    d = warm().thinking().do("SessionError empty_turn")
    assert d.phase == "listening"
    assert c.PlaySound("error") not in d.take()


def test_a_refused_request_changes_nothing() -> None:
    d = warm().speaking().do("SessionError request", "SessionError tool")
    assert d.phase == "speaking"
    assert d.take() == []


def test_an_answer_that_was_interrupted_before_it_began_is_not_taken_for_the_next() -> None:
    d = warm().thinking().do("SpeechStarted").do("SpeechEnded silence", after=1.0)
    assert d.phase == "thinking"
    d.response("old").ended("old", status="cancelled", had_audio=False)
    assert d.phase == "thinking"
    assert d.response("new").sound().ended("new").drained().phase == "listening"


def test_an_answer_that_was_interrupted_before_it_began_is_interrupted_when_it_does() -> None:
    d = warm().thinking().tap()
    d.take()
    d.response("old")
    assert d.phase == "listening"
    assert c.Interrupt() in d.take()
    assert d.response("unasked").phase == "thinking"


def test_the_end_of_another_response_changes_nothing() -> None:
    d = warm().speaking()
    before = d.dialogue.state.copy()
    assert d.ended("other").take() == []
    assert d.dialogue.state == before
    assert d.phase == "speaking"


def test_an_answer_nobody_waits_for_is_silenced() -> None:
    d = warm().idle().response()
    assert d.take() == [c.Interrupt()]
    d.now += 1
    assert d.do("PlaybackStarted").take() == [c.Interrupt()]
    assert d.phase == "idle"


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        ({"status": "incomplete", "reason": "max_output_tokens"}, "max_output_tokens"),
        ({"status": "incomplete", "reason": "content_filter"}, "content_filter"),
        ({"status": "incomplete"}, "incomplete"),
        ({"status": "failed"}, "failed"),
        ({}, "empty"),
        ({"had_text": True}, "text_only"),
    ],
)
def test_an_answer_that_brings_neither_sound_nor_tool_is_heard_and_seen_as_an_error_with_its_reason(
    ending: dict[str, Any], reason: str
) -> None:
    d = told(error_shown_s=3.0).thinking().response().ended(had_audio=False, **ending)
    assert d.phase == "listening"
    status = ending.get("status", "completed")
    assert c.Log("no_answer", {"status": status, "reason": reason}, problem=True) in d.orders
    assert d.took(c.PlaySound) == [c.PlaySound("error")]
    assert d.flags.error
    assert not d.wait(3).flags.error


@pytest.mark.parametrize("reason", ["turn_detected", ""])
@pytest.mark.parametrize("had_audio", [False, True])
def test_an_answer_that_the_server_cancels_before_any_of_it_is_heard_is_told_as_one_that_does_not_come(
    reason: str, *, had_audio: bool
) -> None:
    asked = warm().idle().do("Ask").response()
    for d, after in ((warm().thinking().response(), "listening"), (asked, "idle")):
        d.ended(status="cancelled", had_audio=had_audio, reason=reason)
        assert d.phase == after
        lost = c.Log("no_answer", {"status": "cancelled", "reason": reason or "cancelled"}, problem=True)
        assert lost in d.orders
        assert d.took(c.PlaySound) == [c.PlaySound("error")]
        assert d.flags.error


def test_an_error_is_shown_no_longer_than_until_an_answer_is_heard() -> None:
    d = told(error_shown_s=8.0).thinking().response().ended(had_audio=False).do("SpeechStarted")
    d.do("SpeechEnded silence", after=1.0).response("good")
    assert d.flags.error
    d.sound()
    assert not d.flags.error
    assert not d.ended("good").drained().flags.error


def test_an_answer_that_has_failed_is_shown_as_such_though_what_came_of_it_is_heard() -> None:
    d = told(error_shown_s=8.0).thinking().response().ended(status="incomplete", reason="content_filter")
    assert d.sound().flags.error
    assert d.drained().flags.error


def test_an_answer_that_is_cut_in_mid_sentence_says_so_after_what_came_of_it() -> None:
    d = warm().speaking().ended(status="incomplete", reason="max_output_tokens")
    assert d.took(c.PlaySound) == []
    assert d.drained().phase == "listening"
    assert d.took(c.PlaySound) == [c.PlaySound("error")]


def test_an_answer_after_which_a_tool_runs_is_none_that_brings_nothing() -> None:
    d = warm().thinking().response().ended(had_audio=False, tool_calls=1)
    assert d.phase == "thinking"
    assert d.took(c.PlaySound) == []


@pytest.mark.parametrize("phase", ["thinking", "speaking"])
@pytest.mark.parametrize("kind", ["caption", "tool", "internal", "request"])
def test_an_error_that_is_about_something_else_than_the_answer_is_logged_and_no_more(
    phase: str, kind: str
) -> None:
    d = warm().thinking() if phase == "thinking" else warm().speaking()
    d.do(f"SessionError {kind}")
    assert d.phase == phase
    assert not d.flags.error
    assert c.Log("session_error", {"kind": kind}, problem=True) in d.orders
    assert d.take() == []
