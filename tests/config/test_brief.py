"""A value on one line, for a person."""

from typing import Any

import pytest

from speakerd.config.toml_writer import brief


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("", '""'),
        ("de", '"de"'),
        (None, "(not set)"),
        (True, "true"),
        (3, "3"),
        ([22, 23], "[22, 23]"),
        ("a\nb", '"a\\nb"'),
        ("x" * 100, '"' + "x" * 56 + "..."),
        ({"name": "lamp"}, '{"name": "lamp"}'),
    ],
)
def test_a_value_is_shown_on_one_line_that_is_not_long(value: Any, shown: str) -> None:
    assert brief(value) == shown
