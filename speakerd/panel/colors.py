"""Colours as people write them: a name, or `#rrggbb`.

A colour is three numbers from 0 to 1 on the **perceived** scale of a screen (sRGB, close to a power of 2.2);
`frames` converts them to duty cycles. The named colours differ clearly in hue or lightness.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

Color = tuple[float, float, float]

NAMED: Mapping[str, str] = MappingProxyType(
    {
        "white": "#ffffff",
        "warm": "#ffb46b",
        "red": "#ff0000",
        "orange": "#ff6a00",
        "amber": "#ffb000",
        "yellow": "#ffe600",
        "green": "#00d040",
        "cyan": "#00d0e0",
        "blue": "#2050ff",
        "violet": "#9030ff",
        "magenta": "#ff30c0",
    }
)

_HEX = re.compile(r"#[0-9a-fA-F]{6}")


def parse_color(text: str) -> Color:
    """Return the colour that `text` names.

    Raises ValueError, with the names there are, if it is neither a name nor `#rrggbb`.
    """
    code = NAMED.get(text.strip().lower(), text.strip())
    if not _HEX.fullmatch(code):
        raise ValueError(f"{text!r} is no colour: write #rrggbb, or one of {', '.join(NAMED)}")
    red, green, blue = (int(code[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue
