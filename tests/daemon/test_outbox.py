from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.daemon.session.uplink_queue import (
    BYTES_PER_SECOND,
    ClearInput,
    CutOff,
    EndOfTurn,
    Outbox,
    Outgoing,
    Sound,
    Text,
    Verdict,
)


def drain(outbox: Outbox) -> list[Outgoing]:
    items = []
    while (item := outbox.take()) is not None:
        items.append(item)
    return items


def test_a_turn_ends_after_its_own_sound() -> None:
    outbox = Outbox()
    sent: list[Outgoing] = [Sound(b"\1\0" * 480), Sound(b"\2\0" * 480), EndOfTurn(), Text("and this")]
    for item in sent:
        outbox.put(item)
    assert drain(outbox) == sent


def test_held_sound_goes_nowhere_until_it_is_released_and_then_in_order() -> None:
    outbox = Outbox()
    first, second = Sound(b"\1\0"), Sound(b"\2\0")
    outbox.hold(first)
    outbox.hold(second)
    assert outbox.take() is None
    outbox.release()
    outbox.put(EndOfTurn())
    assert drain(outbox) == [first, second, EndOfTurn()]


def test_once_forgotten_no_sound_leaves_held_or_queued_and_typed_words_stay() -> None:
    outbox = Outbox()
    outbox.hold(Sound(b"\0" * 960))
    for item in (Text("a"), Sound(b"\0" * 960), EndOfTurn(), Verdict("call", "no"), CutOff(), ClearInput()):
        outbox.put(item)
    outbox.forget_sound()
    outbox.release()
    assert drain(outbox) == [Text("a"), Verdict("call", "no"), CutOff(), ClearInput()]
    assert outbox.seconds == 0.0


def test_clear_leaves_nothing_that_could_still_be_sent() -> None:
    outbox = Outbox()
    outbox.hold(Sound(b"\0\0"))
    for item in (Sound(b"\0" * 960), Text("a"), EndOfTurn()):
        outbox.put(item)
    outbox.clear()
    outbox.release()
    assert outbox.take() is None
    assert outbox.seconds == 0.0


def test_past_the_limit_the_oldest_sound_gives_way_and_is_counted() -> None:
    outbox = Outbox(limit_s=1.0)
    outbox.put(Text("first"))
    chunk = BYTES_PER_SECOND // 4
    for number in range(3):
        outbox.put(Sound(bytes([number]) * chunk))
    for number in range(3, 6):
        outbox.hold(Sound(bytes([number]) * chunk))
    assert outbox.dropped_s == 0.5
    outbox.release()
    assert [item.pcm[0] for item in drain(outbox) if isinstance(item, Sound)] == [2, 3, 4, 5]


@pytest.mark.parametrize("end", [drain, Outbox.forget_sound, Outbox.clear])
def test_what_was_lost_is_told_once_when_nothing_waits_any_more(end: Callable[[Outbox], object]) -> None:
    told: list[float] = []
    outbox = Outbox(limit_s=1.0, on_dropped=told.append)
    quarter = Sound(b"\0" * (BYTES_PER_SECOND // 4))
    for _ in range(7):
        outbox.put(quarter)
    outbox.take()
    outbox.put(quarter)
    outbox.put(quarter)
    assert told == []
    end(outbox)
    assert told == [1.0]
    for _ in range(4):
        outbox.put(quarter)
    end(outbox)
    end(outbox)
    assert told == [1.0]
    for _ in range(6):
        outbox.hold(quarter)
    outbox.release()
    end(outbox)
    assert told == [1.0, 0.5]
    assert outbox.dropped_s == 1.5


def test_sound_is_not_printed() -> None:
    assert "pcm" not in repr(Sound(b"secret"))


_SOUNDS = st.integers(0, 9_600).map(lambda n: Sound(b"\0" * n))


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.one_of(_SOUNDS, st.just(EndOfTurn()))),
            st.tuples(st.just("hold"), _SOUNDS),
            st.tuples(st.sampled_from(["take", "release", "forget_sound"]), st.none()),
        )
    )
)
def test_the_count_of_seconds_is_true_after_any_sequence(steps: list[tuple[str, Outgoing | None]]) -> None:
    told: list[float] = []
    outbox = Outbox(limit_s=0.5, on_dropped=told.append)
    for name, argument in steps:
        getattr(outbox, name)(*([] if argument is None else [argument]))
        assert 0.0 <= outbox.seconds <= 0.5
    outbox.release()
    counted = outbox.seconds
    held = sum(len(item.pcm) for item in drain(outbox) if isinstance(item, Sound))
    assert held == round(counted * BYTES_PER_SECOND)
    assert outbox.seconds == 0.0
    outbox.clear()
    assert sum(told) == pytest.approx(outbox.dropped_s)
