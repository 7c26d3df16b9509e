"""A response, a request for one, and what the response queue decides about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from speakerd.realtime.bounded import BoundedDict, BoundedSet
from speakerd.realtime.wire.due import DUE, Due

if TYPE_CHECKING:
    from collections.abc import Mapping

    from speakerd.realtime.wire.identities import Names

MAX_ITEMS = 128
"""Ids of items that are kept for one response."""


@dataclass(frozen=True, slots=True)
class ResponseRequest:
    """A request for a response. `params` is the `response` object to be sent, `None` for a plain one."""

    params: Mapping[str, Any] | None = None
    event_id: str = ""
    """Set when it is sent, or by the program in a raw message."""
    retried: bool = False
    wanted: bool = True
    """False once it was cancelled after it was sent: its response is cancelled, and it is not sent again."""
    asked: int = 0
    """On how many connections it was sent, and was lost with them."""

    @property
    def out_of_band(self) -> bool:
        """Whether its response leaves the conversation unchanged."""
        return self.params is not None and self.params.get("conversation") == "none"

    @property
    def plain(self) -> bool:
        """Whether it is interchangeable with other plain requests: it has no parameters and no id of its own."""
        return not self.params and not self.event_id


@dataclass(slots=True)
class ServerTurn:
    """A response that the server is to begin by itself, because of the user's turn or of what was sent."""

    since: float
    request: ResponseRequest = field(default_factory=ResponseRequest)
    """What it stands for: asked for on the next connection if it is lost with this one."""
    takes_request: bool = False
    """The next plain request is for it, and is not sent."""


@dataclass(frozen=True, slots=True)
class Create:
    """Send `response.create`."""

    request: ResponseRequest


@dataclass(frozen=True, slots=True)
class Cancel:
    """Send `response.cancel` for this response."""

    response_id: str


@dataclass(frozen=True, slots=True)
class Overdue:
    """Something did not come in time: what, and which response it concerns, if one."""

    due: Due
    response_id: str | None = None


@dataclass(frozen=True, slots=True)
class Throttled:
    """Requests wait, because more were made than the budget allows; `wait_s` until the next is sent."""

    wait_s: float


QueueAction: TypeAlias = Create | Cancel | Throttled
"""What `WireState.perform` sends or reports."""

QueueOutcome: TypeAlias = QueueAction | Overdue
"""What has to go through `overdue.carry_out`, since something may be overdue."""


MAX_TEXT = 1_000_000
"""The most characters kept of what a response out of band says: a day of talking."""


@dataclass(slots=True)
class ActiveResponse:
    """A response between its `created` and its `done`."""

    response_id: str
    out_of_band: bool = False
    metadata: Mapping[str, str] | None = None
    request: ResponseRequest | None = None
    """The request it answers, or would have; `None` when the server began it unexpectedly."""
    cancelled: bool = False
    """It was cancelled, or the server interrupts it by itself: what still arrives of it is dropped."""
    ended: bool = False
    """It has had its `done`: this stands in for it, for what comes late."""
    delivered: bool = False
    """Something of it reached the listeners: audio, text, a tool call, or a hosted one. (Not captions alone.)"""
    had_audio: bool = False
    said: dict[tuple[str, int], list[str]] = field(default_factory=dict)
    """What it says, by item and part, as it came: up to `MAX_TEXT` characters."""
    said_length: int = 0
    items: BoundedSet[str] = field(default_factory=lambda: BoundedSet(MAX_ITEMS))
    """Ids of its items, in order."""
    cut: BoundedSet[str] = field(default_factory=lambda: BoundedSet(MAX_ITEMS))
    """Ids of items that would have been heard, and came after it was cancelled."""

    seen_at: float = 0.0
    """When something of it was last received that brought it on."""
    alive_at: float = 0.0
    """When anything of it was last received, were it only a sign that the server is at work."""
    cancelled_at: float | None = None
    failed_at: float | None = None
    """When an error was received that may concern it; `None` again once something else of it is received."""

    item_ids: Names = field(default_factory=lambda: BoundedDict(2 * MAX_ITEMS))
    """The ids of its items, by the server's names of them."""
    call_ids: Names = field(default_factory=lambda: BoundedDict(2 * MAX_ITEMS))
    """The ids of its tool calls, by the server's names of them and by the ids of their items."""

    hosted: BoundedDict[str, float] = field(default_factory=lambda: BoundedDict(MAX_ITEMS))
    """Hosted calls of it that run, by item id, and when each counts as ended: until then nothing else is due."""

    def seen(self, now: float) -> None:
        """Note that something of it was received: the limits by which it has to go on count from now."""
        self.seen_at = now
        self.failed_at = None

    def alive(self, now: float) -> None:
        """Note a sign that the server is at work on it: only its longest limit goes on counting."""
        self.alive_at = now
        self.failed_at = None

    @property
    def due(self) -> tuple[float, Due]:
        """By when something has to come of it, and what."""
        due: Due
        since = max([self.seen_at, *self.hosted.values()])
        if self.cancelled_at is not None:
            since, due = self.cancelled_at, "end_after_cancel"
        elif self.failed_at is not None:
            since, due = self.failed_at, "end_after_error"
        else:
            content: Due = "content_aside" if self.out_of_band else "content"
            due = "progress_aside" if self.out_of_band else "progress"
            alive_until = max(since, self.alive_at) + DUE[due].within_s
            return min((alive_until, due), (since + DUE[content].within_s, content))
        return since + DUE[due].within_s, due

    @property
    def text(self) -> str:
        """All that it says, for a server that does not tell it again at the end."""
        return " ".join("".join(pieces) for pieces in self.said.values())

    def add_text(self, item_id: str, content_index: int, delta: str) -> None:
        """Add to its text, as far as there is room."""
        if room := MAX_TEXT - self.said_length:
            self.said.setdefault((item_id, content_index), []).append(delta[:room])
            self.said_length += len(delta[:room])

    def put_out(self, item_id: str, *, cut: bool = False) -> None:
        """Note that it has an item of that id; `cut`: one that came after it was cancelled."""
        self.items.add(item_id)
        if cut:
            self.cut.add(item_id)
