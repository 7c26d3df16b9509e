"""The light as a line of text. Pure."""

from typing import Literal

from speakerd.panel.colors import Color
from speakerd.panel.frames import Frame
from speakerd.panel.looks import describe
from speakerd.panel.patterns import Look

ColorDepth = Literal["none", "256", "true"]

HINT = "space: hold to talk, tap to start or stop · m: mute · q: quit"
_BAR = 16
_FAINTEST = 0.25
"""The dot is drawn at least this bright, to be visible on a black screen; the bar shows the brightness."""
_NAME = 10


def light_line(frame: Frame, *, columns: int, depth: ColorDepth, utf8: bool, hint: str = HINT) -> str:
    """Return a line of at most `columns` - 1 characters (so that no terminal wraps it), escape codes not counted.

    It has a dot in the colour of the light, the name of the state, and a bar as long as the light is bright.
    """
    dot, full, empty = ("●", "━", "─") if utf8 else ("*", "#", "-")
    length = round(_BAR * frame.brightness)
    bar = full * length + empty * (_BAR - length)
    words = f" {frame.state:<{_NAME}} {bar}  {hint if utf8 else hint.replace('·', '|')}"
    room = max(columns - 1 - len(dot), 0)
    lit = f"{_paint(frame, depth)}{dot}\x1b[0m" if depth != "none" else dot
    return (lit + words[:room]).rstrip()


def plain_line(frame: Frame, look: Look) -> str:
    """Return the line that is printed for a new state where there is no terminal to draw on."""
    return f"light: {frame.state} ({describe(look)})"


def _paint(frame: Frame, depth: ColorDepth) -> str:
    scale = _FAINTEST + (1 - _FAINTEST) * frame.brightness
    red, green, blue = (part * scale for part in frame.color)
    if depth == "true":
        return f"\x1b[38;2;{round(255 * red)};{round(255 * green)};{round(255 * blue)}m"
    return f"\x1b[38;5;{_cube((red, green, blue))}m"


def _cube(color: Color) -> int:
    """Return the nearest of the 6 x 6 x 6 colours that 256-colour terminals have from number 16 on."""
    red, green, blue = (round(5 * part) for part in color)
    return 16 + 36 * red + 6 * green + blue
