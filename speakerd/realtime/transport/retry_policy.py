"""When to connect again, when to give up, when to replace the session: tables, no clock, no socket.

The states of a connection and the steps between them (`TRANSITIONS`):

    idle ──connect──▶ connecting ──opened──▶ connected ──lost──▶ waiting ──retry──▶ connecting
                          │  ▲                   │                                      │
                          │  └──── waiting ◀─────┼───────────── failed ─────────────────┘
                          │                   rotate ──▶ rotating ──opened──▶ connected
                          └── refused ──▶ ended ◀── close (from anywhere)    failed ──▶ connected

Delays are drawn by full jitter, `random() * min(cap, base * 2**n)`: many speakers that lose one server do not
come back in step. The count begins anew once a connection has been up for `STABLE_AFTER_S`, so a server that closes
every connection at once is not hammered. The first retry after a stable connection comes at once: somebody may be
speaking.

A WebSocket's *clean* close is no reason to end: that is how a session ends that reached its maximum age.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from speakerd.realtime import event_names as names
from speakerd.realtime.wire import HANDSHAKES, Allowance

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ConnectionStage: TypeAlias = Literal["idle", "connecting", "connected", "waiting", "rotating", "ended"]
ConnectionEvent: TypeAlias = Literal[
    "connect", "opened", "lost", "retry", "failed", "refused", "rotate", "close"
]

TRANSITIONS: Final[Mapping[tuple[ConnectionStage, ConnectionEvent], ConnectionStage]] = {
    ("idle", "connect"): "connecting",
    ("idle", "close"): "ended",
    ("connecting", "opened"): "connected",
    ("connecting", "failed"): "waiting",
    ("connecting", "refused"): "ended",
    ("connecting", "close"): "ended",
    ("connected", "lost"): "waiting",
    ("connected", "refused"): "ended",
    ("connected", "rotate"): "rotating",
    ("connected", "close"): "ended",
    ("waiting", "retry"): "connecting",
    ("waiting", "close"): "ended",
    ("rotating", "opened"): "connected",
    ("rotating", "failed"): "connected",
    ("rotating", "lost"): "waiting",
    ("rotating", "refused"): "ended",
    ("rotating", "close"): "ended",
    ("ended", "connect"): "connecting",
    ("ended", "close"): "ended",
}
"""Every legal step; anything else is a bug and raises."""

BASE_DELAY_S: Final = 0.5
"""Upper bound of the first drawn delay; each further failure doubles it."""

MAX_DELAY_S: Final = 30.0
"""Upper bound of all delays: a speaker should be back within a minute of its network."""

STABLE_AFTER_S: Final = 10.0
"""How long a connection must have been up for the count of failures to begin anew."""

ROTATE_AFTER_S: Final = 50 * 60.0
"""Age from which a session is replaced by a new one at the first moment nobody says anything."""

ROTATE_AT_LATEST_S: Final = 58 * 60.0
"""Age from which it is replaced even while a reply is being played; the server ends it at 60 minutes."""

ROTATE_AGAIN_S: Final = 30.0
"""Delay before the next attempt after a rotation that failed."""

FATAL_STATUSES: Final = frozenset({400, 401, 402, 403, 404, 405, 406, 410, 414, 415, 422, 426, 451})
"""HTTP answers to the handshake after which trying again cannot help: the address, the model, the key or the
account is wrong. Not among them: those that ask to wait (408, 425, 429), and the server's own faults (5xx)."""

KEY_STATUSES: Final = frozenset({401, 403})
"""Those after which another key can help."""

MAX_REQUESTS: Final = 3
"""Requests of one attempt to connect, where the server redirects to another address of its own."""

KEY_ATTEMPTS: Final = 3
"""How often a running conversation comes back with its key refused, where the key comes from a function: a key that
is being replaced is refused until the new one is in place."""

KEY_RETRY_S: Final = 2.0
"""The least delay between those attempts."""

SHORTEST_SESSION_S: Final = 60.0
"""A session that seems to end sooner than this is not believed: the clock of one of the two is wrong."""

FATAL_CLOSE_CODES: Final = frozenset({3000, 4000, 4001, 4003})
"""Close codes by which servers refuse a client: unauthorised, a superseded protocol, forbidden."""


def rotation(after_s: float, at_latest_s: float, session_age_s: float | None) -> tuple[float, float]:
    """Return the ages from which a session is replaced: when it is quiet, and at the latest.

    `session_age_s`: how old the server lets it grow; where that is less than the protocol's hour, both are at most
    in the same proportion. None: any age, and it is replaced only when it is quiet.
    """
    if session_age_s is None:
        return after_s, math.inf
    if session_age_s >= names.SESSION_MAX_AGE_S:
        return after_s, at_latest_s
    part = session_age_s / names.SESSION_MAX_AGE_S
    return min(after_s, part * ROTATE_AFTER_S), min(at_latest_s, part * ROTATE_AT_LATEST_S)


def is_fatal_status(status: int | None) -> bool:
    """Return whether trying again cannot help after that HTTP answer to the handshake."""
    return status in FATAL_STATUSES


def is_fatal_close(code: int | None) -> bool:
    """Return whether trying again cannot help after that close code."""
    return code in FATAL_CLOSE_CODES


class IllegalStepError(RuntimeError):
    """A step that the table does not have: a bug of this program."""


@dataclass(slots=True)
class Backoff:
    """The delay before each attempt to connect. `random` returns numbers in [0, 1)."""

    random: Callable[[], float]
    base_s: float = BASE_DELAY_S
    cap_s: float = MAX_DELAY_S
    failures: int = 0
    """Failed attempts since the last stable connection."""

    def next_delay(self) -> float:
        """Count a failure; return the seconds to wait before the next attempt."""
        self.failures += 1
        if self.failures == 1:
            return 0.0
        bound = min(self.cap_s, self.base_s * 2.0 ** min(self.failures - 2, 32))
        return self.random() * bound

    def lasted(self, seconds: float) -> None:
        """A connection ended that had been up for `seconds`."""
        if seconds >= STABLE_AFTER_S:
            self.failures = 0


@dataclass(slots=True)
class ConnectionState:
    """The state machine of a connection, with the age of its session and the time of its rotation."""

    backoff: Backoff
    rotate_after_s: float = ROTATE_AFTER_S
    rotate_at_latest_s: float = ROTATE_AT_LATEST_S
    handshakes: Allowance = field(default_factory=lambda: Allowance(HANDSHAKES))
    key_refusals: int = 0
    """Attempts since the last connection that were refused because of the key."""
    state: ConnectionStage = "idle"
    opened_at: float = 0.0
    not_before: float = 0.0
    at_latest: float = math.inf

    def step(self, event: ConnectionEvent, now: float) -> ConnectionStage:
        """Go on to the stage that follows from the event in the table, and return it.

        Raises:
            IllegalStepError: the table has no row for the event in the present stage.
        """
        after = TRANSITIONS.get((self.state, event))
        if after is None:
            raise IllegalStepError(
                f"no step {event!r} from the state {self.state!r}: a bug of speakerd, please report it"
            )
        if event == "opened":
            self.opened_at = now
            self.key_refusals = 0
            self.not_before = now + self.rotate_after_s
            self.at_latest = now + self.rotate_at_latest_s
        elif event == "lost":
            self.backoff.lasted(now - self.opened_at)
        elif self.state == "rotating" and after == "connected":
            self.not_before = now + ROTATE_AGAIN_S
        self.state = after
        return after

    def retry_delay(self, now: float) -> float:
        """Count a failure; return the seconds to wait before the next attempt."""
        delay = max(self.backoff.next_delay(), self.handshakes.wait_s(now))
        if self.key_refusals:
            delay = max(delay, KEY_RETRY_S)
        return delay

    def may_retry_key(self) -> bool:
        """The key was refused while a conversation runs: return whether to ask for the key again, later."""
        self.key_refusals += 1
        return self.key_refusals < KEY_ATTEMPTS

    def expires_in(self, left_s: float, now: float) -> None:
        """The server will end the session in `left_s`: replace it before, in the same proportions as by its age."""
        if left_s >= SHORTEST_SESSION_S and self.rotate_after_s < math.inf:
            self.not_before = min(self.not_before, now + left_s * ROTATE_AFTER_S / names.SESSION_MAX_AGE_S)
            self.at_latest = min(self.at_latest, now + left_s * ROTATE_AT_LATEST_S / names.SESSION_MAX_AGE_S)

    def wants_rotation(self, now: float, *, quiet: bool, between_responses: bool) -> bool:
        """Return whether to replace the session now. `quiet`: nobody speaks, nothing plays, nothing is awaited."""
        if self.state != "connected" or now < self.not_before:
            return False
        return quiet or (now >= self.at_latest and between_responses)


assert ROTATE_AT_LATEST_S < names.SESSION_MAX_AGE_S  # noqa: S101  # a relation of constants, checked once
