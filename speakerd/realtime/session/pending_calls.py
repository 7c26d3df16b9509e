"""Which tool calls have no output yet, and when the reply to their outputs is due. Pure and bounded.

The model may call several tools in one response. The reply that uses their outputs is asked for once: when that
response has ended *and* the last of its calls has been answered. If the response was cancelled, because the user
interrupted it, the outputs are still delivered but no reply is asked for: the user is speaking.

For a call whose response is not known the reply is asked for with its output.

A tool may want no reply, or one only if the response that called it said nothing itself: then the reply is asked
for if another call of that response wants it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from speakerd.realtime.bounded import BoundedSet

if TYPE_CHECKING:
    from speakerd.realtime.agents import AnswerRule
    from speakerd.realtime.model import RealtimeModelToolCallEvent, ResponseStatus


class PendingCalls:
    """The tool calls of one session that have no output yet: `limit` that are carried out, one that is refused."""

    def __init__(self, limit: int = 64) -> None:
        self._limit = limit
        self._open: dict[str, str | None] = {}
        self._seen = BoundedSet[str]()
        self._running = BoundedSet[str]()
        self._cancelled = BoundedSet[str]()
        self._owed = BoundedSet[str]()
        self._owed_if_silent = BoundedSet[str]()
        self._owed_unless_continued = BoundedSet[str]()
        self._spoke = BoundedSet[str]()
        self._called = BoundedSet[str]()

    def __len__(self) -> int:
        """Return how many calls have no output yet."""
        return len(self._open)

    def __contains__(self, call_id: str) -> bool:
        """Return whether that call has no output yet."""
        return call_id in self._open

    @property
    def is_full(self) -> bool:
        """Whether no further call is to be carried out: it has to be answered at once, with a refusal."""
        return len(self._open) >= self._limit

    def came_before(self, call_id: str) -> bool:
        """Return whether that call was begun before, so that it is to be ignored."""
        return call_id in self._seen

    def begin(self, call: RealtimeModelToolCallEvent) -> bool:
        """Add a call. Return False if it came before and is to be ignored."""
        if not self._seen.add(call.call_id):
            return False
        self._open[call.call_id] = call.response_id
        if call.response_id is not None:
            self._called.add(call.response_id)
        return True

    def answered(self, call_id: str, wanted: AnswerRule | Literal["unless_continued"] = True) -> bool:
        """The call has its output. Return whether the reply is due with it.

        `unless_continued`: the server has the output already, and may go on speaking in the same response.
        """
        response_id = self._open.pop(call_id, None)
        if response_id is None:
            return bool(wanted)
        if response_id in self._cancelled:
            return False
        if wanted == "unless_spoken":
            self._owed_if_silent.add(response_id)
        elif wanted == "unless_continued":
            self._owed_unless_continued.add(response_id)
        elif wanted:
            self._owed.add(response_id)
        return self._is_due(response_id)

    def continued(self, response_id: str) -> None:
        """The response said something more: what it has the outputs of needs no further reply."""
        self._owed_unless_continued.discard(response_id)

    def response_started(self, response_id: str | None) -> None:
        """A response began: the reply to its calls waits for its end."""
        if response_id is not None:
            self._running.add(response_id)

    def response_ended(
        self, response_id: str | None, status: ResponseStatus | None, *, spoke: bool = False
    ) -> bool:
        """A response ended. Return whether its calls are all answered, so that the reply is due now.

        `spoke`: it brought speech or text, not only calls.
        """
        if response_id is None:
            return False
        self._running.discard(response_id)
        if spoke:
            self._spoke.add(response_id)
        if status == "cancelled":
            self._cancelled.add(response_id)
            self._owed.discard(response_id)
            self._owed_if_silent.discard(response_id)
            self._owed_unless_continued.discard(response_id)
            return False
        return self._is_due(response_id)

    def is_settled(self, response_id: str | None) -> bool:
        """Return whether a response called tools and has ended, and all its calls are answered."""
        return response_id in self._called and self._is_over(response_id)

    def connection_replaced(self) -> bool:
        """The connection was replaced, so no old response runs. Return whether a reply is due for its calls."""
        # All of them, not up to the first for which it is due: the one reply answers the others too.
        due = [self.response_ended(response_id, None) for response_id in list(self._running)]
        self._running.clear()
        return any(due)

    def _is_due(self, response_id: str) -> bool:
        if not self._is_over(response_id):
            return False
        if_silent = self._owed_if_silent.discard(response_id) and response_id not in self._spoke
        unless_continued = self._owed_unless_continued.discard(response_id)
        return self._owed.discard(response_id) or if_silent or unless_continued

    def _is_over(self, response_id: str | None) -> bool:
        return response_id not in self._running and response_id not in self._open.values()
