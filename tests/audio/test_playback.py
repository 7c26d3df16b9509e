import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from speakerd.audio.errors import PlaybackOverflowError
from speakerd.audio.events import PlaybackDrained, PlaybackResumed, PlaybackStarted, PlaybackUnderrun
from speakerd.audio.playback.buffer import PlaybackBuffer
from speakerd.audio.playback.gain import GainRamp, volume_gain

BLOCK = 240
Ints = NDArray[np.int_]


def tone(samples: int, hertz: float = 440, amplitude: float = 12_000) -> bytes:
    return (
        np.rint(amplitude * np.sin(2 * np.pi * hertz * np.arange(samples) / 24_000)).astype("<i2").tobytes()
    )


def level(samples: int, value: int = 10_000) -> bytes:
    return np.full(samples, value, dtype="<i2").tobytes()


def ints(pcm: bytes) -> Ints:
    return np.frombuffer(pcm, dtype="<i2").astype(int)


def pull_blocks(buffer: PlaybackBuffer, count: int) -> Ints:
    return np.concatenate([ints(buffer.pull(BLOCK)) for _ in range(count)])


def speaking(seconds: float = 1.0, pcm: bytes | None = None, **options: float) -> PlaybackBuffer:
    buffer = PlaybackBuffer(**options)
    buffer.append("a", 0, pcm if pcm is not None else tone(int(24_000 * seconds)))
    return buffer


# -- flow ----------------------------------------------------------------------------------------------------


def test_an_empty_buffer_gives_silence_of_the_asked_length() -> None:
    assert PlaybackBuffer().pull(333) == bytes(666)


def test_nothing_sounds_before_the_pre_buffer_is_full() -> None:
    buffer = PlaybackBuffer(prebuffer_ms=60)
    buffer.append("a", 0, level(1439))
    assert not pull_blocks(buffer, 3).any()
    buffer.append("a", 0, level(1))
    assert pull_blocks(buffer, 1).any()


def test_a_finished_item_shorter_than_the_pre_buffer_plays_at_once() -> None:
    buffer = PlaybackBuffer(prebuffer_ms=60)
    buffer.append("a", 0, level(100))
    buffer.finish_item("a")
    assert np.count_nonzero(pull_blocks(buffer, 1)) == 100


def test_speech_passes_unchanged_at_full_volume_but_for_its_last_milliseconds() -> None:
    pcm = tone(4800)
    buffer = speaking(pcm=pcm, prebuffer_ms=0)
    out = pull_blocks(buffer, 20)
    assert (out[: 4800 - 120] == ints(pcm)[: 4800 - 120]).all()


def test_pulls_larger_than_usual_are_served_too() -> None:
    assert len(speaking().pull(5000)) == 10_000


def test_an_underrun_is_reported_fades_out_and_gathers_a_new_pre_buffer() -> None:
    buffer = PlaybackBuffer(prebuffer_ms=20)
    buffer.append("a", 0, level(600))
    out = pull_blocks(buffer, 3)
    assert np.abs(np.diff(out[300:])).max() < 200
    assert PlaybackUnderrun("a", 7.0) in buffer.take_events(7.0)
    assert buffer.underruns == 1
    buffer.append("a", 0, level(479))
    assert not pull_blocks(buffer, 1).any()
    assert buffer.take_events(8.0) == []
    buffer.append("a", 0, level(600))
    out = pull_blocks(buffer, 1)
    assert buffer.take_events(9.0) == [PlaybackResumed("a", 9.0)]
    assert out[0] < 200
    assert np.abs(np.diff(out)).max() < 200


@pytest.mark.parametrize("end", ["flush", "finish"])
def test_what_ends_after_an_underrun_is_not_resumed_by_what_is_said_later(end: str) -> None:
    buffer = PlaybackBuffer(prebuffer_ms=20)
    buffer.append("a", 0, level(600))
    pull_blocks(buffer, 3)
    if end == "flush":
        buffer.flush()
    else:
        buffer.finish_item("a")
    pull_blocks(buffer, 3)
    buffer.append("b", 0, level(960))
    pull_blocks(buffer, 1)
    assert not [event for event in buffer.take_events(1.0) if isinstance(event, PlaybackResumed)]


def test_events_tell_of_the_first_and_the_last_heard_sample_with_the_latency() -> None:
    buffer = PlaybackBuffer(prebuffer_ms=0)
    buffer.latency_s = 0.03
    buffer.append("a", 0, level(480))
    buffer.finish_item("a")
    seen = []
    for index in range(8):
        buffer.pull(BLOCK)
        seen += [(index, event) for event in buffer.take_events(float(index))]
    assert seen == [(3, PlaybackStarted("a", 3.0)), (4, PlaybackDrained(4.0))]
    assert not buffer.active


def test_drained_comes_once_for_several_items_and_again_for_later_ones() -> None:
    buffer = PlaybackBuffer(prebuffer_ms=0)
    for name in ("a", "b"):
        buffer.append(name, 0, level(240))
        buffer.finish_item(name)
    pull_blocks(buffer, 4)
    kinds = [type(event) for event in buffer.take_events(0)]
    assert kinds == [PlaybackStarted, PlaybackStarted, PlaybackDrained]
    buffer.append("c", 0, level(240))
    buffer.finish_item("c")
    pull_blocks(buffer, 2)
    assert [type(event) for event in buffer.take_events(0)] == [PlaybackStarted, PlaybackDrained]


def test_an_item_finished_after_it_was_heard_drains_then() -> None:
    buffer = PlaybackBuffer(prebuffer_ms=0)
    buffer.append("a", 0, level(240))
    pull_blocks(buffer, 3)
    buffer.take_events(0)
    buffer.finish_item("a")
    pull_blocks(buffer, 1)
    assert buffer.take_events(1) == [PlaybackDrained(1)]


def test_an_empty_item_is_neither_started_nor_drained() -> None:
    buffer = PlaybackBuffer()
    buffer.append("a", 0, b"")
    buffer.finish_item("a")
    pull_blocks(buffer, 2)
    assert buffer.take_events(0) == []


# -- bounds --------------------------------------------------------------------------------------------------


def test_a_sender_faster_than_real_time_loses_nothing_and_is_asked_to_pause() -> None:
    buffer = PlaybackBuffer(limit_s=10)
    second = tone(24_000)
    answers = [buffer.append("a", 0, second) for _ in range(10)]
    assert answers == [True] * 9 + [False]
    with pytest.raises(PlaybackOverflowError, match="playback_limit_s"):
        buffer.append("a", 0, second)
    pulls = 0
    while not buffer.has_room:
        buffer.pull(BLOCK)
        pulls += 1
    assert pulls == pytest.approx(201, abs=1)
    assert buffer.positions()[0].received_samples == 240_000


def test_ten_minutes_of_speech_at_once_are_held_and_played_whole() -> None:
    buffer = PlaybackBuffer(limit_s=700, prebuffer_ms=0)
    ten_seconds = level(240_000, 1)
    for _ in range(60):
        buffer.append("a", 0, ten_seconds)
    buffer.finish_item("a")
    heard = sum(np.count_nonzero(np.frombuffer(buffer.pull(24_000), dtype="<i2")) for _ in range(600))
    assert heard == pytest.approx(60 * 240_000, abs=120)
    assert buffer.positions()[0].played_samples == 60 * 240_000


def test_what_was_heard_is_remembered_for_a_bounded_number_of_items() -> None:
    buffer = PlaybackBuffer(prebuffer_ms=0)
    for index in range(100):
        buffer.append(f"item-{index}", 0, level(240))
        buffer.pull(BLOCK)
    assert len(buffer.positions()) <= 33
    known = [index for index in range(100) if buffer.position(f"item-{index}", 0) is not None]
    assert [f"item-{index}" for index in known] == [item.item_id for item in buffer.positions()]
    buffer.release_item_ids()
    buffer.flush()
    assert not any(buffer.position(f"item-{index}", 0) for index in range(100))
    assert len(buffer.take_events(0)) <= 256


def test_a_queue_of_sounds_is_bounded() -> None:
    buffer = PlaybackBuffer()
    for _ in range(100):
        buffer.play_earcon(level(24_000))
    seconds = 0
    while pull_blocks(buffer, 100).any():
        seconds += 1
    assert seconds == 30


# -- positions -----------------------------------------------------------------------------------------------


def test_positions_are_less_by_the_latency_and_never_negative() -> None:
    buffer = speaking(prebuffer_ms=0)
    buffer.latency_s = 0.05
    assert buffer.latency_s == 0.05
    pull_blocks(buffer, 3)
    assert buffer.positions()[0].played_samples == 0
    pull_blocks(buffer, 7)
    item = buffer.positions()[0]
    assert (item.played_samples, item.received_samples, item.played_ms) == (1200, 24_000, 50)


def test_a_pause_between_two_parts_is_not_counted_as_played() -> None:
    buffer = PlaybackBuffer(prebuffer_ms=0)
    buffer.latency_s = 0.02
    buffer.append("a", 0, level(240))
    pull_blocks(buffer, 5)
    buffer.append("a", 0, level(480))
    pull_blocks(buffer, 3)
    assert buffer.positions()[0].played_samples == 480
    pull_blocks(buffer, 1)
    assert buffer.positions()[0].played_samples == 720


def test_a_pause_shorter_than_the_latency_is_not_counted_as_played_either() -> None:
    buffer = PlaybackBuffer(prebuffer_ms=0)
    buffer.latency_s = 0.05
    buffer.append("a", 0, level(240))
    pull_blocks(buffer, 2)
    buffer.append("a", 0, level(240))
    played = []
    for _ in range(7):
        pull_blocks(buffer, 1)
        played.append(buffer.positions()[0].played_samples)
    assert played == [0, 0, 0, 240, 240, 480, 480]


def test_content_parts_of_an_item_are_counted_apart() -> None:
    buffer = PlaybackBuffer(prebuffer_ms=0)
    buffer.append("a", 0, level(240))
    buffer.append("a", 1, level(480))
    pull_blocks(buffer, 2)
    assert [(i.content_index, i.played_samples) for i in buffer.positions()] == [(0, 240), (1, 240)]


def test_an_item_that_goes_on_after_it_was_heard_counts_on() -> None:
    buffer = PlaybackBuffer(prebuffer_ms=0)
    buffer.append("a", 0, level(240))
    buffer.finish_item("a")
    pull_blocks(buffer, 2)
    buffer.append("a", 0, level(240))
    pull_blocks(buffer, 1)
    assert [i.played_samples for i in buffer.positions()] == [480]


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 3), st.integers(0, 900)),
        st.tuples(st.just("finish"), st.integers(0, 3), st.just(0)),
        st.tuples(st.just("pull"), st.integers(1, 700), st.just(0)),
        st.tuples(st.just("flush"), st.just(0), st.just(0)),
        st.tuples(st.just("duck"), st.integers(0, 1), st.just(0)),
    ),
    max_size=60,
)


@settings(max_examples=150)
@given(OPERATIONS, st.integers(0, 60), st.integers(0, 30))
def test_whatever_happens_every_sample_is_queued_pulled_or_flushed(
    operations: list[tuple[str, int, int]], prebuffer_ms: int, latency_ms: int
) -> None:
    buffer = PlaybackBuffer(prebuffer_ms=prebuffer_ms)
    buffer.latency_s = latency_ms / 1000
    before: dict[tuple[str, int], int] = {}
    serial = 0
    for operation, first, second in operations:
        if operation == "append":
            buffer.append(f"{serial}-{first}", 0, level(second))
        elif operation == "finish":
            buffer.finish_item(f"{serial}-{first}")
        elif operation == "pull":
            assert len(buffer.pull(first)) == 2 * first
        elif operation == "flush":
            for item in buffer.flush():
                assert 0 <= item.played_samples <= item.received_samples
            serial += 1
            before = {}
            assert buffer.queued_s == 0
        elif first:
            buffer.set_voice("ducked")
        else:
            buffer.set_voice("normal")
        received = played = 0
        for item in buffer.positions():
            assert 0 <= item.played_samples <= item.received_samples
            key = (item.item_id, item.content_index)
            assert item.played_samples >= before.get(key, 0)
            before[key] = item.played_samples
            assert buffer.position(*key) == item
            if item.item_id.startswith(f"{serial}-"):
                received += item.received_samples
                played += item.played_samples
        in_device = received - played - round(buffer.queued_s * 24_000)
        assert 0 <= in_device <= round(latency_ms * 24)


# -- flush ---------------------------------------------------------------------------------------------------


def test_a_flush_lets_five_milliseconds_out_falling_to_zero_and_nothing_more() -> None:
    buffer = speaking(pcm=level(24_000), prebuffer_ms=0, ramp_ms=5)
    pull_blocks(buffer, 10)
    buffer.flush()
    out = pull_blocks(buffer, 5)
    assert np.count_nonzero(out) <= 120
    assert (np.diff(out[:121]) <= 0).all()
    assert not out[120:].any()


@pytest.mark.parametrize("at", [1220, 5021, 9999, 12_345])
def test_no_click_is_heard_at_the_cut(at: int) -> None:
    """Energy above 6 kHz around the cut, where a tone of 300 Hz has none, against that of a hard cut at its peak."""

    def splash(out: Ints, cut: int) -> float:
        window = out[cut - 480 : cut + 480] * np.hanning(960)
        spectrum = np.abs(np.fft.rfft(window)) ** 2
        return float(spectrum[np.fft.rfftfreq(960, 1 / 24_000) > 6000].sum())

    buffer = speaking(pcm=tone(48_000, 300), prebuffer_ms=0)
    head = ints(buffer.pull(at))
    buffer.flush()
    soft = np.concatenate([head, pull_blocks(buffer, 100)])
    hard = np.concatenate([ints(tone(1220, 300)), np.zeros(1000, dtype=int)])
    assert 10 * np.log10(splash(hard, 1220) / splash(soft, at)) > 40


def test_a_flush_reports_what_will_have_been_heard_of_each_item() -> None:
    buffer = PlaybackBuffer(prebuffer_ms=0)
    buffer.append("done", 0, level(240))
    buffer.append("now", 0, level(480))
    buffer.append("next", 0, level(480))
    pull_blocks(buffer, 2)
    cut = {item.item_id: item.played_samples for item in buffer.flush()}
    assert cut == {"now": 240, "next": 0}


def test_late_chunks_of_a_flushed_item_are_refused_until_it_is_finished() -> None:
    buffer = speaking(prebuffer_ms=0)
    pull_blocks(buffer, 2)
    buffer.flush()
    assert buffer.append("a", 0, level(2400))
    pull_blocks(buffer, 1)
    assert not pull_blocks(buffer, 5).any()
    buffer.finish_item("a")
    buffer.append("a", 0, level(2400))
    assert pull_blocks(buffer, 1).any()


def test_after_a_flush_the_next_answer_plays_from_its_beginning() -> None:
    buffer = speaking(prebuffer_ms=0)
    pull_blocks(buffer, 3)
    buffer.set_voice("ducked")
    buffer.flush()
    buffer.append("b", 0, level(4800))
    out = pull_blocks(buffer, 20)
    assert buffer.positions()[0].item_id == "b"
    assert out[2000] == 10_000
    assert not [event for event in buffer.take_events(0) if isinstance(event, PlaybackDrained)]


def test_a_flush_of_silence_does_nothing() -> None:
    buffer = PlaybackBuffer()
    assert buffer.flush() == ()
    assert not pull_blocks(buffer, 2).any()


def test_a_long_ramp_fades() -> None:
    buffer = speaking(pcm=level(24_000), prebuffer_ms=0)
    pull_blocks(buffer, 2)
    buffer.flush(ramp_ms=300)
    out = pull_blocks(buffer, 40)
    assert np.count_nonzero(out) == pytest.approx(7200, abs=50)
    assert out[3600] == pytest.approx(5000, abs=100)


# -- gain and sounds -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [0.0, 1.0])
def test_a_gain_changes_at_one_pace_however_the_sound_is_cut_into_blocks(target: float) -> None:
    counting = np.arange(1, 481, dtype=np.float32)
    whole, pieces = np.ones(480, dtype=np.float32), np.ones(480, dtype=np.float32)
    at_once, by_pieces = GainRamp(0.5), GainRamp(0.5)
    at_once.target = by_pieces.target = target
    at_once.apply(whole, counting)
    for begin in range(0, 480, 48):
        by_pieces.apply(pieces[begin : begin + 48], counting)
    assert pieces == pytest.approx(whole, abs=1e-6)
    assert (at_once.gain, by_pieces.gain) == (target, target)
    assert np.abs(np.diff(whole)).max() == pytest.approx(1 / 480, rel=0.01)


def test_the_volume_follows_the_ear() -> None:
    assert volume_gain(100) == 1
    assert volume_gain(0) == 0
    assert 20 * np.log10(volume_gain(50)) == pytest.approx(-18.06, abs=0.01)
    assert volume_gain(150) == 1


def test_a_new_volume_glides_and_settles() -> None:
    buffer = speaking(pcm=level(24_000), prebuffer_ms=0)
    pull_blocks(buffer, 2)
    buffer.volume = 50
    out = pull_blocks(buffer, 5)
    assert buffer.volume == 50
    assert np.abs(np.diff(out)).max() <= 25
    assert out[-1] == 1250
    buffer.volume = 100
    assert pull_blocks(buffer, 5)[-1] == 10_000


def test_ducking_is_quick_smooth_and_undone() -> None:
    buffer = speaking(pcm=level(24_000), prebuffer_ms=0, duck_db=-12)
    pull_blocks(buffer, 2)
    buffer.set_voice("ducked")
    out = pull_blocks(buffer, 3)
    assert np.abs(np.diff(out)).max() <= 25
    assert out[-1] == pytest.approx(2512, abs=2)
    buffer.set_voice("normal")
    assert pull_blocks(buffer, 3)[-1] == 10_000


def test_sounds_play_over_speech_at_once_and_survive_a_flush() -> None:
    buffer = speaking(pcm=level(24_000, 1000), prebuffer_ms=0)
    buffer.play_earcon(level(720, 500))
    assert pull_blocks(buffer, 1)[0] == 1500
    assert not buffer.only_earcon
    buffer.flush()
    out = pull_blocks(buffer, 3)
    assert out[130:480].tolist() == [500] * 350
    assert not out[480:].any()


def test_a_sound_alone_is_told_apart_from_speech() -> None:
    buffer = PlaybackBuffer()
    buffer.play_earcon(level(300, 500))
    buffer.play_earcon(level(100, 700))
    assert np.count_nonzero(pull_blocks(buffer, 1)) == 240
    assert buffer.only_earcon
    pull_blocks(buffer, 1)
    pull_blocks(buffer, 1)
    assert not buffer.only_earcon


def test_stopped_sounds_end_with_a_ramp() -> None:
    buffer = PlaybackBuffer()
    buffer.stop_earcons()
    buffer.play_earcon(level(24_000))
    pull_blocks(buffer, 2)
    buffer.stop_earcons()
    out = pull_blocks(buffer, 2)
    assert np.count_nonzero(out) <= 120
    assert (np.diff(out[:121]) <= 0).all()


def test_a_mix_too_loud_is_clipped_not_wrapped() -> None:
    buffer = speaking(pcm=level(2400, 30_000), prebuffer_ms=0)
    buffer.play_earcon(level(240, 30_000))
    assert pull_blocks(buffer, 1).min() == 32_767


def test_a_sender_and_a_device_on_threads_of_their_own_lose_no_sample() -> None:
    buffer = PlaybackBuffer(prebuffer_ms=0)

    def send() -> None:
        for _ in range(500):
            buffer.append("a", 0, level(100, 1))
        buffer.finish_item("a")

    sender = threading.Thread(target=send)
    sender.start()
    pulls = 0
    while (buffer.active or sender.is_alive()) and pulls < 1_000_000:
        buffer.pull(BLOCK)
        pulls += 1
    sender.join()
    pull_blocks(buffer, 1)
    assert [(i.received_samples, i.played_samples) for i in buffer.positions()] == [(50_000, 50_000)]
    assert buffer.clock >= 50_000
