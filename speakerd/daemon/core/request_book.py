"""What became of requests that are carried out later: what the dialogue reports, for those who wait for it."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from speakerd.dialogue.commands import RequestReport


class OpenRequest:
    """A request whose end is waited for."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._begun = asyncio.Event()
        self._over = asyncio.Event()
        self.problem = ""
        """Why it failed; "" if it did not, or not yet."""

    @property
    def begun(self) -> bool:
        """Whether it is being carried out, or was."""
        return self._begun.is_set()

    @property
    def over(self) -> bool:
        """Whether it was carried out wholly, or has failed."""
        return self._over.is_set()

    async def wait_until_begun(self) -> None:
        """Wait until it is being carried out, or has failed."""
        await self._begun.wait()

    async def wait_until_over(self) -> None:
        """Wait until it was carried out wholly, or has failed."""
        await self._over.wait()

    def take(self, report: RequestReport) -> None:
        """Take what the dialogue reports of it."""
        self._begun.set()
        if report.step != "begun":
            self.problem = report.reason
            self._over.set()


class RequestBook:
    """Numbers requests, and tells each what becomes of it. Event loop only."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._open: dict[int, OpenRequest] = {}

    def open(self) -> OpenRequest:
        """Return a request with a number of its own, to be given to the dialogue with its event."""
        request = OpenRequest(next(self._numbers))
        self._open[request.number] = request
        return request

    def report(self, report: RequestReport) -> None:
        """Take what became of a request."""
        request = self._open.get(report.request)
        if request is not None:
            request.take(report)
            if request.over:
                del self._open[report.request]
