"""How much of an answer was heard, read off the device's positions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from speakerd.audio.playback.buffer import PlaybackBuffer
from speakerd.audio.playback.progress import ItemProgress, PlayedItem
from speakerd.daemon.session.playback_tracker import PlaybackTracker
from speakerd.realtime.wire.playback_position import MAX_PARTS, PlaybackPosition

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest


def reading(items: Sequence[PlayedItem]) -> PlaybackTracker:
    """A tracker that reads these."""

    def position(item_id: str, content_index: int) -> PlayedItem | None:
        key = (item_id, content_index)
        return next((item for item in items if (item.item_id, item.content_index) == key), None)

    return PlaybackTracker(position, lambda: items)


def test_positions_are_read_at_the_moment_they_are_asked_for() -> None:
    items = [PlayedItem("a", 0, 48_000, 2_400)]
    tracker = reading(items)
    assert tracker.played_ms("a") == 100.0
    items[0] = PlayedItem("a", 0, 48_000, 4_800)
    assert tracker.played_ms("a") == 200.0
    assert tracker.played_ms("unknown") == 0.0


def test_what_was_cut_off_is_remembered_and_never_grows() -> None:
    items = [PlayedItem("a", 0, 48_000, 2_400)]
    tracker = reading(items)
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
    tracker = reading(items)
    assert tracker.get_state()["current_item_id"] == "b"
    assert tracker.get_state()["current_item_content_index"] == 1


def test_when_all_was_heard_the_last_one_counts_and_before_all_none() -> None:
    tracker = reading([PlayedItem("a", 0, 2_400, 2_400), PlayedItem("c", 0, 4_800, 0)])
    assert tracker.get_state()["current_item_id"] == "a"
    assert reading([]).get_state()["current_item_id"] is None


def test_memory_of_cuts_is_bounded() -> None:
    tracker = reading([])
    for number in range(1_000):
        tracker.cut([PlayedItem(str(number), 0, 10, 5)])
    assert tracker.played_ms("0") == 0.0
    assert tracker.played_ms("999") > 0.0


def test_what_an_item_costs_does_not_grow_with_how_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = 0
    heard = ItemProgress.heard

    def counting(self: ItemProgress, clock: int) -> int:
        nonlocal looked
        looked += 1
        return heard(self, clock)

    monkeypatch.setattr(ItemProgress, "heard", counting)
    buffer = PlaybackBuffer()
    wire = PlaybackPosition(PlaybackTracker(buffer.position, buffer.positions))
    number = 1_000
    for at in range(number):
        wire.receive(f"item_{at}", 0, 480, at * 0.001)
        buffer.append(f"item_{at}", 0, bytes(480))
    assert wire.outstanding_ms(1.0) == MAX_PARTS * 10.0
    assert looked < number * 3 * MAX_PARTS
