"""Random walks through the dialogue, with every invariant checked after every event.

`python -m tests.dialogue.walk --events 1000000 --seed 1` walks by itself and reports; the suite takes a shorter
way. Three walkers share the checks of `Checker`:

- `explore` (see `tests.dialogue.explore`): every short way from everywhere, nothing left to chance;
- `chaos`: any event at any time, also what no sane peer would send;
- `world` (see `tests.dialogue.world`): a person, a server and a loudspeaker that behave, so that it can be said
  what was heard and what has left the house.
"""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Final, get_args

from speakerd.audio.events import PlaybackDrained, PlaybackStarted
from speakerd.dialogue import commands as c
from speakerd.dialogue import events
from speakerd.dialogue.conditions import MAX_APPROVALS, MAX_RINGING
from speakerd.dialogue.deadlines import Awaited
from speakerd.dialogue.gesture_meaning import GESTURES
from speakerd.dialogue.settings import DialogueSettings
from speakerd.dialogue.state import Answer, Hand, Phase, State
from speakerd.dialogue.state_machine import Dialogue, find_row
from speakerd.dialogue.table import ROWS, Row
from speakerd.dialogue.triggers import trigger_of
from speakerd.panel.looks import TABLE as LIGHTS
from speakerd.panel.settings import GestureSettings, TapAction
from speakerd.panel.types import GESTURE_KINDS, Gesture
from tests.dialogue.driver import MAKERS

if TYPE_CHECKING:
    from speakerd.audio.settings import VoiceMode

ASKS: Final = (c.Commit, c.SendText)

ANSWERING: Final[frozenset[Awaited]] = frozenset({"response", "tool", "approval"})
AWAITED: Final[Mapping[Phase, frozenset[Awaited]]] = {
    "connecting": frozenset({"connection"}),
    "listening": frozenset({"speech", "end_of_speech", "server_notice", "press", "last_sound"}),
    "thinking": ANSWERING,
    "speaking": ANSWERING | {"playback"},
    "announcing": frozenset({"playback"}),
}
"""What each phase that has to end may wait for."""

BY_ITSELF: Final = (events.ResponseEnded, events.ToolEnded, PlaybackDrained)
"""Events after which a conversation may be over, without anybody having ended it."""


class BrokenError(AssertionError):
    """An invariant does not hold."""


def light_by_rule(dialogue: Dialogue) -> str:
    """Of all that is true, what stands highest in the table of lights; going off comes before all."""
    flags, phase = dialogue.flags, dialogue.phase
    if phase == "announcing":
        phase = "speaking"
    elif phase == "speaking" and dialogue.state.answer is not None and dialogue.state.answer.stalled:
        phase = "thinking"  # nothing is heard, and more is due
    if phase == "thinking" and flags.offline:
        phase = "idle"  # nobody thinks
    true = {phase, *(flag.name for flag in fields(flags) if getattr(flags, flag.name))}
    return "stopping" if "stopping" in true else min(true, key=[str(state) for state in LIGHTS].index)


def row_for(dialogue: Dialogue, event: events.Event, now: float) -> Row | None:
    """The row that `dialogue` would take now."""
    trigger = trigger_of(event, dialogue.state, dialogue.gestures, dialogue._settings)
    return None if trigger is None else find_row(dialogue._transition(trigger, event, now))


def heard_out(answer: Answer, event: object) -> bool:
    """Whether with `event` all of `answer` has been heard, or no more of it can come."""
    lost = isinstance(event, events.ConnectionLost) or (
        isinstance(event, events.SessionError) and event.kind == "account"
    )
    ended = isinstance(event, events.ResponseEnded) and event.response_id == answer.response_id
    generating = answer.asked or (answer.response_id is not None and not ended)
    playing = answer.playing and not isinstance(event, PlaybackDrained)
    return not playing and (lost or not generating)


class Checker:
    """Hands events to a dialogue and raises BrokenError when something is not as it must be."""

    def __init__(self, dialogue: Dialogue, settings: DialogueSettings) -> None:
        self.dialogue = dialogue
        self.settings = settings
        self.voice: VoiceMode = "normal"
        self.waiting: set[str] = set()
        self.listen: c.Listen = c.Listen("closed")
        self.armed = False
        self.trying = False
        self.ignored = 0
        self.requests = 0
        self.asked: set[int] = set()
        """Requests that wait to be told what became of them."""
        self.begun: set[int] = set()

    def handle(self, event: events.Event, now: float) -> tuple[c.Command, ...]:
        if isinstance(event, events.Ask | events.Say) and self.dialogue.phase != "stopping":
            self.requests += 1
            event = replace(event, request=self.requests)
            self.asked.add(self.requests)
        before = self.dialogue.state.copy()
        uplink = self.dialogue.uplink
        ignored = row_for(self.dialogue, event, now) is None
        orders = self.dialogue.handle(event, now)
        if ignored:
            self.ignored += 1
            settles = isinstance(event, Gesture) and GESTURES[event.kind].settles
            if not settles or before.hand == Hand():
                self._must(not orders, "an ignored event gave orders")
                self._must(self.dialogue.state == before, "an ignored event changed the state")
                return orders
            self._must(self.dialogue.phase == before.phase, "an ignored event changed the phase")
        if isinstance(event, events.ApprovalNeeded):
            self.waiting.add(event.call_id)
        if isinstance(event, events.ApprovalResolved):
            self.waiting.discard(event.call_id)
        self._check(before, uplink, orders, event)
        return orders

    def tick(self, now: float) -> tuple[c.Command, ...]:
        before = self.dialogue.state.copy()
        uplink = self.dialogue.uplink
        orders = self.dialogue.tick(now)
        self._check(before, uplink, orders, None)
        deadline = self.dialogue.deadline
        self._must(deadline is None or deadline > now, "something is overdue after a tick")
        return orders

    def _must(self, holds: bool, what: str) -> None:
        if not holds:
            raise BrokenError(f"{what}; now {self.dialogue.state}")

    def _check(self, before: State, uplink: str, orders: tuple[c.Command, ...], event: object) -> None:
        state, dialogue = self.dialogue.state, self.dialogue
        self._orders(before, uplink, orders, event)
        # Nothing is sent while muted.
        if state.muted:
            self._must(dialogue.uplink == "closed", "muted and the uplink is not closed")
            self._must(self.listen.mode == "closed", "muted and the microphone is not shut")
            self._must(not self.armed, "muted and the wake word is listened for")
        # Whoever asked is told what became of it, once, and as long as nobody has told it, it is to be done.
        known = {state.request, *(waiting.request for waiting in state.announcements)}
        known |= {state.text.request} if state.text is not None else set()
        known |= {state.announced.request} if state.announced is not None else set()
        self._must(self.asked == known - {0}, f"requests {self.asked} wait, of {known}")
        # Sound leaves in one phase only, and is kept in three.
        if dialogue.uplink == "open":
            self._must(state.phase == "listening", "sound leaves although nobody is listened to")
        self._must(
            (self.listen.mode == "closed") or state.phase not in {"idle", "starting", "stopping"},
            "the microphone is open in idle",
        )
        # Speaking ends when the last sample has been played and nothing more is due, or by an interruption.
        if before.phase == "speaking" and state.phase not in {"speaking", "stopping"}:
            self._must(
                before.answer is None
                or heard_out(before.answer, event)
                or any(isinstance(o, c.Interrupt) for o in orders),
                "speaking ended before the sound did",
            )
        if before.phase == "thinking" and state.phase == "speaking":
            self._must(isinstance(event, PlaybackStarted), "speaking began without a sound")
        # Only a person, a limit, or the end of the connection ends a conversation whose tool runs.
        ended = event.call_id if isinstance(event, events.ToolEnded) else None
        if set(before.tools) - {ended} and state.phase == "idle" and before.phase != "idle":
            self._must(before.ending or not isinstance(event, BY_ITSELF), "a tool was given up in silence")
        # The light equals the state.
        self._must(dialogue.light == light_by_rule(dialogue), "the light lies")
        # Every state can be left: by the clock, or, where there is none, by a press.
        if state.phase in AWAITED:
            due = dialogue.due
            self._must(due is not None and due.awaited in AWAITED[state.phase], "nothing ends this")
        # Whoever says that it is offline tries to be otherwise.
        if isinstance(event, events.ConnectionLost):
            self.trying = not event.fatal
        if any(isinstance(order, c.Connect) for order in orders):
            self.trying = True  # a session that was refused is tried anew when one is wanted
        if state.phase not in {"starting", "stopping"}:
            self._must(not state.offline or self.trying, "offline for ever")
        # Idle means over.
        if state.phase == "idle":
            going_on = any(
                (
                    state.approvals,
                    state.text,
                    state.ending,
                    state.tools,
                    state.result_due,
                    state.request,
                    state.announced,
                )
            )
            self._must(not going_on, "idle and something goes on")
        # The person's turn and the answer are there exactly while they go on.
        floor = state.phase == "listening" or (state.phase == "connecting" and state.text is None)
        self._must((state.turn is not None) is floor, "a turn too many, or none")
        self._must(
            (state.answer is not None) is (state.phase in {"thinking", "speaking", "announcing"}),
            "no answer, or too many",
        )
        suspected = state.answer is not None and state.answer.suspected
        self._must(suspected == (self.voice == "ducked"), "ducked and not suspected, or the other way round")
        self._must(not suspected or state.phase in {"speaking", "announcing"}, "suspected and not speaking")
        self._must(
            (state.announced is not None) is (state.phase == "announcing"), "announced at a wrong moment"
        )
        # An announcement is never spoken into anybody's sentence, and one that can be heard does not wait in idle.
        if any(isinstance(order, c.Announce) for order in orders):
            self._must(
                before.turn is None or not before.turn.heard or state.turn is None, "announced in a sentence"
            )
        heard = not state.loudspeaker_lost and self.settings.announcement_voice == "local"
        self._must(
            not (heard and state.announcements) or state.phase != "idle",
            "an announcement waits, and nothing is going on",
        )
        self._must(
            {a.call_id for a in state.approvals} == self.waiting, "an approval was lost, or answered twice"
        )
        self._must(len(state.ringing) <= MAX_RINGING and len(state.approvals) <= MAX_APPROVALS, "no bound")
        self._must(len(state.faults) < 12, "faults grow")  # kinds of errors, devices and the button

    def _orders(self, before: State, uplink: str, orders: tuple[c.Command, ...], event: object) -> None:
        interrupted = False
        for order in orders:
            match order:
                case c.Interrupt(silence=False):
                    interrupted = True
                case c.Interrupt() | c.HushAnnouncement():
                    interrupted, self.voice = True, "normal"
                case c.Commit() | c.SendText():
                    due = before.answer is not None and before.answer.generating
                    due = due and not isinstance(event, events.ResponseEnded)
                    self._must(interrupted or not due, "asked while an answer was due")
                    silent = self.dialogue.state.muted and not (
                        isinstance(order, c.SendText) and self.settings.text_while_muted
                    )
                    self._must(not silent, "something was sent while muted")
                case c.RequestReport(request, step):
                    self._must(request in self.asked, "told twice what became of it")
                    self._must(step != "begun" or request not in self.begun, "begun twice")
                    self._must(step != "done" or request in self.begun, "done and not begun")
                    (self.begun.add if step == "begun" else self.asked.discard)(request)
                case c.SendHeld():
                    self._must(uplink == "hold" and not self.dialogue.state.muted, "sent what was not held")
                case c.SetVoice(mode):
                    self._must(interrupted or self.voice != mode, f"the voice is set to {mode} twice")
                    self.voice = mode
                case c.Approve(call_id) | c.Reject(call_id, _):
                    self._must(call_id in self.waiting, "answered what nobody asked")
                    self.waiting.discard(call_id)
                case c.Listen():
                    self.listen = order
                case c.Connect() | c.Disconnect():
                    self.trying = isinstance(order, c.Connect)
                case c.ArmWakeWord(armed):
                    self._must(armed != self.armed, "armed twice")
                    self.armed = armed
                case _:
                    pass


def some_settings(rng: random.Random) -> tuple[DialogueSettings, GestureSettings]:
    """Settings as people may have them."""
    pick = rng.choice
    dialogue: dict[str, Any] = {
        "mode": pick(["conversation", "conversation", "one_shot"]),
        "follow_up_after_talk": pick([True, False]),
        "press_while_listening": pick(["end", "send"]),
        "press_while_answering": pick(["listen", "listen", "end"]),
        "press_while_muted": pick(["refuse", "unmute"]),
        "speech_while_thinking": pick(["listen", "ignore"]),
        "mute_while_answering": pick(["stop", "finish"]),
        "text_while_muted": pick([True, False]),
        "sound_at_press": pick([True, False]),
        "approval_press": pick(["approve", "reject", "none"]),
        "approval_hold": pick(["approve", "reject", "none"]),
        "approval_double": pick(["approve", "reject", "none"]),
    }
    taps = ["conversation", *get_args(TapAction)]
    # A model that announces, in a quarter of all houses.
    dialogue["announcement_voice"] = (
        "model" if dialogue["sound_at_press"] and dialogue["follow_up_after_talk"] else "local"
    )
    gestures: dict[str, Any] = {
        "press": pick(["conversation", *taps]),
        "hold": pick(["talk", "talk", *taps]),
        "double": pick(["mute", *taps]),
        "long": pick(taps),
    }
    return DialogueSettings(**dialogue), GestureSettings(**gestures)


def some_dialogue(rng: random.Random, now: float) -> Checker:
    settings, gestures = some_settings(rng)
    dialogue = Dialogue(
        settings,
        gestures=gestures,
        turn_detection=rng.choice(["local", "local", "server_vad", "semantic_vad"]),
        connection=rng.choice(["warm", "on_wake"]),
        now=now,
    )
    return Checker(dialogue, settings)


RARE: Final = {"StopRequested": 0.02, "mute_on": 0.1, "Mute": 0.2, "microphone lost": 0.05, "loudspeaker lost": 0.05,
               "ConnectionLost": 0.3, "ConnectionLost fatal": 0.1, "stuck": 0.2, "press_down": 5.0, "Connected": 3.0, "PlaybackStarted": 3.0,
               "SpeechStarted": 3.0, "SpeechEnded silence": 3.0, "Unmute": 2.0, "mute_off": 1.0}  # fmt: skip
_NAMES: Final = tuple(MAKERS)
_WEIGHTS: Final = tuple(RARE.get(name, 1.0) for name in _NAMES)
_GESTURES: Final = frozenset(GESTURE_KINDS)


def some_event(rng: random.Random, now: float, serial: int, dialogue: Dialogue) -> events.Event:
    """Any event; those with an identity often meet one that exists."""
    state = dialogue.state
    roll = rng.random()
    if roll < 0.08:
        return events.ResponseStarted(f"r{serial}")
    if roll < 0.18:
        current = state.answer.response_id if state.answer is not None else None
        known = current if current is not None and rng.random() < 0.8 else f"r{serial - 1}"
        return events.ResponseEnded(
            known,
            rng.choice(["completed", "completed", "completed", "cancelled", "failed", "incomplete"]),
            had_audio=rng.random() < 0.6,
            tool_calls=rng.choice([0, 0, 1]),
        )
    if roll < 0.21:
        return events.ApprovalNeeded(f"c{serial}", "unlock")
    if roll < 0.22:
        return events.ApprovalResolved(
            state.approvals[0].call_id if state.approvals and rng.random() < 0.8 else "c"
        )
    if roll < 0.23:
        return events.TimerRinging(f"t{rng.randrange(40)}")
    if roll < 0.235:
        return events.TimerSilenced(rng.choice([None, *state.ringing]))
    name = rng.choices(_NAMES, _WEIGHTS)[0]
    return _named(name, now, dialogue)


def _named(name: str, now: float, dialogue: Dialogue) -> events.Event:
    if name in _GESTURES:
        pressed_at = dialogue.state.hand.pressed_at
        return Gesture(name, now, now - 0.3 if pressed_at is None else pressed_at)
    return MAKERS[name](now)


SENSIBLE: Final = (
    *("mute_off", "Unmute", "microphone returned", "loudspeaker returned", "TimerSilenced", "Connected"),
    *("Wake", "Connected", "SpeechStarted", "SpeechEnded silence", "ServerSpeechStopped", "response"),
    "PlaybackStarted",
)
"""What leads from anywhere to an answer that is heard. Left to chance alone a walk hardly ever gets there."""
AFTERWARDS: Final = (
    *((), (), ("ConnectionLost",), ("ConnectionLost", "hold_start"), ("microphone lost", "hold_start")),
    *(
        ("ConversationEndRequested",),
        ("hold_start", "hold_end"),
        ("Mute", "hold_start"),
        ("microphone lost", "WakeWordHeard"),
        ("Mute", "press_down"),
    ),
)
"""And what is rare enough there to need help."""


def chaos(count: int, seed: int, note: Callable[[Dialogue], None] | None = None) -> Counter[str]:
    """Send `count` random events. Returns how many were ignored, and the phases they met."""
    rng = random.Random(seed)
    tally: Counter[str] = Counter()
    checker: Checker | None = None
    now = 0.0
    plan: list[str] = []
    for serial in range(count):
        if checker is None or checker.dialogue.phase == "stopping" or rng.random() < 0.0005:
            if checker is not None:
                tally["ignored"] += checker.ignored
            now = rng.uniform(0, 1000)
            checker = some_dialogue(rng, now)
        now += rng.choice([0.0, 0.001, 0.02, 0.1, 0.4, 1.0, 4.0])
        if rng.random() < 0.02:
            now += rng.choice([5.0, 30.0, 400.0])
        try:
            deadline = checker.dialogue.deadline
            if deadline is not None and deadline <= now and rng.random() < 0.9:
                checker.tick(now)
                tally["ticks"] += 1
            tally[checker.dialogue.phase] += 1
            if not plan and rng.random() < 0.02:
                plan = [*SENSIBLE[: rng.choice([len(SENSIBLE), rng.randrange(len(SENSIBLE)) + 1])]]
                plan += rng.choice(AFTERWARDS)
            if plan and rng.random() < 0.95:
                name = plan.pop(0)
                event = (
                    events.ResponseStarted(f"r{serial}")
                    if name == "response"
                    else _named(name, now, checker.dialogue)
                )
            else:
                event = some_event(rng, now, serial, checker.dialogue)
            checker.handle(event, now)
        except BrokenError as error:
            raise BrokenError(f"seed {seed}, event {serial}: {error}") from None
        if note is not None:
            note(checker.dialogue)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    from tests.dialogue.explore import explore_all  # they import this module
    from tests.dialogue.world import World

    begin = time.perf_counter()
    taken, _lights = explore_all()
    rows = len({row for row, _, _ in taken})
    seconds = time.perf_counter() - begin
    print(f"every short way: {rows} of {len(ROWS)} rows taken in {seconds:.1f} s, no invariant broken")  # noqa: T201  # its job
    begin = time.perf_counter()
    tally = chaos(options.events // 2, options.seed)
    middle = time.perf_counter()
    world = World(options.seed)
    world.run(options.events - options.events // 2)
    end = time.perf_counter()
    print(f"chaos: {options.events // 2} events in {middle - begin:.1f} s, no invariant broken")  # noqa: T201  # its job
    print("  " + ", ".join(f"{name} {number}" for name, number in tally.most_common()))  # noqa: T201
    print(f"world: {world.count} events in {end - middle:.1f} s, no invariant broken")  # noqa: T201
    print("  " + ", ".join(f"{name} {number}" for name, number in world.tally.most_common()))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
