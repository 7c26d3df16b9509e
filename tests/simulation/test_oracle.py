"""The matrix is itself looked at: the speaker is broken on purpose, and at least one cell has to fail by it."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from speakerd.daemon.session import session_link
from speakerd.realtime.transport import connector
from speakerd.realtime.wire.due import DUE
from speakerd.realtime.wire.state import WireState
from tests.simulation.faults import Cell
from tests.simulation.turns import play

if TYPE_CHECKING:
    from collections.abc import Callable

    from speakerd.realtime.wire.due import Due
    from speakerd.realtime.wire.response import ActiveResponse

FOREVER_S: Final = 1e6


def never(*awaited: Due) -> Callable[[pytest.MonkeyPatch], None]:
    """What does not come is waited for without end."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        for due in awaited:
            monkeypatch.setitem(DUE, due, replace(DUE[due], within_s=FOREVER_S))

    return patch


def not_delivered(module: str, *functions: str) -> Callable[[pytest.MonkeyPatch], None]:
    """What these receive does not count: the question is asked again, though something came of it."""
    delivered = WireState.delivered

    def deliver(self: WireState, response: ActiveResponse) -> None:
        caller = sys._getframe(1)
        if not (caller.f_globals["__name__"].endswith(module) and caller.f_code.co_name in functions):
            delivered(self, response)

    return lambda monkeypatch: monkeypatch.setattr(WireState, "delivered", deliver)


def slow_close(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection on which nothing arrives is waited for at its end."""
    monkeypatch.setattr(connector, "CLOSE_WITHIN_S", 30.0)
    monkeypatch.setattr(session_link, "_END_LIMIT_S", 30.0)  # or the daemon would not wait for it


BREAKS: Final[dict[str, tuple[Callable[[pytest.MonkeyPatch], None], tuple[str, ...]]]] = {
    "a cancelled response never expires": (
        never("end_after_cancel"),
        ("interrupted/response.done/omitted/on_wake/wait/0", "interrupted/response.done/omitted/warm/wait/0"),
    ),
    "the server's turn never expires": (
        never("server_response", "server_response_first", "committed"),
        (
            "server_turn/input_audio_buffer.committed/mute/warm/press/0",
            "server_turn/conversation.item.done/mute/warm/wait/0",
        ),
    ),
    "a tool's call counts as nothing": (
        not_delivered("receive_responses", "_emit_call"),
        ("tool/response.done/omitted/on_wake/wait/0", "tool/response.done/omitted/warm/wait/0"),
    ),
    "a dead connection is closed slowly": (
        slow_close,
        ("thinking/any/gone/on_wake/stop/0", "idle/any/gone/warm/stop/0"),
    ),
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("broken", BREAKS)
def test_what_is_broken_is_found(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    patch, names = BREAKS[broken]
    cells = [Cell.parse(name) for name in names]
    assert not any(play(cell).problems for cell in cells)
    patch(monkeypatch)
    assert any(play(cell).problems for cell in cells)
