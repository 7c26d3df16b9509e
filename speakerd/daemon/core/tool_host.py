"""The speaker's tools, joined to the speaker: what `tools.build` needs of it (`Parts`)."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import TYPE_CHECKING

from speakerd.dialogue.events import ConversationEndRequested, TimerRinging, TimerSilenced
from speakerd.tools.build import build_tools
from speakerd.tools.timer_service import TimerService
from speakerd.tools.timer_store import TimerStore
from speakerd.tools.timers import TimerBook

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from speakerd.daemon.core.speaker import Speaker
    from speakerd.daemon.storage import Volume
    from speakerd.realtime.agents import FunctionTool
    from speakerd.tools.settings import ToolsSettings


class Toolbox:
    """Made before the speaker, since its agent needs the tools; `attach` joins the two. Event loop only."""

    def __init__(self, settings: ToolsSettings, *, state: Path | None, clock: Callable[[], float]) -> None:
        """`state`: folder of the timers that outlive the process; None keeps none. `clock`: monotonic seconds."""
        self._speaker: Speaker | None = None
        self._answers: deque[str] = deque(maxlen=2)
        self.timers = TimerService(
            TimerBook(most=settings.max_timers, longest_s=settings.longest_timer_h * 3600),
            on_ring=self._ring,
            on_silenced=self._silenced,
            store=TimerStore(state / "timers.json") if state is not None else None,
            monotonic=clock,
        )
        self.tools: tuple[FunctionTool, ...] = build_tools(settings, self)

    def attach(self, speaker: Speaker) -> None:
        """Let the tools act on `speaker`."""
        self._speaker = speaker

    def start(self) -> None:
        """Take up the stored timers: the speaker is open."""
        self.timers.start()

    def close(self) -> None:
        """Stop what runs. Idempotent."""
        self.timers.close()

    @property
    def volume(self) -> Volume:
        """See `Parts`."""
        return self._attached.volume

    def local_time(self) -> datetime:
        """See `Parts`."""
        return datetime.now().astimezone()

    def last_answer(self) -> str:
        """See `Parts`."""
        return self._answers[-1] if self._answers else ""

    def answered(self, text: str) -> None:
        """The speaker said `text`."""
        self._answers.append(text)

    def end_conversation(self) -> None:
        """See `Parts`."""
        self._attached.handle(ConversationEndRequested())

    def silence(self, name: str) -> None:
        """A person heard the ringing timer of that name."""
        self.timers.heard(name)

    @property
    def _attached(self) -> Speaker:
        if self._speaker is None:
            raise RuntimeError("a tool was called before the speaker was there")
        return self._speaker

    def _ring(self, name: str) -> None:
        self._attached.handle(TimerRinging(name))

    def _silenced(self, name: str) -> None:
        self._attached.handle(TimerSilenced(name))
