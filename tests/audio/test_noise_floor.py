import numpy as np
import pytest

from speakerd.audio.capture.noise_floor import NoiseFloor
from speakerd.audio.pcm import samples_of
from tests.audio.noise import hum, pink
from tests.audio.recordings import Floats, load, to_pcm


def excesses(floor: NoiseFloor, samples: Floats) -> list[float]:
    frames = samples_of(to_pcm(samples))
    return [floor.excess_db(frames[at : at + 320]) for at in range(0, frames.size - 319, 320)]


@pytest.mark.parametrize("rms", [20.0, 200.0, 2000.0])
def test_steady_noise_hardly_ever_stands_out_of_itself_however_loud(rms: float) -> None:
    assert np.percentile(excesses(NoiseFloor(), pink(20, 1) * rms)[50:], 98) < 6


def test_the_level_of_a_steady_noise_is_measured_in_dbfs() -> None:
    floor = NoiseFloor()
    noise = np.random.default_rng(1).normal(0, 327.68, 16_000 * 6)
    excesses(floor, noise)
    in_the_bands = 10 * np.log10((6000 - 150) / 8000)
    assert floor.level_dbfs == pytest.approx(-40 + in_the_bands, abs=2)


def test_hum_is_part_of_the_floor() -> None:
    assert max(excesses(NoiseFloor(), hum(10, 1) * 1000)[50:]) < 4


def test_words_stand_out_of_noise_that_is_nearly_as_loud() -> None:
    recording = load("librivox-0870")
    noise = pink(12, 1) * recording.speech_rms * 10 ** (-10 / 20)
    lead = np.zeros(3 * 16_000)
    mixed = np.concatenate([lead, recording.samples])
    found = np.array(excesses(NoiseFloor(), mixed + noise[: mixed.size]))
    for word in recording.words:
        begin, end = (int((3 + second) * 50) for second in (word.begin_s, word.end_s))
        assert found[begin : end + 1].max() > 6, word


def test_speech_itself_does_not_raise_the_floor() -> None:
    floor = NoiseFloor()
    excesses(floor, pink(3, 1) * 20)
    before = floor.level_dbfs
    speech = load("librivox-0870").samples
    excesses(floor, speech + pink(speech.size / 16_000, 2)[: speech.size] * 20)
    assert floor.level_dbfs < before + 6


def test_a_new_noise_is_believed_after_one_window_and_quiet_at_once() -> None:
    floor = NoiseFloor()
    quiet, loud = pink(4, 1) * 20, pink(4, 2) * 400
    excesses(floor, quiet)
    before = floor.level_dbfs
    rising = excesses(floor, loud)
    assert rising[10] > 20
    assert np.percentile(rising[150:], 98) < 6
    assert floor.level_dbfs == pytest.approx(before + 26, abs=2)
    excesses(floor, quiet[:16_000])
    assert floor.level_dbfs == pytest.approx(before, abs=2)


def test_what_is_not_to_be_learnt_leaves_the_floor_alone() -> None:
    floor = NoiseFloor()
    excesses(floor, pink(3, 1) * 400)
    before = floor.level_dbfs
    floor.excess_db(np.zeros(320, dtype=np.int16), learn=False)
    assert floor.level_dbfs == before


def test_a_gap_of_digital_silence_is_no_quiet_room() -> None:
    floor = NoiseFloor()
    noise = pink(6, 1) * 200
    excesses(floor, noise[:48_000])
    excesses(floor, np.zeros(16_000))
    assert np.percentile(excesses(floor, noise[48_000:]), 98) < 6


def test_a_reset_floor_knows_nothing() -> None:
    floor = NoiseFloor()
    excesses(floor, pink(3, 1) * 400)
    floor.reset()
    fresh = NoiseFloor()
    noise = pink(1, 3) * 10
    assert excesses(floor, noise) == excesses(fresh, noise)
