"""Turns that the server ends."""

from speakerd.dialogue import commands as c
from tests.dialogue.driver import served


def test_a_server_turn_goes_on_through_our_silence_until_the_server_says_so() -> None:
    d = served().listening().do("SpeechStarted", "ServerSpeechStarted", after=0.2)
    assert d.do("SpeechEnded closed").phase == "listening"
    d.do("SpeechStarted").wait(4)
    assert d.phase == "listening"
    d.take()
    d.do("ServerSpeechStopped")
    assert d.phase == "thinking"
    assert not d.took(c.Commit)
    assert d.do("TurnCommitted").response().sound().ended().drained().phase == "listening"


def test_the_microphone_is_told_that_the_server_ends_the_turn() -> None:
    d = served().idle().press()
    assert d.take()[0] == c.Listen("gated", since=d.now, ends_by="server")


def test_speech_that_the_server_hears_again_is_streamed_on() -> None:
    d = served().listening().do("SpeechStarted", "ServerSpeechStarted", "ServerSpeechStopped", after=0.3)
    d.take()
    d.do("ServerSpeechStarted", after=0.1)
    assert d.phase == "listening"
    assert d.take()[:2] == [c.Interrupt(), c.Listen("open", None, "server")]
    d.do("ServerSpeechStopped", after=1.0)
    assert d.phase == "thinking"
    assert d.take()[0] == c.Listen("gated", None, "server")


def test_noise_that_the_server_does_not_take_for_speech_is_discarded() -> None:
    d = served(server_start_limit_s=3.0).listening().do("SpeechStarted").wait(2.9)
    d.take()
    assert d.wait(0.2).phase == "listening"
    assert c.DiscardAudio(sent=True) in d.take()
    assert d.wait(11).phase == "idle"


def test_a_server_that_never_reports_the_end_is_asked_in_the_end() -> None:
    d = (
        served()
        .listening()
        .do("SpeechStarted", "ServerSpeechStarted")
        .do("SpeechEnded server_silent", after=10.0)
    )
    assert d.phase == "thinking"
    assert c.Commit() in d.take()


def test_a_server_that_answers_without_a_word_before_is_taken_as_it_is() -> None:
    d = served().listening().do("SpeechStarted").response()
    assert d.phase == "thinking"


def test_a_server_that_cancels_its_own_answer_gives_the_floor_back() -> None:
    d = (
        served()
        .listening()
        .do("SpeechStarted", "ServerSpeechStarted", "ServerSpeechStopped")
        .response()
        .sound()
    )
    d.take()
    d.ended(status="cancelled")
    assert d.phase == "listening"
    assert d.take()[0] == c.Interrupt()


def test_speech_that_only_the_server_hears_is_streamed_so_that_it_hears_the_end() -> None:
    d = served().listening()
    d.take()
    d.do("ServerSpeechStarted")
    (listen,) = d.take()
    assert (listen.mode, listen.ends_by) == ("open", "server")  # type: ignore[union-attr]  # it is a Listen
    assert d.wait(50).phase == "listening"
    assert d.do("ServerSpeechStopped").phase == "thinking"


def test_speech_that_only_the_server_hears_and_that_never_ends_is_committed_after_a_minute() -> None:
    d = served().listening().do("ServerSpeechStarted")
    assert d.wait(59).phase == "listening"
    d.take()
    assert d.wait(2).phase == "thinking"
    assert c.Commit() in d.take()
