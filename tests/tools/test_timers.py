import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.tools.errors import TimerRefusedError, TimerUnknownError
from speakerd.tools.timers import TimerBook


@pytest.fixture
def book() -> TimerBook:
    return TimerBook(most=5, longest_s=86_400.0)


def names(book: TimerBook) -> list[str]:
    return [timer.name for timer in book.running]


def test_timers_run_out_in_order_each_once(book: TimerBook) -> None:
    book.set(300, "tea", 0.0)
    book.set(60, "eggs", 10.0)
    assert names(book) == ["eggs", "tea"]
    assert book.deadline == 70.0
    assert book.due(69.9) == ()
    assert [timer.name for timer in book.due(70.0)] == ["eggs"]
    assert book.due(70.0) == ()
    assert book.ringing == ("eggs",)
    assert [timer.name for timer in book.due(1000.0)] == ["tea"]
    assert book.deadline is None


def test_timers_without_a_name_or_of_the_same_can_be_told_apart(book: TimerBook) -> None:
    assert [book.set(60, name, 0.0).name for name in (None, "", "  ", "Tea", "tea")] == [
        "timer",
        "timer 2",
        "timer 3",
        "Tea",
        "tea 2",
    ]


def test_a_name_is_neither_long_nor_full_of_blanks(book: TimerBook) -> None:
    assert book.set(60, "  the \n pasta  " + "x" * 200, 0.0).name == ("the pasta " + "x" * 200)[:60]


@pytest.mark.parametrize("seconds", [0, -1, 0.5, math.nan])
def test_a_timer_that_is_no_time_is_refused(book: TimerBook, seconds: float) -> None:
    with pytest.raises(TimerRefusedError, match="at least one second"):
        book.set(seconds, None, 0.0)


def test_a_timer_that_is_too_long_is_refused(book: TimerBook) -> None:
    with pytest.raises(TimerRefusedError, match="1 day long at most"):
        book.set(86_401, None, 0.0)


def test_one_timer_too_many_is_refused(book: TimerBook) -> None:
    for _ in range(5):
        book.set(60, None, 0.0)
    with pytest.raises(TimerRefusedError, match="there are 5 already"):
        book.set(60, None, 0.0)


def test_ringing_timers_count_among_those_there_are(book: TimerBook) -> None:
    for _ in range(5):
        book.set(60, None, 0.0)
    book.due(100.0)
    with pytest.raises(TimerRefusedError):
        book.set(60, None, 0.0)
    assert book.heard("timer")
    assert book.set(60, None, 0.0).name == "timer"


def test_the_only_timer_needs_no_name_to_be_cancelled(book: TimerBook) -> None:
    book.set(60, "tea", 0.0)
    assert [timer.name for timer in book.cancel(None)] == ["tea"]
    assert book.running == ()


@pytest.mark.parametrize(
    ("wanted", "ended"),
    [("tea", ["tea"]), ("GREEN", ["green tea"]), ("egg", ["eggs"]), ("all", ["tea", "eggs", "green tea"])],
)
def test_a_timer_is_known_by_its_name_or_a_part_of_it(book: TimerBook, wanted: str, ended: list[str]) -> None:
    for name in ("tea", "eggs", "green tea"):
        book.set(60, name, 0.0)
    assert sorted(timer.name for timer in book.cancel(wanted)) == sorted(ended)


@pytest.mark.parametrize("wanted", [None, "rice", "e"])
def test_what_could_be_several_timers_or_none_is_asked_back(book: TimerBook, wanted: str | None) -> None:
    book.set(60, "tea", 0.0)
    book.set(60, "eggs", 0.0)
    with pytest.raises(TimerUnknownError, match="tea, eggs"):
        book.cancel(wanted)
    assert len(book.running) == 2


@pytest.mark.parametrize("wanted", [None, "tea", "all"])
def test_without_timers_there_is_nothing_to_cancel(book: TimerBook, wanted: str | None) -> None:
    with pytest.raises(TimerUnknownError, match="There is no timer"):
        book.cancel(wanted)


def test_a_ringing_timer_is_silenced_by_cancelling_it(book: TimerBook) -> None:
    book.set(60, "tea", 0.0)
    book.due(60.0)
    assert [timer.name for timer in book.cancel("tea")] == ["tea"]
    assert book.ringing == ()


def test_hearing_a_timer_that_does_not_ring_is_no_matter(book: TimerBook) -> None:
    assert not book.heard("tea")


def test_timers_survive_a_restart_with_what_was_left_of_them(book: TimerBook) -> None:
    book.set(600, "tea", 1000.0)
    data = json.loads(json.dumps(book.to_data(now=1100.0, wall=5_000_000.0)))
    other = TimerBook(most=5, longest_s=86_400.0)
    assert other.restore(data, now=7.0, wall=5_000_060.0) == ()
    assert other.deadline == pytest.approx(7.0 + 600 - 100 - 60)


def test_a_timer_that_ran_out_within_the_last_half_hour_rings_at_once(book: TimerBook) -> None:
    book.set(60, "tea", 0.0)
    data = book.to_data(now=0.0, wall=1000.0)
    other = TimerBook(most=5, longest_s=86_400.0)
    other.restore(data, now=0.0, wall=1000.0 + 60 + 29 * 60)
    assert [timer.name for timer in other.due(0.0)] == ["tea"]


def test_a_timer_that_ran_out_long_ago_was_missed(book: TimerBook) -> None:
    book.set(60, "tea", 0.0)
    other = TimerBook(most=5, longest_s=86_400.0)
    assert other.restore(book.to_data(0.0, 1000.0), 0.0, 1000.0 + 60 + 31 * 60) == ("tea",)
    assert other.running == ()


def test_a_clock_that_went_back_makes_no_timer_longer(book: TimerBook) -> None:
    book.set(60, "tea", 0.0)
    other = TimerBook(most=5, longest_s=86_400.0)
    other.restore(book.to_data(0.0, 1_000_000.0), now=0.0, wall=5.0)
    assert other.deadline == 60.0


def test_one_that_rings_when_the_process_ends_rings_again(book: TimerBook) -> None:
    book.set(60, "tea", 0.0)
    book.due(61.0)
    other = TimerBook(most=5, longest_s=86_400.0)
    other.restore(book.to_data(61.0, 1000.0), now=0.0, wall=1010.0)
    assert [timer.name for timer in other.due(0.0)] == ["tea"]


def test_more_than_there_may_be_is_not_taken_up(book: TimerBook) -> None:
    for _ in range(5):
        book.set(60, None, 0.0)
    small = TimerBook(most=2, longest_s=86_400.0)
    small.restore(book.to_data(0.0, 0.0), 0.0, 0.0)
    assert len(small.running) == 2


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"written_at": 0, "timers": [{}]},
        {"written_at": 0, "timers": [1]},
        {"written_at": "x", "timers": []},
        {"written_at": 0, "timers": None},
        {"written_at": 0, "timers": [{"name": "a", "duration_s": "nan", "ends_at": 0}]},
        {"written_at": 0, "timers": [{"name": "a", "duration_s": 60, "ends_at": "inf"}]},
    ],
)
def test_what_is_no_list_of_timers_is_refused(book: TimerBook, data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not a list of timers"):
        book.restore(data, 0.0, 0.0)
    assert book.running == ()


@given(st.lists(st.tuples(st.floats(1, 86_400), st.floats(0, 1000)), max_size=20), st.floats(0, 100_000))
def test_every_timer_runs_or_rings_and_none_is_late(sets: list[tuple[float, float]], now: float) -> None:
    book = TimerBook(most=20, longest_s=86_400.0)
    ends = sorted(at + seconds for seconds, at in sets)
    for seconds, at in sets:
        book.set(seconds, None, at)
    due = book.due(now)
    assert len(due) == sum(end <= now for end in ends)
    assert len(book.running) + len(book.ringing) == len(sets)
    assert book.deadline is None or book.deadline > now
    assert len({timer.name for timer in (*due, *book.running)}) == len(sets)
