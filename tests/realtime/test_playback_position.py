from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speakerd.realtime.model.playback_tracker import RealtimePlaybackTracker
from speakerd.realtime.wire import playback_position as p
from speakerd.realtime.wire.playback_position import NOTHING, PlaybackPosition, Remove, Truncate

MS = 48


def tracked() -> tuple[PlaybackPosition, RealtimePlaybackTracker]:
    tracker = RealtimePlaybackTracker()
    return PlaybackPosition(tracker), tracker


def receive(
    position: PlaybackPosition, item: str, ms: int, *, index: int = 0, now: float = 0.0, response: str = "r"
) -> None:
    position.receive(item, index, ms * MS, now, response)


def test_nothing_received_is_nothing_to_cut() -> None:
    position, _ = tracked()
    assert position.interrupt(0.0) == NOTHING


def test_the_part_being_heard_is_truncated_where_it_was_played() -> None:
    position, tracker = tracked()
    receive(position, "a", 1000)
    tracker.on_play_ms("a", 0, 333.7)
    cut = position.interrupt(9.0)
    assert cut.current == ("a", 0)
    assert cut.actions == (Truncate("a", 0, 333, 1000),)


def test_a_part_never_begun_is_removed() -> None:
    position, _ = tracked()
    receive(position, "a", 500)
    assert position.interrupt(0.0).actions == (Remove("a"),)


def test_of_several_parts_each_is_treated_by_its_own_position() -> None:
    position, tracker = tracked()
    for item in "abcd":
        receive(position, item, 200)
        position.finish(item, 0)
    tracker.on_play_ms("a", 0, 200)
    tracker.on_play_ms("b", 0, 50)
    cut = position.interrupt(0.0)
    assert cut.current == ("b", 0)
    assert cut.actions == (Truncate("b", 0, 50, 200), Remove("c"), Remove("d"))


def test_a_part_heard_to_its_end_is_left_alone() -> None:
    position, tracker = tracked()
    receive(position, "a", 200)
    position.finish("a", 0)
    tracker.on_play_ms("a", 0, 199.2)
    assert position.outstanding_ms(0.0) == 0
    assert position.interrupt(0.0) == NOTHING


def test_a_part_heard_so_far_with_more_to_come_is_truncated() -> None:
    position, tracker = tracked()
    receive(position, "a", 200)
    tracker.on_play_ms("a", 0, 200)
    assert position.interrupt(0.0).actions == (Truncate("a", 0, 200, 200),)


def test_a_position_beyond_what_was_received_is_clamped() -> None:
    position, tracker = tracked()
    receive(position, "a", 200)
    tracker.on_play_ms("a", 0, 5000)
    assert position.interrupt(0.0).actions == (Truncate("a", 0, 200, 200),)


def test_nothing_is_truncated_twice_and_late_sound_is_known_as_such() -> None:
    position, tracker = tracked()
    receive(position, "a", 200)
    tracker.on_play_ms("a", 0, 100)
    position.interrupt(0.0)
    assert position.interrupt(1.0) == NOTHING
    assert position.is_cut("a")
    position.announce("a", 0)
    assert position.interrupt(2.0) == NOTHING


def test_an_announced_part_without_sound_is_removed_and_nothing_has_to_be_silenced() -> None:
    position, _ = tracked()
    position.announce("a", 0)
    cut = position.interrupt(0.0)
    assert cut.current is None
    assert cut.actions == (Remove("a"),)


def test_two_parts_of_one_item_are_cut_and_the_item_is_kept() -> None:
    position, tracker = tracked()
    receive(position, "a", 100, index=0)
    receive(position, "a", 100, index=1)
    tracker.on_play_ms("a", 0, 50)
    assert position.interrupt(0.0).actions == (Truncate("a", 0, 50, 100), Truncate("a", 1, 0, 100))


def test_two_unheard_parts_of_one_item_remove_it_once() -> None:
    position, _ = tracked()
    receive(position, "a", 100, index=0)
    receive(position, "a", 100, index=1)
    assert position.interrupt(0.0).actions == (Remove("a"),)


def test_a_part_that_was_passed_over_counts_as_heard() -> None:
    position, tracker = tracked()
    receive(position, "a", 200)
    receive(position, "b", 200)
    tracker.on_play_ms("a", 0, 150)
    tracker.on_play_ms("b", 0, 20)
    assert position.interrupt(0.0).actions == (Truncate("b", 0, 20, 200),)


def test_a_part_that_goes_on_after_it_was_passed_over_counts_what_was_heard_of_it() -> None:
    position, tracker = tracked()
    receive(position, "a", 200)
    receive(position, "b", 200)
    tracker.on_play_ms("a", 0, 150)
    tracker.on_play_ms("b", 0, 20)
    assert position.outstanding_ms(0.0) == 180
    receive(position, "a", 100)
    assert position.interrupt(0.0).actions == (Truncate("a", 0, 150, 250),)


def test_parts_of_a_lost_connection_are_marked_so() -> None:
    position, tracker = tracked()
    receive(position, "a", 200)
    receive(position, "b", 200)
    tracker.on_play_ms("a", 0, 50)
    position.connection_lost()
    assert position.interrupt(0.0).actions == (Truncate("a", 0, 50, 200, "replayed"), Remove("b", "replayed"))


def test_parts_out_of_band_are_marked_so() -> None:
    position, _ = tracked()
    position.receive("a", 0, 100 * MS, 0.0, "r", aside=True)
    assert position.interrupt(0.0).actions == (Remove("a", "aside"),)


def test_which_responses_are_still_to_be_heard() -> None:
    position, tracker = tracked()
    receive(position, "a", 100, response="r1")
    position.finish_item("a")
    receive(position, "b", 100, response="r2")
    assert position.plays("r1", 0.0)
    tracker.on_play_ms("a", 0, 100)
    assert not position.plays("r1", 0.0)
    assert position.plays("r2", 0.0)


def test_a_forgotten_item_is_cut() -> None:
    position, _ = tracked()
    receive(position, "a", 100)
    position.forget("a")
    assert position.is_cut("a")
    assert position.interrupt(0.0) == NOTHING


def test_g711_is_eight_bytes_a_millisecond() -> None:
    position, tracker = tracked()
    position.bytes_per_ms = 8.0
    position.receive("a", 0, 8 * 500, 0.0)
    tracker.on_play_ms("a", 0, 100)
    assert position.interrupt(0.0).actions == (Truncate("a", 0, 100, 500),)


def test_without_a_tracker_sound_is_taken_to_be_played_as_it_comes() -> None:
    position = PlaybackPosition()
    receive(position, "a", 1000, now=10.0)
    assert position.outstanding_ms(10.4) == pytest.approx(600)
    assert position.interrupt(10.4).actions == (Truncate("a", 0, 400, 1000),)


def test_without_a_tracker_a_stall_is_not_heard() -> None:
    position = PlaybackPosition()
    receive(position, "a", 100, now=10.0)
    receive(position, "a", 1000, now=20.0)
    assert position.interrupt(20.25).actions == (Truncate("a", 0, 350, 1100),)


def test_without_a_tracker_items_play_one_after_the_other() -> None:
    position = PlaybackPosition()
    receive(position, "a", 300, now=0.0)
    position.finish("a", 0)
    receive(position, "b", 300, now=0.0)
    assert position.outstanding_ms(0.1) == pytest.approx(500)
    assert position.interrupt(0.5).actions == (Truncate("b", 0, 200, 300),)


def test_without_a_tracker_all_that_was_played_is_left_alone() -> None:
    position = PlaybackPosition()
    receive(position, "a", 300, now=0.0)
    position.finish("a", 0)
    assert position.interrupt(1.0) == NOTHING


def test_parts_and_cut_items_are_bounded() -> None:
    position, _ = tracked()
    for number in range(p.MAX_PARTS + 10):
        receive(position, f"i{number}", 10)
    assert len(position._parts) <= p.MAX_PARTS
    position.interrupt(0.0)
    for number in range(p.MAX_CUT + 10):
        position.forget(f"x{number}")
    assert len(position._cut) <= p.MAX_CUT


PLAYS = st.lists(
    st.tuples(
        st.sampled_from(["receive", "play", "finish", "interrupt"]),
        st.sampled_from("abc"),
        st.integers(1, 400),
    ),
    max_size=40,
)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(PLAYS)
def test_a_position_is_never_beyond_what_came_and_no_part_is_cut_twice(
    steps: list[tuple[str, str, int]],
) -> None:
    position, tracker = tracked()
    received: dict[str, int] = {}
    played: dict[str, int] = {}
    cut: set[str] = set()
    for kind, item, ms in steps:
        if kind == "receive" and not position.is_cut(item):
            receive(position, item, ms)
            received[item] = received.get(item, 0) + ms
        elif kind == "play":
            heard = min(ms, received.get(item, 0) - played.get(item, 0))
            if heard > 0:
                tracker.on_play_ms(item, 0, heard)
                played[item] = played.get(item, 0) + heard
        elif kind == "finish":
            position.finish_item(item)
        elif kind == "interrupt":
            for action in position.interrupt(0.0).actions:
                assert action.item_id not in cut
                cut.add(action.item_id)
                if isinstance(action, Truncate):
                    assert (
                        0
                        < action.audio_end_ms
                        <= action.total_ms
                        <= max(received[action.item_id], played.get(action.item_id, 0))
                    )
            assert position.outstanding_ms(0.0) == 0
