"""Interrupted, or begun, by voice alone."""

from speakerd.audio.events import PlaybackStarted
from speakerd.dialogue import commands as c
from tests.dialogue.driver import warm


def test_a_suspected_voice_ducks_a_confirmed_one_interrupts_and_is_heard() -> None:
    d = warm().speaking().do("BargeInSuspected")
    assert d.take() == [c.SetVoice("ducked")]
    assert d.uplink == "hold"
    d.do("BargeInConfirmed")
    assert d.take()[:2] == [c.Interrupt(), c.SetVoice("normal")]
    assert d.phase == "listening"
    assert d.uplink == "open"
    assert d.do("SpeechStarted", "SpeechEnded silence", after=0.5).phase == "thinking"


def test_a_rejected_voice_restores_the_answer() -> None:
    d = warm().speaking().do("BargeInSuspected", "BargeInRejected")
    assert d.take() == [c.SetVoice("ducked"), c.SetVoice("normal"), c.DiscardAudio(sent=False)]
    assert d.phase == "speaking"
    assert d.uplink == "closed"


def test_an_answer_that_ends_while_a_voice_is_suspected_is_restored() -> None:
    d = warm().speaking().ended().do("BargeInSuspected").drained()
    assert d.phase == "listening"
    assert c.SetVoice("normal") in d.take()
    assert d.do("BargeInConfirmed").phase == "listening"


def test_an_answer_that_is_heard_right_after_an_interruption_is_one() -> None:
    d = warm().thinking().response().press().do("Ask")
    d.send(PlaybackStarted("item", d.now))
    assert d.phase == "speaking"


def test_the_wake_word_interrupts_an_answer() -> None:
    d = warm().speaking().do("WakeWordHeard")
    assert d.phase == "listening"
    assert d.take()[0] == c.Interrupt()


def test_the_wake_word_starts_a_conversation_from_its_end_on_with_a_sound() -> None:
    d = warm().idle().do("WakeWordHeard")
    orders = d.take()
    assert orders[0] == c.Listen("gated", since=d.now)
    assert c.PlaySound("wake") in orders


def test_an_answer_that_falls_silent_in_its_middle_is_no_longer_shown_as_heard() -> None:
    d = warm().speaking().do("PlaybackUnderrun")
    shown = [d.wait(seconds).dialogue.light for seconds in (1.9, 0.2)]
    assert d.phase == "speaking"
    d.do("PlaybackResumed")
    shown += [d.wait(seconds).dialogue.light for seconds in (0.0, 60.0)]
    assert shown == ["speaking", "thinking", "speaking", "speaking"]
    d.do("PlaybackUnderrun").wait(3).ended()
    assert d.dialogue.light == "thinking"
    assert d.do("PlaybackDrained").phase == "listening"


def test_a_moment_without_sound_is_none() -> None:
    d = warm().speaking().do("PlaybackUnderrun").do("PlaybackResumed", after=1.5).wait(1.0)
    assert d.dialogue.light == "speaking"


def test_the_next_part_of_an_answer_that_fell_silent_is_shown_as_heard() -> None:
    d = warm().speaking().do("PlaybackUnderrun").wait(3)
    assert d.sound().dialogue.light == "speaking"
