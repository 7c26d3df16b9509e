"""Drives a Dialogue in tests: a clock that only moves when told, and every event by a short name."""

from collections.abc import Callable
from typing import Any, Final, get_args

from speakerd.audio import events as audio
from speakerd.dialogue import commands, events
from speakerd.dialogue.requests import PLAIN_REQUESTS
from speakerd.dialogue.settings import DialogueSettings
from speakerd.dialogue.state_machine import Dialogue
from speakerd.panel.types import GESTURE_KINDS, Gesture

MAKERS: Final[dict[str, Callable[[float], events.Event]]] = {
    "SpeechStarted": audio.SpeechStarted,
    "BargeInSuspected": audio.BargeInSuspected,
    "BargeInConfirmed": audio.BargeInConfirmed,
    "BargeInRejected": audio.BargeInRejected,
    "PlaybackStarted": lambda at: audio.PlaybackStarted("item", at),
    "PlaybackDrained": audio.PlaybackDrained,
    "PlaybackUnderrun": lambda at: audio.PlaybackUnderrun("item", at),
    "PlaybackResumed": lambda at: audio.PlaybackResumed("item", at),
    "WakeWordHeard": lambda at: audio.WakeWordHeard("computer", at),
    "microphone lost": lambda at: audio.DeviceLost("capture", "unplugged", at),
    "loudspeaker lost": lambda at: audio.DeviceLost("playback", "unplugged", at),
    "microphone returned": lambda at: audio.DeviceReturned("capture", at),
    "loudspeaker returned": lambda at: audio.DeviceReturned("playback", at),
    "Ready": lambda _: events.Ready(),
    "StopRequested": lambda _: events.StopRequested(),
    "Connected": lambda _: events.Connected(),
    "ConnectionLost": lambda _: events.ConnectionLost("closed"),
    "ConnectionLost fatal": lambda _: events.ConnectionLost("401", fatal=True),
    "TurnCommitted": lambda _: events.TurnCommitted(),
    "ServerSpeechStarted": lambda _: events.ServerSpeechStarted(),
    "ServerSpeechStopped": lambda _: events.ServerSpeechStopped(),
    "ToolStarted": lambda _: events.ToolStarted("tool"),
    "ToolEnded": lambda _: events.ToolEnded("tool"),
    "ToolEnded for good": lambda _: events.ToolEnded("tool", reply_due=False),
    "NoReplyDue": lambda _: events.NoReplyDue("r"),
    "ConversationEndRequested": lambda _: events.ConversationEndRequested(),
    "AnnouncementEnded": lambda _: events.AnnouncementEnded(),
    "AnnouncementEnded badly": lambda _: events.AnnouncementEnded("espeak-ng failed"),
    "TimerRinging": lambda _: events.TimerRinging("tea"),
    "TimerSilenced": lambda _: events.TimerSilenced("tea"),
    "Ask": lambda _: events.Ask("what is the time"),
    "Say": lambda _: events.Say("dinner is ready"),
    **{
        f"SpeechEnded {reason}": lambda at, reason=reason: audio.SpeechEnded(at, reason)  # type: ignore[misc]  # a default that binds
        for reason in get_args(audio.SpeechEndReason)
    },
    **{
        f"SessionError {kind}": lambda _, kind=kind: events.SessionError(kind, "no")  # type: ignore[misc]  # a default that binds
        for kind in get_args(events.ErrorKind)
    },
    **{request.word.capitalize(): lambda _, request=request: request for request in PLAIN_REQUESTS},  # type: ignore[misc]  # a default that binds
    **{kind: lambda at, kind=kind: Gesture(kind, at) for kind in GESTURE_KINDS},  # type: ignore[misc]  # a default that binds
}
"""Events that need nothing but a time. Responses and approvals, which have identities, are made by the driver."""


class Driver:
    """A Dialogue, a clock and what was ordered since one last looked."""

    def __init__(self, dialogue: Dialogue) -> None:
        self.dialogue = dialogue
        self.now = 100.0
        self.orders: list[commands.Command] = []
        self._pressed_at = 0.0

    # -- events ----

    def do(self, *names: str, after: float = 0.0) -> "Driver":
        """Send the events of these names, each `after` seconds later."""
        for name in names:
            self.now += after
            self.send(MAKERS[name](self.now))
        return self

    def send(self, event: events.Event) -> "Driver":
        self.orders += self.handle(event)
        return self

    def handle(self, event: events.Event) -> tuple[commands.Command, ...]:
        return self.dialogue.handle(event, self.now)

    def tick(self) -> tuple[commands.Command, ...]:
        return self.dialogue.tick(self.now)

    def press(self) -> "Driver":
        self._pressed_at = self.now
        return self.send(Gesture("press_down", self.now, self.now))

    def gesture(self, kind: Any, after: float = 0.3) -> "Driver":
        self.now += after
        return self.send(Gesture(kind, self.now, self._pressed_at))

    def tap(self) -> "Driver":
        return self.press().gesture("tap")

    def hold(self) -> "Driver":
        return self.press().gesture("hold_start", 0.4)

    def double(self) -> "Driver":
        return self.press().gesture("double_tap")

    def speech(self, reason: Any = "silence") -> "Driver":
        self.do("SpeechStarted", after=0.5)
        self.now += 1.5
        return self.send(audio.SpeechEnded(self.now, reason))

    def response(self, response_id: str = "r1") -> "Driver":
        self.now += 0.3
        return self.send(events.ResponseStarted(response_id))

    def ended(self, response_id: str = "r1", **more: Any) -> "Driver":
        self.now += 0.1
        return self.send(events.ResponseEnded(response_id, **more))

    def sound(self) -> "Driver":
        return self.do("PlaybackStarted", after=0.2)

    def drained(self) -> "Driver":
        return self.do("PlaybackDrained", after=2.0)

    def approval(self, call_id: str = "c1") -> "Driver":
        return self.send(events.ApprovalNeeded(call_id, "unlock"))

    def wait(self, seconds: float) -> "Driver":
        """Let the clock run, calling `tick` at each deadline as the daemon does."""
        end = self.now + seconds
        for _ in range(10_000):
            deadline = self.dialogue.deadline
            if deadline is None or deadline > end:
                self.now = end
                return self
            self.now = max(self.now, deadline)
            self.orders += self.tick()
            after = self.dialogue.deadline
            assert after is None or after > self.now, "the deadline does not move"
        raise AssertionError("the clock does not come to rest")

    # -- what came of it ----

    def take(self) -> list[commands.Command]:
        """What was ordered since the last call, without lines for the journal and reports to those who asked."""
        orders, self.orders = self.orders, []
        return [order for order in orders if not isinstance(order, commands.Log | commands.RequestReport)]

    def took(self, kind: type[commands.Command]) -> list[commands.Command]:
        return [order for order in self.take() if isinstance(order, kind)]

    def reports(self) -> list[commands.RequestReport]:
        """What those who asked were told since the last call of this or of `take`."""
        orders, self.orders = self.orders, []
        return [order for order in orders if isinstance(order, commands.RequestReport)]

    # Plain `str`, so that mypy does not take a phase that was asserted once for one that never changes.

    @property
    def phase(self) -> str:
        return self.dialogue.phase

    @property
    def light(self) -> str:
        return self.dialogue.light

    @property
    def uplink(self) -> str:
        return self.dialogue.uplink

    @property
    def talking(self) -> bool:
        turn = self.dialogue.state.turn
        return turn is not None and turn.talking

    @property
    def flags(self) -> Any:
        return self.dialogue.flags

    # -- places to begin ----

    def idle(self) -> "Driver":
        self.do("Ready", "Connected")
        self.take()
        assert self.phase == "idle"
        return self

    def listening(self) -> "Driver":
        self.idle().tap()
        self.take()
        assert self.phase == "listening"
        return self

    def thinking(self) -> "Driver":
        self.listening().speech()
        self.take()
        assert self.phase == "thinking"
        return self

    def speaking(self) -> "Driver":
        self.thinking().response().sound()
        self.take()
        assert self.phase == "speaking"
        return self


def warm(**more: Any) -> Driver:
    """A dialogue that stays connected."""
    return Driver(Dialogue(connection="warm", now=100.0, **more))


def told(**more: Any) -> Driver:
    """A dialogue that stays connected, with these settings."""
    return warm(settings=DialogueSettings(**more))


def cold(**more: Any) -> Driver:
    """A dialogue that connects when it is woken, with these settings."""
    return Driver(Dialogue(DialogueSettings(**more), connection="on_wake", now=100.0))


def served(**more: Any) -> Driver:
    """A dialogue that stays connected to a server that ends the turns, with these settings."""
    return Driver(
        Dialogue(DialogueSettings(**more), connection="warm", turn_detection="server_vad", now=100.0)
    )
