"""What has to come from the server, by when, and what follows if it does not; and how often anything may be asked.

`DUE` is the table of what is awaited. Everything that waits for a server takes its limit from it, and there is no
limit beside it. What a server need not send is not awaited: only who speaks knows whether it notices speech, and
when that is over; a commit or a clear then shows whether it still answers. `BUDGETS` is the table of what costs
money or load: no fault, of whatever kind, can cause more than that.

`Liveness` decides when silence has to be looked into. Silence alone proves nothing, since a server may think; a
WebSocket ping tells a server at work from a dead network. It is asked for soon while something is due, and rarely
while nothing is.

Pure: times are arguments, in seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Due: TypeAlias = Literal[
    "set_up",
    "update",
    "created",
    "created_aside",
    "progress",
    "progress_aside",
    "content",
    "content_aside",
    "end_after_cancel",
    "end_after_error",
    "server_response",
    "server_response_first",
    "committed",
    "item_of_speech",
    "cleared",
    "end_of_speech",
    "ask_again",
    "unknown_response",
    "hosted_call",
    "hosted_output",
]
"""What is awaited; `DUE` says in words what each is."""

Consequence: TypeAlias = Literal["replace", "go_on", "end", "give_up"]
"""What follows when it does not come:

- `replace`: the session is replaced by a new one, on which the conversation is sent again. A request that was due
  is asked again there, once; if that brings nothing either, it is given up and reported.
- `go_on`: the wait ends, and what waited for it is done.
- `end`: the response counts as ended.
- `give_up`: the request is dropped and reported.
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: how long to wait, what follows, and the words for the report."""

    within_s: float
    then: Consequence
    awaited: str


DUE: Final[Mapping[Due, Rule]] = {
    # From a server that has confirmed settings before, in this conversation, "replace" follows: it has gone mute.
    "set_up": Rule(3.0, "go_on", "session.updated, the confirmation of the opening settings"),
    "update": Rule(10.0, "go_on", "session.updated, the confirmation of changed settings"),
    "created": Rule(10.0, "replace", "response.created"),
    "created_aside": Rule(10.0, "give_up", "response.created of an out-of-band response"),
    "progress": Rule(15.0, "replace", "anything of the response that runs"),
    "progress_aside": Rule(15.0, "end", "anything of the out-of-band response that runs"),
    # Signs of life, such as arguments of a tool that are being written, do not go on for ever.
    "content": Rule(120.0, "replace", "more than signs of life of the response that runs"),
    "content_aside": Rule(120.0, "end", "more than signs of life of the out-of-band response that runs"),
    "end_after_cancel": Rule(3.0, "end", "response.done of the cancelled response"),
    # Some servers report a failed response by an error alone.
    "end_after_error": Rule(3.0, "end", "a sign of life of the response after an error"),
    "server_response": Rule(15.0, "replace", "the response that the server begins by itself after a turn"),
    # Requests are held so long in favour of the server's own response: they would only be refused.
    "server_response_first": Rule(3.0, "go_on", "the response that the server begins by itself"),
    "committed": Rule(3.0, "go_on", "the user's item after the end of speech"),
    # What was said is complete then: it is sent again as a turn.
    "item_of_speech": Rule(10.0, "replace", "the user's item after it had found the end of speech"),
    # Of speech that a server has not noticed nothing else is due: so it is known whether it hears at all.
    "cleared": Rule(3.0, "replace", "input_audio_buffer.cleared"),
    "end_of_speech": Rule(60.0, "go_on", "the end of the user's speech"),
    # After a refusal because of a response unknown here: wait before asking again, not in a loop.
    "ask_again": Rule(1.0, "go_on", "the end of a response that is unknown here"),
    # A request was refused because of a response that was cancelled long ago.
    "unknown_response": Rule(0.0, "replace", "the end of the response that was cancelled"),
    # A tool that the server runs itself; a program's own tools have their own timeouts.
    "hosted_call": Rule(60.0, "go_on", "the end of a hosted tool's call"),
    "hosted_output": Rule(2.0, "go_on", "the output of a hosted tool's call that has ended"),
}

MAX_ASKED: Final = 2
"""How often one request is sent, over all connections, before it is given up."""


MAX_BEGUN: Final = 3
"""How many connections in a row may be lost as soon as the conversation so far was sent on them, before it is not
sent again: something in it makes the server end them."""

TAKEN_AFTER_S: Final = 10.0
"""A connection on which the conversation was sent, and that has lasted for so long, was not lost because of it."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that may be sent: `burst` at once, and then `refill` a minute."""

    burst: int
    refill: float

    @property
    def most_per_minute(self) -> float:
        """More than this is sent in no minute: the burst at its beginning, and what comes back in it."""
        return self.burst + self.refill


RESPONSES: Final = Budget(burst=15, refill=15.0)
"""`response.create`, which costs money: 30 in a minute at most. A turn with ten rounds of tools takes ten."""

UPDATES: Final = Budget(burst=30, refill=30.0)
"""`session.update`, which is free: 60 in a minute at most."""

HANDSHAKES: Final = Budget(burst=12, refill=12.0)
"""Requests for a connection, 24 in a minute at most: reconnects, rotations, redirects and second keys included."""


class Allowance:
    """What is left of a budget: a token bucket, which those may share who have one clock."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._left = float(budget.burst)
        self._at = -math.inf

    def wait_s(self, now: float) -> float:
        """Return the seconds until one more may be sent; 0 if it may be sent now."""
        if now > self._at:
            gained = (now - self._at) * self.budget.refill / 60.0
            self._left, self._at = min(self._left + gained, float(self.budget.burst)), now
        # A hair less than one counts as one, or a rounding error would ask for a wait of nothing, for ever.
        return 0.0 if self._left >= 1.0 - 1e-6 else (1.0 - self._left) * 60.0 / self.budget.refill

    def try_take(self, now: float) -> float:
        """Count one more as sent, if there is room for it, and return 0; else the seconds until there is."""
        wait_s = self.wait_s(now)
        if wait_s == 0.0:
            self._left -= 1.0
        return wait_s


class Allowances:
    """What is left of the budgets that no fault may exceed: to be shared by all sessions with one server."""

    def __init__(self) -> None:
        self.responses = Allowance(RESPONSES)
        self.handshakes = Allowance(HANDSHAKES)


# Silence on the socket.

QUIET_WHILE_DUE_S: Final = 2.0
"""How long nothing may be received while something is due, before a ping is sent."""

QUIET_WHILE_SPEAKING_S: Final = 5.0
"""The same while the user's audio is being sent: nothing is due then, but somebody is speaking into the network."""

PONG_WHILE_DUE_S: Final = 3.0
"""How long the pong may then take, before the connection counts as lost."""

SilenceFinding: TypeAlias = Literal["probe", "lost"]


class Liveness:
    """Whether a connection has to be probed, or is lost, from when something was received on it.

    Args:
        now: The time at which the connection was opened.
        idle_s: How long nothing may be received while nothing is due, before a ping is sent; infinite: no ping
            is ever sent.
        pong_s: How long the pong may then take.
    """

    def __init__(self, now: float, idle_s: float, pong_s: float) -> None:
        self._heard_at = now
        self._probed_at: float | None = None
        self._idle_s = idle_s
        self._pong_s = pong_s

    def heard(self, now: float) -> None:
        """Something was received: a frame or a pong."""
        self._heard_at = now
        self._probed_at = None

    def look(self, now: float, *, due: bool, speaking: bool) -> SilenceFinding | None:
        """Return what has to be done: `probe` = send a ping, `lost` = give the connection up.

        `due`: something is awaited from the server; `speaking`: the user's audio is being sent.
        """
        if self._idle_s == math.inf:
            return None
        urgent = due or speaking
        if self._probed_at is not None:
            limit = min(PONG_WHILE_DUE_S, self._pong_s) if urgent else self._pong_s
            return "lost" if now - self._probed_at >= limit else None
        quiet = QUIET_WHILE_DUE_S if due else QUIET_WHILE_SPEAKING_S if speaking else self._idle_s
        if now - self._heard_at >= min(quiet, self._idle_s):
            self._probed_at = now
            return "probe"
        return None
