"""The simulated sound card's own: what is said, what the room hears, what is recorded."""

import time
import wave
from pathlib import Path

import numpy as np
import pytest

from speakerd.audio.errors import BadBlockError
from speakerd.audio.pcm import MIC_RATE, WIRE_RATE, dbfs, samples_of
from speakerd.audio.simulation.device import SimulatedDevice
from speakerd.audio.simulation.person import MOST_WAITING, Person, read_wav
from speakerd.audio.simulation.room import Room, RoomShape, impulse_response
from tests.audio.device_contract import Ear, chirp, likeness, silence
from tests.audio.engine_bench import tone, wait_for

SPEECH = Path(__file__).parent.parent / "data" / "goforward.wav"


def test_sayings_follow_each_other_with_their_pauses_and_tell_when_they_were_said() -> None:
    device = SimulatedDevice(stepped=True, noise_dbfs=None)
    ear = Ear()
    device.start(ear, silence)
    one = device.say(chirp(MIC_RATE, 0.205).tobytes())
    two = device.say(chirp(MIC_RATE, 0.1).tobytes(), after_s=0.5)
    device.step(100)
    assert one.done
    assert two.done
    assert one.started_at == pytest.approx(0, abs=0.001)
    assert one.ended_at == pytest.approx(0.205, abs=0.001)
    assert two.started_at == pytest.approx(0.705, abs=0.001)
    heard = ear.sound
    assert np.array_equal(heard[: round(0.205 * MIC_RATE)], chirp(MIC_RATE, 0.205))
    assert not heard[round(0.205 * MIC_RATE) : round(0.705 * MIC_RATE)].any()


def test_a_person_who_is_hushed_falls_silent() -> None:
    device = SimulatedDevice(stepped=True, noise_dbfs=None)
    ear = Ear()
    device.start(ear, silence)
    said = device.say(SPEECH)
    device.step(30)
    device.stop_talking()
    device.step(30)
    assert said.done
    assert not ear.sound[30 * 160 :].any()


@pytest.mark.realtime_clock
def test_in_real_time_one_can_wait_until_it_is_said() -> None:
    device = SimulatedDevice()
    device.start(Ear(), silence)
    try:
        assert not device.say(chirp(MIC_RATE, 5).tobytes()).wait(0.01)
        device.stop_talking()
        assert device.say(chirp(MIC_RATE, 0.05).tobytes()).wait(10)
    finally:
        device.stop()


def test_more_than_a_script_can_mean_is_refused() -> None:
    person = Person()
    for _ in range(MOST_WAITING):
        person.say(b"\x01\x00")
    with pytest.raises(BufferError, match="wait"):
        person.say(b"\x01\x00")


def test_the_echo_has_the_rooms_level_and_delay() -> None:
    far = chirp(WIRE_RATE, 1.0).tobytes()
    device = SimulatedDevice(
        stepped=True,
        noise_dbfs=None,
        room=RoomShape(echo_db=-12, delay_ms=100, reverb_s=0.0),
        output_latency_s=0.0,
    )
    ear = Ear()
    sent = iter([far[i : i + 480] for i in range(0, len(far), 480)])
    device.start(ear, lambda samples: next(sent, silence(samples)))
    device.step(150)
    at, alike = likeness(ear.sound, chirp(MIC_RATE, 1.0))
    assert alike > 0.98
    assert 0.1 <= at / MIC_RATE < 0.15  # the room's, and what resampling costs
    heard = ear.sound[at : at + MIC_RATE]
    assert dbfs(heard) - dbfs(chirp(MIC_RATE, 1.0)) == pytest.approx(-12, abs=0.5)


def test_a_room_is_the_convolution_with_its_impulse_response() -> None:
    shape = RoomShape(reverb_s=0.25, delay_ms=7)
    room = Room(shape)
    far = np.random.default_rng(1).integers(-8000, 8000, 160 * 60, dtype=np.int16)
    heard = np.concatenate([room.echo(far[i : i + 160].tobytes()) for i in range(0, len(far), 160)])
    wanted = np.convolve(far.astype(np.float64), impulse_response(shape))[: len(far)]
    assert np.max(np.abs(heard - wanted)) <= 1


def test_the_same_seed_is_the_same_sound() -> None:
    ears = []
    for _ in range(2):
        device = SimulatedDevice(stepped=True, room=RoomShape(), seed=7)
        ears.append(Ear())
        device.start(ears[-1], lambda samples: tone(0.01))
        device.step(50)
    assert ears[0].blocks == ears[1].blocks


def test_the_rooms_recording_holds_both_voices(tmp_path: Path) -> None:
    device = SimulatedDevice(stepped=True, noise_dbfs=None)
    device.start(Ear(), lambda samples: tone(0.01))
    device.say(chirp(MIC_RATE, 0.5).tobytes())
    device.step(100)
    device.save_room_recording(tmp_path / "room.wav")
    with wave.open(str(tmp_path / "room.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (WIRE_RATE, 1, WIRE_RATE)
        both = samples_of(file.readframes(WIRE_RATE))
    speaker = samples_of(device.played)
    assert likeness((both - speaker).astype(np.int16), chirp(WIRE_RATE, 0.5))[1] > 0.98


def test_recordings_are_bounded() -> None:
    device = SimulatedDevice(stepped=True, record_s=0.5)
    device.start(Ear(), silence)
    device.step(200)
    assert len(device.played) == WIRE_RATE
    assert len(device.heard) == MIC_RATE
    assert len(device.room_recording()) == WIRE_RATE


def test_a_recording_that_is_not_16_bit_is_refused(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "8.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(bytes(100))
    with pytest.raises(BadBlockError):
        read_wav(tmp_path / "8.wav", MIC_RATE)


def test_recordings_of_other_rates_and_channels_are_read(tmp_path: Path) -> None:
    both = np.stack([chirp(48_000, 0.5), np.zeros(24_000, np.int16)], axis=1)
    with wave.open(str(tmp_path / "stereo.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(both.tobytes())
    assert likeness(read_wav(tmp_path / "stereo.wav", MIC_RATE), chirp(MIC_RATE, 0.5))[1] > 0.98


def test_stepping_a_device_that_runs_by_itself_is_a_mistake() -> None:
    with pytest.raises(RuntimeError, match="stepped"):
        SimulatedDevice().step()


@pytest.mark.realtime_clock
def test_real_time_keeps_its_pace_over_a_stall_of_its_callback() -> None:
    device = SimulatedDevice()
    stalls = iter([0.2])

    def slow(block: bytes, at: float) -> None:

        time.sleep(next(stalls, 0))

    before = device.now()
    device.start(slow, silence)
    try:
        wait_for(lambda: device.block_counts.capture >= 60, 10, "sixty blocks")
        assert device.now() - before < 0.6 + 0.35  # the late ones were made up for
    finally:
        device.stop()
