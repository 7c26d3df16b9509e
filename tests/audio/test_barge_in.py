import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.audio.capture.barge_in import BargeInDecision, BargeInDetector
from speakerd.audio.capture.gate import AnalysedFrame
from speakerd.audio.settings import BargeInSettings

SETTINGS = BargeInSettings(onset_frames=5, onset_window=6, suspect_frames=3, decide_ms=200, level_dbfs=-50)


def judge(pattern: str, settings: BargeInSettings = SETTINGS) -> list[tuple[int, BargeInDecision]]:
    """`#` voiced and loud, `q` voiced but quiet, `o` voiced under a sound of our own, anything else not voiced."""
    barge_in = BargeInDetector(settings)
    verdicts = []
    for index, letter in enumerate(pattern):
        level = -60.0 if letter == "q" else -30.0
        verdict = barge_in.process(
            AnalysedFrame(b"", index * 0.02, letter in "#qo", level, over_earcon=letter == "o")
        )
        if verdict is not None:
            verdicts.append((index, verdict))
    return verdicts


def test_three_frames_raise_a_suspicion_and_five_of_six_confirm_it() -> None:
    assert judge("....#####") == [(6, "suspected"), (8, "confirmed")]
    assert judge("##.###") == [(3, "suspected"), (5, "confirmed")]


def test_a_suspicion_is_dropped_as_soon_as_nothing_is_left_of_it() -> None:
    assert judge("###......") == [(2, "suspected"), (8, "rejected")]


def test_a_suspicion_that_lingers_is_dropped_in_time() -> None:
    assert judge("###." + "#.#." * 4)[:2] == [(2, "suspected"), (12, "rejected")]


@pytest.mark.parametrize("letter", "q.o")
def test_quiet_frames_silence_and_own_sounds_do_not_count(letter: str) -> None:
    assert judge(letter * 50) == []


def test_the_beginning_is_that_of_the_first_frame_that_counted() -> None:
    barge_in = BargeInDetector(SETTINGS)
    for index in range(20):
        if barge_in.process(AnalysedFrame(b"", index * 0.02, index >= 10, -30)) == "confirmed":
            break
    assert barge_in.since == pytest.approx(0.20)


def test_cancelling_rejects_only_a_suspicion() -> None:
    barge_in = BargeInDetector(SETTINGS)
    assert barge_in.cancel() is None
    for index in range(3):
        barge_in.process(AnalysedFrame(b"", index * 0.02, voiced=True, level_dbfs=-30))
    assert barge_in.cancel() == "rejected"
    assert barge_in.cancel() is None


@given(st.text("#q.o", max_size=200))
def test_every_suspicion_is_answered_before_the_next(pattern: str) -> None:
    verdicts = [verdict for _, verdict in judge(pattern)]
    suspected = False
    for verdict in verdicts:
        if verdict == "suspected":
            assert not suspected
            suspected = True
        else:
            assert suspected or verdict == "confirmed"
            suspected = False
