"""Which device a name means, whatever the order of plugging."""

from pathlib import Path

import pytest

from speakerd.audio.cards import SoundCard, holder_of, sound_cards
from speakerd.audio.devices.names import DeviceRow, find_device, is_card, name_of, names_of, wants_plug
from speakerd.audio.errors import DeviceError, DeviceNotFoundError

CARDS = (SoundCard(0, "vc4hdmi"), SoundCard(1, "Device", "1-1.2"), SoundCard(2, "seeed2micvoicec"))
ROWS = (
    DeviceRow(0, "vc4-hdmi: MAI PCM i2s-hifi-0 (hw:0,0)", 0, 2),
    DeviceRow(1, "USB PnP Sound Device: Audio (hw:1,0)", 1, 2),
    DeviceRow(2, "USB PnP Sound Device: Digital (hw:1,1)", 0, 2),
    DeviceRow(3, "seeed-2mic-voicecard: bcm2835-i2s-wm8960-hifi wm8960-hifi-0 (hw:2,0)", 2, 2),
    DeviceRow(4, "speaker", 0, 32),
    DeviceRow(5, "default", 32, 32),
)


@pytest.mark.parametrize(
    ("wanted", "direction", "index"),
    [
        ("default", "capture", 5),
        ("speaker", "playback", 4),
        ("Device", "capture", 1),
        ("Device", "playback", 1),
        ("hw:CARD=Device,DEV=1", "playback", 2),
        ("hw:Device,1", "playback", 2),
        ("hw:Device", "capture", 1),
        ("plughw:CARD=seeed2micvoicec,DEV=0", "capture", 3),
        ("usb:1-1.2", "capture", 1),
        ("1-1.2", "playback", 1),
        ("USB PnP Sound Device: Audio (hw:1,0)", "capture", 1),
        ("vc4hdmi", "playback", 0),
    ],
)
def test_a_name_finds_its_device(wanted: str, direction: str, index: int) -> None:
    row = find_device(wanted, "capture" if direction == "capture" else "playback", ROWS, CARDS)
    assert row.index == index


@pytest.mark.parametrize(
    "wanted", ["nothing", "hw:CARD=Devic,DEV=0", "hw:Device,7", "usb:1-1.3", "speaker", "vc4hdmi"]
)
def test_a_name_that_no_microphone_has_lists_those_there_are(wanted: str) -> None:
    with pytest.raises(DeviceNotFoundError) as caught:
        find_device(wanted, "capture", ROWS, CARDS)
    assert caught.value.known == ("hw:CARD=Device,DEV=0", "hw:CARD=seeed2micvoicec,DEV=0", "default")
    assert "hw:CARD=Device,DEV=0" in str(caught.value)
    assert "audio.input" in str(caught.value)


@pytest.mark.parametrize("wanted", ["0", "1", "hw:1", "hw:1,0", "plughw:2,0", "hw:CARD=1,DEV=0"])
def test_a_number_is_refused_since_it_changes_from_boot_to_boot(wanted: str) -> None:
    with pytest.raises(DeviceError, match="card id"):
        find_device(wanted, "playback", ROWS, CARDS)


def test_a_card_whose_first_device_is_held_gives_no_other() -> None:
    card = SoundCard(1, "Device", "1-1.2", first_capture=0, first_playback=0)
    free = [row for row in ROWS if row.index != 1]
    with pytest.raises(DeviceNotFoundError):
        find_device("Device", "playback", free, [card])
    assert find_device("hw:CARD=Device,DEV=1", "playback", free, [card]).index == 2
    assert find_device("Device", "playback", ROWS, [card]).index == 1


def test_without_a_default_the_first_device_of_the_direction_serves() -> None:
    assert find_device("default", "capture", ROWS[:-1], CARDS).index == 1


def test_without_any_device_the_error_asks_whether_it_is_plugged_in() -> None:
    with pytest.raises(DeviceNotFoundError, match="plugged in"):
        find_device("default", "capture", (), ())


def test_every_name_that_is_listed_finds_the_device_it_was_listed_for() -> None:
    for row in ROWS:
        for direction in ("capture", "playback"):
            if row.channels(direction):
                assert find_device(name_of(row, CARDS), direction, ROWS, CARDS) == row
    assert names_of("playback", ROWS, CARDS)[0] == "hw:CARD=vc4hdmi,DEV=0"


@pytest.mark.parametrize(
    ("wanted", "capture", "playback"),
    [
        ("Device", True, False),
        ("hw:CARD=Device,DEV=0", True, False),
        ("usb:1-1.2", True, False),
        ("Headphones", False, True),
        ("default", False, False),
        ("Devic", False, False),
    ],
)
def test_whether_a_name_is_that_of_a_card_of_the_direction(
    wanted: str, capture: bool, playback: bool
) -> None:
    cards = [
        SoundCard(0, "Headphones", "", first_playback=0),
        SoundCard(1, "Device", "1-1.2", first_capture=0),
    ]
    assert (is_card(wanted, "capture", cards), is_card(wanted, "playback", cards)) == (capture, playback)


def test_only_plughw_asks_alsa_to_convert() -> None:
    assert wants_plug("plughw:CARD=Device,DEV=0")
    assert not wants_plug("hw:CARD=Device,DEV=0")
    assert not wants_plug("default")


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """A kernel's /proc and /sys with one USB card and one on the bus of the board."""
    for number, card_id, device in (
        (0, "Headphones", "devices/platform/soc/sound"),
        (1, "Device", "devices/platform/usb/usb1/1-1/1-1.2/1-1.2:1.0/sound/card1"),
    ):
        folder = tmp_path / f"proc/asound/card{number}"
        folder.mkdir(parents=True)
        (folder / "id").write_text(f"{card_id}\n")
        target = tmp_path / "sys" / device
        target.mkdir(parents=True)
        link = tmp_path / f"sys/class/sound/card{number}"
        link.mkdir(parents=True)
        (link / "device").symlink_to(target)
    return tmp_path


def test_cards_are_read_with_their_ids_and_usb_ports(system: Path) -> None:
    assert sound_cards(system) == (SoundCard(0, "Headphones"), SoundCard(1, "Device", "1-1.2"))


def test_cards_are_read_with_the_first_device_of_each_direction(system: Path) -> None:
    for name in ("pcm10p", "pcm3p", "pcm1c", "pcm3p/sub0"):
        (system / "proc/asound/card0" / name).mkdir(parents=True)
    card = sound_cards(system)[0]
    assert (card.first("capture"), card.first("playback")) == (1, 3)


def test_a_kernel_without_sound_has_no_cards(tmp_path: Path) -> None:
    assert sound_cards(tmp_path) == ()


def test_who_holds_a_device_is_named(system: Path) -> None:
    status = system / "proc/asound/card1/pcm0p/sub0/status"
    status.parent.mkdir(parents=True)
    status.write_text("state: RUNNING\nowner_pid   : 812\n")
    (system / "proc/812").mkdir()
    (system / "proc/812/comm").write_text("aplay\n")
    assert holder_of(1, 0, "playback", system) == "aplay (process 812)"
    assert holder_of(1, 0, "capture", system) == ""
    status.write_text("closed\n")
    assert holder_of(1, 0, "playback", system) == ""
