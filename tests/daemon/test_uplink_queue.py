from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.daemon.session.uplink_queue import (
    BYTES_PER_SECOND,
    CapturedSpeech,
    Outgoing,
    UplinkQueue,
)
from speakerd.dialogue.commands import Commit, DiscardAudio, Interrupt, Reject, SendText


def drain(uplink: UplinkQueue) -> list[Outgoing]:
    items = []
    while (item := uplink.take()) is not None:
        items.append(item)
    return items


def test_a_turn_ends_after_its_own_sound() -> None:
    uplink = UplinkQueue()
    sent: list[Outgoing] = [
        CapturedSpeech(b"\1\0" * 480),
        CapturedSpeech(b"\2\0" * 480),
        Commit(),
        SendText("and this"),
    ]
    for item in sent:
        uplink.put(item)
    assert drain(uplink) == sent


def test_held_sound_goes_nowhere_until_it_is_released_and_then_in_order() -> None:
    uplink = UplinkQueue()
    first, second = CapturedSpeech(b"\1\0"), CapturedSpeech(b"\2\0")
    uplink.hold(first)
    uplink.hold(second)
    assert uplink.take() is None
    uplink.release()
    uplink.put(Commit())
    assert drain(uplink) == [first, second, Commit()]


def test_once_forgotten_no_sound_leaves_held_or_queued_and_typed_words_stay() -> None:
    uplink = UplinkQueue()
    uplink.hold(CapturedSpeech(b"\0" * 960))
    for item in (
        SendText("a"),
        CapturedSpeech(b"\0" * 960),
        Commit(),
        Reject("call", "no"),
        Interrupt(),
        DiscardAudio(sent=True),
    ):
        uplink.put(item)
    uplink.forget_sound()
    uplink.release()
    assert drain(uplink) == [SendText("a"), Reject("call", "no"), Interrupt(), DiscardAudio(sent=True)]
    assert uplink.seconds == 0.0


def test_clear_leaves_nothing_that_could_still_be_sent() -> None:
    uplink = UplinkQueue()
    uplink.hold(CapturedSpeech(b"\0\0"))
    for item in (CapturedSpeech(b"\0" * 960), SendText("a"), Commit()):
        uplink.put(item)
    uplink.clear()
    uplink.release()
    assert uplink.take() is None
    assert uplink.seconds == 0.0


def test_past_the_limit_the_oldest_sound_gives_way_and_is_counted() -> None:
    uplink = UplinkQueue(limit_s=1.0)
    uplink.put(SendText("first"))
    chunk = BYTES_PER_SECOND // 4
    for number in range(3):
        uplink.put(CapturedSpeech(bytes([number]) * chunk))
    for number in range(3, 6):
        uplink.hold(CapturedSpeech(bytes([number]) * chunk))
    assert uplink.dropped_s == 0.5
    uplink.release()
    assert [item.pcm[0] for item in drain(uplink) if isinstance(item, CapturedSpeech)] == [2, 3, 4, 5]


@pytest.mark.parametrize("end", [drain, UplinkQueue.forget_sound, UplinkQueue.clear])
def test_what_was_lost_is_told_once_when_nothing_waits_any_more(end: Callable[[UplinkQueue], object]) -> None:
    told: list[float] = []
    uplink = UplinkQueue(limit_s=1.0, on_dropped=told.append)
    quarter = CapturedSpeech(b"\0" * (BYTES_PER_SECOND // 4))
    for _ in range(7):
        uplink.put(quarter)
    uplink.take()
    uplink.put(quarter)
    uplink.put(quarter)
    assert told == []
    end(uplink)
    assert told == [1.0]
    for _ in range(4):
        uplink.put(quarter)
    end(uplink)
    end(uplink)
    assert told == [1.0]
    for _ in range(6):
        uplink.hold(quarter)
    uplink.release()
    end(uplink)
    assert told == [1.0, 0.5]
    assert uplink.dropped_s == 1.5


def test_sound_is_not_printed() -> None:
    assert "pcm" not in repr(CapturedSpeech(b"secret"))


_SOUNDS = st.integers(0, 9_600).map(lambda n: CapturedSpeech(b"\0" * n))


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.one_of(_SOUNDS, st.just(Commit()))),
            st.tuples(st.just("hold"), _SOUNDS),
            st.tuples(st.sampled_from(["take", "release", "forget_sound"]), st.none()),
        )
    )
)
def test_the_count_of_seconds_is_true_after_any_sequence(steps: list[tuple[str, Outgoing | None]]) -> None:
    told: list[float] = []
    uplink = UplinkQueue(limit_s=0.5, on_dropped=told.append)
    for name, argument in steps:
        getattr(uplink, name)(*([] if argument is None else [argument]))
        assert 0.0 <= uplink.seconds <= 0.5
    uplink.release()
    counted = uplink.seconds
    held = sum(len(item.pcm) for item in drain(uplink) if isinstance(item, CapturedSpeech))
    assert held == round(counted * BYTES_PER_SECOND)
    assert uplink.seconds == 0.0
    uplink.clear()
    assert sum(told) == pytest.approx(uplink.dropped_s)
