"""The table itself: its rows can be told apart and have a use each, and what it does not name changes nothing."""

import copy
from dataclasses import fields
from inspect import isfunction
from itertools import product
from pkgutil import iter_modules
from types import ModuleType
from typing import get_args

import pytest

from speakerd.dialogue import actions, conditions, events
from speakerd.dialogue.light import light_of
from speakerd.dialogue.requests import PLAIN_REQUESTS
from speakerd.dialogue.settings import DialogueSettings
from speakerd.dialogue.state import PHASES, Flags, Hand, Phase, State
from speakerd.dialogue.state_machine import INDEX
from speakerd.dialogue.table import ANY, ROWS, SAME
from speakerd.dialogue.triggers import Trigger, trigger_of
from speakerd.panel.settings import GestureSettings
from speakerd.panel.types import GESTURE_KINDS, LIGHT_STATES
from tests.dialogue.driver import MAKERS, Driver, warm
from tests.dialogue.walk import row_for

FLAGS = tuple(flag.name for flag in fields(Flags))

PLACES: dict[str, Driver] = {
    "starting": warm(),
    "idle": warm().idle(),
    "connecting": warm().do("Ready").tap(),
    "listening": warm().listening(),
    "thinking": warm().thinking(),
    "speaking": warm().speaking(),
    "announcing": warm().idle().do("Say"),
    "stopping": warm().idle().do("StopRequested"),
}

IDENTIFIED: dict[str, events.Event] = {
    "ResponseStarted": events.ResponseStarted("x"),
    "ResponseEnded": events.ResponseEnded("x"),
    "ApprovalNeeded": events.ApprovalNeeded("x", "unlock"),
    "ApprovalResolved": events.ApprovalResolved("x"),
}


HELPERS: dict[ModuleType, set[str]] = {
    # what other conditions and actions, and the state machine, are made with; named by no row
    conditions: {"devices_ok"},
    actions.announcements: {"expire"},
    actions.answer: {"work_on", "stall"},
    actions.approvals: {"reject_all", "expire"},
    actions.connection: set(),
    actions.conversation: {"conclude"},
    actions.faults: {"show", "clear", "mended", "expire", "note_no_answer"},
    actions.hand: set(),
    actions.mute: set(),
    actions.reports: {"cause", "begun", "done", "failed", "interrupted", "answered", "drop_text"},
    actions.sounds: set(),
    actions.timers: {"ring_on"},
    actions.turn: set(),
}


@pytest.mark.parametrize("module", HELPERS, ids=lambda module: module.__name__)
def test_every_condition_and_action_that_exists_is_named(module: ModuleType) -> None:
    named = {function for row in ROWS for function in (*row.when, *row.do)}
    defined = {
        name
        for name, function in vars(module).items()
        if isfunction(function)
        and function.__module__ == module.__name__
        and not name.startswith("_")
        and name != "not_"
        if function not in named and conditions.not_(function) not in named
    }
    assert defined == HELPERS[module]


def test_every_module_of_actions_is_looked_at() -> None:
    modules = {f"{actions.__name__}.{module.name}" for module in iter_modules(actions.__path__)}
    assert modules == {module.__name__ for module in HELPERS} - {conditions.__name__}


def test_every_trigger_has_a_row() -> None:
    assert {trigger for row in ROWS for trigger in row.on} | {"timeout"} == set(get_args(Trigger))


@pytest.mark.parametrize("name", [*MAKERS, *IDENTIFIED])
def test_every_event_has_a_trigger_that_a_row_is_for(name: str) -> None:
    event = IDENTIFIED.get(name) or MAKERS[name](1.0)
    noted = State(phase="listening", hand=Hand("noted", 0.5))
    trigger = trigger_of(event, noted, GestureSettings(), DialogueSettings())
    assert any(trigger in row.on for row in ROWS)


def test_every_kind_of_event_is_sent_by_the_tests() -> None:
    kinds = {*get_args(events.Event)}
    assert {type(make(1.0)) for make in MAKERS.values()} | {
        type(event) for event in IDENTIFIED.values()
    } == kinds


def test_the_opposite_of_a_condition_is_named_after_it() -> None:
    assert conditions.not_(conditions.heard).__name__ == "not heard"


def test_no_two_rows_ask_the_same() -> None:
    for rows in INDEX.values():
        asked = [row.when for row in rows if row.phases != ANY]
        assert len(asked) == len(set(asked))


def test_nothing_stands_behind_a_row_without_conditions() -> None:
    """But for rows of any phase, which a phase's own may forestall."""
    for (phase, trigger), rows in INDEX.items():
        for number, row in enumerate(rows):
            own = [other for other in rows[number + 1 :] if other.phases != ANY]
            assert row.when or not own, f"{phase} on {trigger}: {own} is never reached"


def test_a_row_that_does_nothing_keeps_others_from_being_taken() -> None:
    for (phase, trigger), rows in INDEX.items():
        for row in rows:
            assert row.do or row.to != SAME or row is not rows[-1], (
                f"{phase} on {trigger}: {row} is of no use"
            )


def test_nothing_leaves_stopping_but_the_process() -> None:
    assert all("stopping" not in row.phases for row in ROWS)


@pytest.mark.parametrize("phase", [phase for phase in PHASES if phase != "stopping"])
def test_every_phase_can_be_left_and_reached(phase: Phase) -> None:
    assert any(phase in row.phases and row.to not in {SAME, phase} for row in ROWS)
    assert phase == "starting" or any(row.to == phase for row in ROWS)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("name", [*MAKERS, *IDENTIFIED])
def test_an_event_that_has_no_row_changes_nothing(phase: str, name: str) -> None:
    place = copy.deepcopy(PLACES[phase])
    assert place.phase == phase
    now = place.now + 1.0
    event = IDENTIFIED.get(name) or MAKERS[name](now)
    without_row = row_for(place.dialogue, event, now) is None
    before = place.dialogue.state.copy()
    orders = place.dialogue.handle(event, now)
    if without_row:
        assert orders == ()
        assert place.dialogue.state == before


def test_what_has_no_row_where() -> None:
    """Of all that sound, session and timers tell; spelled out, so that a row lost is seen."""
    asked = {*GESTURE_KINDS, *(request.word.capitalize() for request in PLAIN_REQUESTS)}
    told = [name for name in [*MAKERS, *IDENTIFIED] if name not in asked]
    rowless = {(phase, name) for phase in PHASES for name in told if not _has_row(PLACES[phase], name)}
    everywhere = {name for name in told if all((phase, name) in rowless for phase in PHASES)}
    assert everywhere == {
        "BargeInRejected",
        "microphone returned",
        "loudspeaker returned",
        "TurnCommitted",
        "ServerSpeechStarted",  # of a server that owns no turns
        "ServerSpeechStopped",
        "ToolEnded",  # of no tool that runs
        "ToolEnded for good",
        "TimerSilenced",  # of no timer that rings
        "SpeechEnded silence",
        "SpeechEnded server",
        "SpeechEnded server_silent",
        "SpeechEnded too_long",
        "SpeechEnded released",
        "SpeechEnded device_lost",
        "ResponseEnded",  # of another response
        "ApprovalResolved",  # of no call that waits
    }
    announced = {"AnnouncementEnded", "AnnouncementEnded badly"}
    assert {phase for phase, name in rowless if name in announced} == {*PHASES} - {"announcing"}
    heard = {"PlaybackUnderrun", "PlaybackResumed"}
    assert {phase for phase, name in rowless if name in heard} >= {*PHASES} - {"speaking"}
    everywhere |= announced | heard
    assert {name for phase, name in rowless if phase == "idle"} - everywhere == {
        "SpeechStarted",
        "BargeInSuspected",
        "BargeInConfirmed",
        "PlaybackDrained",
        "Ready",
        "ToolStarted",
        "NoReplyDue",
        "ConversationEndRequested",
        "SpeechEnded closed",
        "SpeechEnded own_voice",
        "SessionError empty_turn",
    }
    assert {name for phase, name in rowless if phase == "listening"} - everywhere == {
        "BargeInSuspected",
        "PlaybackDrained",
        "WakeWordHeard",
        "Ready",
        "NoReplyDue",
        "SessionError empty_turn",
    }
    assert {name for phase, name in rowless if phase == "speaking"} - everywhere == {
        "SpeechStarted",
        "Ready",
        "SpeechEnded closed",
        "SpeechEnded own_voice",
        "SessionError empty_turn",
    }


def _has_row(place: Driver, name: str) -> bool:
    now = place.now + 1.0
    return row_for(place.dialogue, IDENTIFIED.get(name) or MAKERS[name](now), now) is not None


def test_the_light_follows_the_documented_precedence() -> None:
    def light(phase: Phase, **flags: bool) -> str:
        return light_of(phase, Flags(**{**dict.fromkeys(FLAGS, False), **flags}))

    all_flags = dict.fromkeys(FLAGS, True)
    assert light("stopping", **all_flags) == "stopping"
    assert light("speaking", **all_flags) == "approval"
    assert light("speaking", **{**all_flags, "approval": False}) == "ringing"
    assert light("speaking", muted=True, offline=True, error=True) == "speaking"
    assert light("idle", muted=True, offline=True, error=True) == "error"
    assert light("idle", muted=True, offline=True) == "offline"
    assert light("thinking", muted=True, offline=True) == "offline"
    assert light("thinking", muted=True) == "thinking"
    assert light("idle", muted=True) == "muted"
    assert light("idle") == "idle"


def test_a_light_shows_a_phase_or_a_flag_and_each_of_them_has_one() -> None:
    assert {*PHASES, *FLAGS} - {"announcing"} == {*LIGHT_STATES}
    assert light_of("announcing", Flags(**dict.fromkeys(FLAGS, False))) == "speaking"


def test_every_light_can_be_shown() -> None:
    shown = {
        light_of(phase, Flags(*values))
        for phase in PHASES
        for values in product((False, True), repeat=len(FLAGS))
    }
    assert shown == set(LIGHT_STATES)
