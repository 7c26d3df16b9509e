from typing import get_args

import numpy as np
import pytest

from speakerd.audio.capture.echo_canceller import PassThrough
from speakerd.audio.capture.pipeline import PipelineParts, SpeechPipeline
from speakerd.audio.capture.vad import WebRtcDetector
from speakerd.audio.events import SpeechStarted
from speakerd.audio.playback.buffer import PlaybackBuffer
from speakerd.audio.playback.earcons import MELODIES, Earcons, render
from speakerd.audio.settings import AudioSettings, Melody, SoundName, SoundSettings
from tests.audio.rooms import ROOMS, Room, RoomPlan

AUDIBLE = [melody for melody in get_args(Melody) if melody != "off"]


def wave(melody: Melody, level_db: float = -6) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.frombuffer(render(melody, level_db), dtype="<i2").astype(np.float64)


def test_every_melody_of_the_settings_exists() -> None:
    assert set(MELODIES) == set(get_args(Melody))


@pytest.mark.parametrize("melody", AUDIBLE)
def test_a_melody_is_short_at_its_level_and_begins_and_ends_in_silence(melody: Melody) -> None:
    out = wave(melody)
    assert 0.1 <= out.size / 24_000 <= 1.2
    assert np.abs(out).max() == pytest.approx(32_767 * 10 ** (-6 / 20), abs=2)
    assert abs(out[0]) < 50
    assert abs(out[-1]) < 50


@pytest.mark.parametrize("melody", AUDIBLE)
def test_a_melody_does_not_click(melody: Melody) -> None:
    spectrum = np.abs(np.fft.rfft(wave(melody))) ** 2
    hertz = np.fft.rfftfreq(wave(melody).size, 1 / 24_000)
    assert 10 * np.log10(spectrum[hertz > 9000].sum() / spectrum.sum()) < -60


@pytest.mark.parametrize("melody", AUDIBLE)
def test_melodies_are_told_apart(melody: Melody) -> None:
    assert [other for other in AUDIBLE if render(other, -6) == render(melody, -6)] == [melody]


def test_a_sound_set_to_off_is_empty() -> None:
    sounds = Earcons(SoundSettings(wake="off"))
    assert sounds.pcm("wake") == b""
    assert all(sounds.pcm(name) for name in get_args(SoundName) if name != "wake")


@pytest.mark.parametrize("plan", ROOMS, ids=lambda plan: plan.name)
def test_no_sound_is_heard_as_speech_even_where_nothing_cancels_it(plan: RoomPlan) -> None:
    pipeline = SpeechPipeline(AudioSettings(), PipelineParts(PassThrough("half_duplex"), WebRtcDetector(2)))
    pipeline.echo_delay_s = plan.delay_ms / 1000
    pipeline.listen("gated", 0.0)
    room, playback, sounds = Room(plan), PlaybackBuffer(), Earcons(SoundSettings(level_db=-6))
    names = get_args(SoundName)
    for index in range(len(names) * 200):
        if index % 200 == 50:
            playback.play_earcon(sounds.pcm(names[index // 200]))
        far = playback.pull(240)
        room.play(far)
        events = pipeline.process(room.hear(), far, index / 100, only_earcon=playback.only_earcon)
        assert not any(isinstance(event, SpeechStarted) for event in events), names[index // 200]
