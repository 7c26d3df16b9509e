"""Answers for which a tool runs, and the tool that ends the conversation."""

from speakerd.dialogue import commands as c
from tests.dialogue.driver import told, warm


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
