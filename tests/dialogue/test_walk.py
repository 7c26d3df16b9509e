"""The walks, as far as the suite has time for them. The long way: `python -m tests.dialogue.walk`."""

from collections import Counter
from typing import Final

import pytest

from speakerd.dialogue.state import Phase
from speakerd.dialogue.state_machine import Dialogue
from speakerd.dialogue.table import ANY, ROWS
from speakerd.dialogue.triggers import Trigger
from tests.dialogue.explore import explore
from tests.dialogue.walk import BrokenError, chaos
from tests.dialogue.world import World

EVENTS: Final = 12_000
PER_PHASE: Final = 600


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_invariant_breaks_whatever_happens(seed: int) -> None:
    seen: Counter[Phase] = Counter()

    def note(dialogue: Dialogue) -> None:
        seen[dialogue.phase] += 1

    chaos(EVENTS, seed, note)
    assert all(seen[phase] >= PER_PHASE // 3 for phase in ANY)


@pytest.mark.parametrize("seed", [1, 2])
def test_in_a_house_that_behaves_nothing_is_lost_leaked_doubled_or_left_hanging(seed: int) -> None:
    world = World(seed)
    world.run(EVENTS)
    assert world.tally["turns"] > 100
    assert world.tally["answers heard"] > 50
    assert world.tally["rests"] > 20


@pytest.fixture(scope="module")
def taken() -> Counter[tuple[int, Phase, Trigger]]:
    """Which rows short ways from everywhere take; no invariant breaks on any of them."""
    return explore()


@pytest.mark.parametrize(
    "number",
    range(len(ROWS)),
    ids=lambda n: "-".join([str(n), ROWS[n].on[0], *(condition.__name__ for condition in ROWS[n].when)]),
)
def test_every_row_is_taken(taken: Counter[tuple[int, Phase, Trigger]], number: int) -> None:
    """In each of its phases and on each of its triggers; the rows for any phase in at least one."""
    row = ROWS[number]
    for trigger in row.on:
        met = [(id(row), phase, trigger) in taken for phase in row.phases]
        assert any(met) if row.phases == ANY else all(met), f"{row} is not taken on {trigger}"


def test_the_walk_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speakerd.dialogue.microphone.uplink", lambda _: "open")
    with pytest.raises(BrokenError):
        chaos(EVENTS, 1)


def test_the_check_of_the_light_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speakerd.dialogue.state_machine.light_of", lambda *_: "idle")
    with pytest.raises(BrokenError, match="light lies"):
        chaos(EVENTS, 1)
