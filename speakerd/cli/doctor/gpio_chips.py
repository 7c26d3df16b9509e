"""The kernel's GPIO chips and who holds their lines, by the character device's own calls (linux/gpio.h, version 2).

Reading this claims nothing: it works beside a running daemon. `parse_*` are pure; `chips` does the calls.
"""

import fcntl
import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path

_CHIP_INFO = struct.Struct("32s32sI")
_LINE_INFO = struct.Struct("32s32sIIQ160s16s")
_GET_CHIP_INFO = 2 << 30 | _CHIP_INFO.size << 16 | 0xB4 << 8 | 0x01
_GET_LINE_INFO = 3 << 30 | _LINE_INFO.size << 16 | 0xB4 << 8 | 0x05
_FLAG_USED = 1
_HEADER_LABELS = ("pinctrl-rp1", "pinctrl-bcm2835", "pinctrl-bcm2711", "gpio-sim")
"""Chips that lead to a Pi's header: Pi 5's is on its south bridge, and not always the first."""


@dataclass(frozen=True, slots=True)
class Chip:
    """One chip: its device, name, label, and number of lines."""

    path: str
    name: str
    label: str
    lines: int

    @property
    def is_header(self) -> bool:
        """Whether it leads to a Raspberry Pi's header."""
        return self.label.startswith(_HEADER_LABELS)


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number, whether somebody holds it, and who."""

    offset: int
    used: bool
    consumer: str


def parse_chip(path: str, raw: bytes) -> Chip:
    """From struct gpiochip_info."""
    name, label, lines = _CHIP_INFO.unpack(raw)
    return Chip(path, _text(name), _text(label), lines)


def parse_line(raw: bytes) -> Line:
    """From struct gpio_v2_line_info."""
    _, consumer, offset, _, flags, _, _ = _LINE_INFO.unpack(raw)
    return Line(offset, bool(flags & _FLAG_USED), _text(consumer))


def chips(folder: Path = Path("/dev")) -> list[Chip]:
    """All chips that may be opened, in the order of their numbers."""
    found = []
    for path in sorted(folder.glob("gpiochip*"), key=lambda path: int(re.sub(r"\D", "", path.name) or 0)):
        try:
            found.append(parse_chip(str(path), _ask(path, _GET_CHIP_INFO, bytes(_CHIP_INFO.size))))
        except OSError:
            continue  # not ours to open; `device_node` says so
    return found


def line(chip: Chip, offset: int) -> Line:
    """One line of a chip. Raises OSError."""
    empty = _LINE_INFO.pack(b"", b"", offset, 0, 0, b"", b"")
    return parse_line(_ask(Path(chip.path), _GET_LINE_INFO, empty))


def _ask(path: Path, call: int, argument: bytes) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        answer = fcntl.ioctl(handle, call, argument)
    finally:
        os.close(handle)
    return answer


def _text(raw: bytes) -> str:
    return raw.partition(b"\0")[0].decode(errors="replace")
