"""A timer that rings, and the press that silences it."""

from speakerd.dialogue import commands as c
from speakerd.dialogue import events
from tests.dialogue.driver import told, warm


def test_a_timer_rings_until_it_is_silenced_by_a_press_that_does_no_more() -> None:
    d = told(ring_every_s=2.0).idle().do("TimerRinging")
    assert d.light == "ringing"
    d.wait(6.5)
    assert d.take() == [c.PlaySound("timer")] * 4
    d.press()
    assert d.take() == [c.SilenceTimer("tea")]
    d.gesture("tap")
    assert d.take() == []
    assert d.phase == "idle"


def test_two_presses_at_a_ringing_timer_do_not_mute() -> None:
    d = warm().idle().do("TimerRinging").double()
    assert not d.flags.muted
    assert not d.flags.ringing


def test_a_press_silences_the_timer_first_and_answers_no_question() -> None:
    d = warm().thinking().approval().do("TimerRinging")
    d.take()
    d.tap()
    assert d.take() == [c.SilenceTimer("tea")]
    assert d.flags.approval


def test_holding_after_the_timer_is_silenced_talks() -> None:
    assert warm().idle().do("TimerRinging").hold().phase == "listening"


def test_a_timer_nobody_silences_stops_in_the_end() -> None:
    d = told(ring_limit_s=20.0).idle().do("TimerRinging").wait(21)
    assert not d.flags.ringing
    assert c.SilenceTimer("tea") in d.take()


def test_several_timers_ring_together_and_are_silenced_one_by_one_or_all() -> None:
    d = warm().idle()
    for name in ("eggs", "rice", "tea"):
        d.send(events.TimerRinging(name))
    d.send(events.TimerSilenced("rice"))
    assert d.dialogue.state.ringing == ("eggs", "tea")
    d.send(events.TimerSilenced())
    assert not d.flags.ringing


def test_a_timer_rings_while_it_speaks_and_the_answer_goes_on() -> None:
    d = warm().speaking().do("TimerRinging")
    assert d.light == "ringing"
    assert d.tap().phase == "speaking"
