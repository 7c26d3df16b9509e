from hypothesis import given
from hypothesis import strategies as st

from speakerd.host.watchdog import Watchdog


def test_it_is_fed_while_both_callbacks_beat() -> None:
    watchdog = Watchdog(5.0)
    for second in range(100):
        assert watchdog.check({"capture": second, "playback": second}, second).feed


def test_one_callback_that_stands_still_starves_it() -> None:
    watchdog = Watchdog(5.0)
    fed = [watchdog.check({"capture": 7, "playback": second}, second).feed for second in range(10)]
    assert fed == [True] * 6 + [False] * 4
    assert watchdog.check({"capture": 7, "playback": 10}, 10).stuck == {"capture": 10}


def test_it_recovers_when_the_callback_does() -> None:
    watchdog = Watchdog(5.0)
    watchdog.check({"capture": 1}, 0)
    assert not watchdog.check({"capture": 1}, 6).feed
    assert watchdog.check({"capture": 2}, 7).feed


def test_a_device_that_is_being_reopened_is_waited_for() -> None:
    watchdog = Watchdog(5.0)
    watchdog.check({"capture": 1, "playback": 1}, 0)
    assert watchdog.check({"capture": None, "playback": 2}, 4).feed
    assert watchdog.check({"capture": None, "playback": 3}, 8).feed
    assert watchdog.check({"capture": 1, "playback": 4}, 12).feed, "a reopened one has the whole limit again"
    assert watchdog.check({"capture": 1, "playback": 5}, 17.5).stuck == {"capture": 5.5}


def test_it_is_fed_three_times_within_systemds_interval_and_within_the_limit() -> None:
    assert Watchdog(5.0, 30.0).period_s == 5.0 / 3
    assert Watchdog(60.0, 30.0).period_s == 10.0
    assert Watchdog(6.0).period_s == 2.0


@given(
    st.lists(st.tuples(st.floats(0, 3), st.sampled_from([None, 0, 1]), st.sampled_from([0, 1])), max_size=60)
)
def test_it_starves_exactly_when_some_expected_part_has_not_moved_for_longer_than_the_limit(
    steps: list[tuple[float, int | None, int]],
) -> None:
    watchdog, now = Watchdog(5.0), 0.0
    counts, since = [0, 0], [None, None]  # type: list[int], list[float | None]
    for pause, capture, playback in steps:
        now += pause
        beats: dict[str, int | None] = {}
        for index, step in enumerate((capture, playback)):
            counts[index] += step or 0
            if step is None:
                since[index] = None
            elif step or since[index] is None:
                since[index] = now
            beats[str(index)] = None if step is None else counts[index]
        stuck = any(at is not None and now - at > 5.0 for at in since)
        assert watchdog.check(beats, now).feed is not stuck
