"""Characters that no keyboard for programs has: quotation marks of a word processor, spaces that are none."""

import re
import unicodedata

from speakerd.config.syntax.place import BLOCK, STRING, Found, Place, control_character, line_end
from speakerd.config.syntax.proposals import write

_HUGE_NUMBER = re.compile(r"\d{4000}")
_LOOK_ALIKE = {
    **dict.fromkeys(
        "\u201c\u201d\u201e\u201f\u00ab\u00bb\u2018\u2019\u201a\u201b\u2039\u203a\uff02\uff07\u00b4`", '"'
    ),
    **dict.fromkeys("\u2212\u2013\u2014\u2010\u2011\ufe63\uff0d", "-"),
    "\uff1d": "=",
    "\uff0c": ",",
    "\uff1a": "=",
    "\uff3b": "[",
    "\uff3d": "]",
    "\uff03": "#",
}
_QUOTES = {char for char, plain in _LOOK_ALIKE.items() if plain == '"'}


def too_long_number(place: Place) -> Found | None:
    """A number of which Python refuses to read the digits."""
    if place.message.startswith("Exceeds the limit"):
        long = _HUGE_NUMBER.search(place.text)
        return Found(
            "this number has thousands of digits",
            "Write a number that fits.",
            long.start() if long else 0,
            closed=False,
        )
    return None


def old_mac(place: Place) -> Found | None:
    """Lines that end in a carriage return alone."""
    at = place.text.find("\r")
    if at < 0:
        return None
    return Found(
        "a line ends in CR (U+000D) alone, where a newline belongs (? marks it)",
        "Save the file with the line ends of Unix; here: sudo sed -i 's/\\r/\\n/g' FILE",
        at,
        closed=False,
    )


def foreign_character(place: Place) -> Found | None:
    """A character outside of texts that looks like another one, or cannot be seen."""
    at, text = place.start, place.text
    end = max(min(place.offset + 1, len(text)), min(place.start + len(place.head), len(text)))
    while at < end:
        if string := BLOCK.match(text, at) or STRING.match(text, at):
            at = string.end() if not control_character(string[0]) else at + 1
            continue
        char = text[at]
        if char == "#":
            found = control_character(text[at : line_end(text, at)])
            at = at + found.start() if found else line_end(text, at)
            if found is None:
                continue
            char = text[at]
        if char in _LOOK_ALIKE or (
            char not in "\n\t"
            and unicodedata.category(char) in {"Cc", "Cf", "Zs", "Zl", "Zp", "Co", "Cn"}
            and char != " "
        ):
            return _character(place, at, char)
        at += 1
    return None


def _character(place: Place, at: int, char: str) -> Found:
    name = unicodedata.name(char, "NUL" if char == "\0" else "a control character")
    if char in _QUOTES:
        shown = f"{char} (U+{ord(char):04X}) is no quotation mark of TOML"
        straight = "".join(_LOOK_ALIKE.get(each, each) if each in _QUOTES else each for each in place.head)
        return Found(
            shown,
            write(place, straight, 'Write the straight one, ": a word processor or a phone has changed it.'),
            at,
        )
    if plain := _LOOK_ALIKE.get(char):
        mended = "".join(_LOOK_ALIKE.get(each, each) for each in place.head)
        return Found(
            f"{char} (U+{ord(char):04X}, {name}) only looks like {plain}",
            write(place, mended, f"Write {plain}"),
            at,
        )
    cleaned = "".join(" " if unicodedata.category(each) == "Zs" else each for each in place.head)
    cleaned = "".join(
        each for each in cleaned if unicodedata.category(each) not in {"Cc", "Cf", "Cn", "Co"} or each == "\t"
    )
    mark = "" if char.isprintable() else " (? marks it)"
    what = f"there is a character here that cannot be seen{mark}: U+{ord(char):04X}, {name}"
    return Found(what, write(place, cleaned, "Delete it, or write this line anew by hand."), at)
