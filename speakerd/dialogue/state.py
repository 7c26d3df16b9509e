"""What the dialogue knows: one flat value, so that "nothing changed" can be checked by comparing two.

Only `actions` write to it. What follows from it (may sound leave, what does the light show, when is the next
deadline) is never stored but computed, in `posture`, `light` and `deadlines`: what is not stored cannot
disagree.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    from speakerd.dialogue.commands import SendText

Phase: TypeAlias = Literal[
    "starting",  # sound and panel are being opened
    "idle",  # nobody is talking; the microphone goes nowhere
    "connecting",  # somebody talks already, the model cannot be reached yet; speech is kept
    "listening",  # the person has the floor
    "thinking",  # an answer is due and nothing of it has been heard
    "speaking",  # the answer is heard
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


@dataclass(frozen=True, slots=True)
class Approval:
    """A tool call that waits for a yes or a no, until `until` (monotonic seconds)."""

    call_id: str
    name: str
    until: float


@dataclass(frozen=True, slots=True)
class Fault:
    """An error that the light shows, until a time or, None, until it is mended."""

    kind: str
    until: float | None


@dataclass(frozen=True, slots=True)
class Flags:
    """What is true beside the phase."""

    muted: bool
    offline: bool
    error: bool
    ringing: bool
    approval: bool


@dataclass(slots=True)
class State:
    """All times are monotonic seconds."""

    phase: Phase = "starting"
    entered_at: float = 0.0

    # The world.
    connected: bool = False
    offline: bool = False
    offline_until: float | None = None
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
    press: PressState = "none"
    pressed_at: float | None = None
    aim: str = ""
    """The call that waited for approval when the button went down: only that one can be answered by it."""
    wanted_at: float | None = None
    """A press during start-up, to be answered when ready."""
    wanted_talk: bool = False

    # The conversation.
    hands_free: bool = False
    """Whether it may listen by itself: during and after the answer."""
    ending: bool = False
    text: SendText | None = None

    # The person's turn.
    turn: bool = False
    since: float | None = None
    window_until: float = 0.0
    turn_at: float = 0.0
    talking: bool = False
    heard: bool = False
    heard_at: float = 0.0
    server_heard: bool = False
    stream: bool = False
    """The server hears speech that our gate does not: everything must pass."""
    turn_over: bool = False
    """It has ended, and waits: for its last sound, the connection, or for knowing what a press becomes."""
    over_at: float = 0.0
    sent: bool = False
    """Some of it may be at the server already."""

    # The answer.
    asked: bool = False
    """One was asked for and has not begun."""
    response_id: str | None = None
    """The one that is being generated."""
    stale_due: bool = False
    """One was interrupted before it had begun: it may yet begin."""
    more_due: bool = False
    """A tool was called: a further response follows."""
    tools: int = 0
    sound_due: bool = False
    """It was generated with sound, none of which has been heard."""
    sounded: bool = False
    """Some of this answer has been heard."""
    response_sounded: bool = False
    """Some of the newest response in it has."""
    playing: bool = False
    suspected: bool = False
    """Perhaps somebody speaks over it."""
    failed: bool = False
    progress_at: float = 0.0
    """The last time at which the answer moved."""
    silenced_at: float = float("-inf")
    """The last interruption: sound that began before it is none."""

    @property
    def muted(self) -> bool:
        """Whether the microphone is shut."""
        return self.muted_by_hand or self.mute_switch

    @property
    def press_open(self) -> bool:
        """Whether the button did something of which nobody knows yet what it becomes."""
        return self.press in {"began", "noted"}

    @property
    def answering(self) -> bool:
        """Whether a response is asked for or being generated."""
        return self.asked or self.response_id is not None

    @property
    def flags(self) -> Flags:
        """The flags beside the phase."""
        return Flags(
            muted=self.muted,
            offline=self.offline,
            error=bool(self.faults),
            ringing=bool(self.ringing),
            approval=bool(self.approvals),
        )

    def copy(self) -> State:
        """A snapshot; all values inside are immutable."""
        return copy.copy(self)
