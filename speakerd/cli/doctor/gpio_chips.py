"""The kernel's GPIO chips and who holds their lines, by the character device's own calls (linux/gpio.h, version 2).

Reading claims no line, and works while the daemon runs. `parse_*` are pure; `chips` and `line` do the calls.
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
"""Chips that are connected to a Pi's header; on a Pi 5 it is not always the first chip."""


@dataclass(frozen=True, slots=True)
class Chip:
    """A GPIO chip: its device, name, label, and number of lines."""

    path: str
    name: str
    label: str
    lines: int

    @property
    def is_header(self) -> bool:
        """Whether it is connected to the header of a Raspberry Pi."""
        return self.label.startswith(_HEADER_LABELS)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a chip: its number, whether it is in use, and by which consumer."""

    offset: int
    used: bool
    consumer: str


def parse_chip(path: str, raw: bytes) -> Chip:
    """Return the chip of a struct gpiochip_info."""
    name, label, lines = _CHIP_INFO.unpack(raw)
    return Chip(path, _text(name), _text(label), lines)


def parse_line(raw: bytes) -> Line:
    """Return the line of a struct gpio_v2_line_info."""
    _, consumer, offset, _, flags, _, _ = _LINE_INFO.unpack(raw)
    return Line(offset, bool(flags & _FLAG_USED), _text(consumer))


def chips(folder: Path = Path("/dev")) -> list[Chip]:
    """Return all chips that this user may open, in the order of their numbers."""
    found = []
    for path in sorted(folder.glob("gpiochip*"), key=lambda path: int(re.sub(r"\D", "", path.name) or 0)):
        try:
            found.append(parse_chip(str(path), _ask(path, _GET_CHIP_INFO, bytes(_CHIP_INFO.size))))
        except OSError:
            continue  # no permission; `device_node` reports that
    return found


def line(chip: Chip, offset: int) -> Line:
    """Return a line of a chip. Raises OSError."""
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
