"""The random walk, as far as the suite has time for it. The long way: `python -m tests.dialogue.walk`."""

import random
from collections.abc import Iterator
from typing import Final

import pytest

from speakerd.audio import events as audio
from speakerd.dialogue import events
from speakerd.dialogue.machine import ACTIONS, ERRORS, TRIGGERS, Dialogue, find_row
from speakerd.dialogue.posture import uplink
from speakerd.dialogue.scene import Scene
from speakerd.dialogue.state import Phase, State
from speakerd.dialogue.table import ANY, ROWS, SAME, Row, Trigger
from speakerd.panel.types import Gesture
from tests.dialogue.driver import MAKERS
from tests.dialogue.walk import BrokenError, chaos, some_dialogue, some_settings
from tests.dialogue.world import World

EVENTS: Final = 12_000
PER_PHASE: Final = 600


@pytest.fixture(scope="module")
def places() -> dict[Phase, list[State]]:
    """States that a walk came through, a fair choice of those of each phase."""
    found: dict[Phase, list[State]] = {}
    seen: dict[Phase, int] = {}
    rng = random.Random(0)

    def note(dialogue: Dialogue) -> None:
        phase = dialogue.phase
        seen[phase] = seen.get(phase, 0) + 1
        states = found.setdefault(phase, [])
        if len(states) < PER_PHASE:
            states.append(dialogue.state.copy())
        elif rng.random() < PER_PHASE / seen[phase]:
            states[rng.randrange(PER_PHASE)] = dialogue.state.copy()

    for seed in range(3):
        chaos(EVENTS, seed, note)
    return found


def test_no_invariant_breaks_whatever_happens(places: dict[Phase, list[State]]) -> None:
    assert all(len(places[phase]) == PER_PHASE for phase in ANY)


@pytest.mark.parametrize("seed", [1, 2])
def test_in_a_house_that_behaves_nothing_is_lost_leaked_doubled_or_left_hanging(seed: int) -> None:
    world = World(seed)
    world.run(EVENTS)
    assert world.tally["turns"] > 100
    assert world.tally["answers heard"] > 50
    assert world.tally["rests"] > 20


def candidates(trigger: Trigger, state: State, now: float) -> Iterator[object]:
    """Events that may be behind a trigger, with every word that a condition may ask for."""
    match trigger:
        case "response_ended" | "finished":
            for status in ("completed", "cancelled", "failed"):
                yield events.ResponseEnded(state.response_id or "", status)
        case "approval_needed":
            yield events.ApprovalNeeded("new", "unlock")
        case "approval_resolved":
            yield from (events.ApprovalResolved(approval.call_id) for approval in state.approvals)
        case "silenced":
            yield from (events.TimerSilenced(name) for name in state.ringing)
        case "fatal":
            yield events.ConnectionLost("401", fatal=True)
        case "response_started":
            yield events.ResponseStarted("new")
        case "volume":
            yield Gesture("volume_up", now)
        case "answer_failed" | "nothing_heard" | "noted":
            yield from (events.SessionError(kind, "") for kind, name in ERRORS.items() if name == trigger)
        case _:
            made = [make(now) for make in MAKERS.values()]
            yield from (event for event in made if TRIGGERS.get(type(event)) == trigger)
            yield Gesture("press_down", now, now)  # also stands for whatever else the hand did
            yield audio.WakeWordHeard("computer", now)


def take_row(row: Row, trigger: Trigger, states: list[State], rng: random.Random) -> bool:
    """Find a state, settings and an event in which this very row is taken; take it, and see that it does as it says."""
    for state in states:
        for _ in range(3):
            dialogue = some_dialogue(rng, 0.0).dialogue
            settings, _ = some_settings(rng)
            now = max(state.entered_at, state.progress_at, state.window_until) + 1.0
            for event in candidates(trigger, state, now):
                copy = state.copy()
                dialogue.state = copy
                scene = Scene(
                    copy, settings, dialogue._owner, dialogue._warm, trigger, event, now, uplink(copy)
                )
                if trigger == "finished":  # never asked but when a part of the answer has just ended
                    ACTIONS["over"](scene)
                    if rng.random() < 0.5:
                        ACTIONS["drained"](scene)
                bound = find_row(scene)
                if bound is None or bound[0] is not row:
                    continue
                dialogue._apply(scene)
                goal = state.phase if row.to == SAME else row.to
                assert row.then is not None or dialogue.phase == goal
                return True
    return False


@pytest.mark.parametrize(
    "number", range(len(ROWS)), ids=lambda n: f"{n}-{ROWS[n].on[0]}-{'-'.join(ROWS[n].when)}"
)
def test_every_row_is_taken(places: dict[Phase, list[State]], number: int) -> None:
    """In each of its phases and on each of its triggers; the rows for any phase in at least one."""
    row = ROWS[number]
    rng = random.Random(number)
    for trigger in row.on:
        met = (take_row(row, trigger, places[phase], rng) for phase in row.phases)
        assert any(met) if row.phases == ANY else all(met), f"{row} is not taken on {trigger}"


def test_the_walk_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speakerd.dialogue.posture.uplink", lambda _: "open")
    with pytest.raises(BrokenError):
        chaos(EVENTS, 1)


def test_the_check_of_the_light_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speakerd.dialogue.machine.light_of", lambda *_: "idle")
    with pytest.raises(BrokenError, match="light lies"):
        chaos(EVENTS, 1)
