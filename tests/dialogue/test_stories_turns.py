"""A turn as people take it: asking, being answered, and the follow-up."""

from speakerd.dialogue import commands as c
from tests.dialogue.driver import told, warm


def test_a_press_listens_at_once_and_back_to_its_own_moment() -> None:
    d = warm().idle().press()
    assert d.phase == "listening"
    assert d.take()[0] == c.Listen("gated", since=d.now, ends_by="gate")


def test_what_is_said_is_kept_until_the_press_is_known_to_be_a_tap_and_then_sent() -> None:
    d = warm().idle().press()
    d.do("SpeechStarted", after=0.1)
    assert d.uplink == "hold"
    d.take()
    d.gesture("tap")
    assert d.uplink == "open"
    assert d.take() == [c.SendHeld()]


def test_a_whole_turn_from_press_to_follow_up() -> None:
    d = warm().listening().speech()
    assert d.phase == "thinking"
    assert c.Commit() in d.take()
    d.response()
    assert d.phase == "thinking"
    d.sound()
    assert d.phase == "speaking"
    d.ended()
    assert d.phase == "speaking"
    d.drained()
    assert d.phase == "listening"
    assert d.uplink == "open"


def test_thinking_lasts_until_sound_not_until_the_model_is_done() -> None:
    d = warm().thinking().response().ended()
    assert d.phase == "thinking"
    d.sound()
    assert d.phase == "speaking"


def test_speaking_lasts_until_the_last_sample_when_the_model_is_done_first() -> None:
    d = warm().speaking().ended()
    assert d.phase == "speaking"
    assert d.drained().phase == "listening"


def test_speaking_lasts_until_the_model_is_done_when_the_sound_runs_out_first() -> None:
    d = warm().speaking().drained()
    assert d.phase == "speaking"
    assert d.ended().phase == "listening"


def test_sound_that_goes_on_after_a_gap_is_heard_to_its_end() -> None:
    d = warm().speaking().drained().sound().ended()
    assert d.phase == "speaking"
    assert d.drained().phase == "listening"


def test_a_reply_without_sound_is_followed_by_listening() -> None:
    assert warm().thinking().response().ended(had_audio=False).phase == "listening"


def test_speech_that_ends_before_the_press_is_understood_is_asked_when_it_is() -> None:
    d = warm().idle().press().do("SpeechStarted", "SpeechEnded silence", after=0.1)
    assert d.phase == "listening"
    d.take()
    d.gesture("tap")
    assert d.phase == "thinking"
    assert d.take()[1:3] == [c.SendHeld(), c.Commit()]


def test_the_follow_up_window_closes_after_a_silence_with_a_sound() -> None:
    d = told(follow_up_window_s=5.0).speaking().ended().drained()
    d.take()
    assert d.wait(4.9).phase == "listening"
    assert d.wait(0.2).phase == "idle"
    orders = d.take()
    assert orders[0] == c.Listen("closed")
    assert c.PlaySound("end") in orders


def test_speech_in_the_follow_up_window_is_a_turn() -> None:
    d = warm().speaking().ended().drained().wait(4).do("SpeechStarted").wait(20)
    assert d.phase == "listening"
    assert d.do("SpeechEnded silence").phase == "thinking"


def test_in_one_shot_mode_nothing_is_heard_after_the_answer_or_during_it() -> None:
    d = told(mode="one_shot").listening().speech()
    assert c.Listen("closed") in d.take()
    assert d.response().sound().do("BargeInConfirmed").phase == "speaking"
    assert d.ended().drained().phase == "idle"


def test_nobody_speaking_after_a_press_ends_the_listening() -> None:
    d = told(listen_window_s=6.0).listening()
    assert d.wait(5.5).phase == "listening"
    assert d.wait(0.7).phase == "idle"
    assert c.DiscardAudio(sent=False) in d.take()


def test_a_turn_that_never_ends_is_answered_at_its_limit() -> None:
    d = told(turn_limit_s=30.0).listening().do("SpeechStarted").wait(29)
    assert d.phase == "listening"
    assert d.wait(2).phase == "thinking"


def test_going_on_speaking_before_the_answer_sounds_takes_the_turn_back() -> None:
    d = warm().thinking().response().do("SpeechStarted")
    assert d.phase == "listening"
    assert d.take()[0] == c.Interrupt()
    assert d.uplink == "open"


def test_going_on_speaking_can_be_ignored() -> None:
    assert told(speech_while_thinking="ignore").thinking().do("SpeechStarted").phase == "thinking"


def test_own_sound_that_cuts_speech_off_does_not_ask() -> None:
    d = warm().listening().do("SpeechStarted", "SpeechEnded own_voice", after=0.2)
    assert d.phase == "listening"
    assert c.Commit() not in d.take()
    assert d.wait(11).phase == "idle"
