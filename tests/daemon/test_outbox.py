from hypothesis import given
from hypothesis import strategies as st

from speakerd.daemon.outbox import BYTES_PER_SECOND, Discard, EndOfTurn, Outbox, Outgoing, Sound, Text


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


def test_clear_leaves_nothing_that_could_still_be_sent() -> None:
    outbox = Outbox()
    for item in (Sound(b"\0" * 960), Text("a"), EndOfTurn(), Discard()):
        outbox.put(item)
    outbox.clear()
    assert outbox.take() is None
    assert outbox.seconds == 0.0


def test_an_unfinished_turn_is_forgotten_and_typed_words_stay() -> None:
    outbox = Outbox()
    for item in (Text("a"), Sound(b"\0" * 960), EndOfTurn(), Text("b")):
        outbox.put(item)
    outbox.clear_sound()
    assert drain(outbox) == [Text("a"), Text("b")]


def test_past_the_limit_the_oldest_sound_gives_way_and_is_counted() -> None:
    outbox = Outbox(limit_s=1.0)
    outbox.put(Text("first"))
    chunk = BYTES_PER_SECOND // 4
    for number in range(6):
        outbox.put(Sound(bytes([number]) * chunk))
    assert outbox.dropped_bytes == 2 * chunk
    kept = [item.pcm[0] for item in drain(outbox) if isinstance(item, Sound)]
    assert kept == [2, 3, 4, 5]


@given(
    st.lists(
        st.one_of(st.integers(0, 9_600).map(lambda n: Sound(b"\0" * n)), st.just(EndOfTurn()), st.none())
    )
)
def test_the_count_of_seconds_is_true_after_any_sequence(steps: list[Outgoing | None]) -> None:
    outbox = Outbox(limit_s=0.5)
    for step in steps:
        if step is None:
            outbox.take()
        else:
            outbox.put(step)
        assert 0.0 <= outbox.seconds <= 0.5
    held = sum(len(item.pcm) for item in drain(outbox) if isinstance(item, Sound))
    assert held <= 0.5 * BYTES_PER_SECOND
    assert outbox.seconds == 0.0
