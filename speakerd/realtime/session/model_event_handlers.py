"""What a session does about each event of its model: history, tools, guardrails, and telling the program.

Unless `raw_events` is off, every model event is first forwarded as a `raw_model_event`. Then its method in
the table below runs, if it has one. No method waits for anything but room in the event queue, unless tools were
asked to run in the stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic

from speakerd.realtime.bounded import BoundedDict
from speakerd.realtime.run_context import TContext
from speakerd.realtime.session.events import (
    RealtimeAgentEndEvent,
    RealtimeAgentStartEvent,
    RealtimeAssistantTranscript,
    RealtimeAudio,
    RealtimeAudioEnd,
    RealtimeAudioInterrupted,
    RealtimeConnection,
    RealtimeError,
    RealtimeInputAudioCommitted,
    RealtimeInputAudioTimeoutTriggered,
    RealtimeRawModelEvent,
    RealtimeSpeechStarted,
    RealtimeSpeechStopped,
    RealtimeTranscriptDelta,
    RealtimeUsage,
    RealtimeUserTranscript,
)
from speakerd.realtime.session.state import MAX_RESPONSES
from speakerd.realtime.session.task_queue import SerialQueue

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

    from speakerd.realtime import model as m
    from speakerd.realtime.agents import RealtimeAgent
    from speakerd.realtime.session.guardrail_runner import GuardrailRunner
    from speakerd.realtime.session.hosted_tool_approvals import HostedToolApprovals
    from speakerd.realtime.session.state import HookName, SessionState
    from speakerd.realtime.session.tool_runner import ToolRunner

_MAX_HOOKS_WAITING = 256
"""The most calls of slow hooks that may wait; further ones drop the oldest, with an `error` event."""


class ModelEventHandlers(Generic[TContext]):
    """Handles the events of one session's model."""

    def __init__(
        self,
        state: SessionState[TContext],
        tools: ToolRunner[TContext],
        guardrails: GuardrailRunner[TContext],
        hosted: HostedToolApprovals[TContext],
    ) -> None:
        self._state = state
        self._tools = tools
        self._guardrails = guardrails
        self._hosted = hosted
        self._hooks = SerialQueue(state.report, _MAX_HOOKS_WAITING)
        self._raw_events = state.run_config.get("raw_events", True)
        self._tool_calls: BoundedDict[str | None, int] = BoundedDict(MAX_RESPONSES)
        """How many tools each running response has called, those that the server runs itself included."""

    async def react(self, event: m.RealtimeModelEvent) -> None:
        """Do what one event of the model means: update the history, run tools and hooks, notify the program."""
        if self._raw_events:
            raw = RealtimeRawModelEvent(event, self._state.info)
            if not self._state.queue.offer(raw):
                await self._state.queue.put(raw)
        reaction = self._HANDLERS.get(event.type)
        if reaction is not None:
            await reaction(self, event)

    def stop(self) -> set[asyncio.Task[Any]]:
        """Cancel the hook that runs, and drop those that wait; return the task that is ending."""
        return self._hooks.stop()

    async def _audio(self, event: m.RealtimeModelAudioEvent) -> None:
        if self._guardrails.is_cancelled(event.response_id):
            return
        state = self._state
        chunk = RealtimeAudio(event, event.item_id, event.content_index, state.info)
        if not state.queue.offer(chunk):
            await state.queue.put(chunk)

    async def _audio_done(self, event: m.RealtimeModelAudioDoneEvent) -> None:
        await self._state.put(
            RealtimeAudioEnd(info=self._state.info, item_id=event.item_id, content_index=event.content_index)
        )

    async def _audio_interrupted(self, event: m.RealtimeModelAudioInterruptedEvent) -> None:
        self._state.queue.drop_audio()
        await self._state.put(
            RealtimeAudioInterrupted(
                info=self._state.info, item_id=event.item_id, content_index=event.content_index
            )
        )

    async def _item_truncated(self, event: m.RealtimeModelItemTruncatedEvent) -> None:
        change = self._state.history.truncate(
            event.item_id, event.content_index, event.audio_end_ms, event.audio_total_ms
        )
        await self._state.history_changed(change, event.item_id)

    async def _item_updated(self, event: m.RealtimeModelItemUpdatedEvent) -> None:
        await self._state.history_changed(self._state.history.put(event.item), event.item.item_id)

    async def _item_deleted(self, event: m.RealtimeModelItemDeletedEvent) -> None:
        await self._state.history_changed(self._state.history.delete(event.item_id), event.item_id)

    async def _transcript_delta(self, event: m.RealtimeModelTranscriptDeltaEvent) -> None:
        state = self._state
        self._tools.continued(event.response_id)
        change = state.history.assistant_says(event.item_id, event.content_index, event.delta)
        await self._caption(event.item_id, "assistant", event.delta)
        await state.history_changed(change, event.item_id)
        self._guardrails.feed(event.item_id, event.response_id, event.delta)

    async def _output_text_delta(self, event: m.RealtimeModelOutputTextDeltaEvent) -> None:
        self._tools.continued(event.response_id)
        change = self._state.history.assistant_writes(event.item_id, event.content_index, event.delta)
        await self._caption(event.item_id, "assistant", event.delta)
        await self._state.history_changed(change, event.item_id)
        self._guardrails.feed(event.item_id, event.response_id, event.delta)

    async def _transcript_done(self, event: m.RealtimeModelTranscriptDoneEvent) -> None:
        await self._state.put(
            RealtimeAssistantTranscript(
                item_id=event.item_id, transcript=event.transcript, info=self._state.info
            )
        )

    async def _user_delta(self, event: m.RealtimeModelInputAudioTranscriptionDeltaEvent) -> None:
        change = self._state.history.user_said(event.item_id, event.content_index, event.delta, whole=False)
        await self._caption(event.item_id, "user", event.delta)
        await self._state.history_changed(change, event.item_id)

    async def _user_completed(self, event: m.RealtimeModelInputAudioTranscriptionCompletedEvent) -> None:
        change = self._state.history.user_said(
            event.item_id, event.content_index, event.transcript, whole=True
        )
        await self._state.put(
            RealtimeUserTranscript(item_id=event.item_id, transcript=event.transcript, info=self._state.info)
        )
        await self._state.history_changed(change, event.item_id)

    async def _timeout_triggered(self, _event: m.RealtimeModelInputAudioTimeoutTriggeredEvent) -> None:
        await self._state.put(RealtimeInputAudioTimeoutTriggered(info=self._state.info))

    async def _speech_started(self, event: m.RealtimeModelSpeechStartedEvent) -> None:
        await self._state.put(RealtimeSpeechStarted(info=self._state.info, item_id=event.item_id))

    async def _speech_stopped(self, event: m.RealtimeModelSpeechStoppedEvent) -> None:
        await self._state.put(RealtimeSpeechStopped(info=self._state.info, item_id=event.item_id))

    async def _committed(self, event: m.RealtimeModelInputAudioCommittedEvent) -> None:
        self._tools.turn_begins()
        await self._state.put(RealtimeInputAudioCommitted(info=self._state.info, item_id=event.item_id))

    async def _function_call(self, event: m.RealtimeModelToolCallEvent) -> None:
        self._count_call(event.response_id)
        await self._tools.call(event)

    def _count_call(self, response_id: str | None) -> None:
        self._tool_calls[response_id] = self._tool_calls.get(response_id, 0) + 1

    async def _mcp_approval(self, event: m.RealtimeModelMcpApprovalRequestEvent) -> None:
        self._count_call(event.response_id)
        await self._hosted.request(event)

    async def _mcp_call_started(self, event: m.RealtimeModelMcpCallStartedEvent) -> None:
        self._count_call(event.response_id)
        await self._tools.hosted_started(event)

    async def _mcp_call_ended(self, event: m.RealtimeModelMcpCallEndedEvent) -> None:
        await self._tools.hosted_ended(event)

    async def _turn_started(self, event: m.RealtimeModelTurnStartedEvent) -> None:
        state = self._state
        state.response_started(event.response_id)
        self._tools.response_started(event.response_id)
        self._guardrails.start(event.response_id)
        await state.put(
            RealtimeAgentStartEvent(
                agent=state.agent,
                info=state.info,
                response_id=event.response_id,
                out_of_band=event.out_of_band,
                metadata=event.metadata,
            )
        )
        if not event.out_of_band:
            await self._queue_hooks("on_start", state.agent)

    async def _turn_ended(self, event: m.RealtimeModelTurnEndedEvent) -> None:
        state = self._state
        agent = state.agent_of(event.response_id)
        if not event.out_of_band:
            self._guardrails.end(event.response_id)
        await state.put(
            RealtimeAgentEndEvent(
                agent=agent,
                info=state.info,
                response_id=event.response_id,
                status=event.status,
                reason=event.reason,
                had_audio=event.had_audio,
                output_text=event.output_text,
                out_of_band=event.out_of_band,
                metadata=event.metadata,
                tool_calls=self._tool_calls.pop(event.response_id, 0),
            )
        )
        if not event.out_of_band:
            await self._queue_hooks("on_end", agent, event.output_text)
        spoke = event.had_audio or bool(event.output_text)
        await self._tools.response_ended(event.response_id, event.status, spoke=spoke)

    async def _usage(self, event: m.RealtimeModelUsageEvent) -> None:
        context = self._state.context
        context.usage += event.usage
        self._tools.spend(event.usage.total_tokens)
        await self._state.put(
            RealtimeUsage(
                usage=event.usage, total=context.usage, info=self._state.info, response_id=event.response_id
            )
        )

    async def _connection(self, event: m.RealtimeModelConnectionStatusEvent) -> None:
        await self._state.put(
            RealtimeConnection(
                status=event.status, reason=event.reason, info=self._state.info, fatal=event.fatal
            )
        )
        if event.status == "connected":
            await self._tools.connection_replaced()

    async def _error(self, event: m.RealtimeModelErrorEvent) -> None:
        await self._state.put(RealtimeError(error=event.error, info=self._state.info, about=event.about))

    async def _exception(self, event: m.RealtimeModelExceptionEvent) -> None:
        self._state.queue.fail(event.exception)

    async def _end_of_stream(self, _event: m.RealtimeModelEndOfStreamEvent) -> None:
        self._state.queue.end()

    async def _caption(self, item_id: str, role: Any, delta: str) -> None:
        await self._state.put(
            RealtimeTranscriptDelta(item_id=item_id, role=role, delta=delta, info=self._state.info)
        )

    async def _queue_hooks(self, name: HookName, agent: RealtimeAgent[Any], *args: Any) -> None:
        for called, hook in self._state.hooks(name, agent, *args):
            if not self._hooks.add(hook, f"The hook {called}"):
                error = RuntimeError("hooks are too slow: one was left out")
                await self._state.report(error, f"The hook {called}")

    _HANDLERS: ClassVar[dict[str, Callable[[ModelEventHandlers[Any], Any], Awaitable[None]]]] = {
        "audio": _audio,
        "audio_done": _audio_done,
        "audio_interrupted": _audio_interrupted,
        "item_truncated": _item_truncated,
        "item_updated": _item_updated,
        "item_deleted": _item_deleted,
        "transcript_delta": _transcript_delta,
        "transcript_done": _transcript_done,
        "output_text_delta": _output_text_delta,
        "input_audio_transcription_delta": _user_delta,
        "input_audio_transcription_completed": _user_completed,
        "input_audio_timeout_triggered": _timeout_triggered,
        "speech_started": _speech_started,
        "speech_stopped": _speech_stopped,
        "input_audio_committed": _committed,
        "function_call": _function_call,
        "mcp_approval_request": _mcp_approval,
        "mcp_call_started": _mcp_call_started,
        "mcp_call_ended": _mcp_call_ended,
        "turn_started": _turn_started,
        "turn_ended": _turn_ended,
        "usage": _usage,
        "connection_status": _connection,
        "error": _error,
        "exception": _exception,
        "end_of_stream": _end_of_stream,
    }
