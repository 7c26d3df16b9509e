"""All cases, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.realtime.wire import (
    cases_connection,
    cases_interrupt,
    cases_settings,
    cases_talk,
    cases_tools,
)

if TYPE_CHECKING:
    from tests.realtime.wire.case import Case

GROUPS: dict[str, list[Case]] = {
    "Beginning and settings": cases_settings.CASES,
    "Talking": cases_talk.CASES,
    "Interruptions": cases_interrupt.CASES,
    "Tools, handoffs, guardrails": cases_tools.CASES,
    "Turns and connections": cases_connection.CASES,
}

ALL = [case for cases in GROUPS.values() for case in cases]
