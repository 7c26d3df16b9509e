import numpy as np
import pytest

from speakerd.audio.capture.echo_reference import DEEPEST, EchoReference

SILENCE = bytes(480)
TONE_HZ = 301


def block(index: int) -> bytes:
    """The index-th 10 ms of a tone, of which no two blocks within a second are alike."""
    t = (index * 240 + np.arange(240)) / 24_000
    return bytes(np.rint(8000 * np.sin(2 * np.pi * TONE_HZ * t)).astype("<i2"))


class Clocks:
    """A loudspeaker `ppm` faster than the microphone, both with jitter; takes a block for every captured one."""

    def __init__(self, ppm: float = 0, jitter_s: float = 0) -> None:
        self.far = EchoReference()
        self.pace = 1 + ppm * 1e-6
        self.jitter_s = jitter_s
        self.rng = np.random.default_rng(0)
        self.put = self.taken = 0

    def jitter(self) -> float:
        return float(self.rng.uniform(0, self.jitter_s))

    def run(self, seconds: float) -> list[bytes]:
        blocks = []
        for _ in range(int(seconds * 100)):
            self.taken += 1
            now = self.taken / 100
            while self.put / 100 / self.pace <= now - 0.007:
                self.far.put(block(self.put), False, self.put / 100 / self.pace + 0.002 + self.jitter())
                self.put += 1
            blocks.append(self.far.take(now + self.jitter())[0])
        return blocks

    @property
    def lag_ms(self) -> float:
        """From the loudspeaker's true position back to the point of reading."""
        return (self.taken / 100 * self.pace * 24_000 - self.far._at) / 24


def test_what_was_put_is_taken_in_order_unchanged_while_the_clocks_agree() -> None:
    taken = Clocks().run(2)
    first = next(index for index, taken_block in enumerate(taken) if taken_block != SILENCE)
    assert b"".join(taken[first:]) == b"".join(block(index) for index in range(200 - first))


@pytest.mark.parametrize("ppm", [-200, -50, 50, 200])
def test_clocks_that_drift_apart_are_followed_to_a_hair(ppm: float) -> None:
    clocks = Clocks(ppm, jitter_s=0.003)
    clocks.run(3)
    before = clocks.lag_ms
    blocks = clocks.run(80)
    assert SILENCE not in blocks
    assert clocks.lag_ms == pytest.approx(before, abs=1)


def test_after_a_break_the_new_distance_is_kept_and_not_the_old_one() -> None:
    clocks = Clocks()
    clocks.run(3)
    before = clocks.lag_ms
    for index in range(20):
        clocks.far.put(block(index), False, clocks.taken / 100)
    clocks.far.clear()
    clocks.run(2)
    after = clocks.lag_ms
    assert abs(after - before) > 100
    clocks.run(60)
    assert clocks.lag_ms == pytest.approx(after, abs=0.1)


def test_following_neither_bends_nor_breaks_the_tone() -> None:
    clocks = Clocks(200, jitter_s=0.003)
    clocks.run(30)
    out = np.frombuffer(b"".join(clocks.run(2)), dtype="<i2").astype(float)
    spectrum = np.abs(np.fft.rfft(out * np.hanning(out.size))) ** 2
    hertz = np.fft.rfftfreq(out.size, 1 / 24_000)
    outside = spectrum[np.abs(hertz - TONE_HZ) > 20].sum()
    assert 10 * np.log10(spectrum.sum() / outside) > 50


def test_dry_it_gives_silence_and_goes_on_with_what_comes() -> None:
    far = EchoReference()
    assert far.take(0.0) == (SILENCE, False)
    far.put(block(0), True, 0.01)
    far.put(block(1), False, 0.02)
    assert far.take(0.02) == (block(0), True)


def test_a_surplus_that_lies_for_a_second_is_skipped() -> None:
    far = EchoReference()
    for index in range(20):
        far.put(block(index), False, 0.0)
    for index in range(150):
        far.put(block(20 + index), False, index / 100)
        far.take(index / 100)
    lying = (far._head[0] - far._at) / 240
    assert lying <= 3


def test_a_taker_that_stood_still_gets_nothing_older_than_the_ring() -> None:
    far = EchoReference()
    for index in range(500):
        far.put(block(index), False, index / 100)
    taken, _ = far.take(5.0)
    assert taken == block(500 - DEEPEST + 2)


def test_silence_is_taken_as_silence_and_own_sounds_are_told() -> None:
    far = EchoReference()
    for index in range(4):
        far.put(SILENCE, False, index / 100)
    far.put(block(0), True, 0.04)
    far.put(SILENCE, False, 0.05)
    taken = [far.take(index / 100) for index in range(4)]
    assert all(block == SILENCE for block, _ in taken[:3])


def test_cleared_it_holds_nothing() -> None:
    far = EchoReference()
    for index in range(4):
        far.put(block(index), True, index / 100)
    far.clear()
    assert far.take(0.05) == (SILENCE, False)
