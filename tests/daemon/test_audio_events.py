"""Where what the audio room reports goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from speakerd.audio import events as audio
from speakerd.config.settings import Settings
from speakerd.daemon.core.audio_events import AudioEvents
from speakerd.daemon.live_settings import LiveSettings
from speakerd.daemon.metrics import MonitorFeed
from speakerd.daemon.session import CapturedSpeech, SessionLink, UplinkQueue

if TYPE_CHECKING:
    from collections.abc import Callable

    from speakerd.daemon.core.announcer import Announcer
    from speakerd.dialogue.events import Event
    from speakerd.dialogue.state_machine import Dialogue
    from speakerd.panel.port import Panel

NOW = 5.0


class FakeDialogue:
    def __init__(self) -> None:
        self.uplink = "open"


class FakePanel:
    def __init__(self) -> None:
        self.levels: list[float] = []

    def set_level(self, dbfs: float) -> None:
        self.levels.append(dbfs)


class FakeLink:
    def __init__(self) -> None:
        self.uplink = UplinkQueue()

    def send(self, item: CapturedSpeech) -> None:
        self.uplink.put(item)


class FakeAnnouncer:
    """It announces nothing."""

    def owns(self, _item_id: str) -> bool:
        return False

    def drained(self) -> bool:
        return False


class Bench:
    def __init__(self, **wake_word: Any) -> None:
        self.dialogue, self.panel, self.link = FakeDialogue(), FakePanel(), FakeLink()
        self.monitor = MonitorFeed()
        self.posted = 0
        self.handled: list[Event] = []
        self.died: list[str] = []
        self.cut: set[str] = set()
        self.events = AudioEvents(
            LiveSettings(Settings.model_validate({"wake_word": wake_word})),
            dialogue=cast("Dialogue", self.dialogue),
            link=cast("SessionLink", self.link),
            panel=cast("Panel", self.panel),
            monitor=self.monitor,
            announcer=cast("Announcer", FakeAnnouncer()),
            silenced=self.cut.__contains__,
            post=self._post,
            handle=self.handled.append,
            die=self.died.append,
        )

    def _post(self, call: Callable[[audio.AudioEvent], None], event: audio.AudioEvent) -> None:
        self.posted += 1
        call(event)


def test_captured_speech_is_sent_held_or_dropped_as_the_dialogue_says() -> None:
    bench = Bench()
    for number, uplink in enumerate(("open", "hold", "closed")):
        bench.dialogue.uplink = uplink
        bench.events.post(audio.SpeechAudio(bytes([number]) * 2, NOW))
    queue = bench.link.uplink
    assert (queue.take(), queue.take()) == (CapturedSpeech(b"\0\0"), None)
    queue.release()
    assert (queue.take(), queue.take()) == (CapturedSpeech(b"\1\1"), None)
    assert bench.handled == []


def test_the_light_follows_the_microphone_or_the_loudspeaker_and_the_loop_is_spared() -> None:
    bench = Bench()
    level = audio.Level(-30.0, -10.0, gate_open=True, at=NOW)
    bench.events.post(level)
    bench.events.light_follows_speaker = True
    bench.events.post(level)
    assert bench.panel.levels == [-30.0, -10.0]
    assert bench.posted == 0
    bench.monitor.subscribe()
    bench.events.post(level)
    assert bench.posted == 1


def test_a_wake_word_counts_only_while_armed_and_what_was_said_within_it_counts_too() -> None:
    bench = Bench(pre_roll_ms=400)
    bench.events.post(audio.WakeWordHeard("okay_nabu", NOW))
    assert bench.handled == []
    bench.events.wake_word_armed = True
    bench.events.post(audio.WakeWordHeard("okay_nabu", NOW))
    assert bench.handled == [audio.WakeWordHeard("okay_nabu", NOW - 0.4)]


def test_sound_that_was_on_its_way_when_it_was_cut_off_is_told_by_its_item_not_by_the_time() -> None:
    bench = Bench()
    bench.cut.add("item_1")
    new = audio.PlaybackStarted("item_2", NOW)
    bench.events.post(audio.PlaybackStarted("item_1", NOW))
    bench.events.post(new)
    assert bench.handled == [new]


def test_a_device_that_hangs_ends_the_process_and_one_that_is_lost_does_not() -> None:
    bench = Bench()
    lost = audio.DeviceLost("capture", "unplugged", NOW)
    bench.events.post(lost)
    assert (bench.handled, bench.died) == ([lost], [])
    bench.events.post(audio.DeviceStuck("no answer", NOW))
    assert bench.died == ["the sound device hangs: no answer"]


@pytest.mark.parametrize(
    ("event", "logged"),
    [
        (audio.Xruns("capture", 7, NOW), "xruns"),
        (audio.CaptureSilent(10.0, NOW), "capture_silent"),
    ],
)
def test_what_only_a_person_can_mend_goes_to_the_journal(
    event: audio.AudioEvent, logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    bench = Bench()
    bench.events.post(event)
    assert [vars(record)["SPEAKERD_EVENT"] for record in caplog.records] == [logged]
    assert bench.handled == []


def test_speech_that_ran_out_is_in_the_journal_and_known_to_the_dialogue(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    bench = Bench()
    ran_out = audio.PlaybackUnderrun("item_1", NOW)
    bench.events.post(ran_out)
    assert [vars(record)["SPEAKERD_EVENT"] for record in caplog.records] == ["underrun"]
    assert bench.handled == [ran_out]


@pytest.mark.parametrize(
    "event",
    [
        audio.PlaybackResumed("item_1", NOW),
        audio.SpeechStarted(NOW),
        audio.SpeechEnded(NOW, "silence"),
        audio.PlaybackDrained(NOW),
        audio.DeviceReturned("playback", NOW),
    ],
)
def test_the_dialogue_gets_the_rest(event: Event) -> None:
    bench = Bench()
    bench.events.post(cast("audio.AudioEvent", event))
    assert bench.handled == [event]
