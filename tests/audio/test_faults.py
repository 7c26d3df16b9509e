"""Ten ways in which sound breaks, each survived or explained. In simulated time, with the engine whole."""

import ast
import threading
from pathlib import Path

import numpy as np
import pytest

import speakerd.audio
from speakerd.audio.engine import AudioEngine
from speakerd.audio.errors import DeviceBusyError, DeviceNotFoundError, RateNotSupportedError
from speakerd.audio.events import (
    AudioEvent,
    CaptureSilent,
    DeviceLost,
    DeviceReturned,
    DeviceStuck,
    PlaybackDrained,
    PlaybackStarted,
    SpeechAudio,
    SpeechEnded,
    SpeechStarted,
    Xruns,
)
from speakerd.audio.pcm import WIRE_RATE, samples_of
from speakerd.audio.settings import AudioSettings
from speakerd.audio.simulation.device import SimulatedDevice
from tests.audio.engine_bench import EngineBench, tone, wait_for, wait_until_devices_are_closed
from tests.limits import limit

SPEECH = Path(__file__).parent.parent / "data" / "goforward.wav"


def test_no_device_at_start_is_an_error_that_says_so() -> None:
    bench = EngineBench()
    bench.device.unplug("capture")
    with pytest.raises(DeviceNotFoundError, match="is it plugged in"):
        bench.engine.start()


def test_no_device_at_start_may_be_waited_for_and_works_once_plugged_in() -> None:
    bench = EngineBench()
    bench.device.unplug("capture")
    bench.engine.start(wait_for_device=True)
    bench.run(60)
    assert [type(event) for event in bench.events] == [DeviceLost]
    bench.device.plug_in()
    bench.run(12)
    assert [type(event) for event in bench.events] == [DeviceLost, DeviceReturned]
    bench.engine.listen("gated")
    bench.device.say(SPEECH)
    bench.run(4)
    assert bench.of(SpeechAudio)


def test_a_device_gone_while_listening_ends_the_sentence_and_listens_again_when_it_is_back() -> None:
    bench = EngineBench()
    bench.engine.start()
    bench.engine.listen("gated")
    bench.run(1)
    bench.device.say(SPEECH)
    bench.run(1.5)
    assert bench.of(SpeechStarted)
    bench.device.unplug("capture")
    bench.run(1.2)
    assert [event.reason for event in bench.events if isinstance(event, SpeechEnded)] == ["device_lost"]
    bench.run(3.8)
    bench.device.plug_in()
    bench.run(8)
    assert bench.of(DeviceReturned)
    bench.events.clear()
    bench.device.say(SPEECH)
    bench.run(5)
    assert [type(event) for event in bench.of(SpeechStarted, SpeechEnded)] == [SpeechStarted, SpeechEnded]


def test_a_device_gone_while_speaking_keeps_what_waits_and_goes_on_when_back_after_five_seconds() -> None:
    bench = EngineBench()
    bench.engine.start()
    said = tone(3)
    bench.engine.play("answer", 0, said)
    bench.engine.finish_item("answer")
    bench.run(1)
    bench.device.unplug("playback")
    bench.run(5)
    (position,) = bench.engine.positions()
    assert position.played_samples == pytest.approx(WIRE_RATE, abs=3 * WIRE_RATE / 100)
    bench.device.plug_in()
    bench.run(10)
    kinds = [type(event) for event in bench.of(DeviceReturned, PlaybackDrained)]
    assert kinds == [DeviceReturned, DeviceReturned, PlaybackDrained]
    (position,) = bench.engine.positions()
    assert position.played_samples == len(said) // 2


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RateNotSupportedError("capture", "mic", (16_000, 48_000)), "opens at none of 16000, 48000 Hz"),
        (DeviceBusyError("playback", "speaker", "aplay (process 812)"), "held by aplay"),
    ],
)
def test_a_wrong_rate_and_a_busy_device_are_explained_and_tried_again(error: OSError, words: str) -> None:
    bench = EngineBench()
    bench.device.refuse(error)  # type: ignore[arg-type]  # both are DeviceErrors; pytest's table widens them
    with pytest.raises(type(error), match=words):
        bench.engine.start()
    bench.engine.start(wait_for_device=True)
    (lost,) = bench.of(DeviceLost)
    assert isinstance(lost, DeviceLost)
    assert words in lost.reason
    bench.device.refuse(None)
    bench.run(2)
    assert bench.of(DeviceReturned)


@pytest.mark.parametrize("direction", ["capture", "playback"])
def test_a_stuck_callback_is_noticed_within_a_second_and_reopened(direction: str) -> None:
    bench = EngineBench()
    bench.engine.start()
    bench.run(5)
    bench.device.stall("capture" if direction == "capture" else "playback")
    bench.run(1.1)
    (lost,) = bench.of(DeviceLost)
    assert isinstance(lost, DeviceLost)
    assert lost.direction == direction
    bench.run(1)
    assert bench.of(DeviceReturned)
    before = bench.engine.block_counts
    bench.run(1)
    after = bench.engine.block_counts
    assert (after.capture - before.capture, after.playback - before.playback) == (100, 100)


@pytest.mark.realtime_clock
def test_a_driver_that_hangs_while_it_is_reopened_is_told_as_stuck_and_close_still_returns() -> None:
    device = SimulatedDevice()
    events: list[AudioEvent] = []
    engine = AudioEngine(
        device, AudioSettings(echo="off", heartbeat_limit_s=0.5, reopen_first_s=0.05), on_event=events.append
    )
    engine.start()
    device.hang()
    device.stall("capture")
    wait_for(lambda: any(isinstance(event, DeviceStuck) for event in events), 10, "told as stuck")
    assert engine.block_counts.capture < 1000  # and no watchdog is fed by what still runs
    engine.close()
    device.hang(False)
    wait_until_devices_are_closed()


def test_a_microphone_of_digital_zeros_is_told_and_reopened_once() -> None:
    bench = EngineBench(silent_capture_s=30.0)
    bench.engine.start()
    bench.run(5)
    bench.device.deafen()
    bench.run(120)
    assert [type(event) for event in bench.events] == [CaptureSilent, DeviceLost, DeviceReturned]
    bench.device.deafen(False)
    bench.engine.listen("gated")
    bench.device.say(SPEECH)
    bench.run(5)
    assert bench.of(SpeechStarted)


def test_xruns_are_counted_and_told_at_once_then_by_rate() -> None:
    bench = EngineBench()
    bench.engine.start()
    for _ in range(200):
        bench.device.xrun("capture")
        bench.run(1)
    told = [event for event in bench.events if isinstance(event, Xruns)]
    assert len(told) == 4
    assert told[0].count == 1
    assert bench.engine.stats.capture_xruns == 200


@pytest.mark.exhaustive  # ten minutes of sound, block by block
def test_a_server_ten_minutes_ahead_loses_no_sample() -> None:
    bench = EngineBench(playback_limit_s=600)
    bench.engine.start()
    random = np.random.default_rng(3)
    chunk = random.integers(-9000, 9000, WIRE_RATE, dtype=np.int16)
    paused = 0
    for second in range(600):
        paused += not bench.engine.play("story", 0, np.roll(chunk, second).tobytes())
    bench.engine.finish_item("story")
    assert paused  # it was asked to pause, did not, and still lost nothing
    bench.run(601)
    played = samples_of(bench.device.played)
    first = int(np.flatnonzero(played)[0])
    for second in range(599):
        heard = played[first + second * WIRE_RATE : first + (second + 1) * WIRE_RATE]
        assert np.array_equal(heard, np.roll(chunk, second)), f"second {second} differs"
    assert [type(event) for event in bench.events] == [PlaybackStarted, PlaybackDrained]


def test_nothing_in_the_audio_room_looks_at_the_systems_date() -> None:
    # A jump of the system's clock cannot be heard by what does not look at it. Where PortAudio does,
    # test_portaudio.py lets its clock jump.
    folder = Path(speakerd.audio.__file__).parent
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert (node.value.id, node.attr) not in {
                    ("time", "time"),
                    ("time", "localtime"),
                    ("datetime", "now"),
                }, f"{path.relative_to(folder)}:{node.lineno} looks at the system's date"


@pytest.mark.realtime_clock
def test_an_error_in_the_audio_thread_is_told_and_the_heartbeat_ends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    device = SimulatedDevice()
    events: list[AudioEvent] = []

    def on_event(event: AudioEvent) -> None:
        events.append(event)
        if isinstance(event, SpeechStarted):
            raise ZeroDivisionError

    engine = AudioEngine(device, AudioSettings(echo="off"), on_event=on_event)
    engine.start()
    engine.listen("open")
    wait_for(lambda: any(isinstance(event, DeviceStuck) for event in events), 5, "told")
    before = engine.block_counts
    played = device.block_counts.playback
    wait_for(lambda: device.block_counts.playback > played + 10, 5, "the device runs on")
    assert engine.block_counts.capture == before.capture
    engine.close()
    assert "the audio thread failed" in caplog.text


@pytest.mark.realtime_clock
def test_processing_that_falls_behind_drops_the_oldest_and_counts_it() -> None:
    device = SimulatedDevice()
    events: list[AudioEvent] = []
    go_on = threading.Event()

    def on_event(event: AudioEvent) -> None:
        events.append(event)
        if isinstance(event, SpeechStarted):
            go_on.wait(limit(20))

    engine = AudioEngine(device, AudioSettings(echo="off", capture_queue_ms=100), on_event=on_event)
    engine.start()
    engine.listen("open")
    wait_for(lambda: device.block_counts.capture > 60, 10, "half a second passes")
    go_on.set()
    wait_for(lambda: any(isinstance(event, Xruns) for event in events), 5, "told as xruns")
    assert engine.stats.dropped_blocks >= 30
    engine.close()
