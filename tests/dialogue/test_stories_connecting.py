"""Conversations while there is no connection yet, or no longer."""

import pytest

from speakerd.dialogue import commands as c
from tests.dialogue.driver import Driver, cold, warm


def start_cold(d: Driver) -> Driver:
    d.do("Ready").tap()
    assert d.phase == "connecting"
    return d


def test_speech_is_kept_while_connecting_and_sent_then() -> None:
    d = start_cold(cold()).do("SpeechStarted")
    assert d.uplink == "hold"
    d.take()
    d.do("Connected")
    assert d.phase == "listening"
    assert d.take() == [c.SendHeld()]


def test_a_turn_that_ends_while_connecting_is_asked_once_connected() -> None:
    d = start_cold(cold()).speech()
    assert d.phase == "connecting"
    assert d.take()[-1] == c.Listen("closed")
    d.do("Connected", after=0.5)
    assert d.phase == "thinking"
    assert d.take()[1:3] == [c.SendHeld(), c.Commit()]


def test_push_to_talk_while_connecting_is_asked_once_connected() -> None:
    d = cold().do("Ready").hold()
    assert d.phase == "connecting"
    d.gesture("hold_end", 0.5)
    d.take()
    d.do("Connected", after=0.5)
    assert d.phase == "thinking"
    assert d.take()[:2] == [c.SendHeld(), c.Commit()]


def test_push_to_talk_goes_on_when_the_connection_is_there() -> None:
    d = cold().do("Ready").hold().do("Connected")
    assert d.phase == "listening"
    assert d.talking


def test_a_second_press_while_connecting_cancels() -> None:
    d = start_cold(cold()).do("SpeechStarted").tap()
    assert d.phase == "idle"
    orders = d.take()
    assert c.DiscardAudio(sent=False) in orders
    assert c.Disconnect() in orders


def test_a_connection_that_cannot_be_had_says_so_after_its_limit() -> None:
    d = start_cold(cold(connect_timeout_s=8.0)).do("ConnectionLost")
    assert d.phase == "connecting"
    assert d.wait(8).phase == "idle"
    assert c.PlaySound("offline") in d.take()
    assert d.light == "offline"


def test_on_wake_offline_is_shown_until_a_connection_is_there_which_is_not_kept() -> None:
    d = start_cold(cold(error_shown_s=5.0)).wait(20)
    assert d.light == "offline"
    assert [o for o in d.take() if isinstance(o, c.Disconnect | c.Connect)][-2:] == [
        c.Disconnect(),
        c.Connect(),
    ]
    assert d.do("ConnectionLost").wait(1000).light == "offline"
    assert d.take() == []
    assert d.do("Connected").light == "idle"
    assert d.take() == [c.Disconnect()]


def test_a_press_while_offline_tries_at_once() -> None:
    d = start_cold(cold()).wait(20)
    d.take()
    assert d.tap().phase == "connecting"
    assert c.Connect() in d.take()


def test_a_refusal_is_not_offline() -> None:
    d = start_cold(cold()).wait(20).do("ConnectionLost fatal")
    assert not d.flags.offline
    assert d.light == "error"


def test_warm_offline_is_shown_until_connected() -> None:
    d = warm().idle().do("ConnectionLost").wait(1000)
    assert d.light == "offline"
    assert d.do("Connected").light == "idle"


def test_a_key_that_is_refused_is_an_error_until_it_works() -> None:
    d = start_cold(cold()).do("ConnectionLost fatal")
    assert d.phase == "idle"
    assert c.PlaySound("error") in d.take()
    assert d.wait(1000).light == "error"
    assert start_cold(d).do("Connected").flags.error is False


def test_a_connection_that_comes_after_the_conversation_was_ended_is_let_go() -> None:
    d = start_cold(cold()).tap()
    d.take()
    assert d.do("Connected").take() == [c.Disconnect()]
    assert d.tap().phase == "connecting"


def test_on_wake_it_disconnects_when_the_conversation_is_over() -> None:
    d = start_cold(cold()).do("Connected").wait(15)
    assert d.phase == "idle"
    assert c.Disconnect() in d.take()


def test_a_connection_lost_while_listening_is_made_again_and_speech_kept() -> None:
    d = warm().listening().do("SpeechStarted", "ConnectionLost")
    assert d.phase == "connecting"
    assert d.uplink == "hold"
    assert c.Connect() in d.take()
    assert d.do("Connected").phase == "listening"


def test_a_connection_lost_while_thinking_is_healed_and_the_answer_still_comes() -> None:
    d = warm().thinking().do("ConnectionLost")
    assert d.phase == "thinking"
    assert d.light == "offline"
    assert c.PlaySound("offline") not in d.take()
    assert d.do("Connected").response("r2").do("PlaybackStarted", after=0.2).phase == "speaking"


def test_an_answer_that_no_reconnect_brings_is_given_up_with_a_sound() -> None:
    d = warm().thinking().do("ConnectionLost").wait(19.9)
    assert d.phase == "thinking"
    d.wait(0.2)
    assert d.phase == "idle"
    assert d.light == "offline"
    assert c.Log("answer_timeout", {"waited_for": "connection", "tools": 0}, problem=True) in d.orders
    assert c.PlaySound("offline") in d.take()


@pytest.mark.parametrize("reason", ["connection_lost", "superseded"])
def test_a_response_that_ended_with_its_connection_is_still_waited_for(reason: str) -> None:
    d = warm().thinking().response().ended(status="incomplete", had_audio=False, reason=reason)
    assert d.phase == "thinking"
    d.do("ConnectionLost", "Connected", after=0.5)
    assert d.response("r2").sound().phase == "speaking"


def test_a_response_that_ended_with_its_connection_when_some_of_it_had_come_is_heard_first() -> None:
    d = warm().thinking().response().ended(status="incomplete", reason="connection_lost")
    d.do("ConnectionLost", after=0.1).sound()
    assert d.phase == "speaking"
    assert d.drained().phase == "idle"
    assert c.PlaySound("offline") in d.take()


def test_an_answer_that_its_connection_cuts_is_heard_as_far_as_it_came_and_says_why_it_ends() -> None:
    d = warm().speaking().ended(status="incomplete", reason="connection_lost").do("ConnectionLost")
    assert d.phase == "speaking"
    assert d.drained().phase == "idle"
    sounds = d.took(c.PlaySound)
    assert sounds == [c.PlaySound("offline")]


def test_a_connection_lost_while_speaking_lets_what_has_come_be_heard() -> None:
    d = warm().speaking().do("ConnectionLost")
    assert d.phase == "speaking"
    assert d.drained().phase == "idle"
    assert c.PlaySound("offline") in d.take()


def test_getting_ready_connects_only_where_it_is_to_stay_connected() -> None:
    assert warm().do("Ready").take()[0] == c.Connect()
    assert cold().do("Ready").take() == [c.ArmWakeWord(armed=True)]


def test_text_asked_while_not_connected_is_sent_once_connected() -> None:
    d = cold().do("Ready", "Ask")
    assert d.phase == "connecting"
    assert d.uplink == "closed"
    d.do("Connected")
    assert d.phase == "thinking"
    assert c.SendText("what is the time") in d.take()
