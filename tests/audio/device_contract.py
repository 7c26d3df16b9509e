"""What every audio device must do, whatever it is made of: run over the real one and over the simulated one.

A test module subclasses `DeviceContract` and gives a fixture `bench`: a device and the world around it.
"""

import threading
from typing import Final, Protocol

import numpy as np
import pytest
from numpy.typing import NDArray

from speakerd.audio.device import AudioDevice
from speakerd.audio.errors import DeviceNotFoundError
from speakerd.audio.pcm import (
    BLOCK_S,
    MIC_BLOCK_BYTES,
    MIC_RATE,
    WIRE_BLOCK,
    WIRE_RATE,
    samples_of,
)
from speakerd.audio.playback.buffer import PlaybackBuffer
from tests.rig import about_the_sound, may_be_torn

Wave = NDArray[np.int16]
SECOND: Final = 100
"""Blocks."""


class Bench(Protocol):
    """A device on the bench."""

    device: AudioDevice

    def pass_blocks(self, blocks: int) -> None:
        """Let the time of so many blocks pass, and no less."""

    def say(self, pcm: bytes) -> None:
        """Speak into the microphone."""

    def played(self) -> Wave:
        """All that has left the loudspeaker so far, 24 kHz."""

    def make_unknown(self) -> AudioDevice:
        """A device of a name that does not exist."""


def chirp(rate: int, seconds: float) -> Wave:
    """A sweep from 300 to 3000 Hz: nothing else correlates with it."""
    t = np.arange(int(rate * seconds)) / rate
    return (9000 * np.sin(2 * np.pi * (300 * t + 2700 / 2 / seconds * t * t))).astype(np.int16)


def likeness(sound: Wave, pattern: Wave) -> tuple[int, float]:
    """Where in `sound` the pattern lies, and how alike they are there: 1.0 is identical but for loudness."""
    wide, wanted = sound.astype(np.float64), pattern.astype(np.float64)
    size = len(wide) + len(wanted)
    match = np.fft.irfft(np.fft.rfft(wide, size) * np.conj(np.fft.rfft(wanted, size)), size)[: len(wide)]
    at = int(np.argmax(match))
    energy = np.linalg.norm(wide[at : at + len(wanted)]) * np.linalg.norm(wanted)
    return at, float(match[at] / energy) if energy else 0.0


class Ear:
    """Collects what a device captures."""

    def __init__(self) -> None:
        self.blocks: list[bytes] = []
        self.times: list[float] = []

    def __call__(self, block: bytes, at: float) -> None:
        self.blocks.append(block)
        self.times.append(at)

    @property
    def sound(self) -> Wave:
        return samples_of(b"".join(self.blocks))


def silence(samples: int) -> bytes:
    return bytes(2 * samples)


class DeviceContract:
    """The tests."""

    @may_be_torn
    def test_blocks_of_ten_milliseconds_run_both_ways_at_the_ports_rates(self, bench: Bench) -> None:
        ear, asked = Ear(), list[int]()

        def pull(samples: int) -> bytes:
            asked.append(samples)
            return silence(samples)

        bench.device.start(ear, pull)
        bench.pass_blocks(10)
        before = bench.device.block_counts
        bench.pass_blocks(50)
        after = bench.device.block_counts
        assert {len(block) for block in ear.blocks} == {MIC_BLOCK_BYTES}
        assert len(set(asked)) == 1
        assert asked[0] <= WIRE_BLOCK
        with about_the_sound():
            # Real time on a busy machine; what matters is that the rate is the right one.
            assert 40 <= after.capture - before.capture <= 75
            assert 40 <= after.playback - before.playback <= 75

    @may_be_torn
    def test_what_is_said_is_captured(self, bench: Bench) -> None:
        ear = Ear()
        bench.device.start(ear, silence)
        bench.pass_blocks(10)
        said = chirp(MIC_RATE, 0.3)
        bench.say(said.tobytes())
        bench.pass_blocks(80)
        with about_the_sound():
            assert likeness(ear.sound, said)[1] > 0.97, likeness(ear.sound, said)

    @may_be_torn
    def test_what_is_pulled_is_played_sample_for_sample(self, bench: Bench) -> None:
        buffer = PlaybackBuffer(volume=100)
        bench.device.start(Ear(), buffer.pull)
        bench.pass_blocks(20)
        tone = chirp(WIRE_RATE, 0.3)
        buffer.append("item", 0, tone.tobytes())
        buffer.finish_item("item")
        bench.pass_blocks(50)
        with about_the_sound():
            played = bench.played()
            at, alike = likeness(played, tone)
            assert alike > 0.98
            heard = played[at : at + len(tone)]
            ramp = round(0.005 * WIRE_RATE)  # the queue fades what it ends with
            assert np.array_equal(heard[:-ramp], tone[:-ramp])

    def test_the_times_of_captured_blocks_rise_by_the_devices_own_clock(self, bench: Bench) -> None:
        ear = Ear()
        before = bench.device.now()
        bench.device.start(ear, silence)
        bench.pass_blocks(50)
        after = bench.device.now()
        assert ear.times == sorted(ear.times)
        assert before - 0.2 <= ear.times[0] <= ear.times[-1] <= after
        assert after - ear.times[-1] < 0.25

    @may_be_torn
    def test_the_latency_is_known_once_it_runs(self, bench: Bench) -> None:
        bench.device.start(Ear(), silence)
        seen: list[float] = []
        for _ in range(10):
            bench.pass_blocks(3)
            seen.append(bench.device.output_latency_s)
        with about_the_sound():
            # It is what is still on its way at that moment: next to nothing, where a busy machine has kept us waiting.
            assert BLOCK_S <= max(seen) < 0.3
            assert 0.0 <= bench.device.input_latency_s < 0.3

    def test_after_stop_no_callback_comes_and_a_second_stop_does_nothing(self, bench: Bench) -> None:
        ear = Ear()
        bench.device.start(ear, silence)
        bench.pass_blocks(20)
        bench.device.stop()
        bench.device.stop()
        heard, beats = len(ear.blocks), bench.device.block_counts
        assert heard
        bench.pass_blocks(20)
        assert len(ear.blocks) == heard
        assert bench.device.block_counts == beats

    def test_it_can_be_started_again_and_the_counts_go_on(self, bench: Bench) -> None:
        first, second = Ear(), Ear()
        bench.device.start(first, silence)
        bench.pass_blocks(20)
        bench.device.stop()
        before = bench.device.block_counts
        bench.device.start(second, silence)
        bench.pass_blocks(30)
        after = bench.device.block_counts
        assert second.blocks
        assert after.capture > before.capture
        assert after.playback > before.playback

    @pytest.mark.parametrize("direction", ["capture", "playback"])
    def test_a_callback_that_raises_is_a_failure_of_the_device_and_of_nothing_else(
        self, bench: Bench, direction: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        ear = Ear()

        def broken_ear(block: bytes, at: float) -> None:
            raise ZeroDivisionError

        def broken_pull(samples: int) -> bytes:
            raise ZeroDivisionError

        bench.device.start(
            broken_ear if direction == "capture" else ear, broken_pull if direction == "playback" else silence
        )
        bench.pass_blocks(20)
        failure = bench.device.failure
        assert failure is not None
        assert failure.direction == direction
        assert "ZeroDivisionError" in failure.reason
        bench.device.stop()
        bench.device.start(ear, silence)
        assert bench.device.failure is None
        assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1

    def test_an_unknown_name_is_told_and_leaves_nothing_open(self, bench: Bench) -> None:
        unknown = bench.make_unknown()
        with pytest.raises(DeviceNotFoundError) as caught:
            unknown.start(Ear(), silence)
        assert "audio.input" in str(caught.value)
        with pytest.raises(DeviceNotFoundError):
            unknown.probe()
        assert unknown.block_counts == type(unknown.block_counts)(0, 0)
        unknown.stop()

    def test_it_can_be_probed_while_it_runs_and_goes_on(self, bench: Bench) -> None:
        ear = Ear()
        bench.device.start(ear, silence)
        bench.device.probe()
        before = bench.device.block_counts.capture
        bench.pass_blocks(5)
        assert bench.device.block_counts.capture > before

    @may_be_torn
    def test_nothing_is_lost_while_nobody_is_late(self, bench: Bench) -> None:
        bench.device.start(Ear(), silence)
        bench.pass_blocks(30)
        with about_the_sound():
            assert bench.device.xruns.capture == 0

    def test_counters_may_be_read_from_other_threads_while_it_runs(self, bench: Bench) -> None:
        seen: list[int] = []

        def read() -> None:
            for _ in range(200):
                seen.append(bench.device.block_counts.playback)
                assert bench.device.xruns.playback >= 0
                assert bench.device.output_latency_s >= 0

        bench.device.start(Ear(), silence)
        threads = [threading.Thread(target=read) for _ in range(3)]
        for thread in threads:
            thread.start()
        bench.pass_blocks(10)
        for thread in threads:
            thread.join()
        assert len(seen) == 600
