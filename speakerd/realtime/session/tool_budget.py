"""How much a model may spend on tools before it has to answer with what it has.

A model may call a tool in the reply to a tool, and again in the reply to that, for ever: each costs a request with
the whole conversation. The replies that the session itself asks for are counted from one input of the user to the
next. Where one of the limits is reached, one more reply is asked for in which no tool may be called, and after that
none.

Pure: times are arguments, in seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from speakerd.realtime.model import RealtimeToolExecutionConfig

ReplyKind: TypeAlias = Literal["any", "last", "none"]
"""What may be asked for: a reply as any other, one without tools, or none."""


class ToolBudget:
    """What one turn of the conversation has spent on tools."""

    def __init__(self, limits: RealtimeToolExecutionConfig) -> None:
        self._rounds_limit = limits.get("max_rounds")
        self._seconds_limit = limits.get("max_turn_seconds")
        self._tokens_limit = limits.get("max_turn_tokens")
        self._begin()

    def _begin(self) -> None:
        self._rounds = self._tokens = 0
        self._since: float | None = None
        self._last_asked = False

    def turn_begins(self) -> None:
        """The user said something: what was spent before does not count any more."""
        self._begin()

    def spend(self, tokens: int) -> None:
        """Count the tokens of a response towards the limit of this turn."""
        self._tokens += tokens

    def tool_called(self, now: float) -> None:
        """The model called a tool: from the first call on the seconds are counted."""
        if self._since is None:
            self._since = now

    def take_reply(self, now: float) -> ReplyKind:
        """Count one more reply to tools that is going to be asked for; return of which kind it may be."""
        if self.reached(now) is None:
            self._rounds += 1
            return "any"
        if self._last_asked:
            return "none"
        self._last_asked = True
        return "last"

    def reached(self, now: float) -> str | None:
        """Return in words which limit is reached; `None` if none is."""
        if self._rounds_limit is not None and self._rounds >= self._rounds_limit:
            return f"{self._rounds_limit} replies to tools for one question"
        since = now if self._since is None else self._since
        if self._seconds_limit is not None and now - since >= self._seconds_limit:
            return f"{self._seconds_limit:g} s of tools for one question"
        if self._tokens_limit is not None and self._tokens >= self._tokens_limit:
            return f"{self._tokens_limit} tokens for one question"
        return None
