"""What passes to a terminal, and what does not."""

import io
import re
from pathlib import Path

import pytest

from speakerd.cli.streams import TerminalText

HARM = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
SOURCES = Path(__file__).parents[2] / "speakerd"
SEQUENCE = re.compile(r'"((?:\\r)?(?:\\033|\\x1b)\[[^"\\{]*)"')


def written(text: str, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    stream = TerminalText(raw, encoding=encoding, errors="backslashreplace")
    assert stream.write(text) == len(text)
    stream.flush()
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize(
    "text",
    [
        "card \x1b]0;owned\x07",
        "up \x1b[9A and \x1b[2J",
        "".join(map(chr, range(32))) + "\x7f",
        "".join(map(chr, range(0x80, 0xA0))),
        "\u202edrow\u2066",
    ],
)
def test_no_control_character_from_outside_passes(text: str) -> None:
    assert not HARM.search(written(text))


def test_every_sequence_that_our_commands_send_passes() -> None:
    """Collected from the sources: one that is added and does not pass fails."""
    found = set()
    for folder in ("cli", "panel/terminal"):
        for file in (SOURCES / folder).rglob("*.py"):
            if file.name not in {"keys.py", "streams.py"}:  # which read them
                found |= set(SEQUENCE.findall(file.read_text("utf-8")))
    assert len(found) > 8
    for sequence in found:
        text = sequence.encode().decode("unicode_escape")
        assert written(text) == text
    for text in ("\x1b[38;2;1;2;3m", "\x1b[38;5;17m", "Grüße\tund\r\n"):
        assert written(text) == text


def test_what_the_encoding_does_not_have_is_spelled() -> None:
    assert written("süß \udcff", "ascii") == "s\\xfc\\xdf \\udcff"
