"""The kernel's list of sound cards: number, id, USB path, and which program holds a card's device.

Card numbers change with the order of plugging in and of boot; ids (`/proc/asound/cardN/id`) and USB paths (the
port, such as `1-1.2`) do not, so a configuration names cards by those.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from speakerd.audio.events import Direction

_USB_PORT: Final = re.compile(r"^\d+-\d+(\.\d+)*$")


@dataclass(frozen=True, slots=True)
class SoundCard:
    """One card in the kernel's list. `usb_path` is empty for cards that are not on USB.

    `first_capture` and `first_playback` are the card's lowest device numbers for each direction, in use or not;
    None if it has no such device.
    """

    number: int
    card_id: str
    usb_path: str = ""
    first_capture: int | None = None
    first_playback: int | None = None

    def first(self, direction: Direction) -> int | None:
        """Return the lowest device number of that direction, None if there is none."""
        return self.first_capture if direction == "capture" else self.first_playback


def sound_cards(root: Path = Path("/")) -> tuple[SoundCard, ...]:
    """Return all cards there are now; none if the kernel has no sound. `root` is for tests."""
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
    """The lowest number among `pcm0c`, `pcm1c` and so on; the letter is c for capture, p for playback."""
    names = (path.name.removeprefix("pcm").removesuffix(letter) for path in folder.glob(f"pcm*{letter}"))
    return min((int(name) for name in names if name.isdecimal()), default=None)


def holder_of(card: int, device: int, direction: Direction, root: Path = Path("/")) -> str:
    """Return which program holds a card's device, such as "aplay (process 812)"; empty if unknown."""
    letter = "c" if direction == "capture" else "p"
    for status in sorted((root / f"proc/asound/card{card}/pcm{device}{letter}").glob("sub*/status")):
        try:
            owner = re.search(r"^owner_pid\s*:\s*(\d+)", status.read_text(encoding="utf-8"), re.MULTILINE)
            if owner is not None:
                name = (root / f"proc/{owner[1]}/comm").read_text(encoding="utf-8").strip()
                return f"{name} (process {owner[1]})"
        except OSError:
            continue  # it was closed meanwhile, or we may not see it
    return ""


def _usb_path(root: Path, number: str) -> str:
    """The USB port of the card: the innermost folder above its device that is named like one."""
    device = (root / f"sys/class/sound/card{number}/device").resolve()
    return next((part for part in reversed(device.parts) if _USB_PORT.match(part)), "")
