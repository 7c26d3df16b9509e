"""What the dialogue knows.

Only `actions` write to it. What follows from it (may sound leave, what does the light show, when is the next
deadline) is never stored but computed, in `microphone`, `light` and `deadlines`: what is not stored cannot
disagree. What belongs to the person's turn is in `Turn`, what belongs to the answer in `Answer`; each is there
while there is one and None else, so that nothing of an earlier one can be left over.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, assert_never, get_args

from speakerd.audio.events import Direction
from speakerd.dialogue.events import ErrorKind

if TYPE_CHECKING:
    from speakerd.dialogue.commands import SendText

Phase: TypeAlias = Literal[
    "starting",  # sound and panel are being opened
    "idle",  # nobody is talking; the microphone goes nowhere
    "connecting",  # somebody talks already, the model cannot be reached yet; speech is kept
    "listening",  # the person has the floor
    "thinking",  # an answer is due and nothing of it has been heard
    "speaking",  # the answer is heard
    "announcing",  # an announcement is heard: what somebody has `say`, outside of any answer
    "stopping",  # the process ends
]

PHASES: Final[tuple[Phase, ...]] = get_args(Phase)

Uplink: TypeAlias = Literal["closed", "hold", "open"]

PressState: TypeAlias = Literal[
    "none",  # the button is up, or what it meant is settled
    "began",  # it started or interrupted something at once; not yet known whether it becomes a hold or double
    "noted",  # what it means is decided when it is known what it becomes
    "spent",  # it has done its work (silenced a timer): whatever it becomes, a tap or a double do no more
]


FaultKind: TypeAlias = Literal[
    ErrorKind,
    Direction,  # the microphone or the loudspeaker is lost
    "button",  # it is jammed
    "answer",  # none came, or not to its end
    "timeout",  # the answer did not come, or go on, in time
]


@dataclass(frozen=True, slots=True)
class Approval:
    """A tool call that waits for a yes or a no, until `until` (monotonic seconds)."""

    call_id: str
    name: str
    until: float


@dataclass(frozen=True, slots=True)
class Fault:
    """An error that the light shows, until a time or, None, until it is mended."""

    kind: FaultKind
    until: float | None


@dataclass(frozen=True, slots=True)
class Announcement:
    """Words to be spoken exactly, once. Those that have not begun by `until` (monotonic seconds) are dropped."""

    text: str
    chime: bool
    request: int
    """The number of the request that wants to know what became of it; 0: nobody does."""
    until: float


@dataclass(frozen=True, slots=True)
class EarlyPress:
    """A press during start-up: when it was made, and whether it became a hold."""

    at: float
    talk: bool


@dataclass(frozen=True, slots=True)
class Flags:
    """What is true beside the phase, each under the name of the light that shows it."""

    muted: bool
    offline: bool
    error: bool
    ringing: bool
    approval: bool


@dataclass(slots=True)
class Hand:
    """What the main button is doing. `Hand()` is a hand that rests."""

    press: PressState = "none"
    pressed_at: float | None = None
    aim: str = ""
    """The call that waited for approval when the button went down: only that one can be answered by it."""

    @property
    def undecided(self) -> bool:
        """Whether the button did something of which nobody knows yet what it becomes."""
        match self.press:
            case "began" | "noted":
                return True
            case "none" | "spent":
                return False
            case _:
                assert_never(self.press)


@dataclass(slots=True)
class Turn:
    """The person's turn: from when somebody is listened to until the answer is asked for."""

    since: float | None
    """Captured sound belongs to it from this time on; None: from when it was opened."""
    window_until: float
    """If nothing has been heard by then, it ends."""
    limit_from: float
    """`turn_limit_s` is counted from here: when it was opened, or when speech began."""
    talking: bool = False
    """Push-to-talk: the hand ends it, not silence."""
    heard_at: float | None = None
    """When speech was heard first; while connecting, when the connection came. None: nothing was heard."""
    server_heard: bool = False
    stream: bool = False
    """The server hears speech that our gate does not: everything must pass."""
    over_at: float | None = None
    """When it ended. It then waits: for its last sound, the connection, or for knowing what a press becomes."""
    sent: bool = False
    """Some of it may be at the server already."""

    @property
    def heard(self) -> bool:
        """Whether speech was heard in it."""
        return self.heard_at is not None

    @property
    def over(self) -> bool:
        """Whether it has ended, and only waits to be committed."""
        return self.over_at is not None


@dataclass(slots=True)
class Answer:
    """The answer: from when it is due until its last sound has been heard. Made of one or more responses."""

    progress_at: float
    """The last time at which it moved."""
    asked: bool = True
    """A response was asked for and has not begun."""
    response_id: str | None = None
    """The response that is being generated."""
    more_due: bool = False
    """A tool was called: a further response follows."""
    called_by: str | None = None
    """The response of which the tools were called."""
    sound_due: bool = False
    """It was generated with sound, none of which has been heard."""
    sounded: bool = False
    """Some of it has been heard."""
    response_sounded: bool = False
    """Some of the newest response in it has."""
    playing: bool = False
    """Sound of it is heard, or has run out in its middle."""
    dry_since: float | None = None
    """When its sound ran out in its middle; None: it has not."""
    stalled: bool = False
    """It has run out for so long that nobody can take it for a pause."""
    suspected: bool = False
    """Perhaps somebody speaks over it."""
    failed: bool = False
    """Say so when what has come has been heard."""
    given_up: bool = False
    """The connection was lost, or its use refused: what has come of it is not all."""

    @property
    def generating(self) -> bool:
        """Whether a response is asked for or being generated."""
        return self.asked or self.response_id is not None


@dataclass(slots=True)
class State:
    """All times are monotonic seconds. Two states are equal if all that is known is."""

    phase: Phase = "starting"
    entered_at: float = 0.0

    # The world.
    connected: bool = False
    offline: bool = False
    microphone_lost: bool = False
    loudspeaker_lost: bool = False
    muted_by_hand: bool = False
    mute_switch: bool = False
    faults: tuple[Fault, ...] = ()
    ringing: tuple[str, ...] = ()
    rang_at: float = 0.0
    ringing_since: float = 0.0
    approvals: tuple[Approval, ...] = ()

    # The hand.
    hand: Hand = field(default_factory=Hand)
    early_press: EarlyPress | None = None

    # The conversation.
    hands_free: bool = False
    """Whether it may listen by itself: during and after the answer."""
    ending: bool = False
    """The answer that is heard or comes next is the last."""
    tools: tuple[str, ...] = ()
    """The calls of tools that run, also those of an answer that is over: the conversation is not, before them."""
    worked_at: float = float("-inf")
    """When a sound said last that a tool is at work."""
    result_due: bool = False
    """A tool has ended, and the response to its result is due."""
    was_silent: bool = False
    """The last answer was none, deliberately."""
    text: SendText | None = None
    """A typed request that waits for the connection, or for the end of an announcement."""
    request: int = 0
    """The number of the typed request that is being answered, or spoken by the model; 0: none."""
    announcements: tuple[Announcement, ...] = ()
    """Those that wait, in order."""
    announced: Announcement | None = None
    """The one that is heard, in `announcing`."""
    stale_due: bool = False
    """A response was interrupted before it had begun: it may yet begin."""
    turn: Turn | None = None
    """There is one in `listening`, and in `connecting` unless a text waits."""
    answer: Answer | None = None
    """There is one in `thinking`, `speaking` and `announcing`."""

    @property
    def muted(self) -> bool:
        """Whether the microphone is shut."""
        return self.muted_by_hand or self.mute_switch

    @property
    def flags(self) -> Flags:
        """What is true whatever the phase is, for the light and for `speakerd ctl status`."""
        return Flags(
            muted=self.muted,
            offline=self.offline,
            error=bool(self.faults),
            ringing=bool(self.ringing),
            approval=bool(self.approvals),
        )

    def copy(self) -> State:
        """A snapshot, which later events do not change."""
        snapshot = copy(self)
        snapshot.hand, snapshot.turn, snapshot.answer = copy(self.hand), copy(self.turn), copy(self.answer)
        return snapshot
