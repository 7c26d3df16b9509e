"""Words of the command line, in whatever locale."""

import os

import pytest

from speakerd.cli.typed_text import typed_text


@pytest.mark.parametrize("text", ["", "für 5 €", "日本", "a\ud800"])
def test_a_text_stays_as_it_is(text: str) -> None:
    assert typed_text(text) == text


def test_bytes_that_the_locale_could_not_read_are_read_as_utf_8() -> None:
    assert typed_text("für 5 €".encode().decode("ascii", "surrogateescape")) == "für 5 €"


def test_what_is_no_utf_8_is_refused_with_the_byte_and_the_cure() -> None:
    with pytest.raises(ValueError, match="byte 0xFC of the text is not UTF-8: set the terminal to UTF-8"):
        typed_text(os.fsdecode("für".encode("latin-1")))
