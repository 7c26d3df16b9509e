from datetime import datetime

import pytest

from speakerd.tools.words import duration_in_words, moment_in_words


def test_time_and_date_do_not_depend_on_the_locale() -> None:
    assert moment_in_words(datetime(2026, 11, 20, 14, 5)) == "It is 14:05 on Friday, 20 November 2026."  # noqa: DTZ001  # a local time
    assert moment_in_words(datetime(2027, 1, 3, 0, 0)) == "It is 00:00 on Sunday, 3 January 2027."  # noqa: DTZ001  # a local time


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"),
        (0.4, "0 seconds"),
        (1, "1 second"),
        (59.6, "1 minute"),
        (61, "1 minute 1 second"),
        (300, "5 minutes"),
        (3599.9, "1 hour"),
        (3600, "1 hour"),
        (3900, "1 hour 5 minutes"),
        (3929, "1 hour 5 minutes"),
        (3931, "1 hour 6 minutes"),
        (86_400, "1 day"),
        (86_399, "1 day"),
        (93_600, "1 day 2 hours"),
        (-5, "0 seconds"),
    ],
)
def test_durations_are_said_in_their_two_largest_units(seconds: float, words: str) -> None:
    assert duration_in_words(seconds) == words
