"""The dialogue: events and the clock in, commands out. The rules are in `table`; here they are applied.

Sans-I/O: no clock, no thread, no task. Not thread-safe: one owner, the daemon's loop. Handling an event takes
some 5 µs on the server it was written on.
"""

from __future__ import annotations

from collections import Counter
from typing import Final, Literal, TypeAlias

from speakerd.audio.events import (
    BargeInConfirmed,
    BargeInRejected,
    BargeInSuspected,
    DeviceLost,
    DeviceReturned,
    PlaybackDrained,
    PlaybackStarted,
    SpeechEnded,
    SpeechStarted,
    WakeWordHeard,
)
from speakerd.dialogue import commands, deadlines, events, posture
from speakerd.dialogue.actions import CONVERSATION_ACTIONS, Action, conclude
from speakerd.dialogue.actions_beside import BESIDE_ACTIONS, silence_timers
from speakerd.dialogue.conditions import CONDITIONS, Condition
from speakerd.dialogue.light import light_of
from speakerd.dialogue.presses import SETTLING, meaning
from speakerd.dialogue.scene import Scene
from speakerd.dialogue.settings import DialogueSettings
from speakerd.dialogue.state import Flags, Phase, State, Uplink
from speakerd.dialogue.table import ROWS, SAME, Row, Trigger
from speakerd.panel.settings import GestureSettings
from speakerd.panel.types import Gesture, LightState

ACTIONS: Final = CONVERSATION_ACTIONS | BESIDE_ACTIONS
"""Name -> what it does."""

TRIGGERS: Final[dict[type, Trigger]] = {
    SpeechStarted: "speech_started",
    SpeechEnded: "speech_ended",
    BargeInSuspected: "barge_in_suspected",
    BargeInConfirmed: "barge_in_confirmed",
    BargeInRejected: "barge_in_rejected",
    PlaybackStarted: "playback_started",
    PlaybackDrained: "playback_drained",
    DeviceLost: "device_lost",
    DeviceReturned: "device_returned",
    WakeWordHeard: "start",
    events.Ready: "ready",
    events.StopRequested: "stop_requested",
    events.Connected: "connected",
    events.ConnectionLost: "connection_lost",
    events.TurnCommitted: "turn_committed",
    events.ServerSpeechStarted: "server_speech_started",
    events.ServerSpeechStopped: "server_speech_stopped",
    events.ResponseStarted: "response_started",
    events.ResponseEnded: "response_ended",
    events.ToolStarted: "tool_started",
    events.ToolEnded: "tool_ended",
    events.ApprovalNeeded: "approval_needed",
    events.ApprovalResolved: "approval_resolved",
    events.ConversationEndRequested: "end_requested",
    events.TimerRinging: "ringing",
    events.TimerSilenced: "silenced",
    events.Wake: "start",
    events.Stop: "end",
    events.Mute: "mute",
    events.Unmute: "unmute",
    events.Ask: "ask",
    events.Say: "ask",
}
"""Event -> trigger, for those whose trigger does not depend on what they say."""

ERRORS: Final[dict[events.ErrorKind, Trigger]] = {
    "account": "fatal",
    "server": "answer_failed",
    "rate_limit": "answer_failed",
    "internal": "answer_failed",
    "empty_turn": "nothing_heard",
    "request": "noted",
    "tool": "noted",
}
"""What an error does to the conversation."""


_BoundRow: TypeAlias = tuple[Row, tuple[tuple[Condition, bool], ...], tuple[Action, ...]]
"""A row, its conditions with the answer each must give, and its actions."""


def _bind(row: Row) -> _BoundRow:
    conditions = tuple(
        (CONDITIONS[name.removeprefix("not ")], not name.startswith("not ")) for name in row.when
    )
    return row, conditions, tuple(ACTIONS[name] for name in row.do)


def _index() -> dict[tuple[Phase, Trigger], tuple[_BoundRow, ...]]:
    index: dict[tuple[Phase, Trigger], tuple[_BoundRow, ...]] = {}
    for row in ROWS:
        bound = _bind(row)
        for phase in row.phases:
            for trigger in row.on:
                index[phase, trigger] = (*index.get((phase, trigger), ()), bound)
    return index


INDEX: Final = _index()
"""What may come of a trigger in a phase, in the order of the table. Names are looked up once, here."""


class Dialogue:
    """See the module, and `table` for the rules."""

    def __init__(
        self,
        settings: DialogueSettings | None = None,
        *,
        gestures: GestureSettings | None = None,
        turn_detection: Literal["local", "server_vad", "semantic_vad"] = "local",
        connection: Literal["on_wake", "warm"] = "on_wake",
        now: float = 0.0,
    ) -> None:
        """`now` is monotonic seconds, as everywhere."""
        self._settings = settings or DialogueSettings()
        self._gestures = gestures or GestureSettings()
        self._owner: posture.TurnOwner = "local" if turn_detection == "local" else "server"
        self._warm = connection == "warm"
        self.state = State(entered_at=now, muted_by_hand=self._settings.start_muted)
        """What it knows. To be read only."""
        self.ignored: Counter[tuple[Phase, str]] = Counter()
        """(phase, event) -> how many came that mean nothing there and changed nothing."""
        self.handled = 0
        """Events that had a row."""
        self._listen = posture.CLOSED
        self._armed = False

    # -- what is true now ----------------------------------------------------------------------------------

    @property
    def phase(self) -> Phase:
        """What is being done."""
        return self.state.phase

    @property
    def flags(self) -> Flags:
        """What is true beside it."""
        return self.state.flags

    @property
    def light(self) -> LightState:
        """What the light has to show."""
        return light_of(self.state.phase, self.state.flags)

    @property
    def uplink(self) -> Uplink:
        """What may become of captured speech right now: drop it, keep it, send it."""
        return posture.uplink(self.state)

    @property
    def deadline(self) -> float | None:
        """When `tick` is to be called at the latest; None: not until something has happened."""
        times = (
            deadlines.phase_deadline(self.state, self._settings, self._owner),
            deadlines.ring_deadline(self.state, self._settings),
            deadlines.approval_deadline(self.state),
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
    ) -> None:
        """New settings, from the next event on. Who owns the turn should be changed while idle only."""
        self._settings, self._gestures = settings, gestures
        self._owner = "local" if turn_detection == "local" else "server"
        self._warm = connection == "warm"

    # -- what happens --------------------------------------------------------------------------------------

    def handle(self, event: events.Event, now: float) -> tuple[commands.Command, ...]:
        """Take in `event`; what is to be done about it, in order."""
        trigger = self._trigger(event)
        name = event.kind if isinstance(event, Gesture) else type(event).__name__
        if trigger is None or self.state.phase == "stopping":
            self.ignored[self.state.phase, name] += 1
            return ()
        scene = self._scene(trigger, event, now)
        phase = self.state.phase
        if not self._apply(scene):
            self.ignored[phase, name] += 1
            return ()
        if isinstance(event, Gesture) and event.kind in SETTLING:
            self.state.press, self.state.pressed_at, self.state.aim = "none", None, ""
        self.handled += 1
        return self._finish(scene, phase, name)

    def tick(self, now: float) -> tuple[commands.Command, ...]:
        """Let the clock do what is due. Early or late calls are harmless."""
        out: list[commands.Command] = []
        due = deadlines.phase_deadline(self.state, self._settings, self._owner)
        if due is not None and due <= now:
            scene = self._scene("timeout", None, now)
            phase = self.state.phase
            if self._apply(scene):
                out.extend(self._finish(scene, phase, "timeout"))
        scene = self._scene("timeout", None, now)
        self._tick_ringing(scene)
        self._tick_approvals(scene)
        self._tick_faults(now)
        out.extend(scene.out)
        return tuple(out)

    # -- from here on, inside ------------------------------------------------------------------------------

    def _scene(self, trigger: Trigger, event: object, now: float) -> Scene:
        return Scene(self.state, self._settings, self._owner, self._warm, trigger, event, now, self.uplink)

    def _trigger(self, event: events.Event) -> Trigger | None:
        if isinstance(event, Gesture):
            return meaning(event, self.state, self._gestures, self._settings)
        if isinstance(event, events.SessionError):
            return ERRORS[event.kind]
        if isinstance(event, events.ConnectionLost) and event.fatal:
            return "fatal"
        return TRIGGERS[type(event)]

    def _apply(self, scene: Scene) -> bool:
        """Do the first row that fits, and what it says comes then."""
        bound = find_row(scene)
        if bound is None:
            return False
        row, _, actions = bound
        before = self.state.phase
        for action in actions:
            action(scene)
        if row.to not in {SAME, before}:
            self.state.phase = row.to
            self.state.entered_at = scene.now
            if row.to == "idle" and before != "starting":
                conclude(scene)
        if row.then is not None:
            scene.trigger = row.then
            self._apply(scene)
        return True

    def _finish(self, scene: Scene, before: Phase, cause: str) -> tuple[commands.Command, ...]:
        """Add what follows from the state: the microphone, the wake word, a line for the journal."""
        state, out = self.state, scene.out
        wanted = posture.listen(state, self._owner)
        if wanted.mode != self._listen.mode or (
            wanted.since is not None and wanted.since != self._listen.since
        ):
            # Silence first, since a person waits for it; then the microphone, before anything is sent.
            out.insert(1 if out and isinstance(out[0], commands.Interrupt) else 0, wanted)
        self._listen = wanted
        if scene.uplink_before == "hold":
            uplink = posture.uplink(state)
            if uplink == "open":
                out.append(commands.SendHeld())
            elif uplink == "closed" and not any(
                isinstance(order, commands.SendHeld | commands.DiscardAudio) for order in out
            ):
                out.append(commands.DiscardAudio(sent=False))
        if posture.uplink(state) == "open" and (state.heard or state.talking):
            state.sent = True
        armed = posture.wake_word_armed(state)
        if armed != self._armed:
            self._armed = armed
            out.append(commands.ArmWakeWord(armed))
        if state.phase != before:
            out.append(commands.Log("phase", {"from": before, "to": state.phase, "cause": cause}))
        return tuple(out)

    def _tick_ringing(self, scene: Scene) -> None:
        state = self.state
        if not state.ringing:
            return
        if scene.now >= state.ringing_since + self._settings.ring_limit_s:
            scene.out.append(commands.Log("timer_unheard", {"timers": len(state.ringing)}))
            silence_timers(scene)
        elif scene.now >= state.rang_at + self._settings.ring_every_s:
            state.rang_at = scene.now
            scene.out.append(commands.PlaySound("timer"))

    def _tick_approvals(self, scene: Scene) -> None:
        state = self.state
        while state.approvals and state.approvals[0].until <= scene.now:
            late, *rest = state.approvals
            scene.out.append(commands.Reject(late.call_id, "nobody answered in time"))
            state.approvals = tuple(rest)
            state.progress_at = scene.now

    def _tick_faults(self, now: float) -> None:
        state = self.state
        if any(fault.until is not None and fault.until <= now for fault in state.faults):
            state.faults = tuple(fault for fault in state.faults if fault.until is None or fault.until > now)
        if state.offline and state.offline_until is not None and state.offline_until <= now:
            state.offline, state.offline_until = False, None


def find_row(scene: Scene) -> _BoundRow | None:
    """The first row for the scene's phase and trigger whose conditions all hold."""
    for bound in INDEX.get((scene.state.phase, scene.trigger), ()):
        if all(condition(scene) is wanted for condition, wanted in bound[1]):
            return bound
    return None
