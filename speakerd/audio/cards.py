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
    """One card as the kernel knows it. `usb_path` is empty for cards that are not on USB.

    `first_capture` and `first_playback` are the lowest device numbers of either direction, held or free; None
    where there is none.
    """

    number: int
    card_id: str
    usb_path: str = ""
    first_capture: int | None = None
    first_playback: int | None = None

    def first(self, direction: Direction) -> int | None:
        """The lowest device number of that direction."""
        return self.first_capture if direction == "capture" else self.first_playback


def sound_cards(root: Path = Path("/")) -> tuple[SoundCard, ...]:
    """All cards there are now; none where the kernel has no sound. `root` is for tests."""
    cards = []
    for folder in sorted((root / "proc/asound").glob("card[0-9]*")):
        number = folder.name.removeprefix("card")
        try:
            card_id = (folder / "id").read_text(encoding="utf-8").strip()
        except OSError:
            continue  # unplugged between the listing and the reading
        firsts = (_first_device(folder, "c"), _first_device(folder, "p"))
        cards.append(SoundCard(int(number), card_id, _usb_path(root, number), *firsts))
    return tuple(cards)


def _first_device(folder: Path, letter: str) -> int | None:
    """The lowest of `pcm0c`, `pcm1c` and so on: capture by letter c, playback by p."""
    names = (path.name.removeprefix("pcm").removesuffix(letter) for path in folder.glob(f"pcm*{letter}"))
    return min((int(name) for name in names if name.isdecimal()), default=None)


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
