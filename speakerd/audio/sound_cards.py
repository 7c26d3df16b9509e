"""The kernel's list of sound cards: number, id, USB path, and who holds a card's device now.

Card numbers change with the order of plugging and of boot; ids (`/proc/asound/cardN/id`) and USB paths (the
port a plug sits in, as in `1-1.2`) do not, so these are what a configuration may name.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from speakerd.audio.events import Direction

_USB_PORT: Final = re.compile(r"^\d+-\d+(\.\d+)*$")


@dataclass(frozen=True, slots=True)
class SoundCard:
    """One card as the kernel knows it. `usb_path` is empty for cards that are not on USB."""

    number: int
    card_id: str
    usb_path: str = ""


def sound_cards(root: Path = Path("/")) -> tuple[SoundCard, ...]:
    """All cards there are now; none where the kernel has no sound. `root` is for tests."""
    cards = []
    for folder in sorted((root / "proc/asound").glob("card[0-9]*")):
        number = folder.name.removeprefix("card")
        try:
            card_id = (folder / "id").read_text(encoding="utf-8").strip()
        except OSError:
            continue  # unplugged between the listing and the reading
        cards.append(SoundCard(int(number), card_id, _usb_path(root, number)))
    return tuple(cards)


def holder_of(card: int, device: int, direction: Direction, root: Path = Path("/")) -> str:
    """Who holds a card's device open, as in "aplay (process 812)"; empty if that cannot be told."""
    letter = "c" if direction == "capture" else "p"
    for status in sorted((root / f"proc/asound/card{card}/pcm{device}{letter}").glob("sub*/status")):
        try:
            owner = re.search(r"^owner_pid\s*:\s*(\d+)", status.read_text(encoding="utf-8"), re.MULTILINE)
            if owner is not None:
                name = (root / f"proc/{owner[1]}/comm").read_text(encoding="utf-8").strip()
                return f"{name} (process {owner[1]})"
        except OSError:
            continue  # it has let go, or is not ours to see
    return ""


def _usb_path(root: Path, number: str) -> str:
    """The port of the bus where the card's plug sits: the innermost such folder above its device."""
    device = (root / f"sys/class/sound/card{number}/device").resolve()
    return next((part for part in reversed(device.parts) if _USB_PORT.match(part)), "")
