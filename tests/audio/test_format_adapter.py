"""From a card's rate and channels to the port's and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.audio.devices.format_adapter import CaptureAdapter, PlaybackAdapter
from speakerd.audio.pcm import MIC_BLOCK_BYTES, MIC_RATE, WIRE_BLOCK, WIRE_RATE
from tests.audio.device_contract import chirp, likeness, silence


@given(
    st.sampled_from([16_000, 44_100, 48_000]), st.integers(1, 6), st.lists(st.integers(1, 900), max_size=60)
)
def test_capture_gives_whole_blocks_and_knows_what_it_holds(
    rate: int, channels: int, sizes: list[int]
) -> None:
    bridge = CaptureAdapter(rate, channels, channels - 1)
    taken = given_out = 0
    for frames in sizes:
        taken += frames
        for block in bridge.convert(silence(frames * channels)):
            assert len(block) == MIC_BLOCK_BYTES
            given_out += len(block) // 2
    assert bridge.held_s == pytest.approx(taken / rate - given_out / MIC_RATE)
    assert 0 <= bridge.held_s < 0.06


@given(
    st.sampled_from([24_000, 44_100, 48_000]),
    st.sampled_from([1, 2]),
    st.lists(st.integers(1, 900), max_size=60),
)
def test_playback_gives_exactly_what_is_asked_and_pulls_no_more_than_that_needs(
    rate: int, channels: int, sizes: list[int]
) -> None:
    pulled: list[int] = []

    def pull(samples: int) -> bytes:
        pulled.append(samples)
        return silence(samples)

    bridge = PlaybackAdapter(rate, channels, pull)
    for frames in sizes:
        assert len(bridge.take(frames)) == 2 * frames * channels
    assert all(0 < samples <= WIRE_BLOCK for samples in pulled)
    assert bridge.held_s == pytest.approx(sum(pulled) / WIRE_RATE - sum(sizes) / rate)
    assert -0.0001 <= bridge.held_s < 0.06


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_sound_comes_through_a_bridge_and_back_unharmed(rate: int) -> None:
    said = chirp(WIRE_RATE, 0.5).tobytes() + silence(WIRE_RATE // 4)
    position = 0

    def pull(samples: int) -> bytes:
        nonlocal position
        position += 2 * samples
        return said[position - 2 * samples : position].ljust(2 * samples, b"\0")

    playback = PlaybackAdapter(rate, 2, pull)
    capture = CaptureAdapter(rate, 2, 1)
    heard = b"".join(b"".join(capture.convert(playback.take(rate // 125))) for _ in range(75))
    assert likeness(np.frombuffer(heard, dtype="<i2"), chirp(MIC_RATE, 0.5))[1] > 0.99


def test_of_several_channels_only_the_chosen_one_is_heard() -> None:
    frames = np.stack([np.full(160, channel * 100, np.int16) for channel in range(4)], axis=1)
    (block,) = CaptureAdapter(MIC_RATE, 4, 2).convert(frames.tobytes())
    assert set(np.frombuffer(block, dtype="<i2")) == {200}
