"""What the parts of one session share: the model, the current agent, the history, the queue of events."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from operator import methodcaller
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeAlias, TypeVar, cast

from speakerd.realtime.agents import (
    FunctionTool,
    Handoff,
    HostedMCPTool,
    all_apart,
    described,
    enabled_handoffs,
    enabled_tools,
)
from speakerd.realtime.bounded import BoundedDict
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
    from collections.abc import Awaitable, Callable, Sequence

    from speakerd.realtime.agents import RealtimeAgent, Tool
    from speakerd.realtime.model import (
        RealtimeModel,
        RealtimeModelConfig,
        RealtimeRunConfig,
        RealtimeSessionModelSettings,
    )
    from speakerd.realtime.session.events import RealtimeSessionEvent
    from speakerd.realtime.session.history import Change

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

HookName: TypeAlias = Literal["on_start", "on_end", "on_handoff", "on_tool_start", "on_tool_end"]
_RUN_HOOKS: Final = {"on_start": "on_agent_start", "on_end": "on_agent_end"}
"""What the run's callback is named where it is not named as the agent's own."""

MAX_RESPONSES = 32
"""Responses of which something is remembered; one runs at a time, beside out-of-band ones."""

_MAX_ASKED_WITH = 64
"""Tools of single replies that are remembered, so that they can be called."""


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
        self._agents: BoundedDict[str, RealtimeAgent[TContext]] = BoundedDict(MAX_RESPONSES)
        self.updated = Offer()
        """What the program offered last by `update_settings`."""
        self._asked_with: BoundedDict[str, Tool] = BoundedDict(_MAX_ASKED_WITH)
        """The tools that single replies were asked for with, by name."""
        # If the program gave no context, its callables get None, as documented.
        self.context: RunContextWrapper[TContext] = RunContextWrapper(cast("TContext", context))
        self.info = RealtimeEventInfo(self.context)
        self.history = History(run_config.get("max_history_items", 400))
        self.queue = EventQueue(self.info, run_config.get("max_queued_events", 4096))

    def response_started(self, response_id: str | None) -> None:
        """Note that a response began with the current agent."""
        if response_id:
            self._agents[response_id] = self.agent

    def agent_of(self, response_id: str | None) -> RealtimeAgent[TContext]:
        """Return the agent that was current when the response began, even if a call of it has handed over since.

        For a response that is not known: the current agent.
        """
        return self._agents.get(response_id or "", self.agent)

    def hooks(
        self, name: HookName, agent: RealtimeAgent[Any], *args: Any
    ) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        """Return the calls of the agent's own callback and of the run's, as far as there are any, with their names.

        `name` is the own one's; `args` are those after the agent that it is called with.
        """
        given = (agent, *args)
        # The agent is told of a handoff as (to, from), the run as (from, to).
        given_run = given[::-1] if name == "on_handoff" else given
        return [
            (called, partial(methodcaller(called, self.context, *with_), owner))
            for owner, called, with_ in (
                (agent.hooks, name, given),
                (self.run_config.get("hooks"), _RUN_HOOKS.get(name, name), given_run),
            )
            if owner is not None
        ]

    async def put(self, event: RealtimeSessionEvent) -> None:
        """Queue an event for the program; wait while the queue is full."""
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
        Tools and handoffs of all three are offered.
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
        settings.update({k: v for k, v in initial.items() if k not in ("tools", "handoffs")})
        if audio:
            settings["audio"] = audio
        if self.run_config.get("tracing_disabled"):
            settings["tracing"] = None
        return cast("RealtimeSessionModelSettings", settings)

    async def agent_settings(self, agent: RealtimeAgent[Any]) -> RealtimeSessionModelSettings:
        """Return all settings that `agent` determines, so that nothing of another agent's stays in force.

        Its tools and handoffs come first, then those that the configurations give to every agent.
        """
        run, initial = self._configured()
        instructions, own, tools, own_handoffs, handoffs = await all_apart(
            f"The settings of the agent {agent.name}",
            [
                partial(agent.get_system_prompt, self.context),
                partial(agent.get_all_tools, self.context),
                partial(enabled_tools, [*run.tools, *initial.tools], self.context, agent),
                partial(agent.get_all_handoffs, self.context),
                partial(enabled_handoffs, [*run.handoffs, *initial.handoffs], self.context, agent),
            ],
        )
        settings: RealtimeSessionModelSettings = {
            "instructions": instructions or "",
            "tools": _by_name(own, tools, over=initial.tools),
            "handoffs": _by_name(own_handoffs, handoffs, over=initial.handoffs),
        }
        if agent.prompt is not None or self.agent.prompt is not None:
            settings["prompt"] = agent.prompt
        return settings

    async def find_tool(self, agent: RealtimeAgent[Any], name: str) -> FunctionTool | None:
        """Return the enabled function tool that a call of that name by `agent` means."""
        run, initial = self._configured()
        return (
            await self._enabled(agent, initial.tools, name)
            or await agent.find_tool(self.context, name)
            or await self._enabled(agent, [*run.tools, *self.updated.tools, *self._asked_with.values()], name)
        )

    def remember_tools(self, tools: Sequence[Tool]) -> None:
        """Remember the tools that one reply is asked for with: it may call them."""
        for tool in tools:
            if isinstance(tool, FunctionTool):
                self._asked_with[tool.name] = tool

    async def all_handoffs(self, agent: RealtimeAgent[Any]) -> list[Handoff[Any]]:
        """Return the enabled handoffs of `agent`, by falling precedence."""
        run, initial = self._configured()
        return [
            *await enabled_handoffs(initial.handoffs, self.context, agent),
            *await agent.get_all_handoffs(self.context),
            *await enabled_handoffs([*run.handoffs, *self.updated.handoffs], self.context, agent),
        ]

    def hosted_tool(self, server_label: str) -> HostedMCPTool:
        """Return the hosted tool of that label."""
        run, initial = self._configured()
        for tool in [*initial.tools, *self.agent.tools, *run.tools, *self.updated.tools]:
            if isinstance(tool, HostedMCPTool) and tool.server_label == server_label:
                return tool
        # The tool of an agent that has handed over, or of a stored prompt.
        return HostedMCPTool({"server_label": server_label})

    def _configured(self) -> tuple[Offer, Offer]:
        return (
            Offer.of(self.run_config.get("model_settings", {})),
            Offer.of(self.model_config.get("initial_model_settings", {})),
        )

    async def _enabled(
        self, agent: RealtimeAgent[Any], tools: Sequence[Tool], name: str
    ) -> FunctionTool | None:
        named = [tool for tool in tools if isinstance(tool, FunctionTool) and tool.name == name]
        for tool in await enabled_tools(named, self.context, agent):
            if isinstance(tool, FunctionTool):
                return tool
        return None


@dataclass(frozen=True, slots=True)
class Offer:
    """Tools and handoffs that settings give beside those of an agent."""

    tools: Sequence[Tool] = ()
    handoffs: Sequence[Handoff[Any]] = ()

    @staticmethod
    def of(settings: Mapping[str, Any]) -> Offer:
        """Return what the settings of a model session offer; an agent stands for the plain handoff to it."""
        handoffs = [
            each if isinstance(each, Handoff) else Handoff.to(each) for each in settings.get("handoffs") or ()
        ]
        return Offer(tuple(settings.get("tools") or ()), tuple(handoffs))


def _by_name(own: Sequence[_T], given: Sequence[_T], *, over: Sequence[_T]) -> list[_T]:
    """Return `own` and `given` without a second of any name: those of `over` stay, then those of `own`."""
    first = {_name(each): each for each in [*given, *own, *over]}
    kept = [each for each in [*own, *given] if first[_name(each)] is each]
    return list({id(each): each for each in kept}.values())


def _name(entry: object) -> object:
    if isinstance(entry, HostedMCPTool):
        return "mcp", entry.server_label
    if isinstance(entry, Mapping):  # In the wire's form already.
        return entry.get("type"), entry.get("name") or entry.get("server_label")
    return "function", entry.tool_name if isinstance(entry, Handoff) else getattr(entry, "name", None)


def _merged(base: Any, over: Any) -> Any:
    """Merge nested mappings key by key; `over` overrides `base`."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return base if over is None else over
    return base | {
        key: _merged(base.get(key), value) if value is not None else None for key, value in over.items()
    }
