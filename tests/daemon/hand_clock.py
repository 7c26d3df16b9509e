"""An event loop whose timers fire when a test says how late it is, and not before."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine


class HandLoop(asyncio.SelectorEventLoop):
    """`time` stands still but for `pass_by`."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 1000.0

    def time(self) -> float:
        return self._now

    async def pass_by(self, seconds: float) -> None:
        """Let so much time pass at once; back when all that this has begun is done, threads included."""
        self._now += seconds
        # Once around to see that timers are due, and once to run them.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))


def by_hand(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` in such a loop."""
    with asyncio.Runner(loop_factory=HandLoop) as runner:
        runner.run(work)


async def pass_by(seconds: float) -> None:
    """Within `by_hand`: see `HandLoop.pass_by`."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, HandLoop)
    await loop.pass_by(seconds)
