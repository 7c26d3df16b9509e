"""What was used, kept over restarts: a `UsageBook`, today's date, and the file.

Written at the end of each conversation, in a long one every half minute, and never while nothing is used: a process
that dies in the middle loses half a minute of counts at most.
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

WHILE_TALKING_S = 30.0
AFTERWARDS_S = 1.0
"""What a server reports once the conversation is over (an answer that was cut off) rarely comes alone."""


def local_date() -> date:
    """Today's, here."""
    return datetime.now().astimezone().date()


class UsageKeeper:
    """See the module. Event loop only."""

    def __init__(self, path: Path | None, *, today: Callable[[], date] = local_date) -> None:
        """Reads what was stored before; `path=None` stores nothing."""
        self._today = today
        self._file = StateFile(path, "the usage", lambda: self._book.text())  # noqa: PLW0108  # it is not there yet
        self._book = UsageBook(self._file.load(read_days))
        self._talking = False

    def count(self, counts: Mapping[str, int]) -> None:
        """So many more, of today; the names are those of `usage_book.NAMES`."""
        self._book.add(self._today(), counts)
        if not self._file.due:
            self._file.write_in(WHILE_TALKING_S if self._talking else AFTERWARDS_S)

    def conversation(self, *, ended: bool) -> None:
        """A conversation begins, or has ended."""
        self._talking = not ended
        if ended and self._file.due:
            self._file.write_in(0.0)

    def report(self) -> dict[str, dict[str, Any]]:
        """See `UsageBook.report`."""
        return self._book.report(self._today())

    def by_day(self) -> dict[str, Counts]:
        """See `UsageBook.by_day`."""
        return self._book.by_day()

    async def close(self) -> None:
        """Write what has not been written yet. Idempotent."""
        await self._file.close()
