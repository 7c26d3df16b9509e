"""Speech goes out in chunks, in order, no faster than the pace."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.offline.protocol.pacing import CHUNK_BYTES, CHUNK_MS, LEAD_MS, Pacer

pieces = st.lists(
    st.binary(min_size=0, max_size=3 * CHUNK_BYTES).map(lambda data: data[: len(data) // 2 * 2]), max_size=8
)


@given(pieces, st.floats(0.5, 20))
def test_all_comes_out_in_order_and_never_too_early(parts: list[bytes], pace: float) -> None:
    pacer, now, out = Pacer(pace), 10.0, b""
    for part in parts:
        pacer.put(part, now)
    pacer.complete()
    while True:
        for chunk in pacer.take(now):
            assert len(chunk) <= CHUNK_BYTES
            out += chunk
        assert len(out) / 48 <= LEAD_MS + (now - 10.0) * 1000 * pace + 0.01
        if pacer.empty:
            break
        assert pacer.deadline is not None
        assert pacer.deadline > now, "a deadline in the past would spin"
        now = pacer.deadline
    assert out == b"".join(parts)


def test_a_part_of_a_chunk_waits_for_the_rest() -> None:
    pacer = Pacer(0)
    pacer.put(bytes(CHUNK_BYTES + 100), 0.0)
    assert [len(chunk) for chunk in pacer.take(0.0)] == [CHUNK_BYTES]
    assert pacer.deadline is None
    assert pacer.waiting_ms == 2
    pacer.complete()
    assert [len(chunk) for chunk in pacer.take(0.0)] == [100]
    assert pacer.empty


def test_at_the_deadline_something_goes() -> None:
    pacer = Pacer(4.0)
    pacer.put(bytes(100 * CHUNK_BYTES), 5.0)
    assert len(pacer.take(5.0)) == LEAD_MS // CHUNK_MS
    assert pacer.deadline == pytest.approx(5.0 + CHUNK_MS / 4000, abs=0.001)
    assert len(pacer.take(pacer.deadline or 0)) == 1


def test_nothing_to_say_has_no_deadline() -> None:
    assert Pacer(4.0).deadline is None
    silent = Pacer(4.0)
    silent.complete()
    assert silent.empty
