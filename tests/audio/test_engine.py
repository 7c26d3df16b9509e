"""The audio room as one object, in simulated time: what the daemon may ask of it, and what comes of it."""

from pathlib import Path

import numpy as np
import pytest

from speakerd.audio.events import (
    BargeInConfirmed,
    PlaybackDrained,
    PlaybackStarted,
    SpeechAudio,
    SpeechEnded,
    SpeechStarted,
)
from speakerd.audio.pcm import MIC_RATE, WIRE_RATE, dbfs, samples_of
from speakerd.audio.resample import resample
from speakerd.audio.settings import GateSettings, SoundSettings
from speakerd.audio.simulation.device import SimulatedDevice
from speakerd.audio.simulation.person import read_wav
from speakerd.audio.simulation.room import RoomShape
from tests.audio.device_contract import chirp, likeness
from tests.audio.engine_bench import EngineBench, tone, wait_for

DATA = Path(__file__).parent.parent / "data"


def sent(bench: EngineBench) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return samples_of(b"".join(event.pcm for event in bench.events if isinstance(event, SpeechAudio)))


@pytest.fixture
def bench() -> EngineBench:
    bench = EngineBench()
    bench.engine.start()
    bench.run(0.5)
    return bench


def last_level(bench: EngineBench, seconds: float = 0.2) -> float:
    return dbfs(samples_of(bench.device.played)[-round(seconds * WIRE_RATE) :])


def test_an_item_is_told_to_begin_and_to_end_when_the_ear_hears_it(bench: EngineBench) -> None:
    asked_at = bench.device.now()
    bench.engine.play("answer", 0, tone(1.0))
    bench.engine.finish_item("answer")
    assert bench.engine.speaking
    bench.run(2)
    started, drained = bench.events
    latency = bench.engine.output_latency_s
    assert isinstance(started, PlaybackStarted)
    assert isinstance(drained, PlaybackDrained)
    assert started.at - asked_at == pytest.approx(latency, abs=0.021)
    assert drained.at - asked_at == pytest.approx(1.0 + latency, abs=0.021)
    assert not bench.engine.speaking


def test_a_flush_tells_how_much_was_heard_and_is_followed_by_no_end(bench: EngineBench) -> None:
    bench.engine.play("answer", 0, tone(2.0))
    bench.engine.finish_item("answer")
    bench.run(1)
    (cut,) = bench.engine.flush()
    bench.run(1)
    assert cut.item_id == "answer"
    assert cut.played_samples == WIRE_RATE
    assert np.flatnonzero(samples_of(bench.device.played)).size == pytest.approx(WIRE_RATE, rel=0.02)
    assert not bench.of(PlaybackDrained)


def test_fading_out_takes_longer_than_a_flush(bench: EngineBench) -> None:
    bench.engine.play("answer", 0, tone(2.0))
    bench.run(0.5)
    before = len(samples_of(bench.device.played))
    bench.engine.fade_out()
    bench.run(1)
    after = np.flatnonzero(samples_of(bench.device.played)[before:])
    assert after[-1] / WIRE_RATE == pytest.approx(0.3 + bench.engine.output_latency_s, abs=0.02)


def test_ducking_makes_speech_quieter_and_restoring_brings_it_back(bench: EngineBench) -> None:
    bench.engine.play("answer", 0, tone(3.0))
    bench.run(0.5)
    loud = last_level(bench)
    bench.engine.set_voice("ducked")
    bench.run(0.5)
    assert last_level(bench) == pytest.approx(loud - 12, abs=0.5)
    bench.engine.set_voice("normal")
    bench.run(0.5)
    assert last_level(bench) == pytest.approx(loud, abs=0.5)


def test_the_volume_can_be_turned_to_nothing_and_back(bench: EngineBench) -> None:
    bench.engine.play("answer", 0, tone(3.0))
    bench.run(0.5)
    loud = last_level(bench)
    bench.engine.set_volume(0)
    bench.run(0.5)
    assert not samples_of(bench.device.played)[-WIRE_RATE // 5 :].any()
    bench.engine.set_volume(100)
    bench.run(0.5)
    assert bench.engine.volume == 100
    assert last_level(bench) == pytest.approx(loud, abs=0.5)


def test_a_sound_of_its_own_is_heard_and_never_taken_for_speech() -> None:
    bench = EngineBench(SimulatedDevice(stepped=True, room=RoomShape(echo_db=0)))
    bench.engine.start()
    bench.engine.listen("gated")
    bench.run(1)
    for name in ("wake", "end", "error", "offline", "mute", "unmute", "timer"):
        bench.engine.play_earcon(name)
        bench.run(3)
    assert samples_of(bench.device.played).any()
    assert not bench.of(SpeechStarted, BargeInConfirmed)


def test_a_sound_that_is_off_is_silent_and_one_that_rings_can_be_stopped() -> None:
    bench = EngineBench(sounds=SoundSettings(wake="off"))
    bench.engine.start()
    bench.engine.play_earcon("wake")
    bench.run(1)
    assert not samples_of(bench.device.played).any()
    bench.engine.play_earcon("timer")
    bench.run(0.2)
    bench.engine.stop_earcons()
    bench.run(0.2)
    before = len(bench.device.played)
    bench.run(1)
    assert not samples_of(bench.device.played[before:]).any()


def test_a_press_takes_with_it_what_was_said_since(bench: EngineBench) -> None:
    pressed_at = bench.device.now()
    bench.device.say(chirp(MIC_RATE, 0.3).tobytes())
    bench.run(0.5)
    bench.engine.listen("open", since=pressed_at)
    bench.run(0.2)
    bench.engine.listen("closed")
    assert [type(event) for event in bench.of(SpeechStarted, SpeechEnded)] == [SpeechStarted, SpeechEnded]
    assert likeness(sent(bench), chirp(WIRE_RATE, 0.3))[1] > 0.97


@pytest.mark.parametrize("latency_s", [0.0, 0.03, 0.08])
def test_what_was_said_before_the_release_passes_though_it_is_still_inside_the_card(latency_s: float) -> None:
    bench = EngineBench(SimulatedDevice(stepped=True, input_latency_s=latency_s))
    bench.engine.start()
    bench.run(0.5)
    bench.engine.listen("open", since=bench.device.now())
    bench.device.say(chirp(MIC_RATE, 0.31).tobytes())
    bench.run(0.31)  # released with the last sample that is spoken
    released_at = bench.device.now()
    bench.engine.listen("closed")
    bench.run(0.5)
    started, *_, ended = bench.of(SpeechStarted, SpeechAudio, SpeechEnded)
    assert isinstance(started, SpeechStarted)
    assert isinstance(ended, SpeechEnded)
    assert ended.reason == "released"
    assert released_at <= ended.at <= released_at + 0.021
    at, alike = likeness(sent(bench), chirp(WIRE_RATE, 0.31))
    assert alike > 0.99
    assert len(sent(bench)) >= at + 0.31 * WIRE_RATE
    # From the press to the release: whole frames of 20 ms, one more at the most.
    assert len(sent(bench)) / WIRE_RATE <= released_at - started.at + 0.041


def test_a_card_that_keeps_its_sound_does_not_keep_the_release() -> None:
    bench = EngineBench(SimulatedDevice(stepped=True, input_latency_s=0.4))
    bench.engine.start()
    bench.run(1)
    bench.engine.listen("open")
    bench.run(0.5)
    released_at = bench.device.now()
    bench.engine.listen("closed")
    bench.run(0.11)
    (ended,) = bench.of(SpeechEnded)
    assert isinstance(ended, SpeechEnded)
    assert ended.at == pytest.approx(released_at + 0.1, abs=0.011)


def test_after_a_mute_nothing_passes_though_it_was_said_before() -> None:
    bench = EngineBench(SimulatedDevice(stepped=True, input_latency_s=0.08))
    bench.engine.start()
    bench.run(0.5)
    bench.engine.listen("open")
    bench.device.say(chirp(MIC_RATE, 0.3).tobytes())
    bench.run(0.3)
    bench.engine.listen("closed")
    bench.engine.discard_captured()
    assert bench.of(SpeechEnded)
    bench.events.clear()
    bench.run(0.5)
    assert not bench.events


def test_what_is_forgotten_never_leaves(bench: EngineBench) -> None:
    pressed_at = bench.device.now()
    bench.device.say(chirp(MIC_RATE, 0.3).tobytes())
    bench.run(0.5)
    bench.engine.discard_captured()
    bench.engine.listen("open", since=pressed_at)
    bench.run(0.2)
    assert likeness(sent(bench), chirp(WIRE_RATE, 0.3))[1] < 0.5


def test_nothing_is_sent_while_closed(bench: EngineBench) -> None:
    bench.device.say(DATA / "goforward.wav")
    bench.run(5)
    assert not bench.events
    stats = bench.engine.stats
    assert stats.sent_s == 0
    assert stats.openings == 0


def test_a_sentence_passes_and_is_counted(bench: EngineBench) -> None:
    bench.engine.listen("gated")
    bench.device.say(DATA / "goforward.wav", after_s=0.5)
    bench.run(5)
    (ended,) = bench.of(SpeechEnded)
    assert isinstance(ended, SpeechEnded)
    assert ended.reason == "silence"
    stats = bench.engine.stats
    assert stats.openings == 1
    assert stats.heard_s == pytest.approx(5.5, abs=0.1)
    assert stats.sent_s == pytest.approx(len(sent(bench)) / WIRE_RATE, abs=0.05)


def test_a_server_that_owns_the_turn_ends_it() -> None:
    bench = EngineBench(owner="server", gate=GateSettings(server_patience_s=60))
    bench.engine.start()
    bench.engine.listen("gated")
    bench.run(0.5)
    bench.device.say(DATA / "goforward.wav")
    bench.run(10)
    assert not bench.of(SpeechEnded)  # silence goes on being sent
    bench.engine.server_ended()
    (ended,) = bench.of(SpeechEnded)
    assert isinstance(ended, SpeechEnded)
    assert ended.reason == "server"


def test_it_talks_in_a_room_without_interrupting_itself_and_hears_who_does() -> None:
    pytest.importorskip("livekit", reason="the extra aec")
    device = SimulatedDevice(stepped=True, room=RoomShape(echo_db=-6, distortion=1.0))
    bench = EngineBench(device, echo="cancel", volume=90)
    assert bench.engine.echo_mode == "cancel"
    bench.engine.start()
    bench.engine.listen("gated")
    own = resample(read_wav(DATA / "librivox-0870.wav", MIC_RATE).tobytes(), MIC_RATE, WIRE_RATE)
    for _ in range(4):
        bench.engine.play("story", 0, own)
    bench.run(15)
    assert not bench.of(BargeInConfirmed, SpeechStarted)
    said = device.say(DATA / "goforward.wav")
    bench.run(3)
    (noticed,) = bench.of(BargeInConfirmed)
    assert isinstance(noticed, BargeInConfirmed)
    assert said.started_at is not None
    assert noticed.at - said.started_at < 1.5  # the recording begins with a breath of silence
    assert bench.of(SpeechStarted)


@pytest.mark.realtime_clock
def test_in_real_time_commands_are_done_in_the_order_they_were_given() -> None:
    bench = EngineBench(SimulatedDevice())
    bench.engine.start()
    try:
        for _ in range(20):
            bench.engine.listen("open")
            bench.engine.listen("closed")
        bench.engine.listen("open")
        wait_for(lambda: bool(bench.of(SpeechAudio)), 10, "it listens")
        kinds = [type(event) for event in bench.of(SpeechStarted, SpeechEnded)]
        assert kinds == [SpeechStarted, SpeechEnded] * 20 + [SpeechStarted]
    finally:
        bench.engine.close()
        bench.engine.close()
