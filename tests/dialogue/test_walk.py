"""The random walk, as far as the suite has time for it. The long way: `python -m tests.dialogue.walk`."""

from collections import Counter

import pytest

from speakerd.dialogue import machine
from speakerd.dialogue.scene import Scene
from speakerd.dialogue.table import ANY, ROWS
from tests.dialogue.walk import BrokenError, chaos
from tests.dialogue.world import World

SEEDS = range(12)
EVENTS = 20_000


@pytest.fixture(scope="module")
def fired() -> Counter[tuple[int, str, str]]:
    """Walks, and counts which row was taken in which phase on which trigger."""
    counts: Counter[tuple[int, str, str]] = Counter()
    number = {id(row): index for index, row in enumerate(ROWS)}
    find = machine.find_row

    def counting(scene: Scene) -> object:
        bound = find(scene)
        if bound is not None:
            counts[number[id(bound[0])], scene.state.phase, scene.trigger] += 1
        return bound

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine, "find_row", counting)
        for seed in SEEDS:
            chaos(EVENTS, seed)
        World(seed=99).run(EVENTS)
    return counts


def test_no_invariant_breaks_whatever_happens(fired: Counter[tuple[int, str, str]]) -> None:
    assert sum(fired.values()) > len(SEEDS) * EVENTS // 2


def test_every_row_of_the_table_is_walked(fired: Counter[tuple[int, str, str]]) -> None:
    """In each of its phases and on each of its triggers; the rows for any phase in at least one."""
    missed = []
    for index, row in enumerate(ROWS):
        for trigger in row.on:
            met = [phase for phase in row.phases if fired[index, phase, trigger]]
            enough = bool(met) if row.phases == ANY else len(met) == len(row.phases)
            if not enough:
                missed.append(f"{row} on {trigger}: only in {met}")
    assert not missed, "\n".join(missed)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_in_a_house_that_behaves_nothing_is_lost_leaked_doubled_or_left_hanging(seed: int) -> None:
    world = World(seed)
    world.run(EVENTS)
    assert world.tally["turns"] > 200
    assert world.tally["answers heard"] > 100
    assert world.tally["rests"] > 20


def test_the_walk_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speakerd.dialogue.posture.uplink", lambda _: "open")
    with pytest.raises(BrokenError):
        chaos(EVENTS, 1)


def test_the_light_check_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speakerd.dialogue.machine.light_of", lambda *_: "idle")
    with pytest.raises(BrokenError, match="light lies"):
        chaos(EVENTS, 1)
