import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from speakerd.audio.capture.wake_word import MicroWakeWordDetector, make_wake_word
from speakerd.audio.errors import BadModelError, ExtraMissingError
from speakerd.audio.resample import resample
from speakerd.audio.settings import WakeWordSettings
from tests.audio.recordings import load

ON = WakeWordSettings(enabled=True)


def needs_the_extra() -> None:
    pytest.importorskip("pymicro_wakeword", reason="the extra wakeword is not installed")


def say(words: str) -> bytes:
    """The words by espeak-ng at 16 kHz, a second of silence before and after."""
    program = shutil.which("espeak-ng")
    if program is None:
        pytest.skip("espeak-ng is not installed")
    wav = subprocess.run(
        [program, "-v", "en-us", "-s", "140", "--stdout", words], capture_output=True, check=True
    )
    quiet = bytes(32_000)
    return quiet + resample(wav.stdout[44 : len(wav.stdout) // 2 * 2], 22_050, 16_000) + quiet


def hits(detector: MicroWakeWordDetector, pcm: bytes) -> list[tuple[str, float]]:
    found = []
    for index in range(len(pcm) // 320):
        word = detector.process(pcm[index * 320 : index * 320 + 320], index / 100)
        if word is not None:
            found.append((word, index / 100))
    return found


def test_off_means_no_detector_and_no_extra() -> None:
    assert make_wake_word(WakeWordSettings()) is None


def test_the_word_is_heard_once_and_near_its_end() -> None:
    needs_the_extra()
    pcm = say("okay nah boo")
    [(word, at)] = hits(MicroWakeWordDetector(ON), pcm)
    assert word == "Okay Nabu"
    assert 1.5 < at < len(pcm) / 32_000 - 0.5


def test_after_the_refractory_time_it_is_heard_again() -> None:
    needs_the_extra()
    pcm = say("okay nah boo")
    detector = MicroWakeWordDetector(ON)
    assert len(hits(detector, pcm + pcm)) == 2
    detector.reset()
    assert len(hits(MicroWakeWordDetector(WakeWordSettings(enabled=True, refractory_s=10)), pcm + pcm)) == 1


@pytest.mark.parametrize("name", ["librivox-0870", "jfk", "goforward"])
def test_other_speech_does_not_wake_it(name: str) -> None:
    needs_the_extra()
    assert hits(MicroWakeWordDetector(ON), load(name).pcm) == []


def test_noise_does_not_wake_it() -> None:
    needs_the_extra()
    noise = (np.random.default_rng(0).standard_normal(16_000 * 5) * 1000).astype("<i2").tobytes()
    detector = make_wake_word(ON)
    assert isinstance(detector, MicroWakeWordDetector)
    assert hits(detector, noise) == []


def test_an_unknown_model_names_the_known_ones(tmp_path: Path) -> None:
    needs_the_extra()
    with pytest.raises(BadModelError, match="built in are okay_nabu, hey_jarvis"):
        MicroWakeWordDetector(WakeWordSettings(enabled=True, model="hey_speaker"))
    bad = tmp_path / "bad.json"
    bad.write_text("{}")
    with pytest.raises(BadModelError, match="cannot be read"):
        MicroWakeWordDetector(WakeWordSettings(enabled=True, model=str(bad)))


def test_a_missing_extra_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymicro_wakeword", None)
    with pytest.raises(ExtraMissingError, match="sudo speakerd extras add wakeword"):
        make_wake_word(ON)


def test_an_extra_that_was_taken_out_under_a_running_process_is_a_missing_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    needs_the_extra()
    import pymicro_wakeword

    real = pymicro_wakeword.MicroWakeWord.from_builtin
    monkeypatch.setattr(
        pymicro_wakeword.MicroWakeWord, "from_builtin", lambda model: real(model, models_dir=tmp_path)
    )
    with pytest.raises(ExtraMissingError, match="sudo speakerd extras add wakeword"):
        make_wake_word(ON)
