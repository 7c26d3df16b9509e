"""What the parts of one session share: the model, the current agent, the history, the queue of events."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Generic, cast

from speakerd.realtime.agents import described
from speakerd.realtime.run_context import RunContextWrapper, TContext
from speakerd.realtime.session.event_queue import EventQueue
from speakerd.realtime.session.events import (
    RealtimeError,
    RealtimeEventInfo,
    RealtimeHistoryAdded,
    RealtimeHistoryUpdated,
)
from speakerd.realtime.session.history import History

if TYPE_CHECKING:
    from speakerd.realtime.agents import RealtimeAgent
    from speakerd.realtime.model import (
        RealtimeModel,
        RealtimeModelConfig,
        RealtimeRunConfig,
        RealtimeSessionModelSettings,
    )
    from speakerd.realtime.session.events import RealtimeSessionEvent
    from speakerd.realtime.session.history import Change

_log = logging.getLogger(__name__)


class SessionState(Generic[TContext]):
    """The state of one session, changed by its parts on one event loop."""

    def __init__(
        self,
        model: RealtimeModel,
        agent: RealtimeAgent[TContext],
        context: TContext | None,
        model_config: RealtimeModelConfig,
        run_config: RealtimeRunConfig,
    ) -> None:
        self.model = model
        self.agent = agent
        self.model_config = model_config
        self.run_config = run_config
        # If the program gave no context, its callables get None, as documented.
        self.context: RunContextWrapper[TContext] = RunContextWrapper(cast("TContext", context))
        self.info = RealtimeEventInfo(self.context)
        self.history = History(run_config.get("max_history_items", 400))
        self.queue = EventQueue(self.info, run_config.get("max_queued_events", 4096))

    async def put(self, event: RealtimeSessionEvent) -> None:
        """Queue an event for the program."""
        if not self.queue.offer(event):
            await self.queue.put(event)

    async def report(self, error: Exception, what: str) -> None:
        """Log a failure after which the session goes on, and report it by an `error` event."""
        _log.error("%s failed: %s: %s", what, type(error).__name__, described(error))
        await self.put(RealtimeError(error=error, info=self.info))

    async def history_changed(self, change: Change, item_id: str) -> None:
        """Queue the event for what an operation on the history changed."""
        if change is None:
            return
        item = self.history.get(item_id) if change == "added" else None
        if item is not None:
            await self.put(RealtimeHistoryAdded(item=item, info=self.info))
        else:
            await self.put(RealtimeHistoryUpdated(history=self.history.items, info=self.info))

    async def opening_settings(self) -> RealtimeSessionModelSettings:
        """Return the settings that a model session begins with.

        In rising precedence: the run's `model_settings`, the agent, the model config's `initial_model_settings`.
        """
        settings = cast("dict[str, Any]", dict(self.run_config.get("model_settings", {})))
        of_agent = await self.agent_settings(self.agent)
        if self.agent.instructions is None:
            # Absent, not empty: an empty text would override the instructions of a stored prompt.
            settings.update({k: v for k, v in of_agent.items() if k != "instructions"})
        else:
            settings.update(of_agent)
        initial = cast("dict[str, Any]", self.model_config.get("initial_model_settings", {}))
        audio = _merged(settings.get("audio"), initial.get("audio"))
        settings.update(initial)
        if audio:
            settings["audio"] = audio
        if self.run_config.get("tracing_disabled"):
            settings["tracing"] = None
        return cast("RealtimeSessionModelSettings", settings)

    async def agent_settings(self, agent: RealtimeAgent[Any]) -> RealtimeSessionModelSettings:
        """Return all settings that `agent` determines, so that nothing of another agent's stays in force."""
        instructions, tools, handoffs = await asyncio.gather(
            agent.get_system_prompt(self.context),
            agent.get_all_tools(self.context),
            agent.get_all_handoffs(self.context),
        )
        settings: RealtimeSessionModelSettings = {
            "instructions": instructions or "",
            "tools": tools,
            "handoffs": handoffs,
        }
        if agent.prompt is not None or self.agent.prompt is not None:
            settings["prompt"] = agent.prompt
        return settings


def _merged(base: Any, over: Any) -> Any:
    """Merge nested mappings key by key; `over` overrides `base`."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return base if over is None else over
    return base | {
        key: _merged(base.get(key), value) if value is not None else None for key, value in over.items()
    }
