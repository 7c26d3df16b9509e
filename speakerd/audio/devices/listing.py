"""Lists the sound devices, under the names to write into the configuration, with the rates at which they open.

Every device is opened, but not started, at each rate we can use, since what drivers report is not reliable.
`list_devices` returns data, `table` formats it. A device in use is listed as such.
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
    """One device in one direction, with what was found when it was opened."""

    direction: Direction
    name: str
    """The name to write into the configuration."""
    description: str
    """The device's own description; for PCMs of ALSA's configuration the same as `name`."""
    channels: int
    rates: tuple[int, ...]
    """Of the rates we can use, those at which it opens."""
    chosen: bool
    usb_path: str = ""
    trouble: str = ""
    """Why it opens at no rate: which program holds it, or PortAudio's message."""


@dataclass(frozen=True, slots=True)
class Listing:
    """All devices, and for each direction whose name in the settings fits no device the reason."""

    devices: tuple[ListedDevice, ...]
    problems: dict[str, str] = field(default_factory=dict)


def list_devices(
    settings: AudioSettings,
    portaudio: Callable[[], PortAudio] = REAL_PORTAUDIO,
    cards: Callable[[], Sequence[SoundCard]] = sound_cards,
) -> Listing:
    """Open all devices one after the other, in about a second. Those of a running daemon are busy.

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
    """Format the listing as a table; `*` marks the devices that the settings choose."""
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
            _probe(portaudio, direction, row, cards, chosen=row == chosen)
            for row in rows
            if row.channels(direction)
        ]
    return Listing(tuple(devices), problems)


def _probe(
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
