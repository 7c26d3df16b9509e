"""Brings new settings into a session that is kept between conversations.

A session that is opened for each conversation has them from the next one on. One that is kept warm is told by
`session.update` what a server lets be changed, and is opened anew for all else: the conversation then begins anew.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from speakerd.daemon.live_settings import PreparedChange
from speakerd.daemon.model_config import turn_detection
from speakerd.daemon.session.uplink_queue import UpdateSession

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from speakerd.config.settings import Settings
    from speakerd.daemon.live_settings import Done, LiveSettings
    from speakerd.daemon.session.session_factory import SessionFactory
    from speakerd.daemon.session.session_link import SessionLink
    from speakerd.realtime.agents import FunctionTool

CHANGEABLE = (
    "instructions",
    "turn_detection",
    "server_vad_threshold",
    "server_vad_prefix_ms",
    "server_vad_silence_ms",
    "semantic_eagerness",
    "speed",
)
"""What of `[model]` a server lets be changed in a session that has spoken already."""


_OF_NO_SESSION = ("connection", "connect_timeout_s")
"""What of it says when a session is opened and closed, not what it is."""


class SessionRenewal:
    """Subscribe it after all that a session is made of. Event loop only."""

    def __init__(
        self,
        settings: LiveSettings,
        *,
        link: SessionLink,
        sessions: SessionFactory,
        tools: Callable[[], Sequence[FunctionTool]],
    ) -> None:
        self._link = link
        self._sessions = sessions
        self._tools = tools
        self._made_of = settings.subscribe(
            "model",
            "tools",
            "offline",
            but=(*(f"model.{key}" for key in _OF_NO_SESSION), "offline.port"),
            prepare=self._prepare,
        )

    async def _prepare(self, settings: Settings) -> PreparedChange:
        return PreparedChange(lambda: self._take(settings))

    def _take(self, settings: Settings) -> Done:
        before, self._made_of = self._made_of, settings
        if not self._link.wanted:
            return None
        if _beyond_update(before) != _beyond_update(settings):
            self._link.disconnect()
            self._link.connect()
            return None
        self._link.send(
            UpdateSession(
                self._sessions.agent(self._tools()), turn_detection(settings.model), settings.model.speed
            )
        )
        return None


def _beyond_update(settings: Settings) -> tuple[object, ...]:
    """What a session has to be opened anew for."""
    offline = "offline" in {settings.model.backend, settings.model.fallback}
    model = dataclasses.asdict(settings.model)
    kept = {key: value for key, value in model.items() if key not in (*CHANGEABLE, *_OF_NO_SESSION)}
    return (kept, settings.offline if offline else None)
