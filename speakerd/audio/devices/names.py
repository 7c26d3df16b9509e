"""Finds the PortAudio device that a name in the configuration means. Pure.

A name may be, tried in this order:

    default                     ALSA's device of that name, else the first device of that direction
    any ALSA PCM                `speaker` from asound.conf, `dmix`, `pulse`: as PortAudio lists it
    hw:CARD=Device,DEV=0        a card by id, also `plughw:...`, `hw:Device`, `hw:Device,0`
    Device                      a card's id alone: its first device of that direction
    usb:1-1.2                   the card in that USB port (or `1-1.2` alone)

Numbers are refused: PortAudio's and ALSA's change with the order of plugging in, and a speaker that listens to the
wrong microphone after a power cut is worse than one that reports that it found none.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from speakerd.audio.cards import SoundCard
from speakerd.audio.errors import DeviceError, DeviceNotFoundError
from speakerd.audio.events import Direction

_HW_OF_ROW: Final = re.compile(r"\(hw:(\d+),(\d+)\)$")
_HW_NAME: Final = re.compile(
    r"^(?P<plug>plug)?hw:(?:CARD=)?(?P<card>[^,=]+)(?:,(?:DEV=)?(?P<device>\d+))?(?:,.*)?$"
)


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """One device in PortAudio's list."""

    index: int
    name: str
    input_channels: int
    output_channels: int

    def channels(self, direction: Direction) -> int:
        """Return its number of channels in that direction; 0 if it does not support it."""
        return self.input_channels if direction == "capture" else self.output_channels

    @property
    def hardware(self) -> tuple[int, int] | None:
        """The numbers of card and device; None for a PCM that ALSA's configuration defines."""
        found = _HW_OF_ROW.search(self.name)
        return (int(found[1]), int(found[2])) if found else None


def find_device(
    wanted: str, direction: Direction, rows: Sequence[DeviceRow], cards: Sequence[SoundCard]
) -> DeviceRow:
    """Return the row that `wanted` names.

    Raises:
        DeviceNotFoundError: there is none; the message lists those there are.
        DeviceError: `wanted` is a number.
    """
    usable = [row for row in rows if row.channels(direction) > 0]
    hardware = _HW_NAME.match(wanted)
    card_part = hardware["card"] if hardware else wanted
    if card_part.isdecimal():
        raise DeviceError(direction, wanted, "card numbers change from boot to boot: name it by its card id")
    row = next((row for row in usable if row.name == wanted), None)
    if row is None and wanted == "default":
        row = next(iter(usable), None)
    if row is None:
        card = _card(card_part, cards)
        device = int(hardware["device"]) if hardware and hardware["device"] else None
        if device is None and card is not None:
            # PortAudio does not list a device that another program holds; the card's next one was not meant.
            device = card.first(direction)
        row = next((row for row in usable if card is not None and _is_on(row, card, device)), None)
    if row is None:
        raise DeviceNotFoundError(direction, wanted, names_of(direction, rows, cards))
    return row


def is_card(wanted: str, direction: Direction, cards: Sequence[SoundCard]) -> bool:
    """Return whether the name is that of a card which the kernel has and which supports that direction."""
    hardware = _HW_NAME.match(wanted)
    card = _card(hardware["card"] if hardware else wanted, cards)
    return card is not None and card.first(direction) is not None


def wants_plug(wanted: str) -> bool:
    """Return whether the name asks ALSA to convert rates and channels (`plughw:`)."""
    hardware = _HW_NAME.match(wanted)
    return bool(hardware and hardware["plug"])


def names_of(direction: Direction, rows: Sequence[DeviceRow], cards: Sequence[SoundCard]) -> tuple[str, ...]:
    """Return the names to write into the configuration for all devices of that direction."""
    return tuple(name_of(row, cards) for row in rows if row.channels(direction) > 0)


def name_of(row: DeviceRow, cards: Sequence[SoundCard]) -> str:
    """Return a name that stays valid: `hw:CARD=Id,DEV=0` for hardware, otherwise the PCM's name."""
    if row.hardware is None:
        return row.name
    number, device = row.hardware
    card = next((card for card in cards if card.number == number), None)
    return f"hw:CARD={card.card_id},DEV={device}" if card is not None else row.name


def _card(part: str, cards: Sequence[SoundCard]) -> SoundCard | None:
    port = part.removeprefix("usb:")
    for card in cards:
        if part == card.card_id or (card.usb_path and port == card.usb_path):
            return card
    return None


def _is_on(row: DeviceRow, card: SoundCard, device: int | None) -> bool:
    hardware = row.hardware
    return hardware is not None and hardware[0] == card.number and device in {None, hardware[1]}
