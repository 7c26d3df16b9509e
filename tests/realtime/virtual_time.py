"""A clock and a sleep that a test turns by hand."""

from __future__ import annotations

import asyncio
import heapq
import itertools


class VirtualTime:
    """`clock` and `sleep` for a model; time passes in `advance()` only."""

    def __init__(self, start: float = 1000.0) -> None:
        self.now = start
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waking: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._order), waking))
        await waking

    async def advance(self, seconds: float) -> None:
        """Let so much time pass, waking every sleeper at its moment."""
        end = self.now + seconds
        while self._sleepers and self._sleepers[0][0] <= end:
            at, _, waking = heapq.heappop(self._sleepers)
            self.now = max(self.now, at)
            if not waking.done():
                waking.set_result(None)
                await asyncio.sleep(0)
        self.now = end
        await asyncio.sleep(0)
