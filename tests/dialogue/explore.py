"""Every short way from everywhere, with every invariant checked after every step: nothing here is left to chance.

From some places in each phase, under some settings, every event that can be named is sent; from each state that is
new the same is done again, to a depth. Two states that differ in their times only count as one. The rows of the
table that were taken are counted, so that a row that nothing leads to is found whatever the random walk meets.
"""

import copy
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args
from unittest import mock

from speakerd.dialogue import commands, events, state_machine
from speakerd.dialogue.settings import DialogueSettings
from speakerd.dialogue.state import Phase, State
from speakerd.dialogue.state_machine import Dialogue, find_row
from speakerd.dialogue.table import SAME, Row
from speakerd.dialogue.transition import Transition
from speakerd.dialogue.triggers import Trigger
from speakerd.panel.settings import GestureSettings, TapAction
from tests.dialogue.driver import MAKERS, Driver
from tests.dialogue.walk import BrokenError, Checker


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
        checker.dialogue = copy.copy(self.dialogue)
        checker.dialogue.state = self.dialogue.state.copy()
        other = copy.copy(self)
        other.checker, other.dialogue, other.orders = checker, checker.dialogue, []
        return other


def _step(name: str) -> Callable[[Driver], Any]:
    return lambda d: d.do(name, after=1.0)


STEPS: Final[dict[str, Callable[[Driver], Any]]] = {
    **{name: _step(name) for name in MAKERS},
    "response": lambda d: d.response(),
    "ended": lambda d: d.ended(),
    "ended cancelled": lambda d: d.ended(status="cancelled"),
    "ended failed": lambda d: d.ended(status="failed"),
    "ended silent": lambda d: d.ended(had_audio=False),
    "ended with a call": lambda d: d.ended(tool_calls=1, had_audio=False),
    "approval": lambda d: d.approval(f"call at {d.now}"),
    "approval elsewhere": lambda d: d.send(
        events.ApprovalResolved(next((a.call_id for a in d.dialogue.state.approvals), "none"))
    ),
    "wait for a tail": lambda d: d.wait(0.5),
    "wait for a window": lambda d: d.wait(8.0),
    "wait for an answer": lambda d: d.wait(25.0),
    "wait for long": lambda d: d.wait(1000.0),
}


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
    speaking.response().sound()
    places: dict[Phase, tuple[CheckedDriver, ...]] = {
        "starting": (fresh(),),
        "idle": tuple(
            fresh("Ready", *more)
            for more in (("Connected",), ("Connected", "Mute"), ("ConnectionLost", "Mute"))
        ),
        "connecting": (fresh("Ready", "ConnectionLost", "Wake"),),
        "listening": (fresh(*woken), fresh(*woken, "SpeechStarted")),
        "thinking": (fresh(*asked), fresh("Ready", "Ask", "Connected")),
        "speaking": (speaking,),
    }
    for phase, drivers in places.items():
        for driver in drivers:
            assert driver.phase == phase, f"{way} leads to {driver.phase}, not {phase}"
            yield driver


def _shape(state: State) -> tuple[object, ...]:
    """All of a state but its times, names and numbers."""
    hand, turn, answer = state.hand, state.turn, state.answer
    return (
        state.phase, state.connected, state.offline, state.microphone_lost, state.loudspeaker_lost,
        state.muted_by_hand, state.mute_switch, frozenset(fault.kind for fault in state.faults),
        bool(state.ringing), bool(state.approvals), hand.press, bool(hand.aim),
        state.early_press and state.early_press.talk, state.hands_free, state.ending, state.text is None, state.stale_due,
        turn and (turn.since is None, turn.talking, turn.heard, turn.server_heard, turn.stream, turn.over, turn.sent),
        answer and (
            answer.asked, answer.response_id is None, answer.more_due, answer.tools > 0, answer.sound_due,
            answer.sounded, answer.response_sounded, answer.playing, answer.suspected, answer.failed,
        ),
    )  # fmt: skip


def explore() -> Counter[tuple[int, Phase, Trigger]]:
    """Go every way. Returns how often each row (by its identity) was taken, in which phase and on which trigger."""
    taken: Counter[tuple[int, Phase, Trigger]] = Counter()
    steps: list[Row] = []

    def noting(transition: Transition) -> Row | None:
        row = find_row(transition)
        if row is not None:
            taken[id(row), transition.state.phase, transition.trigger] += 1
            steps.append(row)
        return row

    with mock.patch.object(state_machine, "find_row", noting):
        for title, way in WAYS.items():
            frontier = list(_places(way))
            seen = {_shape(driver.dialogue.state) for driver in frontier}
            for _ in range(way.depth):
                found: list[CheckedDriver] = []
                for driver in frontier:
                    for name, step in STEPS.items():
                        there = driver.clone()
                        steps.clear()
                        try:
                            step(there)
                        except BrokenError as error:
                            raise BrokenError(f"{title}, {name}: {error}") from None
                        goal: str = driver.phase
                        for row in steps:
                            goal = goal if row.to == SAME else row.to
                        assert there.phase == goal, f"{title}, {name}: {steps} lead to {there.phase}"
                        shape = _shape(there.dialogue.state)
                        if shape not in seen:
                            seen.add(shape)
                            found.append(there)
                frontier = found
    return taken
