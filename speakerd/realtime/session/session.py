"""A live conversation with a realtime model.

::

    runner = RealtimeRunner(agent)
    async with await runner.run() as session:
        await session.send_message("Hello")
        async for event in session:
            if event.type == "audio":
                play(event.audio.data)

The session listens to its model, keeps the history, runs tools and guardrails, and puts all events into a bounded
queue from which the program reads (`event_queue` says what happens when it reads too slowly). Sending never waits
for the model's answer. All methods belong to the event loop that entered the session.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, Unpack
from weakref import WeakValueDictionary

from speakerd.realtime.agents import check_agent
from speakerd.realtime.errors import SessionNotOpenError, UserError
from speakerd.realtime.field_checks import Kind, check
from speakerd.realtime.model import (
    RealtimeModelConfig,
    RealtimeModelListener,
    RealtimeModelSendAudio,
    RealtimeModelSendAudioClear,
    RealtimeModelSendAudioCommit,
    RealtimeModelSendContext,
    RealtimeModelSendInterrupt,
    RealtimeModelSendResponse,
    RealtimeModelSendSessionUpdate,
    RealtimeModelSendUserInput,
    RealtimeRunConfig,
    RealtimeSessionModelSettings,
)
from speakerd.realtime.run_context import TContext
from speakerd.realtime.session.config_checks import check_config
from speakerd.realtime.session.events import RealtimeHistoryUpdated
from speakerd.realtime.session.guardrail_runner import GuardrailRunner
from speakerd.realtime.session.hosted_tool_approvals import HostedToolApprovals
from speakerd.realtime.session.model_event_handlers import ModelEventHandlers
from speakerd.realtime.session.state import Offer, SessionState
from speakerd.realtime.session.task_queue import cancel_all, until_ended
from speakerd.realtime.session.tool_runner import ToolRunner

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from speakerd.realtime.agents import RealtimeAgent, Tool
    from speakerd.realtime.items import RealtimeItem
    from speakerd.realtime.model import (
        RealtimeModel,
        RealtimeModelEvent,
        RealtimeModelSendEvent,
        RealtimeReasoningConfig,
        RealtimeUserInput,
    )
    from speakerd.realtime.session.events import RealtimeSessionEvent
    from speakerd.realtime.usage import Usage

_log = logging.getLogger(__name__)

_OWNERS: WeakValueDictionary[int, RealtimeSession[Any]] = WeakValueDictionary()
"""The entered session of each model, by the model's `id`, which stays its own as the session keeps it alive."""


_MODEL: Final = Kind(
    "a RealtimeModel",
    lambda value: all(
        callable(getattr(value, name, None))
        for name in ("connect", "add_listener", "remove_listener", "send_event", "close")
    ),
)


class RealtimeSession(RealtimeModelListener, Generic[TContext]):
    """One conversation with a model. Made by `RealtimeRunner.run()`; enter it, then send and iterate."""

    def __init__(
        self,
        model: RealtimeModel,
        agent: RealtimeAgent[TContext],
        context: TContext | None,
        model_config: RealtimeModelConfig | None = None,
        run_config: RealtimeRunConfig | None = None,
    ) -> None:
        check("A session", "model", model, _MODEL)
        check_agent(agent)
        run_config = RealtimeRunConfig() if run_config is None else run_config
        model_config = RealtimeModelConfig() if model_config is None else model_config
        for warning in (
            *check_config("The run's config", run_config, RealtimeRunConfig),
            *check_config("The model_config", model_config, RealtimeModelConfig),
        ):
            _log.warning("%s", warning)
        self._model = model
        self._state = SessionState(model, agent, context, model_config, run_config)
        self._tools = ToolRunner(self._state)
        self._guardrails = GuardrailRunner(self._state)
        self._hosted = HostedToolApprovals(self._state, self._tools)
        self._handlers = ModelEventHandlers(self._state, self._tools, self._guardrails, self._hosted)
        self._entered = False
        self._connecting: asyncio.Task[None] | None = None
        self._ending = False
        """`close()` was called: nothing is sent and no event is processed any more."""
        self._closed = False
        """All that `close()` does has been done."""
        self._close_lock = asyncio.Lock()

    @property
    def model(self) -> RealtimeModel:
        """The session's model, for listeners and requests of your own."""
        return self._model

    @property
    def current_agent(self) -> RealtimeAgent[TContext]:
        """The agent that the model plays now."""
        return self._state.agent

    @property
    def history(self) -> list[RealtimeItem]:
        """A copy of the conversation so far, as it was said and heard."""
        return self._state.history.items

    @property
    def usage(self) -> Usage:
        """The tokens of all responses so far."""
        return self._state.context.usage

    async def __aenter__(self) -> Self:
        """Connect. Afterwards events can be read, and everything can be sent.

        Raises:
            UserError: the session was entered before, or its model belongs to another session.
            SessionNotOpenError: `close()` was called, perhaps while this connected.
            ConnectFailedError: the model cannot be reached.
        """
        if self._ending:
            raise SessionNotOpenError("It cannot be entered", closed=True)
        if self._entered:
            raise UserError("A session is entered once: make another with `await runner.run()`")
        owner = _OWNERS.get(id(self._model))
        if owner is not None:
            raise UserError(
                f"The model {type(self._model).__name__} belongs to another session, of the agent "
                f"{owner.current_agent.name}: close that one first, or give each runner a model of its own, or none"
            )
        _OWNERS[id(self._model)] = self
        self._entered = True
        self._model.add_listener(self)
        self._connecting = asyncio.create_task(self._connect(), name="speakerd session connect")
        try:
            # In a task of its own, so that close() can end it and this still returns.
            await asyncio.wait({self._connecting})
            if self._ending:
                raise SessionNotOpenError("It could not be entered", closed=True)
            await self._connecting
        except BaseException:
            await self.close()
            raise
        return self

    async def _connect(self) -> None:
        state = self._state
        config: RealtimeModelConfig = {
            "raw_server_events": state.run_config.get("raw_events", True),
            **state.model_config,
            "initial_model_settings": await state.opening_settings(),
            "conversation": lambda: state.history.items,
        }
        await self._model.connect(config)
        await state.put(RealtimeHistoryUpdated(history=state.history.items, info=state.info))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def enter(self) -> Self:
        """Connect as `async with` does; the caller has to call `close()`."""
        return await self.__aenter__()

    def __aiter__(self) -> AsyncIterator[RealtimeSessionEvent]:
        """Iterate over all events, in order, until the session ends.

        One task reads at a time. Leaving the loop and coming back loses nothing, nor does being cancelled. Events
        that were queued before a failure or before `close()` are still returned.
        """
        return self

    async def __anext__(self) -> RealtimeSessionEvent:
        """Wait for the next event and return it.

        Raises:
            StopAsyncIteration: the session has ended.
            Exception: the failure that ended the session: the model's, or that of a tool set to raise.
        """
        event = self._state.queue.poll()
        if event is not None:
            return event
        try:
            event = await self._state.queue.get()
        except Exception:
            await self.close()
            raise
        if event is None:
            raise StopAsyncIteration
        return event

    async def close(self) -> None:
        """End the conversation: tools are cancelled, the connection is closed, iteration ends.

        Idempotent: a second call waits until the first has done all that. It also ends an `enter()` that connects.
        """
        self._ending = True
        self._state.queue.end()
        self._model.remove_listener(self)
        async with self._close_lock:
            if self._closed:
                return
            ending = (
                self._tools.stop() | self._guardrails.stop() | self._hosted.stop() | self._handlers.stop()
            )
            if (connecting := self._connecting) is not None:
                await until_ended(cancel_all({connecting}))
                if connecting.done() and not connecting.cancelled():
                    # It may have failed by itself just then, which nobody else asks for: not to be logged.
                    connecting.exception()
            if _OWNERS.get(id(self._model)) is self:
                await self._model.close()  # Meanwhile the tools and the others end.
                del _OWNERS[id(self._model)]
            await until_ended(ending)
            self._closed = True

    def _send(self, event: RealtimeModelSendEvent) -> Awaitable[None]:
        if self._ending or not self._entered:  # Asked first: the words cost more than an append's base64.
            self._check_open(f"{type(event).__name__.removeprefix('RealtimeModel')} cannot be done")
        return self._model.send_event(event)

    def _check_open(self, what: str) -> None:
        if self._ending or not self._entered:
            raise SessionNotOpenError(what, closed=self._ending)

    async def send_message(self, message: RealtimeUserInput) -> None:
        """Send a message of the user, and ask for the reply.

        Text, or a message of several parts: `{"type": "message", "role": "user", "content": [{"type": "input_text",
        "text": ...}, {"type": "input_image", "image_url": ...}]}`.
        """
        self._tools.turn_begins()
        await self._send(RealtimeModelSendUserInput(message))

    async def send_audio(self, audio: bytes, *, commit: bool = False) -> None:
        """Send audio of the user, in the session's input format; with `commit`, end the user's turn.

        A reply comes by itself only where the server detects turns; otherwise call `respond()` after the commit.
        """
        await self._send(RealtimeModelSendAudio(audio, commit))

    async def commit_audio(self) -> None:
        """End the user's turn: the audio sent becomes an item. For a reply, call `respond()` after it."""
        await self._send(RealtimeModelSendAudioCommit())

    async def clear_audio(self) -> None:
        """Discard the audio that was sent and not yet committed."""
        await self._send(RealtimeModelSendAudioClear())

    async def interrupt(self) -> None:
        """Cancel the reply that is generated or played, and cut it to what was heard. Harmless when there is none.

        No `audio` event of that reply follows, not even one that was waiting to be read.
        """
        await self._send(RealtimeModelSendInterrupt(force_response_cancel=True))
        self._state.queue.drop_audio()

    async def respond(
        self,
        *,
        instructions: str | None = None,
        conversation: Literal["auto", "none"] = "auto",
        input: Sequence[Mapping[str, Any]] | None = None,  # noqa: A002  # the wire's name for it
        metadata: Mapping[str, str] | None = None,
        output_modalities: Sequence[Literal["text", "audio"]] | None = None,
        max_output_tokens: int | Literal["inf"] | None = None,
        tool_choice: Literal["auto", "none", "required"] | str | Mapping[str, Any] | None = None,  # noqa: PYI051  # as in the settings
        tools: Sequence[Tool] | None = None,
        reasoning: RealtimeReasoningConfig | None = None,
    ) -> None:
        """Ask for a reply.

        Args:
            instructions: For this reply, instead of the agent's.
            conversation: `"none"` asks out of band: the reply leaves the conversation and the history unchanged,
                and arrives as the `agent_end` event that carries the same `metadata`, in its `output_text`.
            input: Items in the wire's form to be used instead of the conversation, `item_reference` among them.
            metadata: Returned with `agent_start` and `agent_end`, to tell replies apart.
            output_modalities: `["text"]` or `["audio"]`, for this reply.
            max_output_tokens: The most tokens of this reply.
            tool_choice: Whether it may, may not or has to call tools, or the name of the one to call.
            tools: The tools that it may call, instead of the session's.
            reasoning: How much the model reasons before it.
        """
        if tools is not None:
            check_config("respond", {"tools": tools}, RealtimeSessionModelSettings)
            self._state.remember_tools(tools)
        if conversation == "auto":
            self._tools.turn_begins()
        await self._send(
            RealtimeModelSendResponse(
                instructions=instructions,
                conversation=conversation,
                input=input,
                metadata=metadata,
                output_modalities=output_modalities,
                max_output_tokens=max_output_tokens,
                tool_choice=tool_choice,
                tools=tools,
                reasoning=reasoning,
            )
        )

    async def add_context(self, text: str, *, previous_item_id: str | None = None) -> None:
        """Add a system message to the conversation, for good. No reply is asked for.

        It is added at the end, or after the item of `previous_item_id`, or with `"root"` in front.
        """
        await self._send(RealtimeModelSendContext(text, previous_item_id))

    async def update_agent(self, agent: RealtimeAgent[TContext]) -> None:
        """Switch to another agent, or to a changed clone of this one. The model is not told that it changed."""
        check_agent(agent)
        self._check_open("The agent cannot be changed")
        settings = await self._state.agent_settings(agent)
        self._state.agent = agent
        await self._send(RealtimeModelSendSessionUpdate(settings))

    async def update_settings(self, **changed: Unpack[RealtimeSessionModelSettings]) -> None:
        """Change settings of the model session. Only given settings that differ are sent.

        The voice is left out once the model has spoken: the server does not change it any more. Tools and handoffs
        are those that are offered from then on; the model may call them.
        """
        for warning in check_config("update_settings", changed, RealtimeSessionModelSettings):
            _log.warning("%s", warning)
        if "tools" in changed or "handoffs" in changed:
            self._state.updated = Offer.of(changed)
        await self._send(RealtimeModelSendSessionUpdate(changed))

    async def approve_tool_call(self, call_id: str, *, always: bool = False) -> None:
        """Let a waiting tool call run (of a `tool_approval_required` event); with `always`, all of that tool.

        Raises:
            UnknownToolCallError: no call of that id waits.
        """
        if call_id in self._hosted:
            await self._hosted.answer(call_id, approve=True, always=always, reason=None)
        else:
            await self._tools.approve(call_id, always=always)

    async def reject_tool_call(
        self, call_id: str, *, always: bool = False, rejection_message: str | None = None
    ) -> None:
        """Refuse a waiting tool call; the model is told `rejection_message`, or a default sentence.

        Raises:
            UnknownToolCallError: no call of that id waits.
        """
        if call_id in self._hosted:
            await self._hosted.answer(call_id, approve=False, always=always, reason=rejection_message)
        else:
            await self._tools.reject(call_id, always=always, message=rejection_message)

    async def on_event(self, event: RealtimeModelEvent) -> None:
        """Process an event of the model, which calls this."""
        if not self._ending:
            await self._handlers.react(event)
