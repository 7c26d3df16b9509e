"""What is known of hosted MCP tools on one connection: calls that run, calls that have ended, lists of tools."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from speakerd.realtime.bounded import BoundedDict, BoundedSet

if TYPE_CHECKING:
    from speakerd.realtime.model import RealtimeModelMcpCallStartedEvent
    from speakerd.realtime.wire.response import ActiveResponse


@dataclass(slots=True)
class HostedCall:
    """A call that has not ended."""

    event: RealtimeModelMcpCallStartedEvent
    begun: bool = False
    response: ActiveResponse | None = None
    """The response that made it, if that ran when the call began."""
    over: bool = False
    """The server has said that it ended; its output is still to come."""
    failed: bool = False
    due_at: float | None = None
    """When it counts as ended although the server has not said so."""


@dataclass(slots=True)
class HostedCalls:
    """The hosted tools of one conversation."""

    running: BoundedDict[str, HostedCall] = field(default_factory=BoundedDict)
    """Calls by item id."""
    ended: BoundedSet[str] = field(default_factory=BoundedSet)
    """Item ids of calls whose end was reported."""
    labels: BoundedDict[str, str] = field(default_factory=BoundedDict)
    """The server's label of each list of tools, by item id."""
    failed_lists: BoundedSet[str] = field(default_factory=BoundedSet)
    """Item ids of lists whose failure was reported."""
