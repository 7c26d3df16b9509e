"""The book of turns and tokens: sums, dates, and what it makes of its own text and of others'."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.daemon.metrics.usage_book import MOST_DAYS, NAMES, Counts, UsageBook, read_days

MONDAY = date(2026, 3, 2)
TUESDAY = date(2026, 3, 3)


def days_from(first: date, count: int) -> list[date]:
    return [first + timedelta(days=number) for number in range(count)]


def test_a_new_book_is_all_zeros() -> None:
    report = UsageBook().report(MONDAY)
    assert report["today"] == report["since_start"] == dict.fromkeys(NAMES, 0)
    assert report["kept"] == {"since": None, **dict.fromkeys(NAMES, 0)}


def test_midnight_begins_a_new_day_and_ends_nothing_else() -> None:
    book = UsageBook()
    book.add(MONDAY, {"turns": 1})
    book.add(MONDAY, {"requests": 1, "total_tokens": 150, "output_audio_tokens": 40})
    book.add(TUESDAY, {"requests": 1, "total_tokens": 60})
    report = book.report(TUESDAY)
    assert (report["today"]["turns"], report["today"]["total_tokens"]) == (0, 60)
    assert (report["since_start"]["turns"], report["since_start"]["total_tokens"]) == (1, 210)
    assert report["kept"]["since"] == "2026-03-02"
    assert (report["kept"]["requests"], report["kept"]["total_tokens"]) == (2, 210)
    assert [counts["total_tokens"] for counts in book.by_day().values()] == [150, 60]
    assert book.report(TUESDAY + timedelta(days=1))["today"]["total_tokens"] == 0


def test_the_next_process_goes_on_where_the_last_one_was() -> None:
    first = UsageBook()
    first.add(MONDAY, {"turns": 2, "total_tokens": 300})
    second = UsageBook(read_days(first.text()))
    second.add(MONDAY, {"turns": 1, "total_tokens": 100})
    report = second.report(MONDAY)
    assert (report["today"]["turns"], report["today"]["total_tokens"]) == (3, 400)
    assert (report["since_start"]["turns"], report["since_start"]["total_tokens"]) == (1, 100)


def test_this_month_and_the_last_are_always_whole_and_older_days_go() -> None:
    book = UsageBook()
    for day in days_from(date(2026, 5, 1), 123):
        book.add(day, {"total_tokens": 1})
    kept = list(book.by_day())
    assert len(kept) == MOST_DAYS
    assert (kept[0], kept[-1]) == ("2026-07-01", "2026-08-31")
    assert book.report(date(2026, 8, 31))["kept"]["total_tokens"] == MOST_DAYS
    assert book.report(date(2026, 8, 31))["since_start"]["total_tokens"] == 123


@pytest.mark.parametrize("wrong", [date(1970, 1, 1), date(2099, 1, 1)])
def test_a_wrong_clock_costs_one_day_at_most(wrong: date) -> None:
    days = days_from(date(2026, 5, 1), MOST_DAYS)
    book = UsageBook({day: {**dict.fromkeys(NAMES, 0), "turns": 1} for day in days})
    book.add(wrong, {"turns": 1})
    book.add(wrong, {"turns": 1})
    assert book.report(wrong)["today"]["turns"] == 2
    book.add(days[-1], {"turns": 1})
    kept = book.by_day()
    assert len(kept) == MOST_DAYS
    assert {day.isoformat() for day in days[1:]} <= set(kept)
    assert kept[days[-1].isoformat()]["turns"] == 2


def test_of_too_many_days_in_a_file_the_latest_count() -> None:
    days = days_from(date(2026, 1, 1), MOST_DAYS + 3)
    text = json.dumps({"days": {day.isoformat(): {"turns": 1} for day in days}})
    assert next(iter(UsageBook(read_days(text)).by_day())) == "2026-01-04"


def test_counts_that_another_version_made_are_passed_over() -> None:
    book = UsageBook(read_days('{"days": {"2026-03-02": {"turns": 4, "video_tokens": "many"}}, "by": "2.0"}'))
    book.add(MONDAY, {"turns": 1, "smell_tokens": 7})
    assert book.by_day() == {"2026-03-02": {**dict.fromkeys(NAMES, 0), "turns": 5}}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\0" * 40,
        '{"days": {"2026-03-02": {"tur',
        "[" * 100_000,
        "[]",
        "{}",
        '{"days": []}',
        '{"days": {"yesterday": {}}}',
        '{"days": {"2026-03-02": 4}}',
        '{"days": {"2026-03-02": {"turns": -1}}}',
        '{"days": {"2026-03-02": {"turns": 1.5}}}',
        '{"days": {"2026-03-02": {"turns": "1"}}}',
        '{"days": {"2026-03-02": {"turns": 1e999}}}',
        '{"days": {"2026-03-02": {"turns": 1000000000000000001}}}',
    ],
)
def test_a_damaged_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_days(text)


_COUNTS = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 10**9))


@given(st.lists(st.tuples(st.dates(), _COUNTS)))
def test_the_sums_are_true_and_the_text_says_it_all(entries: list[tuple[date, Counts]]) -> None:
    book = UsageBook()
    for day, counts in entries:
        book.add(day, counts)
        assert len(book.by_day()) <= MOST_DAYS
    report = book.report(entries[-1][0] if entries else MONDAY)
    again = UsageBook(read_days(book.text()))
    assert again.by_day() == book.by_day()
    assert again.text() == book.text()
    for name in NAMES:
        assert report["since_start"][name] == sum(counts.get(name, 0) for _, counts in entries)
        assert report["kept"][name] == sum(counts[name] for counts in book.by_day().values())
