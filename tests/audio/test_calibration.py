"""`speakerd calibrate`: what it measures is what the room does, and what it proposes follows."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from speakerd.audio.calibration import analysis as calibration
from speakerd.audio.calibration.analysis import Measurement, Proposal, propose, report
from speakerd.audio.calibration.probe import measure
from speakerd.audio.devices.portaudio import PyAudioDevice
from speakerd.audio.errors import DeviceNotFoundError
from speakerd.audio.settings import AudioSettings
from speakerd.audio.simulation.device import SimulatedDevice
from speakerd.audio.simulation.room import RoomShape
from tests.rig import SoundCard, about_the_sound, may_be_torn

FITS = Measurement(
    -65.0,
    heard=True,
    clipped=False,
    echo_return_db=-12.0,
    round_trip_ms=80.0,
    spread_ms=0.5,
    tail_ms=150.0,
    device_latency_ms=70.0,
)


def probe(room: RoomShape | None, noise_dbfs: float | None = -70.0, volume: float = 80) -> Measurement:
    device = SimulatedDevice(stepped=True, room=room, noise_dbfs=noise_dbfs)
    return measure(device, volume, step=lambda: device.step(10))


@pytest.mark.parametrize("echo_db", [-20.0, -6.0])
@pytest.mark.parametrize("noise_dbfs", [-70.0, -50.0])
def test_noise_floor_and_echo_return_are_the_rooms(echo_db: float, noise_dbfs: float) -> None:
    found = probe(RoomShape(echo_db=echo_db, reverb_s=0.2), noise_dbfs)
    assert found.heard
    assert found.noise_dbfs == pytest.approx(noise_dbfs, abs=0.5)
    assert found.echo_return_db == pytest.approx(echo_db, abs=2)
    assert not found.clipped


def test_the_round_trip_grows_by_the_delay_of_the_room() -> None:
    near, far = probe(RoomShape(delay_ms=20)), probe(RoomShape(delay_ms=220))
    assert near.round_trip_ms is not None
    assert far.round_trip_ms is not None
    assert far.round_trip_ms - near.round_trip_ms == pytest.approx(200, abs=1)
    assert near.spread_ms == pytest.approx(0, abs=1)


def test_a_room_that_sounds_longer_has_a_longer_tail() -> None:
    short, long = probe(RoomShape(reverb_s=0.1)), probe(RoomShape(reverb_s=0.6))
    assert short.tail_ms is not None
    assert long.tail_ms is not None
    assert long.tail_ms > short.tail_ms + 100


def test_a_loudspeaker_that_is_not_heard_is_said() -> None:
    found = probe(None)
    assert not found.heard
    assert found.round_trip_ms is None
    proposals = propose(found, AudioSettings(), canceller=True)
    assert proposals == ()
    said = report(found, proposals)
    assert "did not hear the loudspeaker" in said
    assert "fit" not in said


def test_a_sweep_that_came_back_in_pieces_is_told_from_one_that_did_not() -> None:
    pieces = np.random.default_rng(1).normal(0, 3000, 16_000 * 9).astype("<i2")
    pieces[: round(calibration.LEAD_S * 16_000)] //= 100
    found = calibration.analyse(pieces.tobytes(), [24_000, 64_000, 104_000], 80)
    assert not found.heard
    assert found.garbled
    assert "not the sweep" in report(found, ())


def test_from_a_delay_that_wandered_nothing_follows() -> None:
    found = replace(FITS, spread_ms=60.0, round_trip_ms=400.0)
    assert propose(found, AudioSettings(), canceller=True) == ()
    said = report(found, ())
    assert "wandered" in said
    assert "fit" not in said


def test_proposals_stand_under_their_tables() -> None:
    proposals = [
        Proposal("audio.gate.min_level_dbfs", -45.0, "noise"),
        Proposal("audio.echo", "cancel", "heard"),
    ]
    said = report(FITS, proposals)
    assert '[audio]\necho = "cancel"   # heard\n[audio.gate]\nmin_level_dbfs = -45.0   # noise' in said


def test_a_microphone_in_digital_silence_is_said() -> None:
    found = probe(None, noise_dbfs=None)
    assert "digital silence" in report(found, ())


def test_a_sweep_too_loud_for_the_microphone_clips() -> None:
    found = probe(RoomShape(echo_db=12), volume=100)
    assert found.clipped
    assert "audio.input_gain_db" in {
        proposal.key for proposal in propose(found, AudioSettings(), canceller=True)
    }


def test_settings_that_fit_are_left_alone() -> None:
    assert propose(FITS, AudioSettings(echo_tail_ms=300), canceller=True) == ()
    assert "The settings fit." in report(FITS, ())


@pytest.mark.parametrize(
    ("found", "settings", "canceller", "key", "value"),
    [
        (replace(FITS, echo_return_db=-60.0), {}, True, "audio.echo", "off"),
        (FITS, {"echo": "off"}, True, "audio.echo", "cancel"),
        (FITS, {"echo": "off"}, False, "audio.echo", "half_duplex"),
        (replace(FITS, round_trip_ms=271.0, tail_ms=0.0), {}, True, "audio.output_delay_ms", 200),
        (replace(FITS, tail_ms=420.0), {}, True, "audio.echo_tail_ms", 550),
        (replace(FITS, noise_dbfs=-48.5), {}, True, "audio.gate.min_level_dbfs", -45.0),
    ],
)
def test_what_does_not_fit_is_proposed_with_its_reason(
    found: Measurement, settings: dict[str, str], canceller: bool, key: str, value: object
) -> None:
    proposals = {
        proposal.key: proposal
        for proposal in propose(found, replace(AudioSettings(), **settings), canceller=canceller)  # type: ignore[arg-type]  # a table of settings
    }
    assert proposals[key].value == value
    assert proposals[key].reason


def test_devices_that_do_not_open_or_give_no_blocks_are_errors() -> None:
    device = SimulatedDevice(stepped=True)
    device.unplug()
    with pytest.raises(DeviceNotFoundError):
        measure(device, 60, step=device.step)

    silent = SimulatedDevice(stepped=True)
    with pytest.raises(TimeoutError, match="no blocks"):
        measure(silent, 60, step=_stalled(silent))


def _stalled(device: SimulatedDevice) -> Callable[[], None]:
    def step() -> None:
        device.stall("playback")
        device.step(10)

    return step


@pytest.mark.rig
@may_be_torn
def test_through_the_real_devices_of_the_rig(rig: SoundCard) -> None:
    room = rig.room("--echo-db=-10")
    try:
        found = measure(PyAudioDevice(AudioSettings(input="mic", output="speaker")), 80, repeats=1)
    finally:
        room.kill()
        room.wait()
    with about_the_sound():
        assert found.heard
        assert found.echo_return_db == pytest.approx(-10, abs=4)
        assert found.round_trip_ms is not None
        assert 30 < found.round_trip_ms < 500
