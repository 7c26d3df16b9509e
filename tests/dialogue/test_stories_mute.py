"""Muted by a gesture, a request or the switch: nothing is heard, and it shows."""

import pytest

from speakerd.dialogue import commands as c
from tests.dialogue.driver import told, warm


@pytest.mark.parametrize("how", ["Mute", "mute_on"])
@pytest.mark.parametrize("place", ["idle", "listening", "thinking", "speaking"])
def test_muting_shuts_the_microphone_at_once_and_shows_it(how: str, place: str) -> None:
    d = getattr(warm(), place)().do(how)
    assert d.uplink == "closed"
    assert d.light == "muted"
    orders = d.take()
    if place != "idle":
        assert c.Listen("closed") in orders[:2]
    assert c.PlaySound("mute") in orders


def test_an_answer_may_be_heard_to_its_end_while_muted() -> None:
    d = told(mute_while_answering="finish").speaking().do("Mute")
    assert d.phase == "speaking"
    assert d.uplink == "closed"
    assert c.Listen("closed") in d.take()
    assert d.do("BargeInConfirmed").phase == "speaking"
    assert d.ended().drained().phase == "idle"
    assert d.light == "muted"


def test_a_press_ends_an_answer_that_goes_on_while_muted_and_does_not_listen() -> None:
    d = told(mute_while_answering="finish").speaking().do("Mute")
    d.take()
    d.tap()
    assert d.phase == "idle"
    assert d.take()[0] == c.Interrupt()


def test_a_press_while_muted_is_refused_audibly() -> None:
    d = warm().idle().do("Mute")
    d.take()
    d.tap()
    assert d.phase == "idle"
    assert d.take() == [c.PlaySound("mute")]


def test_a_press_while_muted_may_unmute() -> None:
    d = told(press_while_muted="unmute").idle().do("Mute").tap()
    assert d.phase == "listening"
    assert not d.flags.muted


@pytest.mark.parametrize("how", ["tap", "hold", "double"])
def test_no_gesture_gets_past_the_mute_switch(how: str) -> None:
    d = getattr(told(press_while_muted="unmute").idle().do("mute_on"), how)()
    assert d.phase == "idle"
    assert d.flags.muted
    assert d.do("Unmute").flags.muted
    assert not d.do("mute_off").flags.muted


def test_a_double_press_unmutes_without_a_refusal_before() -> None:
    d = warm().idle().do("Mute")
    d.take()
    d.double()
    assert [order for order in d.take() if isinstance(order, c.PlaySound)] == [c.PlaySound("unmute")]


@pytest.mark.parametrize("name", ["Wake", "Ask", "hold_start", "WakeWordHeard"])
def test_nothing_begins_while_muted(name: str) -> None:
    d = warm().idle().do("Mute").do(name)
    assert d.phase == "idle"
    assert not d.took(c.SendText)


def test_text_may_pass_while_muted_if_so_set_and_the_microphone_stays_shut() -> None:
    d = told(text_while_muted=True).idle().do("Mute", "Ask")
    assert d.phase == "thinking"
    assert c.SendText("what is the time") in d.take()
    d.response().sound()
    assert d.uplink == "closed"
    assert d.ended().drained().phase == "idle"


def test_it_can_start_muted() -> None:
    assert told(start_muted=True).idle().tap().phase == "idle"


def test_the_wake_word_is_not_listened_for_while_muted() -> None:
    d = warm().idle().do("Mute")
    assert c.ArmWakeWord(armed=False) in d.take()
    assert c.ArmWakeWord(armed=True) in d.do("Unmute").take()
