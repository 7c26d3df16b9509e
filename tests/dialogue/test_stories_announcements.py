"""Announcements in the dialogue: when they begin, what ends them, and what whoever asked is told."""

import pytest

from speakerd.dialogue import commands as c
from speakerd.dialogue import events
from speakerd.dialogue.refusal import MAX_ANNOUNCEMENTS
from tests.dialogue.driver import Driver, cold, told, warm


def say(d: Driver, request: int = 1, text: str = "dinner is ready") -> Driver:
    return d.send(events.Say(text, request=request))


def test_in_idle_it_begins_at_once_and_nobody_is_connected_to() -> None:
    d = cold().do("Ready")
    d.take()
    assert say(d).phase == "announcing"
    assert d.light == "speaking"
    assert d.uplink == "closed"
    assert d.take() == [c.Announce("dinner is ready", chime=False)]
    d.send(events.AnnouncementEnded())
    assert d.reports() == [c.RequestReport(1, "done")]
    assert d.phase == "idle"


def test_one_that_comes_during_start_up_begins_when_it_is_ready() -> None:
    d = say(cold())
    assert d.phase == "starting"
    assert d.do("Ready").phase == "announcing"


def test_between_an_answer_and_the_next_question() -> None:
    d = say(warm().speaking())
    assert d.phase == "speaking"
    d.ended()
    assert d.drained().phase == "announcing"
    assert d.send(events.AnnouncementEnded()).phase == "listening"


def test_after_the_last_answer_of_a_conversation_it_comes_in_idle() -> None:
    d = say(warm().idle().do("Ask").response().sound())
    d.ended()
    assert d.drained().phase == "announcing"
    assert d.send(events.AnnouncementEnded()).phase == "idle"


def test_a_wake_word_or_a_hold_ends_it_and_begins_a_conversation() -> None:
    for begun in (say(warm().idle()).do("WakeWordHeard"), say(warm().idle()).hold()):
        assert begun.phase == "listening"
        assert c.HushAnnouncement() in begun.take()


def test_the_first_thing_done_at_a_press_is_to_be_silent() -> None:
    d = say(say(warm().idle()), 2)
    d.take()
    d.press()
    assert d.orders[0] == c.HushAnnouncement()
    assert [(report.request, report.step) for report in d.reports()] == [(1, "failed"), (2, "failed")]
    assert d.gesture("tap").phase == "idle"


def test_as_many_may_wait_as_the_bound_says() -> None:
    d = warm().listening()
    for number in range(1, MAX_ANNOUNCEMENTS + 1):
        assert say(d, number).reports() == []
    (refused,) = say(d, 99).reports()
    assert refused.step == "failed"
    assert "8 announcements wait already" in refused.reason


def test_one_that_waits_for_too_long_is_given_up() -> None:
    d = say(told(announcement_wait_s=5.0, listen_window_s=60.0).listening())
    assert d.wait(4.9).reports() == []
    assert [report.step for report in d.wait(0.2).reports()] == ["failed"]
    assert d.phase == "listening"


@pytest.mark.parametrize(
    ("event", "reason"),
    [("Mute", "it was muted"), ("Stop", "it was stopped"), ("loudspeaker lost", "the sound card was lost"),
     ("SessionError server", "the answer failed; the journal says why"), ("Wake", "somebody woke it")],
)  # fmt: skip
def test_a_typed_question_whose_answer_is_cut_short_is_told_why(event: str, reason: str) -> None:
    d = warm().idle().send(events.Ask("how are you", request=7)).response()
    assert d.reports() == [c.RequestReport(7, "begun")]
    assert d.do(event, after=1.0).reports() == [c.RequestReport(7, "failed", reason)]


def test_a_typed_question_that_waits_for_the_connection_gives_way_to_a_voice_and_is_told() -> None:
    d = cold().do("Ready").send(events.Ask("how are you", request=7))
    assert d.phase == "connecting"
    assert d.reports() == []
    d.hold()
    assert d.reports() == [c.RequestReport(7, "failed", "somebody pressed the button")]


def test_the_later_of_two_typed_questions_is_asked_and_the_other_told() -> None:
    d = cold().do("Ready").send(events.Ask("one", request=1)).send(events.Ask("two", request=2))
    assert d.reports() == [c.RequestReport(1, "failed", "another question took its place")]
    d.do("Connected")
    assert c.SendText("two", request=2) in d.orders
    assert d.reports() == [c.RequestReport(2, "begun")]
