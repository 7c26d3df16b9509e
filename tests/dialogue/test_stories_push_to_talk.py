"""Talking while the button is held."""

from speakerd.dialogue import commands as c
from tests.dialogue.driver import served, told, warm


def test_holding_talks_from_the_moment_of_the_press() -> None:
    d = warm().idle()
    pressed_at = d.now
    d.hold()
    assert d.take()[-2:] == [c.Listen("open", since=pressed_at, ends_by="release"), c.SendHeld()]
    assert d.uplink == "open"


def test_release_ends_the_turn_as_soon_as_its_last_sound_is_through() -> None:
    d = warm().idle().hold()
    d.now += 2
    d.take()
    d.gesture("hold_end", 0.0)
    assert d.take() == [c.Listen("closed")]
    assert d.uplink == "open"
    d.do("SpeechEnded released", after=0.01)
    assert d.phase == "thinking"
    assert d.take()[0] == c.Commit()


def test_release_ends_the_turn_even_if_the_microphone_says_nothing() -> None:
    d = warm().idle().hold().gesture("hold_end", 1.0)
    assert d.wait(0.24).phase == "listening"
    assert d.wait(0.02).phase == "thinking"


def test_silence_does_not_end_a_turn_that_the_hand_holds_open() -> None:
    d = warm().idle().hold().speech()
    assert d.phase == "listening"


def test_after_push_to_talk_it_does_not_listen_by_itself() -> None:
    d = warm().idle().hold().gesture("hold_end", 1.0).do("SpeechEnded released")
    assert d.response().sound().ended().drained().phase == "idle"


def test_after_push_to_talk_it_listens_if_so_set() -> None:
    d = told(follow_up_after_talk=True).idle().hold().gesture("hold_end", 1.0).do("SpeechEnded released")
    assert d.response().sound().ended().drained().phase == "listening"


def test_a_held_turn_is_answered_at_its_limit() -> None:
    d = told(turn_limit_s=10.0).idle().hold().wait(9)
    assert d.phase == "listening"
    assert d.wait(2).phase == "thinking"


def test_holding_while_it_speaks_interrupts_at_the_press() -> None:
    d = warm().speaking().press()
    assert d.take()[0] == c.Interrupt()
    d.gesture("hold_start", 0.4)
    assert d.talking
    assert d.uplink == "open"


def test_pressing_again_right_after_release_goes_on_with_the_turn() -> None:
    d = warm().idle().hold().gesture("hold_end", 1.0).hold()
    assert d.phase == "listening"
    assert d.talking
    assert not d.took(c.Commit)


def test_an_answer_that_begins_while_somebody_holds_the_floor_is_interrupted() -> None:
    d = served().idle().hold()
    d.take()
    assert d.response().phase == "listening"
    assert c.Interrupt() in d.take()
