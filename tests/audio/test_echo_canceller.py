import sys

import numpy as np
import pytest

from speakerd.audio.capture.echo_canceller import EchoCanceller, PassThrough, WebRtcCanceller, make_canceller
from speakerd.audio.errors import ExtraMissingError
from speakerd.audio.pcm import dbfs, samples_of
from tests.audio.rooms import ROOMS, Room, RoomPlan
from tests.audio.voices import own_voice

FAR_SILENCE = bytes(480)


def needs_the_extra() -> None:
    pytest.importorskip("livekit.rtc", reason="the extra aec is not installed")


def left_over(canceller: EchoCanceller, plan: RoomPlan, seconds: float, last: float) -> tuple[float, float]:
    """Level of the microphone and of what is left of it, over the last seconds of own voice, in dBFS."""
    room, voice = Room(plan), own_voice()
    far, mics, cleans = b"", [], []
    for _ in range(int(seconds * 100)):
        while len(far) < 480:
            far += next(voice)
        block, far = far[:480], far[480:]
        room.play(block)
        mic = room.hear()
        mics.append(mic)
        cleans.append(canceller.process(mic, block, far_silent=not any(block)))
    tail = int(last * 100)
    return dbfs(samples_of(b"".join(mics[-tail:]))), dbfs(samples_of(b"".join(cleans[-tail:])))


@pytest.mark.parametrize("plan", [plan for plan in ROOMS if not plan.drift_ppm], ids=lambda plan: plan.name)
def test_the_canceller_takes_thirty_decibels_off_within_seconds(plan: RoomPlan) -> None:
    needs_the_extra()
    before, after = left_over(WebRtcCanceller(), plan, 6, 3)
    assert before - after > 30


def test_after_long_silence_the_canceller_rests_and_still_knows_the_room() -> None:
    needs_the_extra()
    canceller = WebRtcCanceller()
    left_over(canceller, ROOMS[0], 5, 1)
    noise = np.random.default_rng(0).integers(-500, 500, 160).astype("<i2").tobytes()
    for _ in range(250):
        canceller.process(noise, FAR_SILENCE, far_silent=True)
    assert canceller.process(noise, FAR_SILENCE, far_silent=True) == noise
    before, after = left_over(canceller, ROOMS[0], 1, 0.7)
    assert before - after > 25


def test_the_canceller_neither_begins_nor_ends_its_rest_in_the_middle_of_a_sentence() -> None:
    needs_the_extra()
    canceller = WebRtcCanceller()
    noise = np.random.default_rng(0).integers(-500, 500, 160).astype("<i2").tobytes()

    def passes_untouched(blocks: int, *, mid_sentence: bool) -> bool:
        outs = [
            canceller.process(noise, FAR_SILENCE, far_silent=True, mid_sentence=mid_sentence)
            for _ in range(blocks)
        ]
        return outs[-1] == noise

    assert not passes_untouched(400, mid_sentence=True)
    assert passes_untouched(1, mid_sentence=False)
    assert passes_untouched(400, mid_sentence=True)
    assert canceller.process(noise, b"\x10" * 480, far_silent=False, mid_sentence=True) != noise


def test_a_delay_may_be_told_and_a_reset_forgets_the_room() -> None:
    needs_the_extra()
    canceller = WebRtcCanceller()
    canceller.set_delay(0.08)
    canceller.set_delay(9)
    left_over(canceller, ROOMS[1], 4, 1)
    canceller.reset()
    assert len(canceller.process(bytes(320), FAR_SILENCE, far_silent=True)) == 320
    assert canceller.mode == "cancel"


def test_the_rest_begins_two_seconds_after_the_last_sound() -> None:
    needs_the_extra()
    canceller = WebRtcCanceller()
    noise = np.random.default_rng(0).integers(-500, 500, 160).astype("<i2").tobytes()
    canceller.process(noise, b"\x10" * 480, far_silent=False)
    rests = [canceller.process(noise, FAR_SILENCE, far_silent=True) == noise for _ in range(210)]
    assert not any(rests[:198])
    assert all(rests[202:])


@pytest.mark.parametrize(("told_s", "delay_ms"), [(0.08, 80), (9, 500), (-0.1, 0), (0, 0)])
def test_a_delay_is_handed_on_within_what_can_be_and_outlives_a_reset(
    monkeypatch: pytest.MonkeyPatch, told_s: float, delay_ms: int
) -> None:
    needs_the_extra()
    told: list[list[int]] = []

    class Module:
        def __init__(self, *, echo_cancellation: bool) -> None:
            assert echo_cancellation
            told.append([])

        def set_stream_delay_ms(self, delay_ms: int) -> None:
            told[-1].append(delay_ms)

    monkeypatch.setattr("livekit.rtc.AudioProcessingModule", Module)
    canceller = WebRtcCanceller()
    canceller.set_delay(told_s)
    canceller.reset()
    assert told == [[0, delay_ms], [delay_ms]]


@pytest.mark.parametrize("mode", ["half_duplex", "off"])
def test_without_cancelling_the_block_passes_as_it_came(mode: str) -> None:
    canceller = make_canceller(mode)  # type: ignore[arg-type]  # the parameters above are such modes
    canceller.set_delay(0.1)
    canceller.reset()
    assert canceller.mode == mode
    assert canceller.process(b"x" * 320, b"y" * 480, far_silent=False) == b"x" * 320


def test_auto_cancels_where_it_can_and_else_does_not_listen_while_it_speaks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    needs_the_extra()
    assert make_canceller("auto").mode == "cancel"
    assert make_canceller("cancel").mode == "cancel"
    monkeypatch.setitem(sys.modules, "livekit", None)
    assert isinstance(make_canceller("auto"), PassThrough)
    assert make_canceller("auto").mode == "half_duplex"
    with pytest.raises(ExtraMissingError, match=r"audio\.echo needs the extra 'aec'"):
        make_canceller("cancel")
