import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.audio.errors import AudioError, BadBlockError
from speakerd.audio.pcm import FLOOR_DBFS, Reblocker, dbfs, gain_of, rms, samples_of, to_dbfs, to_int16


def test_a_full_scale_sine_is_minus_three_dbfs() -> None:
    sine = to_int16((32_767 * np.sin(2 * np.pi * np.arange(16_000) / 16)).astype(np.float32))
    assert dbfs(sine) == pytest.approx(-3.01, abs=0.01)


def test_silence_and_nothing_have_the_lowest_level() -> None:
    assert dbfs(np.zeros(160, dtype=np.int16)) == FLOOR_DBFS
    assert rms(np.zeros(0, dtype=np.int16)) == 0
    assert to_dbfs(0.001) == FLOOR_DBFS


def test_gain_and_level_are_inverse() -> None:
    assert to_dbfs(32_768 * gain_of(-20)) == pytest.approx(-20)


def test_rounding_clips_instead_of_wrapping() -> None:
    assert to_int16(np.array([40_000, -40_000, 1.6], dtype=np.float32)).tolist() == [32_767, -32_768, 2]


def test_half_a_sample_is_refused_with_its_size() -> None:
    with pytest.raises(BadBlockError, match="not 3") as caught:
        samples_of(b"abc")
    assert isinstance(caught.value, AudioError)
    assert isinstance(caught.value, ValueError)


@given(st.lists(st.binary(max_size=50), max_size=20), st.integers(1, 16))
def test_reblocking_keeps_every_byte_in_order(chunks: list[bytes], size: int) -> None:
    reblocker = Reblocker(size)
    blocks = [block for chunk in chunks for block in reblocker.push(chunk)]
    whole = b"".join(chunks)
    assert all(len(block) == size for block in blocks)
    assert b"".join(blocks) == whole[: len(whole) // size * size]


def test_a_cleared_reblocker_starts_on_a_block_boundary() -> None:
    reblocker = Reblocker(4)
    assert list(reblocker.push(b"ab")) == []
    reblocker.clear()
    assert list(reblocker.push(b"cdef")) == [b"cdef"]
