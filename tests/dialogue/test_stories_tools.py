"""Answers for which a tool runs, and the tool that ends the conversation."""

from typing import Any

import pytest

from speakerd.dialogue import commands as c
from speakerd.dialogue import events
from tests.dialogue.driver import Driver, told, warm


def test_a_tool_without_sound_thinks_on_until_the_answer_that_follows() -> None:
    d = warm().thinking().response("a").do("ToolStarted").ended("a", had_audio=False, tool_calls=1)
    assert d.light == "thinking"
    assert d.wait(60).phase == "thinking"
    d.do("ToolEnded").response("b").sound().ended("b")
    assert d.drained().phase == "listening"


def test_a_tool_after_sound_thinks_again() -> None:
    d = warm().speaking().do("ToolStarted").ended(tool_calls=1).drained()
    assert d.phase == "thinking"
    assert d.do("ToolEnded").response("b").sound().phase == "speaking"


def test_the_next_part_of_an_answer_may_begin_while_the_first_is_heard() -> None:
    d = warm().speaking().do("ToolStarted").ended(tool_calls=1).do("ToolEnded").response("b").ended("b")
    assert d.drained().phase == "listening"


def test_a_tool_that_never_ends_is_given_up() -> None:
    d = told(tool_timeout_s=30.0).thinking().response().do("ToolStarted").ended(had_audio=False, tool_calls=1)
    assert d.wait(31).phase == "listening"


def test_the_word_that_ends_the_conversation_lets_the_goodbye_be_heard() -> None:
    d = warm().speaking().do("ToolStarted", "ConversationEndRequested", "ToolEnded").ended(tool_calls=1)
    assert d.phase == "speaking"
    assert d.drained().phase == "idle"
    assert c.PlaySound("end") in d.take()


def test_a_goodbye_that_follows_the_tool_is_waited_for() -> None:
    d = warm().thinking().response("a").do("ToolStarted", "ConversationEndRequested", "ToolEnded")
    d.ended("a", had_audio=False, tool_calls=1)
    assert d.phase == "thinking"
    assert d.response("b").sound().ended("b").drained().phase == "idle"


def test_a_second_goodbye_is_not_said() -> None:
    d = (
        warm()
        .speaking()
        .do("ToolStarted", "ConversationEndRequested", "ToolEnded")
        .ended(tool_calls=1)
        .drained()
    )
    d.take()
    assert d.response("b").take() == [c.Interrupt()]
    assert d.phase == "idle"


def with_a_tool(d: Driver, call_id: str = "c1") -> Driver:
    """Its first answer is over but for a tool that runs."""
    d.thinking().response("a").send(events.ToolStarted("slow", call_id)).ended(
        "a", had_audio=False, tool_calls=1
    )
    assert d.phase == "thinking"
    return d


def test_a_tool_that_outlasts_another_question_is_waited_for_and_its_result_is_said() -> None:
    d = with_a_tool(told(follow_up_window_s=1.5, tool_timeout_s=60.0)).tap().speech()
    d.response("b").sound().ended("b").drained()
    assert d.light == "thinking"
    d.wait(20)
    assert d.light == "thinking"
    d.send(events.ToolEnded("slow", "c1"))
    assert d.phase == "thinking"
    assert d.response("c").sound().ended("c").drained().phase == "listening"
    assert d.wait(2).phase == "idle"


@pytest.mark.parametrize("settings", [{}, {"mode": "one_shot"}])
def test_while_a_tool_runs_nobody_who_says_nothing_ends_the_conversation(settings: dict[str, Any]) -> None:
    d = with_a_tool(told(listen_window_s=5.0, tool_timeout_s=60.0, **settings)).tap()
    assert d.phase == "listening"
    d.take()
    assert d.wait(5).phase == "thinking"
    assert d.took(c.PlaySound) == []
    d.send(events.ToolEnded("slow", "c1"))
    assert d.response("c").sound().phase == "speaking"


def test_a_result_that_is_due_when_the_window_ends_is_waited_for() -> None:
    d = with_a_tool(told(listen_window_s=5.0)).tap().send(events.ToolEnded("slow", "c1"))
    assert d.wait(5).phase == "thinking"
    assert d.wait(19).phase == "thinking"
    assert d.wait(2).phase == "listening"
    assert c.PlaySound("error") in d.take()
    assert d.wait(8).phase == "idle"


def test_a_tool_of_a_cancelled_response_is_waited_for_and_nothing_after_it() -> None:
    d = with_a_tool(told(listen_window_s=5.0)).tap().wait(5)
    d.send(events.ToolEnded("slow", "c1"))
    assert d.phase == "thinking"
    d.send(events.NoReplyDue("a"))
    assert d.phase == "listening"


def test_a_tool_that_never_ends_is_given_up_once() -> None:
    d = with_a_tool(told(listen_window_s=5.0, tool_timeout_s=30.0)).tap().wait(5 + 31)
    assert d.phase == "listening"
    assert c.Log("answer_timeout", {"waited_for": "tool", "tools": 1}, problem=True) in d.orders
    assert d.took(c.PlaySound).count(c.PlaySound("error")) == 1
    assert d.wait(8).phase == "idle"


def test_the_end_of_a_tool_that_nobody_waits_for_any_more_changes_nothing() -> None:
    d = with_a_tool(told(tool_timeout_s=30.0)).wait(31)
    d.take()
    assert d.send(events.ToolEnded("slow", "c1")).take() == []


def test_an_answer_that_fails_while_a_tool_runs_is_an_error_and_the_tool_is_waited_for() -> None:
    d = with_a_tool(told(mode="one_shot")).tap().speech().do("SessionError server")
    assert d.phase == "thinking"
    assert c.PlaySound("error") in d.take()
    d.send(events.ToolEnded("slow", "c1"))
    assert d.response("c").sound().ended("c").drained().phase == "idle"
    assert d.took(c.PlaySound) == []


def test_an_empty_answer_while_a_tool_runs_is_an_error_at_once() -> None:
    d = with_a_tool(told()).tap().speech().response("b").ended("b", had_audio=False)
    assert d.phase == "thinking"
    assert d.took(c.PlaySound) == [c.PlaySound("error")]
    d.send(events.ToolEnded("slow", "c1"))
    assert d.response("c").sound().ended("c").drained().phase == "listening"
    assert d.took(c.PlaySound) == []


def test_a_connection_lost_while_a_tool_runs_does_not_end_the_conversation() -> None:
    d = warm().speaking().send(events.ToolStarted("slow", "c1")).ended(tool_calls=1)
    d.do("ConnectionLost").drained()
    assert d.light == "offline"
    d.do("Connected").send(events.ToolEnded("slow", "c1"))
    assert d.response("c").sound().ended("c").drained().phase == "listening"


def test_a_session_that_ends_takes_its_tools_along() -> None:
    d = with_a_tool(told()).send(events.ToolEnded("slow", "c1", reply_due=False))
    assert d.phase == "listening"
    assert not d.dialogue.state.result_due


def silence(d: Driver, response_id: str) -> Driver:
    d.response(response_id).send(events.ToolStarted("stay_silent", "s")).ended(
        response_id, had_audio=False, tool_calls=1
    )
    return d.send(events.ToolEnded("stay_silent", "s")).send(events.NoReplyDue(response_id))


def test_a_model_that_chooses_to_say_nothing_listens_on_without_a_sound_but_not_twice() -> None:
    d = silence(told().thinking(), "a")
    assert d.phase == "listening"
    assert d.took(c.PlaySound) == []
    assert silence(d.speech(), "b").phase == "idle"
    assert d.took(c.PlaySound) == [c.PlaySound("end")]


def test_an_answer_between_two_silences_makes_them_two() -> None:
    d = silence(told().thinking(), "a").speech().response("b").sound().ended("b").drained()
    assert silence(d.speech(), "c").phase == "listening"


def test_a_model_that_says_nothing_in_one_shot_ends_the_conversation() -> None:
    d = silence(told(mode="one_shot").thinking(), "a")
    assert d.phase == "idle"
    assert d.took(c.PlaySound) == [c.PlaySound("end")]


def test_a_goodbye_that_was_said_with_the_call_is_all_there_is() -> None:
    d = warm().speaking().do("ToolStarted", "ConversationEndRequested", "ToolEnded").ended("r1", tool_calls=1)
    d.send(events.NoReplyDue("r1"))
    assert d.phase == "speaking"
    assert d.drained().phase == "idle"


def working(driver: Driver) -> int:
    """How often a sound has said that a tool is at work, since the last call."""
    return driver.take().count(c.PlaySound("working"))


def test_a_tool_that_takes_long_is_told_by_a_sound_again_and_again_and_no_longer_once_it_has_ended() -> None:
    d = told(working_every_s=5.0).thinking().response()
    d.do("ToolStarted").ended(tool_calls=1, had_audio=False)
    d.take()
    assert working(d.wait(4.9)) == 0
    assert working(d.wait(0.2)) == 1
    assert working(d.wait(10.0)) == 2
    d.do("ToolEnded")
    assert working(d.wait(10.0)) == 0


def test_a_tool_that_waits_for_a_yes_is_not_at_work() -> None:
    d = told(working_every_s=5.0).thinking().response()
    d.do("ToolStarted").ended(tool_calls=1, had_audio=False).approval()
    assert working(d.wait(20.0)) == 0
