"""The table itself: its words exist, its rows can be told apart, and what it does not name changes nothing."""

import copy
from typing import get_args

import pytest

from speakerd.dialogue import events
from speakerd.dialogue.conditions import CONDITIONS
from speakerd.dialogue.light import light_of
from speakerd.dialogue.machine import ACTIONS, ERRORS, INDEX, TRIGGERS, Dialogue
from speakerd.dialogue.state import PHASES, Flags, Phase
from speakerd.dialogue.table import ANY, ROWS, SAME
from speakerd.panel.types import LIGHT_STATES
from tests.dialogue.driver import MAKERS, Driver, warm

PLACES: dict[str, Driver] = {
    "starting": warm(),
    "idle": warm().idle(),
    "connecting": warm().do("Ready").tap(),
    "listening": warm().listening(),
    "thinking": warm().thinking(),
    "speaking": warm().speaking(),
    "stopping": warm().idle().do("StopRequested"),
}

IDENTIFIED: dict[str, events.Event] = {
    "ResponseStarted": events.ResponseStarted("x"),
    "ResponseEnded": events.ResponseEnded("x"),
    "ApprovalNeeded": events.ApprovalNeeded("x", "unlock"),
    "ApprovalResolved": events.ApprovalResolved("x"),
}


def test_every_condition_named_exists_and_every_one_that_exists_is_named() -> None:
    named = {name.removeprefix("not ") for row in ROWS for name in row.when}
    assert named == set(CONDITIONS)


def test_every_action_named_exists_and_every_one_that_exists_is_named() -> None:
    assert {name for row in ROWS for name in row.do} == set(ACTIONS)


def test_every_event_has_a_trigger() -> None:
    kinds = {*get_args(events.AudioFact), *get_args(events.SessionFact), *get_args(events.Request)}
    assert set(TRIGGERS) | {events.SessionError, events.ConnectionLost} == kinds
    assert set(ERRORS) == set(get_args(events.ErrorKind))


def test_no_two_rows_ask_the_same() -> None:
    for bound in INDEX.values():
        asked = [row.when for row, _, _ in bound if row.phases != ANY]
        assert len(asked) == len(set(asked))


def test_nothing_stands_behind_a_row_without_conditions() -> None:
    """But for rows of any phase, which a phase's own may forestall."""
    for (phase, trigger), bound in INDEX.items():
        for row, _, _ in bound[:-1]:
            later = bound[[other for other, _, _ in bound].index(row) + 1 :]
            own = [other for other, _, _ in later if other.phases != ANY]
            assert row.when or not own, f"{phase} on {trigger}: {own} is never reached"


def test_nothing_leaves_stopping_but_the_process() -> None:
    assert all("stopping" not in row.phases for row in ROWS)


@pytest.mark.parametrize("phase", [phase for phase in PHASES if phase != "stopping"])
def test_every_phase_can_be_left_and_reached(phase: Phase) -> None:
    assert any(phase in row.phases and row.to not in {SAME, phase} for row in ROWS)
    assert phase == "starting" or any(row.to == phase for row in ROWS)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("name", [*MAKERS, *IDENTIFIED])
def test_an_event_that_means_nothing_changes_nothing_and_is_counted(phase: str, name: str) -> None:
    place = copy.deepcopy(PLACES[phase])
    assert place.phase == phase
    dialogue: Dialogue = place.dialogue
    before, ignored = dialogue.state.copy(), dialogue.ignored.total()
    handled = dialogue.handled
    now = place.now + 1.0
    event = IDENTIFIED.get(name) or MAKERS[name](now)
    orders = dialogue.handle(event, now)
    assert (dialogue.handled - handled) + (dialogue.ignored.total() - ignored) == 1
    if dialogue.ignored.total() > ignored:
        assert orders == ()
        assert dialogue.state == before
        assert sum(count for (where, _), count in dialogue.ignored.items() if where == phase) >= 1


def test_what_is_ignored_where() -> None:
    """Spelled out, so that a row added or lost is seen."""
    ignored = {
        (phase, name)
        for phase in PHASES
        for name in [*MAKERS, *IDENTIFIED]
        if _is_ignored(copy.deepcopy(PLACES[phase]), name)
    }
    everywhere = {
        name for name in [*MAKERS, *IDENTIFIED] if all((phase, name) in ignored for phase in PHASES)
    }
    assert everywhere == {
        "tap",  # without a press before
        "double_tap",
        "mute_off",  # of a switch that is not on
        "unstuck",
        "Unmute",
        "microphone returned",
        "loudspeaker returned",
        "TimerSilenced",
        "ApprovalResolved",
    }
    assert {name for phase, name in ignored if phase == "idle"} - everywhere == {
        "SpeechStarted",
        "BargeInSuspected",
        "BargeInConfirmed",
        "PlaybackDrained",
        "Ready",
        "ServerSpeechStarted",
        "ToolStarted",
        "ConversationEndRequested",
        "SessionError empty_turn",
        "hold_end",
    }
    assert {name for phase, name in ignored if phase == "listening"} - everywhere == {
        "BargeInSuspected",
        "PlaybackDrained",
        "Ready",
        "ToolStarted",
        "hold_end",
    }
    assert {name for phase, name in ignored if phase == "speaking"} - everywhere == {
        "Ready",
        "BargeInRejected",
        "ResponseEnded",  # of another response
        "ServerSpeechStarted",  # of a server that owns no turns
        "hold_end",
    }


def _is_ignored(place: Driver, name: str) -> bool:
    now = place.now + 1.0
    before = place.dialogue.ignored.total()
    place.dialogue.handle(IDENTIFIED.get(name) or MAKERS[name](now), now)
    return place.dialogue.ignored.total() > before


def test_the_light_follows_the_documented_precedence() -> None:
    def light(phase: Phase, **flags: bool) -> str:
        every = {"muted": False, "offline": False, "error": False, "ringing": False, "approval": False}
        return light_of(phase, Flags(**{**every, **flags}))

    all_flags = {"muted": True, "offline": True, "error": True, "ringing": True, "approval": True}
    assert light("stopping", **all_flags) == "stopping"
    assert light("speaking", **all_flags) == "approval"
    assert light("speaking", **{**all_flags, "approval": False}) == "ringing"
    assert light("speaking", muted=True, offline=True, error=True) == "speaking"
    assert light("idle", muted=True, offline=True, error=True) == "error"
    assert light("idle", muted=True, offline=True) == "offline"
    assert light("idle", muted=True) == "muted"
    assert light("idle") == "idle"


def test_every_light_can_be_shown() -> None:
    shown = {
        light_of(phase, Flags(*(bool(bits >> n & 1) for n in range(5))))
        for phase in PHASES
        for bits in range(32)
    }
    assert shown == set(LIGHT_STATES)
