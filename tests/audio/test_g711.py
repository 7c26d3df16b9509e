"""G.711 mu-law, by the points of the recommendation, and against the standard library where it still has it."""

import numpy as np
import pytest

from speakerd.audio import g711
from speakerd.audio.errors import BadBlockError


def pcm(*samples: int) -> bytes:
    return np.array(samples, dtype="<i2").tobytes()


@pytest.mark.parametrize(
    ("sample", "byte"),
    [(0, 0xFF), (-1, 0x7F), (32_767, 0x80), (-32_768, 0x00), (1_000, 0xCE), (-1_000, 0x4E), (30, 0xFB)],
)
def test_samples_become_the_bytes_of_the_recommendation(sample: int, byte: int) -> None:
    assert g711.encode(pcm(sample)) == bytes([byte])


def test_the_loudest_and_the_softest_come_back() -> None:
    decoded = np.frombuffer(g711.decode(bytes([0xFF, 0x7F, 0x80, 0x00])), dtype="<i2")
    assert decoded.tolist() == [0, 0, 32_124, -32_124]


def test_every_byte_comes_back_as_itself_but_for_the_two_zeros() -> None:
    every = bytes(range(256))
    assert g711.encode(g711.decode(every)).replace(b"\xff", b"\x7f") == every.replace(b"\xff", b"\x7f")


def test_every_sample_comes_back_within_its_step() -> None:
    samples = np.arange(-32_635, 32_636).astype("<i2")
    decoded = np.frombuffer(g711.decode(g711.encode(samples.tobytes())), dtype="<i2").astype(int)
    error = np.abs(decoded - samples.astype(int))
    assert (error <= np.maximum(4, np.abs(samples.astype(int)) / 16 + 4)).all()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_it_agrees_with_the_standard_library_on_every_sample() -> None:
    audioop = pytest.importorskip("audioop", reason="taken out of Python 3.13")
    samples = np.arange(-32_768, 32_768).astype("<i2").tobytes()
    assert g711.decode(bytes(range(256))) == audioop.ulaw2lin(bytes(range(256)), 2)
    ours, theirs = g711.encode(samples), audioop.lin2ulaw(samples, 2)
    # Theirs works with 14 bits: at the edge of a step it may take the next one.
    steps = np.abs(np.frombuffer(ours, np.uint8).astype(int) - np.frombuffer(theirs, np.uint8).astype(int))
    assert (steps > 0).mean() < 0.05
    assert steps.max() in {0, 1, 128}


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(BadBlockError):
        g711.encode(b"\0")
