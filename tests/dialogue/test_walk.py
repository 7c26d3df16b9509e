"""The walks, as far as the suite has time for them. The long way: `python -m tests.dialogue.walk`."""

import random
from collections import Counter
from typing import TYPE_CHECKING, Final, Literal, get_args, get_origin, get_type_hints

import pytest

from speakerd.dialogue.settings import DialogueSettings
from speakerd.dialogue.state_machine import Dialogue
from speakerd.dialogue.table import ANY, ROWS, Row
from speakerd.panel.settings import GestureSettings
from speakerd.panel.types import LIGHT_STATES
from tests.dialogue.explore import WAYS, explore, explore_all
from tests.dialogue.walk import BrokenError, chaos, some_settings
from tests.dialogue.world import World

if TYPE_CHECKING:
    from speakerd.dialogue.state import Phase
    from speakerd.dialogue.triggers import Trigger

EVENTS: Final = 12_000
PER_PHASE: Final = 200


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in (1, 2))])
def test_no_invariant_breaks_whatever_happens(seed: int) -> None:
    seen: Counter[Phase] = Counter()

    def note(dialogue: Dialogue) -> None:
        seen[dialogue.phase] += 1

    chaos(EVENTS, seed, note)
    assert all(seen[phase] >= PER_PHASE for phase in ANY)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.exhaustive)])
def test_in_a_house_that_behaves_nothing_is_lost_leaked_doubled_or_left_hanging(seed: int) -> None:
    world = World(seed)
    world.run(EVENTS)
    assert world.tally["turns"] > 100
    assert world.tally["answers heard"] > 50
    assert world.tally["rests"] > 20
    assert world.tally["announced"] > 10


@pytest.mark.exhaustive  # the next test goes all of these ways, too, and stops at the first that breaks
@pytest.mark.timeout(300)  # the longest of them goes three steps from each place
@pytest.mark.parametrize("title", WAYS)
def test_no_invariant_breaks_on_any_short_way(title: str) -> None:
    taken, _lights = explore(title)
    assert taken


@pytest.mark.timeout(300)  # goes all of these ways once more where each test has a process of its own
def test_every_row_is_taken_and_every_light_shown_on_a_short_way() -> None:
    """In each of its phases and on each of its triggers; the rows for any phase in at least one."""
    taken, lights = explore_all()
    assert lights == set(LIGHT_STATES)
    missing: list[tuple[Phase | Literal["any"], Trigger, Row]] = []
    for row in ROWS:
        for trigger in row.on:
            untaken = [phase for phase in row.phases if (id(row), phase, trigger) not in taken]
            if row.phases != ANY:
                missing += [(phase, trigger, row) for phase in untaken]
            elif len(untaken) == len(ANY):
                missing.append(("any", trigger, row))
    assert not missing, "if it can be taken, add a place, a step or a way to tests/dialogue/explore.py"


def test_the_walks_try_every_choice_of_the_settings() -> None:
    rng = random.Random(0)
    tried = [some_settings(rng) for _ in range(400)]
    for number, kind in enumerate((DialogueSettings, GestureSettings)):
        for name, hint in get_type_hints(kind).items():
            choices = (True, False) if hint is bool else get_args(hint) if get_origin(hint) is Literal else ()
            if name != "start_muted":  # how a dialogue begins, not what it does
                seen = [getattr(settings[number], name) for settings in tried]
                assert all(choice in seen for choice in choices), name


def test_the_walk_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speakerd.dialogue.microphone.uplink", lambda _: "open")
    with pytest.raises(BrokenError):
        chaos(EVENTS, 1)


def test_the_check_of_the_light_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speakerd.dialogue.state_machine.light_of", lambda *_: "idle")
    with pytest.raises(BrokenError, match="light lies"):
        chaos(EVENTS, 1)
