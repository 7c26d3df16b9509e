"""The real sound card's own: rates, channels, explained errors, a clock that jumps, a server that dies."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyaudio
import pytest

from speakerd.audio.devices.portaudio import PyAudioDevice
from speakerd.audio.devices.stderr_filter import StderrFilter
from speakerd.audio.engine import AudioEngine
from speakerd.audio.errors import DeviceBusyError, DeviceError, DeviceNotFoundError, RateNotSupportedError
from speakerd.audio.events import AudioEvent, DeviceStuck
from speakerd.audio.pcm import MIC_RATE, WIRE_RATE
from speakerd.audio.playback.buffer import PlaybackBuffer
from speakerd.audio.settings import AudioSettings
from tests.audio.device_contract import Ear, chirp, likeness, silence
from tests.audio.engine_bench import wait_for, wait_until_devices_are_closed
from tests.audio.faulty_portaudio import Faults
from tests.audio.interruptions import wait_until_heard
from tests.audio.outliving_the_server import STUCK
from tests.limits import limit
from tests.rig import SoundCard, about_the_sound, may_be_torn

pytestmark = pytest.mark.rig

ROOT = Path(__file__).parents[2]

RIG = AudioSettings(input="mic", output="speaker", echo="off", volume=100)


@contextmanager
def running(
    settings: AudioSettings, pull: Callable[[int], bytes] = silence, faults: Faults | None = None
) -> Iterator[tuple[PyAudioDevice, Ear]]:
    ear = Ear()
    device = PyAudioDevice(settings, (faults or Faults()).portaudio)
    device.start(ear, pull)
    try:
        wait_for(lambda: len(ear.blocks) > 5 and device.block_counts.playback > 5, 10, "blocks run")
        yield device, ear
    finally:
        device.stop()


@pytest.mark.parametrize("rate", [44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
@may_be_torn
def test_a_card_of_another_rate_is_resampled_both_ways(rig: SoundCard, rate: int, channels: int) -> None:
    faults = Faults(rates={"input": (rate,), "output": (rate,)}, least_channels=channels)
    buffer = PlaybackBuffer(volume=100)
    said, played = chirp(MIC_RATE, 0.3), chirp(WIRE_RATE, 0.3)
    with running(RIG, buffer.pull, faults) as (device, ear):
        mark = rig.speaker.mark
        buffer.append("item", 0, played.tobytes())
        buffer.finish_item("item")
        rig.say(said.tobytes()).wait()
        time.sleep(0.2)
        with about_the_sound():
            assert device.xruns.capture == 0
        latency = device.output_latency_s
    assert sorted(faults.opened) == [("input", rate, channels), ("output", rate, channels)]
    with about_the_sound():
        assert likeness(ear.sound, said)[1] > 0.97
        assert likeness(rig.speaker.since(mark), played)[1] > 0.97
        assert 0.01 < latency < 0.2


def test_the_ports_own_rates_are_taken_where_the_card_can_do_them(rig: SoundCard) -> None:
    faults = Faults()
    with running(RIG, faults=faults):
        pass
    assert sorted(faults.opened) == [("input", MIC_RATE, 1), ("output", WIRE_RATE, 1)]


@may_be_torn
def test_one_channel_of_several_can_be_chosen(rig: SoundCard) -> None:
    left, right = chirp(MIC_RATE, 0.3), chirp(MIC_RATE, 0.3)[::-1]
    both = np.stack([left, right], axis=1).tobytes()
    settings = AudioSettings(input="array", output="speaker", input_channel=1)
    with running(settings) as (_, ear):
        rig.say(both, sink="array", channels=2).wait()
        time.sleep(0.2)
    with about_the_sound():
        assert likeness(ear.sound, right)[1] > 0.97
        assert likeness(ear.sound, left)[1] < 0.7


def test_a_channel_that_the_card_does_not_have_is_explained(rig: SoundCard) -> None:
    faults = Faults(most_channels=2)
    device = PyAudioDevice(AudioSettings(input="mic", output="speaker", input_channel=5), faults.portaudio)
    with pytest.raises(DeviceError, match=r"has 2 channels; audio\.input_channel = 5"):
        device.start(Ear(), silence)


def test_a_card_that_can_do_no_rate_of_ours_is_explained(rig: SoundCard) -> None:
    device = PyAudioDevice(RIG, Faults(rates={"input": (96_000,)}).portaudio)
    with pytest.raises(RateNotSupportedError, match=r"'mic' opens at none of 16000, 48000, 44100 Hz"):
        device.start(Ear(), silence)


def test_a_busy_card_is_explained(rig: SoundCard) -> None:
    device = PyAudioDevice(RIG, Faults(error=pyaudio.paDeviceUnavailable).portaudio)
    with pytest.raises(DeviceBusyError, match="dmix"):
        device.start(Ear(), silence)


def test_any_other_error_of_portaudio_names_the_device_and_the_setting(rig: SoundCard) -> None:
    device = PyAudioDevice(RIG, Faults(error=pyaudio.paInternalError).portaudio)
    with pytest.raises(DeviceError, match=r"'speaker'.*audio\.output"):
        device.start(Ear(), silence)


def test_an_unknown_name_lists_those_there_are(rig: SoundCard) -> None:
    device = PyAudioDevice(AudioSettings(input="mic", output="no such"))
    with pytest.raises(DeviceNotFoundError) as caught:
        device.start(Ear(), silence)
    assert {"speaker", "mic", "default"} <= set(caught.value.known)


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
@may_be_torn
def test_a_jump_of_the_systems_clock_moves_neither_latency_nor_times(rig: SoundCard, jump: float) -> None:
    faults = Faults()
    with running(RIG, faults=faults) as (device, ear):
        faults.clock_jump_s = jump
        blocks = len(ear.blocks)
        wait_for(lambda: len(ear.blocks) > blocks + 30, 10, "it goes on")
        with about_the_sound():
            assert 0.005 < device.output_latency_s < 0.2
            assert 0 <= device.input_latency_s < 0.2
    assert ear.times == sorted(ear.times)
    assert ear.times[-1] - ear.times[0] < 5


def test_what_drivers_chatter_is_kept_from_standard_error_and_nothing_else_is(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with StderrFilter(), StderrFilter():
        os.write(2, b"ALSA lib pcm.c:2666:(snd_pcm_open_noupdate) Unknown PCM\nTraceback: ours\nhalf")
        os.write(2, b" a line\nCannot connect to server socket err = No such file\n\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "Traceback: ours\nhalf a line\nafter\n"


def test_a_device_opens_and_closes_without_a_word_on_standard_error(
    rig: SoundCard, capfd: pytest.CaptureFixture[str]
) -> None:
    with running(RIG):
        pass
    assert capfd.readouterr().err == ""


@pytest.fixture
def mortal(new_rig: Callable[[], SoundCard], monkeypatch: pytest.MonkeyPatch) -> SoundCard:
    """A sound card of its own, which the test may kill."""
    card = new_rig()
    for name, value in card.settings.items():
        monkeypatch.setenv(name, value)
    return card


def test_a_sound_server_that_dies_in_mid_word_is_told_and_sound_goes_on_when_it_is_back(
    mortal: SoundCard,
) -> None:
    # ALSA's plugin itself hangs now and then on the stream of a dead server. That it is told as stuck is tested below.
    tries = 5
    while (code := outlive(mortal)) == STUCK and (tries := tries - 1):
        mortal.start_server()
    assert code == 0


def outlive(card: SoundCard) -> int:
    """Run the program, and do to the sound server what it asks for."""
    words = [sys.executable, "-m", "tests.audio.outliving_the_server"]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=card.env, cwd=ROOT
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        for line in child.stdout:
            if line == "kill\n":
                card.kill_server()
            elif line == "start\n":
                card.start_server()
            else:
                wait_until_heard(card, card.speaker.mark)
            child.stdin.write("done\n")
            child.stdin.flush()
        return child.wait(limit(20))


def test_a_driver_that_hangs_is_told_as_stuck_and_does_not_hold_up_the_end(mortal: SoundCard) -> None:
    events: list[AudioEvent] = []
    settings = AudioSettings(
        input="mic", output="speaker", echo="off", heartbeat_limit_s=0.5, reopen_first_s=0.05
    )
    engine = AudioEngine(PyAudioDevice(settings), settings, on_event=events.append)
    engine.start()
    wait_for(lambda: engine.block_counts.capture > 5, 10, "it runs")
    mortal.freeze_server()
    try:
        wait_for(lambda: any(isinstance(event, DeviceStuck) for event in events), 10, "told as stuck")
        before = time.monotonic()
        engine.close()
        assert time.monotonic() - before < limit(3)
    finally:
        mortal.freeze_server(False)
        wait_until_devices_are_closed()
