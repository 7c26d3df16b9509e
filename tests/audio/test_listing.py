"""`speakerd devices`: what there is, what it opens at, what is chosen."""

import pyaudio
import pytest

from speakerd.audio.devices.listing import ListedDevice, Listing, list_devices, table
from speakerd.audio.settings import AudioSettings
from tests.audio.faulty_portaudio import Faults
from tests.rig import SoundCard


@pytest.mark.rig
def test_devices_are_listed_with_the_rates_they_open_at_and_the_chosen_ones_marked(rig: SoundCard) -> None:
    listing = list_devices(
        AudioSettings(input="mic", output="default"), Faults(rates={"input": (48_000,)}).portaudio
    )
    found = {(device.direction, device.name): device for device in listing.devices}
    assert found["capture", "mic"].rates == (48_000,)
    assert found["playback", "speaker"].rates == (24_000, 44_100, 48_000)
    assert [key for key, device in found.items() if device.chosen] == [
        ("capture", "mic"),
        ("playback", "default"),
    ]
    assert not listing.problems


@pytest.mark.rig
def test_a_chosen_name_that_fits_none_is_said(rig: SoundCard) -> None:
    listing = list_devices(AudioSettings(input="no such", output="speaker"))
    assert "no such" in listing.problems["capture"]
    assert "no such" in table(listing)


@pytest.mark.rig
def test_a_device_that_alsa_refuses_comes_with_what_tells_why(rig: SoundCard) -> None:
    listing = list_devices(AudioSettings(input="mic", output="speaker"))
    refused = {(device.direction, device.name): device.trouble for device in listing.devices}
    assert "arecord -D speaker " in refused["capture", "speaker"]
    assert "aplay -D mic " in refused["playback", "mic"]


@pytest.mark.rig
def test_a_device_in_use_says_so(rig: SoundCard) -> None:
    listing = list_devices(AudioSettings(), Faults(error=pyaudio.paDeviceUnavailable).portaudio)
    assert {device.trouble for device in listing.devices} == {"in use by another program"}
    assert "in use by another program" in table(listing)


def test_the_table_marks_what_is_chosen_and_names_the_port() -> None:
    usb = ListedDevice(
        "capture", "hw:CARD=Device,DEV=0", "USB PnP (hw:1,0)", 1, (44_100, 48_000), True, "1-1.2"
    )
    text = table(Listing((usb,)))
    assert " * hw:CARD=Device,DEV=0    1 ch  44100 48000 Hz   (USB PnP (hw:1,0), usb:1-1.2)" in text
    assert "none: is it plugged in?" in text
