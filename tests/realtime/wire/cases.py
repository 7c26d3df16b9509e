"""All cases, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.realtime.wire import (
    cases_connection,
    cases_frames,
    cases_interrupt,
    cases_messages,
    cases_replies,
    cases_settings,
    cases_tools,
    cases_user_audio,
)

if TYPE_CHECKING:
    from tests.realtime.wire.case import Case

GROUPS: dict[str, list[Case]] = {
    "Beginning and settings": cases_settings.CASES,
    "Talking": [
        *cases_messages.CASES,
        *cases_user_audio.CASES,
        *cases_replies.CASES,
        *cases_frames.CASES,
    ],
    "Interruptions": cases_interrupt.CASES,
    "Tools, handoffs, guardrails": cases_tools.CASES,
    "Turns and connections": cases_connection.CASES,
}

ALL = [case for cases in GROUPS.values() for case in cases]
