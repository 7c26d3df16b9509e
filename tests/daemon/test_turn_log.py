from typing import Any

import pytest

from speakerd.audio.events import PlaybackStarted
from speakerd.config.settings import Settings
from speakerd.daemon.live_settings import LiveSettings
from speakerd.daemon.metrics import MonitorFeed, TurnLog
from speakerd.daemon.metrics.turn_log import Stopwatch
from speakerd.dialogue.commands import Commit, Interrupt, Log
from speakerd.dialogue.events import ResponseStarted


def test_a_latency_is_the_time_between_its_two_marks() -> None:
    watch = Stopwatch()
    assert watch.mark("press", 10.0) == {}
    assert watch.mark("listening", 10.25) == {"press_to_listening": 0.25}


def test_first_sound_completes_both_waits() -> None:
    watch = Stopwatch()
    watch.mark("speech_end", 1.0)
    watch.mark("commit", 1.5)
    assert watch.mark("first_sound", 2.0) == {"speech_end_to_sound": 1.0, "commit_to_sound": 0.5}


def test_a_beginning_is_used_once() -> None:
    watch = Stopwatch()
    watch.mark("interrupt", 1.0)
    watch.mark("silence", 1.02)
    assert watch.mark("silence", 9.0) == {}


def test_marks_in_the_wrong_order_give_no_latency() -> None:
    watch = Stopwatch()
    watch.mark("listening", 1.0)
    assert watch.mark("press", 2.0) == {}


def test_marks_of_two_conversations_never_pair() -> None:
    watch = Stopwatch()
    watch.mark("press", 1.0)
    watch.reset()
    assert watch.mark("listening", 1.1) == {}


def test_marks_hours_apart_belong_to_two_turns() -> None:
    watch = Stopwatch()
    watch.mark("speech_end", 1.0)
    assert watch.mark("first_sound", 4000.0) == {}


class _NoUsage:
    """Counts nothing."""

    def count(self, _details: dict[str, Any]) -> None: ...

    def conversation(self, *, ended: bool) -> None: ...


@pytest.mark.parametrize("heard", [True, False])
def test_what_is_silenced_after_a_turn_whose_end_was_told_is_no_further_turn(
    caplog: pytest.LogCaptureFixture, *, heard: bool
) -> None:
    caplog.set_level("INFO")
    usage: Any = _NoUsage()
    turns = TurnLog(MonitorFeed(), usage, LiveSettings(Settings()))
    turns.command(Commit(), 1.0)
    turns.event(ResponseStarted("r"), 1.1)
    if heard:
        turns.event(PlaybackStarted("i", 1.2), 1.2)
    turns.command(Log("no_answer", {"status": "incomplete", "reason": "content_filter"}), 1.3)
    turns.command(Interrupt(), 1.4)
    turns.silenced(1.5)
    turns.command(Commit(), 2.0)
    turns.event(PlaybackStarted("j", 2.2), 2.2)
    turns.command(Interrupt(), 2.4)
    turns.silenced(2.5)
    lines = [line for line in caplog.records if getattr(line, "SPEAKERD_EVENT", "") == "turn"]
    assert [line.__dict__["SPEAKERD_OUTCOME"] for line in lines] == ["incomplete", "interrupted"]
