"""What sound devices there are, under the names to write into the configuration, with the rates they open at.

Nothing is believed that is not tried: every device is opened, unstarted, at each rate that would serve. What
comes out is data (`list_devices`) and a table for people (`table`). A device that is in use is said to be.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import pyaudio

from speakerd.audio.cards import SoundCard, sound_cards
from speakerd.audio.devices.names import DeviceRow, find_device, name_of
from speakerd.audio.devices.portaudio import (
    CAPTURE_RATES,
    PLAYBACK_RATES,
    REAL_PORTAUDIO,
    PortAudio,
    Reply,
    UnsupportedFormatError,
    explain,
    list_rows,
    open_portaudio,
    open_stream,
)
from speakerd.audio.devices.stderr_filter import StderrFilter
from speakerd.audio.errors import DeviceBusyError, DeviceError
from speakerd.audio.events import Direction
from speakerd.audio.settings import AudioSettings

DIRECTIONS: Final[tuple[Direction, Direction]] = ("capture", "playback")
_HEADINGS: Final = {"capture": "MICROPHONES (audio.input)", "playback": "LOUDSPEAKERS (audio.output)"}


@dataclass(frozen=True, slots=True)
class ListedDevice:
    """One device in one direction."""

    direction: Direction
    name: str
    """What to write into the configuration."""
    description: str
    """What the device calls itself; the name again for PCMs of ALSA's configuration."""
    channels: int
    rates: tuple[int, ...]
    """Those of the rates we can use at which it really opens."""
    chosen: bool
    usb_path: str = ""
    trouble: str = ""
    """Why it opens at none: busy, and held by whom, or PortAudio's words."""


@dataclass(frozen=True, slots=True)
class Listing:
    """All devices, and for each direction whose chosen name fits none, the reason."""

    devices: tuple[ListedDevice, ...]
    problems: dict[str, str] = field(default_factory=dict)


def list_devices(
    settings: AudioSettings,
    portaudio: Callable[[], PortAudio] = REAL_PORTAUDIO,
    cards: Callable[[], Sequence[SoundCard]] = sound_cards,
) -> Listing:
    """Try all devices. Takes a second or so, during which each is opened; a running daemon's are busy.

    Raises:
        OSError: PortAudio itself cannot be initialised.
    """
    with StderrFilter():
        opened = open_portaudio(portaudio, settings)
        try:
            return _listing(opened, settings, tuple(cards()))
        finally:
            opened.terminate()


def table(listing: Listing) -> str:
    """The listing for people: `*` marks the chosen ones."""
    lines: list[str] = []
    for direction in DIRECTIONS:
        lines.append(_HEADINGS[direction])
        devices = [device for device in listing.devices if device.direction == direction]
        width = max((len(device.name) for device in devices), default=0)
        for device in devices:
            rates = " ".join(str(rate) for rate in device.rates) + " Hz" if device.rates else device.trouble
            channels = f"{device.channels} ch"
            extra = [device.description] if device.description != device.name else []
            extra += [f"usb:{device.usb_path}"] if device.usb_path else []
            more = f"   ({', '.join(extra)})" if extra else ""
            lines.append(
                f" {'*' if device.chosen else ' '} {device.name:{width}}  {channels:>6}  {rates}{more}"
            )
        if not devices:
            lines.append("   none: is it plugged in? For a HAT, is its dtoverlay in config.txt?")
        if direction in listing.problems:
            lines.append(f"   ! {listing.problems[direction]}")
        lines.append("")
    lines += [
        "* chosen by the settings. Any of these names may stand there, or a card's id, or usb: and a port.",
        "",
    ]
    return "\n".join(lines)


def _listing(portaudio: PortAudio, settings: AudioSettings, cards: tuple[SoundCard, ...]) -> Listing:
    rows = list_rows(portaudio)
    devices: list[ListedDevice] = []
    problems: dict[str, str] = {}
    for direction, wanted in zip(DIRECTIONS, (settings.input, settings.output), strict=True):
        chosen = None
        try:
            chosen = find_device(wanted, direction, rows, cards)
        except DeviceError as error:
            problems[direction] = str(error)
        devices += [
            _tried(portaudio, direction, row, cards, chosen=row == chosen)
            for row in rows
            if row.channels(direction)
        ]
    return Listing(tuple(devices), problems)


def _tried(
    portaudio: PortAudio, direction: Direction, row: DeviceRow, cards: tuple[SoundCard, ...], *, chosen: bool
) -> ListedDevice:
    rates: list[int] = []
    trouble = "opens at none of our rates: write plughw: before its name"
    most = row.channels(direction)
    name = name_of(row, cards)
    for rate in CAPTURE_RATES if direction == "capture" else PLAYBACK_RATES:
        for channels in sorted({1, min(2, most), most}):
            try:
                open_stream(portaudio, direction, row, rate=rate, channels=channels, callback=_never).close()
            except UnsupportedFormatError:
                continue
            except OSError as error:
                reason = explain(error, direction, name, row)
                if isinstance(reason, DeviceBusyError):
                    trouble = f"in use by {reason.holder or 'another program'}"
                else:
                    trouble = reason.reason
                break
            rates.append(rate)
            break
    number = row.hardware[0] if row.hardware else None
    usb_path = next((card.usb_path for card in cards if card.number == number), "")
    return ListedDevice(
        direction, name, row.name, most, tuple(sorted(rates)), chosen, usb_path, "" if rates else trouble
    )


def _never(*_: object) -> Reply:
    """The callback of a stream that is never started."""
    return None, pyaudio.paAbort
