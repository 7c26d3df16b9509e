"""The speaker's tools, joined to the speaker."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from speakerd.daemon.speaker import Speaker
    from speakerd.realtime.tool import FunctionTool
    from speakerd.tools.settings import ToolsSettings


class Toolbox:
    """See the module."""

    def __init__(self, settings: ToolsSettings, *, state: Path | None) -> None:
        self._settings = settings
        self._state = state
        self.tools: tuple[FunctionTool, ...] = ()

    def attach(self, speaker: Speaker) -> None:
        """Let the tools act on `speaker`."""

    def silence(self, name: str) -> None:
        """The timer of that name was heard."""

    def close(self) -> None:
        """Stop what runs. Idempotent."""
