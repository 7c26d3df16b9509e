"""Edges of the buttons, from the panel's threads to gestures."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from speakerd.config.settings import Settings
from speakerd.daemon.core.panel_events import PanelEvents
from speakerd.daemon.live_settings import LiveSettings
from tests.simulation.virtual_loop import in_virtual_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from speakerd.panel.types import Gesture


@in_virtual_time
async def test_a_tap_is_no_hold_because_the_loop_was_late() -> None:
    loop = asyncio.get_running_loop()
    gestures: list[Gesture] = []

    def call_at(deadline: float | None, call: Callable[[], None]) -> asyncio.TimerHandle | None:
        return None if deadline is None else loop.call_at(deadline, call)

    def post(call: Callable[..., None], *args: object) -> None:
        loop.call_soon(call, *args)

    events = PanelEvents(
        LiveSettings(Settings()),
        post=post,
        handle=gestures.append,
        call_at=call_at,
        clock=loop.time,
    )
    begun = loop.time()
    events.edge("button", True, begun)
    # The release is on time; the loop has no time for it, nor for its timers, until long after a hold would begin.
    loop.call_at(begun + 0.1, lambda: events.edge("button", False, begun + 0.1))
    await asyncio.sleep(0)
    loop.jump(1.0)  # type: ignore[attr-defined]  # the virtual loop's
    await asyncio.sleep(2)
    events.close()
    kinds = [gesture.kind for gesture in gestures]
    assert kinds == ["press_down", "tap"], kinds
