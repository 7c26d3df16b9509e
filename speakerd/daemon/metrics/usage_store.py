"""What was used, kept over restarts: a `UsageBook`, today's date, and the file.

Written at the end of each conversation, in a long one every half minute, and never while nothing is used: a process
that dies meanwhile loses half a minute of counts at most.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from speakerd.daemon.metrics.usage_book import Counts, UsageBook, read_days
from speakerd.daemon.storage import StateFile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date
    from pathlib import Path

IN_CONVERSATION_S = 30.0
AFTERWARDS_S = 1.0
"""What a server reports after the end of a conversation, of an answer that was cut off, rarely comes alone."""


def local_date() -> date:
    """Return today's date, in local time."""
    return datetime.now().astimezone().date()


class UsageStore:
    """Counts turns and tokens of today, and writes them to a file. Event loop only."""

    def __init__(self, path: Path | None, *, today: Callable[[], date] = local_date) -> None:
        """Read what was stored before; `path=None` stores nothing."""
        self._today = today
        self._file = StateFile(path, "the usage", lambda: self._book.text())  # noqa: PLW0108  # it is not there yet
        self._book = UsageBook(self._file.load(read_days))
        self._in_conversation = False

    def count(self, counts: Mapping[str, int]) -> None:
        """Add `counts`, by the names of `usage_book.NAMES`, to today."""
        self._book.add(self._today(), counts)
        if not self._file.due:
            self._file.write_in(IN_CONVERSATION_S if self._in_conversation else AFTERWARDS_S)

    def conversation(self, *, ended: bool) -> None:
        """Note that a conversation begins, or has ended: then what is due is written."""
        self._in_conversation = not ended
        if ended and self._file.due:
            self._file.write_in(0.0)

    def report(self) -> dict[str, dict[str, Any]]:
        """Return the sums of today, since the start of the process, and of all days kept."""
        return self._book.report(self._today())

    def by_day(self) -> dict[str, Counts]:
        """Return the counts of all days kept by ISO date, the first one first."""
        return self._book.by_day()

    @property
    def problem(self) -> str | None:
        """Why the next start will not know of it, or this one did not; None while all is well."""
        return self._file.problem

    async def close(self) -> None:
        """Write what has not been written yet. Idempotent."""
        await self._file.close()
