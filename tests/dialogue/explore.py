"""Every short way from everywhere, with every invariant checked after every step: nothing here is left to chance.

From some places in each phase, under some settings, every event that can be named is sent; from each state that is
new the same is done again, to a depth. Two states that differ in their times only count as one. The rows of the
table that were taken are counted, so that a row that nothing leads to is found whatever the random walk meets.
"""

import copy
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, is_dataclass
from functools import cache, partial
from typing import Any, Final, Literal, TypeAlias, get_args, get_origin, get_type_hints
from unittest import mock

from speakerd.dialogue import commands, events, state_machine
from speakerd.dialogue.settings import DialogueSettings
from speakerd.dialogue.state import Hand, Phase, State
from speakerd.dialogue.state_machine import Dialogue, find_row
from speakerd.dialogue.table import SAME, Row
from speakerd.dialogue.transition import Transition
from speakerd.dialogue.triggers import Trigger
from speakerd.panel.settings import GestureSettings, TapAction
from speakerd.panel.types import Gesture, LightState
from tests.dialogue.driver import MAKERS, Driver
from tests.dialogue.walk import BrokenError, Checker, row_for


class CheckedDriver(Driver):
    """A driver whose every step is checked, and which can be copied."""

    def __init__(self, checker: Checker) -> None:
        super().__init__(checker.dialogue)
        self.checker = checker

    def handle(self, event: events.Event) -> tuple[commands.Command, ...]:
        return self.checker.handle(event, self.now)

    def tick(self) -> tuple[commands.Command, ...]:
        return self.checker.tick(self.now)

    def clone(self) -> "CheckedDriver":
        checker = copy.copy(self.checker)
        checker.waiting = set(checker.waiting)
        checker.asked, checker.begun = set(checker.asked), set(checker.begun)
        checker.dialogue = copy.copy(self.dialogue)
        checker.dialogue.state = self.dialogue.state.copy()
        other = copy.copy(self)
        other.checker, other.dialogue, other.orders = checker, checker.dialogue, []
        return other


STEPS: Final[dict[str, Callable[[Driver], events.Event]]] = {
    **{name: lambda d, make=make: make(d.now) for name, make in MAKERS.items()},  # type: ignore[misc]  # a default that binds
    "response": lambda _: events.ResponseStarted("r"),
    "ended": lambda _: events.ResponseEnded("r"),
    "ended cancelled": lambda _: events.ResponseEnded("r", "cancelled"),
    "ended failed": lambda _: events.ResponseEnded("r", "failed"),
    "ended silent": lambda _: events.ResponseEnded("r", had_audio=False),
    "ended with its connection": lambda _: events.ResponseEnded(
        "r", "incomplete", had_audio=False, reason="connection_lost"
    ),
    "ended with a call": lambda _: events.ResponseEnded("r", had_audio=False, tool_calls=1),
    "approval": lambda d: events.ApprovalNeeded(f"call at {d.now}", "unlock"),
    "approval elsewhere": lambda d: events.ApprovalResolved(
        next((approval.call_id for approval in d.dialogue.state.approvals), "none")
    ),
}
WAITS: Final = (0.5, 8.0, 25.0, 1000.0)
"""For the tail of a turn, for speech, for an answer, for anything."""


@dataclass(frozen=True)
class Way:
    """Under which settings, and how many steps from each place."""

    settings: dict[str, Any] = field(default_factory=dict)
    gestures: dict[str, Any] = field(default_factory=dict)
    connection: Literal["warm", "on_wake"] = "warm"
    turn_detection: Literal["local", "server_vad"] = "local"
    depth: int = 2


WAYS: Final[dict[str, Way]] = {
    "as it comes": Way(depth=3),
    "cold": Way(connection="on_wake"),
    "server turns": Way(turn_detection="server_vad"),
    "one shot": Way({"mode": "one_shot"}),
    "a press sends": Way({"press_while_listening": "send"}),
    "a press ends": Way({"press_while_answering": "end"}),
    "a press unmutes": Way({"press_while_muted": "unmute"}),
    "muting lets it finish": Way({"mute_while_answering": "finish", "text_while_muted": True}),
    "the model announces": Way({"announcement_voice": "model"}),
    "a press rejects": Way({"approval_press": "reject"}),
    "a hold ends": Way(gestures={"hold": "conversation"}),
    **{f"a double press: {action}": Way(gestures={"double": action}) for action in get_args(TapAction)},
}


def _places(way: Way) -> Iterator[CheckedDriver]:
    def fresh(*names: str) -> CheckedDriver:
        settings = DialogueSettings(**way.settings)
        dialogue = Dialogue(
            settings,
            gestures=GestureSettings(**way.gestures),
            turn_detection=way.turn_detection,
            connection=way.connection,
            now=100.0,
        )
        driver = CheckedDriver(Checker(dialogue, settings))
        driver.do(*names, after=0.5)
        return driver

    woken = ("Ready", "Wake", "Connected")
    asked = (*woken, "SpeechStarted", "ServerSpeechStarted", "SpeechEnded silence", "ServerSpeechStopped")
    speaking = fresh(*asked)
    speaking.response("r").sound()
    said_before = fresh(*asked)
    said_before.response("r").sound().ended("r", tool_calls=1).drained()
    said_to, following = speaking.clone(), speaking.clone()
    said_to.do("Say", after=0.5)
    following.do("Say", after=0.5).ended("r").drained()
    full = fresh("Ready", *["Say"] * 9)
    places: dict[Phase, tuple[CheckedDriver, ...]] = {
        "starting": (fresh(),),
        "idle": tuple(
            fresh("Ready", *more)
            for more in (("Connected",), ("Connected", "Mute"), ("ConnectionLost", "Mute"))
        ),
        "connecting": (fresh("Ready", "ConnectionLost", "Wake"),),
        "listening": (fresh(*woken), fresh(*woken, "SpeechStarted")),
        "thinking": (fresh(*asked), fresh("Ready", "Ask", "Connected"), said_before),
        "speaking": (speaking, said_to),
    }
    if way.settings.get("announcement_voice") != "model":
        places["announcing"] = (fresh("Ready", "Say"), following, full)
    for phase, drivers in places.items():
        for driver in drivers:
            assert driver.phase == phase, f"{way} leads to {driver.phase}, not {phase}"
            yield driver


def _shape(value: object, hint: object = State) -> object:
    """What of a state tells it from others, from the types of its fields: all but times, names and numbers.

    Of a time or a name that may be missing it counts whether it is there, of a tuple which shapes are in it.
    """
    if is_dataclass(value) and not isinstance(value, type):
        hints = _hints(type(value))
        return tuple(_shape(getattr(value, name), hints[name]) for name in hints)
    if value is None or isinstance(value, bool) or get_origin(hint) is Literal:
        return value
    if isinstance(value, tuple):
        return frozenset(_shape(item, get_args(hint)[0]) for item in value)
    return bool(value) if isinstance(value, str) else True


@cache
def _hints(kind: type) -> dict[str, object]:
    """The fields of a part of the state, and the types that they are declared with."""
    return get_type_hints(kind, localns={"SendText": commands.SendText})


Taken: TypeAlias = Counter[tuple[int, Phase, Trigger]]
"""How often a row (by its identity) was taken, in which phase and on which trigger."""


@cache
def explore(title: str) -> tuple[Taken, set[LightState]]:
    """Go the way of this title. Returns which rows were taken, and which lights were shown."""
    taken: Taken = Counter()
    lights: set[LightState] = set()
    rows: list[Row] = []

    def noting(transition: Transition) -> Row | None:
        row = find_row(transition)
        if row is not None:
            taken[id(row), transition.state.phase, transition.trigger] += 1
            rows.append(row)
        return row

    with mock.patch.object(state_machine, "find_row", noting):
        frontier = list(_places(WAYS[title]))
        seen = {_shape(driver.dialogue.state) for driver in frontier}
        for _ in range(WAYS[title].depth):
            found: list[CheckedDriver] = []
            for driver in frontier:
                for name, step in _next(driver):
                    there = driver.clone()
                    rows.clear()
                    try:
                        step(there)
                    except BrokenError as error:
                        raise BrokenError(f"{title}, {name}: {error}") from None
                    goal: str = driver.phase
                    for row in rows:
                        goal = goal if row.to == SAME else row.to
                    assert there.phase == goal, f"{title}, {name}: {rows} lead to {there.phase}"
                    lights.add(there.dialogue.light)
                    shape = _shape(there.dialogue.state)
                    if shape not in seen:
                        seen.add(shape)
                        found.append(there)
            frontier = found
    return taken, lights


def _next(driver: CheckedDriver) -> Iterator[tuple[str, Callable[[CheckedDriver], object]]]:
    """What can be done next and has a row, or a press to settle."""
    later = driver.now + 1.0
    for name, make in STEPS.items():
        driver.now, now = later, driver.now
        event = make(driver)
        driver.now = now
        settles = isinstance(event, Gesture) and driver.dialogue.state.hand != Hand()
        if settles or row_for(driver.dialogue, event, later) is not None:
            yield name, partial(_send, event=event, now=later)
    for seconds in WAITS:
        yield f"wait {seconds} s", partial(Driver.wait, seconds=seconds)


def _send(driver: CheckedDriver, event: events.Event, now: float) -> None:
    driver.now = now
    driver.send(event)


def explore_all() -> tuple[Taken, set[LightState]]:
    """Go every way. Returns which rows were taken, and which lights shown, on any of them."""
    taken: Taken = Counter()
    lights: set[LightState] = set()
    for title in WAYS:
        taken_here, lights_here = explore(title)
        taken.update(taken_here)
        lights |= lights_here
    return taken, lights
