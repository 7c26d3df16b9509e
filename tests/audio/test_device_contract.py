"""The contract of an audio device, over the real one on the software sound card and over the simulated one."""

import time
from collections.abc import Iterator

import numpy as np
import pytest

from speakerd.audio.device import AudioDevice
from speakerd.audio.devices.portaudio import PyAudioDevice
from speakerd.audio.pcm import BLOCK_S, samples_of
from speakerd.audio.settings import AudioSettings
from speakerd.audio.simulation.device import SimulatedDevice
from tests.audio.device_contract import DeviceContract, Wave
from tests.rig import SoundCard


class SimulatedBench:
    def __init__(self, *, stepped: bool) -> None:
        self.device = SimulatedDevice(stepped=stepped)

    def pass_blocks(self, blocks: int) -> None:
        if self.device.stepped:
            self.device.step(blocks)
        else:
            time.sleep(blocks * BLOCK_S)

    def say(self, pcm: bytes) -> None:
        self.device.say(pcm)

    def played(self) -> Wave:
        return samples_of(self.device.played)

    def make_unknown(self) -> AudioDevice:
        device = SimulatedDevice()
        device.unplug("capture")
        return device


class RealBench:
    def __init__(self, rig: SoundCard, settings: AudioSettings) -> None:
        self._rig = rig
        self._settings = settings
        self._mark = rig.speaker.mark
        self.device = PyAudioDevice(settings)

    def pass_blocks(self, blocks: int) -> None:
        time.sleep(blocks * BLOCK_S)

    def say(self, pcm: bytes) -> None:
        self._rig.say(pcm).wait()

    def played(self) -> Wave:
        return np.array(self._rig.speaker.since(self._mark))

    def make_unknown(self) -> AudioDevice:
        return PyAudioDevice(AudioSettings(input="no such microphone", output="speaker"))


class TestSimulatedInStepsOfTime(DeviceContract):
    @pytest.fixture
    def bench(self) -> Iterator[SimulatedBench]:
        bench = SimulatedBench(stepped=True)
        yield bench
        bench.device.stop()


@pytest.mark.realtime_clock
class TestSimulatedInRealTime(DeviceContract):
    @pytest.fixture
    def bench(self) -> Iterator[SimulatedBench]:
        bench = SimulatedBench(stepped=False)
        yield bench
        bench.device.stop()


@pytest.mark.rig
class TestPyAudio(DeviceContract):
    @pytest.fixture
    def bench(self, rig: SoundCard) -> Iterator[RealBench]:
        bench = RealBench(rig, AudioSettings(input="mic", output="speaker"))
        yield bench
        bench.device.stop()
