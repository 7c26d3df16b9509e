"""Telling presses from the codes that a terminal sends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.panel.terminal.keys import GAP_S, REPEAT_S, TAP_S, HeldKey, KeyEvent, parse


class Typist:
    """Types one key at given times, calls `tick` at each deadline, and writes down the edges with their times."""

    def __init__(self) -> None:
        self.key = HeldKey()
        self.edges: list[tuple[bool, float]] = []
        self.now = 0.0

    def until(self, end: float) -> None:
        while (deadline := self.key.deadline) is not None and deadline + 1e-3 <= end:
            self.now = max(self.now, deadline + 1e-3)
            self._note(self.key.tick(self.now))
        self.now = end

    def type(self, *times: float) -> None:
        for at in times:
            self.until(at)
            self._note(self.key.typed(at))

    def _note(self, edges: tuple[bool, ...]) -> None:
        self.edges += [(down, round(self.now, 3)) for down in edges]

    @property
    def holds(self) -> list[float]:
        """How long the key was down, each time."""
        return [up - down for (_, down), (_, up) in zip(self.edges[::2], self.edges[1::2], strict=True)]


def test_a_tap_is_down_at_once_and_up_a_moment_later() -> None:
    typist = Typist()
    typist.type(1.0)
    assert typist.edges == [(True, 1.0)]
    typist.until(5.0)
    assert typist.edges == [(True, 1.0), (False, 1.081)]


@pytest.mark.parametrize("delay", [0.25, 0.5, 0.66])
@pytest.mark.parametrize("rate", [10.9, 25, 30, 60])
def test_a_held_key_is_a_tap_and_then_one_hold_until_it_is_let_go(delay: float, rate: float) -> None:
    typist = Typist()
    repeats = [delay + i / rate for i in range(int(3 * rate))]
    typist.type(0.0, *repeats)
    typist.until(10.0)
    tap, hold = typist.holds
    assert tap == pytest.approx(TAP_S, abs=0.01)
    assert typist.edges[2][1] <= delay + REPEAT_S, "the hold begins with the repetition"
    assert hold == pytest.approx(repeats[-1] + GAP_S - typist.edges[2][1], abs=0.01)


def test_a_lost_repetition_does_not_end_the_hold() -> None:
    typist = Typist()
    codes = [0.5 + i / 30 for i in range(60)]
    del codes[20:24]
    typist.type(0.0, *codes)
    typist.until(10.0)
    assert len(typist.holds) == 2


def test_two_quick_taps_are_two_taps_at_once() -> None:
    typist = Typist()
    typist.type(0.0, 0.15)
    assert [at for down, at in typist.edges if down] == [0.0, 0.15]
    typist.until(2.0)
    assert typist.holds == pytest.approx([TAP_S, TAP_S], abs=0.01)


def test_a_second_tap_at_the_time_of_a_first_repetition_is_told_a_little_late() -> None:
    typist = Typist()
    typist.type(0.0, 0.4)
    assert len(typist.edges) == 2, "undecided: it may be the first repetition"
    typist.until(2.0)
    assert typist.edges[2][1] == pytest.approx(0.4 + REPEAT_S, abs=0.01)
    assert typist.holds == pytest.approx([TAP_S, TAP_S], abs=0.01)


def test_a_tap_after_a_hold_is_at_once() -> None:
    typist = Typist()
    typist.type(0.0, *(0.5 + i / 30 for i in range(30)), 2.0)
    assert typist.edges[-1] == (True, 2.0)


def test_a_burst_from_a_slow_line_is_a_hold_and_not_many_taps() -> None:
    typist = Typist()
    typist.type(*(1.0 + i / 1000 for i in range(20)))
    typist.until(5.0)
    assert len(typist.holds) <= 2


@given(st.lists(st.floats(0.001, 1.5), max_size=40))
def test_edges_take_turns_and_the_key_always_comes_up(pauses: list[float]) -> None:
    typist, at = Typist(), 0.0
    for pause in pauses:
        at += pause
        typist.type(at)
    typist.until(at + 5)
    assert [down for down, _ in typist.edges] == [i % 2 == 0 for i in range(len(typist.edges))]
    assert len(typist.edges) % 2 == 0
    assert typist.key.deadline is None
    assert bool(typist.edges) == bool(pauses)


def test_a_terminal_that_tells_releases_is_believed() -> None:
    key = HeldKey()
    assert key.press(1.0) == (True,)
    assert key.press(1.1) == ()
    assert key.deadline is None
    assert key.release(4.0) == (False,)
    assert key.release(4.1) == ()


# --- parsing ---


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b" ", [KeyEvent(" ", "typed")]),
        (b"mq", [KeyEvent("m", "typed"), KeyEvent("q", "typed")]),
        (b"\x1b[32u", [KeyEvent(" ", "press")]),
        (b"\x1b[32;1:1u\x1b[32;1:2u\x1b[32;1:3u", [KeyEvent(" ", a) for a in ("press", "repeat", "release")]),
        (b"\x1b[99;5u", [KeyEvent("c", "press", ctrl=True)]),
        (b"\x1b[99;5:3u", [KeyEvent("c", "release", ctrl=True)]),
        (b"\x1b[113:81;2;81u", [KeyEvent("q", "press")]),
        (b"\x1b[A\x1b[1;5C\x1bOP\x1b[200~ ", [KeyEvent(" ", "typed")]),
        (b"\x1b[?62;22c", []),
        (b"\x1bq", [KeyEvent("q", "typed")]),
        (b"\x1b[9999999u", []),
    ],
)
def test_bytes_become_keys(data: bytes, keys: list[KeyEvent]) -> None:
    parsed = parse(data)
    assert list(parsed.keys) == keys
    assert parsed.rest == b""
    assert not parsed.speaks_kitty


def test_the_answer_of_a_terminal_that_tells_releases_is_noticed() -> None:
    parsed = parse(b"a\x1b[?0ub")
    assert parsed.speaks_kitty
    assert [key.char for key in parsed.keys] == ["a", "b"]


@given(st.integers(1, 30))
def test_a_sequence_in_two_pieces_is_put_together(cut: int) -> None:
    data = b" \x1b[32;1:1u\x1b[?1u\x1b[Am\x1b[32;1:3u"
    whole = parse(data)
    first = parse(data[:cut])
    second = parse(first.rest + data[cut:])
    # A lone escape at the very end could be the escape key itself: it waits for what follows, as any beginning does.
    assert first.keys + second.keys == whole.keys
    assert first.speaks_kitty or second.speaks_kitty


@given(st.binary(max_size=300))
def test_noise_never_breaks_the_parser_nor_grows_without_bound(data: bytes) -> None:
    assert len(parse(data).rest) < 64
