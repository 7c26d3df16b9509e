"""What a press does, wherever one is in a conversation."""

import pytest

from speakerd.dialogue import commands as c
from speakerd.panel.settings import GestureSettings
from tests.dialogue.driver import told, warm


def test_a_second_press_ends_the_listening_and_forgets_what_was_said() -> None:
    d = warm().listening().do("SpeechStarted")
    d.tap()
    assert d.phase == "idle"
    assert c.DiscardAudio(sent=True) in d.take()


def test_a_second_press_can_send_instead() -> None:
    d = told(press_while_listening="send").listening().do("SpeechStarted").tap()
    assert d.phase == "thinking"
    assert c.Commit() in d.take()


def test_a_second_press_ends_if_there_is_nothing_to_send() -> None:
    assert told(press_while_listening="send").listening().tap().phase == "idle"


def test_between_the_second_press_and_knowing_it_nothing_is_sent() -> None:
    d = warm().listening().press()
    assert d.uplink == "hold"


@pytest.mark.parametrize("place", ["thinking", "speaking"])
def test_a_press_while_it_answers_interrupts_at_once_and_listens(place: str) -> None:
    d = getattr(warm(), place)().press()
    assert d.phase == "listening"
    assert d.take()[0] == c.Interrupt()


@pytest.mark.parametrize("place", ["thinking", "speaking"])
def test_a_press_while_it_answers_can_end_instead(place: str) -> None:
    d = getattr(told(press_while_answering="end"), place)().tap()
    assert d.phase == "idle"
    assert d.take()[0] == c.Interrupt()


def test_a_spike_on_the_wire_undoes_what_it_began() -> None:
    d = warm().idle().press().gesture("spike", 0.03)
    assert d.phase == "idle"
    assert c.DiscardAudio(sent=False) in d.take()


def test_a_spike_while_listening_changes_nothing() -> None:
    d = warm().listening().press().gesture("spike", 0.03)
    assert d.phase == "listening"
    assert d.uplink == "open"


def test_a_double_press_mutes_and_nothing_of_what_was_said_between_has_left() -> None:
    d = warm().idle().press().do("SpeechStarted", after=0.05)
    d.gesture("double_tap", 0.2)
    assert d.phase == "idle"
    assert d.flags.muted
    orders = d.take()
    assert c.SendHeld() not in orders
    assert c.DiscardAudio(sent=False) in orders


def test_a_press_during_start_up_is_answered_when_ready() -> None:
    d = warm().tap()
    assert d.phase == "starting"
    d.do("Ready", after=3.0)
    assert d.phase == "connecting"
    assert c.Connect() in d.take()


def test_a_press_during_start_up_does_not_count_for_ever() -> None:
    assert told(remember_press_s=5.0).tap().do("Ready", after=6.0).phase == "idle"


def test_a_hold_that_lasts_through_start_up_talks_when_ready() -> None:
    d = warm().do("Connected").hold().do("Ready", after=1.0)
    assert d.phase == "listening"
    assert d.talking


def test_a_hold_that_ended_during_start_up_is_forgotten() -> None:
    assert warm().hold().gesture("hold_end").do("Ready").phase == "idle"


def test_a_press_that_is_still_being_made_when_ready_counts() -> None:
    d = warm().do("Connected").press().do("Ready", after=0.1)
    assert d.phase == "listening"
    assert d.uplink == "hold"
    assert d.gesture("tap").uplink == "open"


def test_mapped_gestures_do_what_they_are_mapped_to() -> None:
    gestures = GestureSettings(press="mute", hold="stop", double="conversation", long="none")
    d = warm(gestures=gestures).idle()
    assert d.tap().flags.muted
    assert not d.tap().flags.muted
    assert d.double().phase == "listening"
    assert d.hold().phase == "idle"


def test_a_long_press_may_stop_everything() -> None:
    d = warm(gestures=GestureSettings(long="stop", hold="none")).speaking().press().gesture("long_press", 8.0)
    assert d.phase == "idle"


def test_volume_buttons_change_the_volume_in_any_state() -> None:
    d = warm().speaking().do("volume_up", "volume_down")
    assert d.take() == [c.ChangeVolume(1), c.ChangeVolume(-1)]


def test_a_stuck_button_is_an_error_until_it_comes_up() -> None:
    d = warm().idle().hold().gesture("hold_end", 60.0).gesture("stuck", 0.0)
    assert d.flags.error
    d.do("SpeechEnded released", "SessionError empty_turn")
    assert d.light == "error"
    assert not d.do("unstuck").flags.error
