"""The speaker's tools, joined to the speaker: what `tools.build` needs of it (`Parts`)."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from speakerd.daemon.fit_to_machine import missing_programs
from speakerd.daemon.live_settings import PreparedChange
from speakerd.dialogue.events import ConversationEndRequested, TimerRinging, TimerSilenced
from speakerd.tools.build import build_tools
from speakerd.tools.timer_service import TimerService
from speakerd.tools.timer_store import TimerStore
from speakerd.tools.timers import TimerBook

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from speakerd.config.settings import Settings
    from speakerd.daemon.live_settings import LiveSettings
    from speakerd.daemon.storage import Volume
    from speakerd.dialogue.events import Event
    from speakerd.realtime.agents import FunctionTool


class ToolHost:
    """The tools that the settings allow, and what they act on. Event loop only."""

    def __init__(
        self,
        settings: LiveSettings,
        *,
        volume: Volume,
        handle: Callable[[Event], None],
        state: Path | None,
        clock: Callable[[], float],
    ) -> None:
        """Nothing runs yet.

        Args:
            settings: Those of the tools are read; other tools are offered from the next conversation on.
            volume: The loudspeaker's.
            handle: Gives an event to the dialogue.
            state: Folder of the timers that outlive the process; None keeps none.
            clock: Monotonic seconds, the timers'.
        """
        self.volume = volume
        self._handle = handle
        self._answers: deque[str] = deque(maxlen=2)
        tools = settings.subscribe("tools", prepare=self._prepare).tools
        self._book = TimerBook(most=tools.max_timers, longest_s=tools.longest_timer_h * 3600)
        self.timers = TimerService(
            self._book,
            on_ring=self._ring,
            on_silenced=self._silenced,
            store=TimerStore(state / "timers.json") if state is not None else None,
            monotonic=clock,
        )
        self._take(settings.latest)

    async def _prepare(self, settings: Settings) -> PreparedChange:
        for problem in missing_programs(settings).values():
            raise problem
        return PreparedChange(partial(self._take, settings))

    def _take(self, settings: Settings) -> None:
        tools = settings.tools
        self._volume_step = tools.volume_step
        self._book.most, self._book.longest_s = tools.max_timers, tools.longest_timer_h * 3600
        self.tools: tuple[FunctionTool, ...] = build_tools(tools, self)
        """What the model may call."""

    def start(self) -> None:
        """Take up the stored timers: the speaker is open."""
        self.timers.start()

    def close(self) -> None:
        """Stop the timers and store them. Idempotent."""
        self.timers.close()

    def local_time(self) -> datetime:
        """Return the time of day where the speaker is."""
        return datetime.now().astimezone()

    def last_answer(self) -> str:
        """Return what the speaker said last before the question that is being answered; "" if nothing."""
        return self._answers[-1] if self._answers else ""

    def answered(self, text: str) -> None:
        """Remember that the speaker said `text`, for the tool that says it again."""
        self._answers.append(text)

    def forget(self) -> None:
        """Forget what was said: the conversation is over for good."""
        self._answers.clear()

    def end_conversation(self) -> None:
        """Let this answer be the last of the conversation."""
        self._handle(ConversationEndRequested())

    def silence(self, name: str) -> None:
        """Stop the ringing timer of that name: a person heard it."""
        self.timers.heard(name)

    def change_volume(self, steps: int) -> None:
        """Make it louder or softer by so many steps."""
        self.volume.change(steps * self._volume_step)

    def _ring(self, name: str) -> None:
        self._handle(TimerRinging(name))

    def _silenced(self, name: str) -> None:
        self._handle(TimerSilenced(name))
