"""The runner: makes sessions of one starting agent, one kind of model and one set of settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic

from speakerd.realtime.run_context import TContext
from speakerd.realtime.session.session import RealtimeSession

if TYPE_CHECKING:
    from speakerd.realtime.agents import RealtimeAgent
    from speakerd.realtime.model import RealtimeModel, RealtimeModelConfig, RealtimeRunConfig


class RealtimeRunner(Generic[TContext]):
    """Makes sessions. Make one runner per kind of conversation, and one session per conversation.

    Args:
        starting_agent: The agent that begins.
        model: The model to talk to; without one, each session has a WebSocket connection of its own.
        config: Settings for all sessions.
    """

    def __init__(
        self,
        starting_agent: RealtimeAgent[TContext],
        *,
        model: RealtimeModel | None = None,
        config: RealtimeRunConfig | None = None,
    ) -> None:
        self._starting_agent = starting_agent
        self._model = model
        self._config = config

    async def run(
        self, *, context: TContext | None = None, model_config: RealtimeModelConfig | None = None
    ) -> RealtimeSession[TContext]:
        """Make a session. It connects when it is entered.

        Args:
            context: An object of yours, handed to tools, instructions, guardrails and hooks, never to the model.
            model_config: How to reach the model, and settings for this session's beginning.

        Raises:
            UserError: the agent, or one it may hand over to, the model or a setting is not what it has to be.
        """
        return RealtimeSession(
            model=_default_model() if self._model is None else self._model,
            agent=self._starting_agent,
            context=context,
            model_config=model_config,
            run_config=self._config,
        )


def _default_model() -> RealtimeModel:
    from speakerd.realtime.transport import OpenAIRealtimeWebSocketModel  # noqa: PLC0415  # loads a WebSocket library

    return OpenAIRealtimeWebSocketModel()
