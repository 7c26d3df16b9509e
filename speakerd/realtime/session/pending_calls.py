"""Which tool calls are open, and when a reply is due for them. Pure bookkeeping, bounded.

The model may call several tools in one response. The reply that uses their outputs is asked for once: when that
response has ended *and* the last of its calls has been answered. When the response was cancelled, because the user
broke in, its outputs are still delivered but no reply is asked: the user has the floor.

A call whose response is not known is replied to as it is answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from speakerd.realtime.bounded import BoundedSet

if TYPE_CHECKING:
    from speakerd.realtime.model import RealtimeModelToolCallEvent, ResponseStatus

_REMEMBERED = 256
"""Ids of calls and responses that are remembered, to tell repetitions and cancelled ones: hours of talk."""


class PendingCalls:
    """The open calls of one session. At most `limit` at a time."""

    def __init__(self, limit: int = 64) -> None:
        self._limit = limit
        self._open: dict[str, str | None] = {}
        self._seen = BoundedSet[str](_REMEMBERED)
        self._running = BoundedSet[str](_REMEMBERED)
        self._cancelled = BoundedSet[str](_REMEMBERED)
        self._owed = BoundedSet[str](_REMEMBERED)

    def __len__(self) -> int:
        """How many calls have no answer yet."""
        return len(self._open)

    @property
    def is_full(self) -> bool:
        """No further call is taken: it has to be answered with a refusal."""
        return len(self._open) >= self._limit

    def begin(self, call: RealtimeModelToolCallEvent) -> bool:
        """A call came. False: it has come before, and is to be ignored."""
        if not self._seen.add(call.call_id):
            return False
        self._open[call.call_id] = call.response_id
        return True

    def answered(self, call_id: str) -> bool:
        """The call has its output. True: the reply is due now, with it."""
        response_id = self._open.pop(call_id, None)
        if response_id is None:
            return True
        if response_id in self._cancelled:
            return False
        if response_id in self._running or response_id in self._open.values():
            self._owed.add(response_id)
            return False
        self._owed.discard(response_id)
        return True

    def response_started(self, response_id: str | None) -> None:
        """A response began: its calls will wait for its end."""
        if response_id is not None:
            self._running.add(response_id)

    def response_ended(self, response_id: str | None, status: ResponseStatus | None) -> bool:
        """A response ended. True: all its calls are answered already and the reply is due now."""
        if response_id is None:
            return False
        self._running.discard(response_id)
        if status == "cancelled":
            self._cancelled.add(response_id)
            self._owed.discard(response_id)
            return False
        if response_id not in self._owed or response_id in self._open.values():
            return False
        self._owed.discard(response_id)
        return True

    def connection_replaced(self) -> bool:
        """The connection was made anew: no old response runs. True: a reply is due for calls answered meanwhile."""
        due = any(self.response_ended(response_id, None) for response_id in list(self._running))
        self._running.clear()
        return due
