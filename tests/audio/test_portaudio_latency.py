"""PortAudio's own list of devices, through PyAudio's library."""

from collections.abc import Iterator

import pyaudio
import pytest

from speakerd.audio.devices.portaudio import CAPTURE_PERIOD_S, CAPTURE_PERIODS
from speakerd.audio.devices.portaudio_latency import enlarge_capture_buffer
from speakerd.audio.devices.stderr_filter import StderrFilter
from tests.audio.engine_bench import wait_until_devices_are_closed
from tests.rig import SoundCard

pytestmark = pytest.mark.rig

LAG_S = (CAPTURE_PERIODS - 1) * CAPTURE_PERIOD_S


@pytest.fixture
def portaudio(rig: SoundCard) -> Iterator[pyaudio.PyAudio]:  # it must be there
    wait_until_devices_are_closed()  # while one is open, the list is the one that it was opened with
    with StderrFilter():
        made = pyaudio.PyAudio()
        yield made
        made.terminate()


def microphone(portaudio: pyaudio.PyAudio) -> int:
    infos = map(portaudio.get_device_info_by_index, range(portaudio.get_device_count()))
    return next(int(info["index"]) for info in infos if info["name"] == "mic")


def low_latency(portaudio: pyaudio.PyAudio, index: int) -> float:
    return float(portaudio.get_device_info_by_index(index)["defaultLowInputLatency"])


def test_what_pyaudio_is_told_afterwards_is_what_was_asked_for(portaudio: pyaudio.PyAudio) -> None:
    index = microphone(portaudio)
    before = portaudio.get_device_info_by_index(index)
    assert float(before["defaultLowInputLatency"]) < LAG_S
    assert enlarge_capture_buffer(index, before, LAG_S)
    assert portaudio.get_device_info_by_index(index) == {**before, "defaultLowInputLatency": LAG_S}


def test_a_device_that_lags_by_more_already_is_left_alone(portaudio: pyaudio.PyAudio) -> None:
    index = microphone(portaudio)
    enlarge_capture_buffer(index, portaudio.get_device_info_by_index(index), 0.5)
    assert enlarge_capture_buffer(index, portaudio.get_device_info_by_index(index), LAG_S)
    assert low_latency(portaudio, index) == 0.5


@pytest.mark.parametrize(
    "wrong", [{"hostApi": 99}, {"defaultSampleRate": 1.0}, {"defaultLowInputLatency": 7.0}, {}]
)
def test_a_list_that_is_not_as_expected_is_not_touched(
    portaudio: pyaudio.PyAudio, wrong: dict[str, float]
) -> None:
    index = microphone(portaudio)
    before = portaudio.get_device_info_by_index(index)
    as_told = {**before, **wrong} if wrong else {}
    assert not enlarge_capture_buffer(index, as_told, LAG_S)
    assert portaudio.get_device_info_by_index(index) == before


def test_a_device_that_is_not_there_is_no_harm(portaudio: pyaudio.PyAudio) -> None:
    assert not enlarge_capture_buffer(999, {}, LAG_S)
