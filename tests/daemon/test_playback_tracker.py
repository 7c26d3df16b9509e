"""How much of an answer was heard, read off the device's positions."""

from speakerd.audio.playback.progress import PlayedItem
from speakerd.daemon.session.playback_tracker import PlaybackTracker


def test_positions_are_read_at_the_moment_they_are_asked_for() -> None:
    items = [PlayedItem("a", 0, 48_000, 2_400)]
    tracker = PlaybackTracker(lambda: items)
    assert tracker.played_ms("a") == 100.0
    items[0] = PlayedItem("a", 0, 48_000, 4_800)
    assert tracker.played_ms("a") == 200.0
    assert tracker.played_ms("unknown") == 0.0


def test_what_was_cut_off_is_remembered_and_never_grows() -> None:
    items = [PlayedItem("a", 0, 48_000, 2_400)]
    tracker = PlaybackTracker(lambda: items)
    tracker.cut([PlayedItem("a", 0, 48_000, 2_640)])
    items.clear()
    assert tracker.played_ms("a") == 110.0
    assert tracker.get_state() == {
        "current_item_id": "a",
        "current_item_content_index": 0,
        "elapsed_ms": 110.0,
    }


def test_the_item_that_sounds_is_the_one_begun_and_not_ended() -> None:
    items = [PlayedItem("a", 0, 2_400, 2_400), PlayedItem("b", 1, 4_800, 240), PlayedItem("c", 0, 4_800, 0)]
    tracker = PlaybackTracker(lambda: items)
    assert tracker.get_state()["current_item_id"] == "b"
    assert tracker.get_state()["current_item_content_index"] == 1


def test_when_all_was_heard_the_last_one_counts_and_before_all_none() -> None:
    tracker = PlaybackTracker(lambda: [PlayedItem("a", 0, 2_400, 2_400), PlayedItem("c", 0, 4_800, 0)])
    assert tracker.get_state()["current_item_id"] == "a"
    assert PlaybackTracker(list).get_state()["current_item_id"] is None


def test_memory_of_cuts_is_bounded() -> None:
    tracker = PlaybackTracker(list)
    for number in range(1_000):
        tracker.cut([PlayedItem(str(number), 0, 10, 5)])
    assert tracker.played_ms("0") == 0.0
    assert tracker.played_ms("999") > 0.0
