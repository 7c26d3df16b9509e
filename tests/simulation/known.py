"""Cells that fail, each with what is wrong: faults of the speaker that are known and not mended.

A cell that stands here and does not fail any more is a failure of the test that plays it, so that the list is never longer
than what is true.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_MUTE_HOSTED: Final = (
    "a server that goes mute while it runs a tool is kept after the answer was given up, and the next question waits for "
    "10 s longer"
)

KNOWN: Final[Mapping[str, str]] = {
    "hosted/response.mcp_call.completed/mute/warm/wait/0": _MUTE_HOSTED,
    "hosted/response.mcp_call.in_progress/mute/warm/wait/0": _MUTE_HOSTED,
}
