"""Why a request was not carried out, in words for whoever asked. Pure.

The control socket answers with it, so that nobody is told "ok" of something that did not happen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from speakerd.dialogue.events import Ask, Say
from speakerd.dialogue.requests import PlainRequest

if TYPE_CHECKING:
    from speakerd.dialogue.events import Request
    from speakerd.dialogue.settings import DialogueSettings
    from speakerd.dialogue.state import State

MAX_ANNOUNCEMENTS: Final = 8
"""Announcements that may wait at a time."""

STARTING: Final = "it is starting; ask again when `speakerd ctl status` says that it is idle"
STOPPING: Final = "speakerd is being stopped"


def why_not(request: Request, state: State, settings: DialogueSettings) -> str:
    """Return why things are not as `request` wants them, or why it cannot be taken; "" if they are, or it can."""
    if state.phase == "stopping":
        return STOPPING
    match request:
        case PlainRequest():
            return _plain(request, state)
        case Ask():
            if state.phase == "starting":
                return STARTING
            if state.loudspeaker_lost:
                return _without("loudspeaker")
            return "" if settings.text_while_muted else _muted(state, "text_while_muted lets questions pass")
        case Say():
            if state.loudspeaker_lost:
                return _without("loudspeaker")
            if settings.announcement_voice == "model" and not settings.text_while_muted and state.muted:
                return _muted(state, 'announcement_voice = "local" needs no model')
            if len(state.announcements) < MAX_ANNOUNCEMENTS:
                return ""
            return f"{MAX_ANNOUNCEMENTS} announcements wait already; `speakerd ctl stop` drops them"
        case _:
            assert_never(request)


def _plain(request: PlainRequest, state: State) -> str:
    match request.word:
        case "wake":
            if state.phase in {"connecting", "listening"}:
                return ""
            if state.phase == "starting":
                return STARTING
            if state.muted:
                return _muted(state, "")
            return _without("microphone" if state.microphone_lost else "loudspeaker")
        case "stop":
            return "" if state.phase in {"starting", "idle"} else "it could not be ended"
        case "mute":
            return "" if state.muted else "it could not be muted"
        case "unmute":
            return _muted(state, "") if state.muted else ""
        case _:
            assert_never(request.word)


def _muted(state: State, way: str) -> str:
    if not state.muted:
        return ""
    cure = "move the mute switch back" if state.mute_switch else "`speakerd ctl unmute`"
    return f"it is muted: {cure}" + (f"; [dialogue] {way}" if way else "")


def _without(device: str) -> str:
    return f"there is no {device}; `speakerd ctl status` says why"
