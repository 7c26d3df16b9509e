import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speakerd.audio.errors import BadBlockError
from speakerd.audio.resample import Resampler, resample


def sine(hertz: float, rate: int, seconds: float = 1.0, amplitude: float = 16_000) -> bytes:
    t = np.arange(int(rate * seconds)) / rate
    return np.rint(amplitude * np.sin(2 * np.pi * hertz * t)).astype("<i2").tobytes()


def in_chunks(stream: Resampler, pcm: bytes, sizes: list[int]) -> bytes:
    out, at = b"", 0
    for size in sizes:
        out += stream.process(pcm[at : at + 2 * size])
        at += 2 * size
    return out + stream.process(pcm[at:]) + stream.finish()


@pytest.mark.parametrize(
    ("from_hz", "to_hz"), [(16_000, 24_000), (24_000, 16_000), (44_100, 16_000), (24_000, 48_000)]
)
def test_a_sine_stays_a_sine_within_what_16_bits_can_hold(from_hz: int, to_hz: int) -> None:
    out = np.frombuffer(resample(sine(1000, from_hz), from_hz, to_hz), dtype="<i2").astype(float)
    assert out.size == pytest.approx(to_hz, abs=2)
    middle = out[to_hz // 4 : to_hz // 4 * 3]
    t = np.arange(middle.size)
    basis = np.stack([np.sin(2 * np.pi * 1000 / to_hz * t), np.cos(2 * np.pi * 1000 / to_hz * t)])
    fit = np.linalg.lstsq(basis.T, middle, rcond=None)[0] @ basis
    assert 20 * np.log10(np.std(middle) / np.std(middle - fit)) > 85


def test_what_the_lower_rate_cannot_hold_is_taken_out_not_folded() -> None:
    out = np.frombuffer(resample(sine(10_000, 24_000), 24_000, 16_000), dtype="<i2")
    assert np.abs(out[1000:-1000]).max() <= 2


@settings(max_examples=25)
@given(st.lists(st.integers(1, 700), max_size=12))
def test_chunks_leave_no_seams(sizes: list[int]) -> None:
    pcm = sine(440, 16_000, 0.3)
    stream = Resampler(16_000, 24_000)
    assert in_chunks(stream, pcm, sizes) == resample(pcm, 16_000, 24_000)


def test_a_finished_stream_is_as_new() -> None:
    stream = Resampler(16_000, 24_000)
    first = in_chunks(stream, sine(440, 16_000, 0.2), [160] * 10)
    assert in_chunks(stream, sine(440, 16_000, 0.2), [160] * 10) == first


def test_a_cleared_stream_forgets_what_it_held() -> None:
    stream = Resampler(16_000, 24_000)
    stream.process(sine(440, 16_000, 0.1))
    stream.clear()
    assert set(stream.process(bytes(6400)) + stream.finish()) == {0}


def test_silence_stays_silence() -> None:
    assert set(resample(bytes(32_000), 16_000, 24_000)) == {0}


def test_equal_rates_pass_the_bytes_through() -> None:
    stream = Resampler(16_000, 16_000)
    stream.clear()
    assert stream.process(b"abcd") == b"abcd"
    assert stream.finish() == b""
    with pytest.raises(BadBlockError):
        stream.process(b"abc")
