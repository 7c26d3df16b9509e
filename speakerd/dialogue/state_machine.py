"""The dialogue: events and the clock in, commands out. The rules are in `table`; here they are applied.

Sans-I/O: no clock, no thread, no task. Not thread-safe: one owner, the daemon's loop. Handling an event takes
some 5 µs on the server it was written on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from speakerd.dialogue import commands, deadlines, microphone
from speakerd.dialogue.actions import announcements, answer, approvals, faults, timers
from speakerd.dialogue.actions.conversation import conclude
from speakerd.dialogue.gesture_meaning import GESTURES
from speakerd.dialogue.light import light_of
from speakerd.dialogue.requests import PlainRequest
from speakerd.dialogue.settings import DialogueSettings
from speakerd.dialogue.state import Flags, Hand, Phase, State, Uplink
from speakerd.dialogue.table import ROWS, SAME, Row
from speakerd.dialogue.transition import Transition
from speakerd.dialogue.triggers import Trigger, trigger_of
from speakerd.panel.settings import GestureSettings
from speakerd.panel.types import Gesture, LightState

if TYPE_CHECKING:
    from speakerd.dialogue.events import Event


def _index() -> dict[tuple[Phase, Trigger], tuple[Row, ...]]:
    index: dict[tuple[Phase, Trigger], tuple[Row, ...]] = {}
    for row in ROWS:
        for phase in row.phases:
            for trigger in row.on:
                index[phase, trigger] = (*index.get((phase, trigger), ()), row)
    return index


INDEX: Final = _index()
"""What may come of a trigger in a phase, in the order of the table."""


def find_row(transition: Transition) -> Row | None:
    """The first row for the phase and the trigger whose conditions all hold."""
    for row in INDEX.get((transition.state.phase, transition.trigger), ()):
        for condition in row.when:
            if not condition(transition):
                break
        else:
            return row
    return None


class Dialogue:
    """The state machine of a conversation: `handle` what happens, `tick` when `deadline` has come."""

    def __init__(
        self,
        settings: DialogueSettings | None = None,
        *,
        gestures: GestureSettings | None = None,
        turn_detection: Literal["local", "server_vad", "semantic_vad"] = "local",
        connection: Literal["on_wake", "warm"] = "on_wake",
        muted: bool = False,
        now: float = 0.0,
    ) -> None:
        """Begin. `muted`: it was muted by hand when it ran last. `now` is monotonic seconds, as everywhere."""
        self._settings = settings or DialogueSettings()
        self.gestures = gestures or GestureSettings()
        """What each gesture means. To be read only."""
        self._owner: microphone.TurnOwner = "local" if turn_detection == "local" else "server"
        self._warm = connection == "warm"
        self.state = State(entered_at=now, muted_by_hand=muted or self._settings.start_muted)
        """What it knows. To be read only."""
        self._listen = microphone.CLOSED
        self._armed = False

    # -- what is true now ----------------------------------------------------------------------------------

    @property
    def phase(self) -> Phase:
        """What the speaker does now, such as `listening`."""
        return self.state.phase

    @property
    def flags(self) -> Flags:
        """What is true whatever the phase, such as that the microphone is muted or that a timer rings."""
        return self.state.flags

    @property
    def light(self) -> LightState:
        """What the light has to show."""
        answer = self.state.answer
        stalled = self.state.phase == "speaking" and answer is not None and answer.stalled
        return light_of("thinking" if stalled else self.state.phase, self.state.flags)

    @property
    def uplink(self) -> Uplink:
        """What may become of captured speech right now: drop it, keep it, send it."""
        return microphone.uplink(self.state)

    @property
    def due(self) -> deadlines.Deadline | None:
        """What the phase waits for, and until when; None: for nothing."""
        return deadlines.phase_due(self.state, self._settings, self._owner)

    @property
    def deadline(self) -> float | None:
        """When `tick` is to be called at the latest; None: not until something has happened."""
        due = self.due
        times = (
            None if due is None else due.at,
            deadlines.ring_deadline(self.state, self._settings),
            deadlines.working_deadline(self.state, self._settings),
            deadlines.stall_deadline(self.state),
            deadlines.approval_deadline(self.state),
            deadlines.announcement_deadline(self.state),
            deadlines.fault_deadline(self.state),
        )
        return min((time for time in times if time is not None), default=None)

    def configure(
        self,
        settings: DialogueSettings,
        *,
        gestures: GestureSettings,
        turn_detection: Literal["local", "server_vad", "semantic_vad"],
        connection: Literal["on_wake", "warm"],
    ) -> tuple[commands.Command, ...]:
        """New settings, from the next event on; what is to be done about them.

        Who owns the turn, and whether the connection is kept, should be changed while idle only.
        """
        self._settings, self.gestures = settings, gestures
        self._owner = "local" if turn_detection == "local" else "server"
        before, self._warm = self._warm, connection == "warm"
        if self._warm == before or self.state.phase != "idle":
            return ()
        if self._warm:
            return (commands.Connect(),)
        self.state.connected = self.state.stale_due = False
        return (commands.Disconnect(),)

    # -- what happens --------------------------------------------------------------------------------------

    def handle(self, event: Event, now: float) -> tuple[commands.Command, ...]:
        """Take in `event`; what is to be done about it, in order."""
        phase = self.state.phase
        trigger = trigger_of(event, self.state, self.gestures, self._settings)
        if trigger is None or phase == "stopping":
            return ()
        transition = self._transition(trigger, event, now)
        taken = self._apply(transition)
        if isinstance(event, Gesture) and GESTURES[event.kind].settles:
            self.state.hand = Hand()
        elif not taken:
            return ()
        return self._finish(transition, phase, _name(event))

    def tick(self, now: float) -> tuple[commands.Command, ...]:
        """Let the clock do what is due. Early or late calls are harmless."""
        out: tuple[commands.Command, ...] = ()
        due = self.due
        if due is not None and due.at <= now and due.awaited != "approval":  # which expires below
            phase = self.state.phase
            transition = self._transition("timeout", None, now)
            if self._apply(transition):
                out = self._finish(transition, phase, f"no {due.awaited.replace('_', ' ')} in time")
        transition = self._transition("timeout", None, now)
        timers.ring_on(transition)
        answer.work_on(transition)
        answer.stall(transition)
        approvals.expire(transition)
        announcements.expire(transition)
        faults.expire(transition)
        return (*out, *transition.out)

    # -- from here on, inside ------------------------------------------------------------------------------

    def _transition(self, trigger: Trigger, event: Event | None, now: float) -> Transition:
        return Transition(
            self.state, self._settings, self._owner, self._warm, trigger, event, now, self.uplink
        )

    def _apply(self, transition: Transition) -> bool:
        """Do the first row that fits, and what it says comes then."""
        row = find_row(transition)
        if row is None:
            return False
        before = self.state.phase
        for action in row.do:
            action(transition)
        if row.to not in {SAME, before}:
            self.state.phase = row.to
            self.state.entered_at = transition.now
            if row.to == "idle" and before != "starting":
                conclude(transition)
        if (then := "announce" if row.to == "idle" else row.then) is not None:
            transition.trigger = then
            self._apply(transition)
        return True

    def _finish(self, transition: Transition, before: Phase, cause: str) -> tuple[commands.Command, ...]:
        """Add what follows from the state: the microphone, the wake word, a line for the journal."""
        state, out = self.state, transition.out
        wanted = microphone.listen(state, self._owner)
        if wanted.mode != self._listen.mode or (
            wanted.since is not None and wanted.since != self._listen.since
        ):
            # Silence first, since a person waits for it; then the microphone, before anything is sent.
            silenced = out and isinstance(out[0], commands.Interrupt | commands.HushAnnouncement)
            out.insert(1 if silenced else 0, wanted)
        self._listen = wanted
        uplink = microphone.uplink(state)
        if transition.uplink_before == "hold":
            if uplink == "open":
                out.append(commands.SendHeld())
            elif uplink == "closed" and not any(
                isinstance(order, commands.SendHeld | commands.DiscardAudio) for order in out
            ):
                out.append(commands.DiscardAudio(sent=False))
        turn = state.turn
        if uplink == "open" and turn is not None and (turn.heard or turn.talking):
            turn.sent = True
        armed = microphone.wake_word_armed(state)
        if armed != self._armed:
            self._armed = armed
            out.append(commands.ArmWakeWord(armed))
        if state.phase != before:
            out.append(commands.Log("phase", {"from": before, "to": state.phase, "cause": cause}))
        return tuple(out)


def _name(event: Event) -> str:
    """What the journal calls the cause of a change."""
    if isinstance(event, Gesture):
        return event.kind
    return event.word if isinstance(event, PlainRequest) else type(event).__name__
