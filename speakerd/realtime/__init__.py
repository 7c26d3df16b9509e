"""A voice session with a realtime model: agents, tools, handoffs, guardrails, history, interruptions.

This room is a library of its own: it knows nothing of sound cards, buttons or the daemon. A program::

    import asyncio
    from speakerd.realtime import RealtimeAgent, RealtimeRunner, function_tool

    @function_tool
    def get_time(city: str) -> str:
        '''Tell the time in a city.'''
        ...

    async def main():
        agent = RealtimeAgent("Ada", instructions="You are a kitchen clock. Be brief.", tools=[get_time])
        runner = RealtimeRunner(agent, config={"model_settings": {"voice": "ash"}})
        async with await runner.run() as session:
            await session.send_message("How late is it in Rome?")
            async for event in session:
                if event.type == "audio":
                    play(event.audio.data)        # 16-bit mono at 24 kHz
                elif event.type == "audio_interrupted":
                    stop_playing()

    asyncio.run(main())

A *runner* makes sessions of one agent with one set of settings; a *session* is one conversation. An *agent* is
the character that the model plays; *tools* are what it can do. The packages, from the top: `session` (what runs
while a conversation lives), `transport` (the WebSocket), `wire` (the protocol without I/O), `model` (the port
between session and wire), `agents` (what a program declares); `testing` has what a program's own tests need.

Where the model is
------------------
The key is taken from `OPENAI_API_KEY`, or given: `runner.run(model_config={"api_key": ...})`, as text or as a
function, sync or async, that fetches it at each connect. Other places::

    # Azure: the deployment is the model; the key goes into a header, and then no `Authorization` is sent.
    {"url": "wss://RESOURCE.openai.azure.com/openai/v1/realtime?model=DEPLOYMENT", "headers": {"api-key": KEY}}
    # A server of your own. Older event names and missing fields are understood.
    {"url": "ws://192.168.1.20:8000/v1/realtime?model=whatever"}
    # One that speaks otherwise: those that are known are in `speakerd.realtime.dialects.DIALECTS`.
    {"url": "wss://api.x.ai/v1/realtime?model=grok-voice-latest", "dialect": DIALECTS["xai"]}
    # A call that runs already.
    {"call_id": "rtc_..."}

A lost connection is restored, and the conversation is replayed on the new one; `connection` events report it.
Errors after which trying again cannot help (a bad key) are raised.

What people ask
---------------
*Which event names are right, the beta or the GA ones?* GA is sent; both are understood.

*How do I read the history, and compare it with my own record?* `session.history`, at any time: items, oldest first,
as they were said and heard. `item.to_dict()` and `text_of(item)` help. The same comes with each `history_updated`;
`history_added` brings a new item. The runner has no history: it belongs to the session.

*What can I do below the session?* `session.model`: listeners of your own by `add_listener`, and `send_event`
with any class of `RealtimeModelSendEvent`; `RealtimeModelSendRawMessage(message={"type": ...})` sends any client
event unchanged.

*How do I tell the model something without a reply, and without interrupting it?* `await session.add_context("It
has begun to rain.")`: it stays, and no reply is asked for. `previous_item_id="root"` puts it in front of all.

*How do I ask something beside the conversation?* `await session.respond(conversation="none", metadata={"topic":
"x"}, input=[...], output_modalities=["text"])`. The answer is the `output_text` of the `agent_end` event that
carries the same `metadata`. The same as a raw `response.create` is understood too.

*How do I change the instructions of a session that runs?* `await session.update_agent(
session.current_agent.clone(instructions="..."))`, or `await session.update_settings(instructions="...")`, or
`RealtimeModelSendSessionUpdate`. Only what differs is sent, so *Cannot update a conversation's voice* does not
occur: the voice is left out once the model has spoken.

*What are instructions, and what is a prompt?* Instructions are the agent's text, or a function `(context,
agent)` that makes it. A prompt is kept at the provider and named by id: `RealtimeAgent("Ada", prompt={"id":
"pmpt_...", "version": "2", "variables": {...}})`. Instructions take precedence over it.

*How do I set the language?* Speaking: in the instructions. Understanding: `"audio": {"input": {"transcription":
{"model": "gpt-transcribe", "language": "fr"}}}` in the model settings.

*It cuts slow speakers off.* `turn_detection` (flat, or under `audio.input`): `{"type": "server_vad",
"silence_duration_ms": 1000}` or `{"type": "semantic_vad", "eagerness": "low"}`; also by `session.update_settings`.
`None` turns it off: then the program ends the turns.

*Does the model wait for my tool?* Yes. The reply is asked for when all calls of a response have been answered.
`@function_tool(timeout=10)` limits it. With `async_tool_calls=False` the event stream waits as well.

*How does it stay silent, or say goodbye once?* Give the agent the tool `stay_silent`. A tool of your own that
wants no reply has `@function_tool(answer=False)`; with `answer="unless_spoken"` the model is asked for one only if
it said nothing in the response that called the tool.

*May I check what a tool gets and gives?* `@tool_input_guardrail` and `@tool_output_guardrail`, in the tool's
`tool_input_guardrails` and `tool_output_guardrails`: they allow, reject with a text for the model, or raise.

*How do I keep a record of what was said and which tools ran?* `history_added`, `history_updated`, and between
them `tool_start` (`tool`, `arguments`) and `tool_end` (`output`); `audio_interrupted` says that a reply was
cut, after which the history has only what was heard.

*How do I turn events into dictionaries?* `event.to_dict()`, ready for JSON; audio by its length, unless
`include_audio=True`.

*When do `agent_start` and `agent_end` come?* When a reply begins and when all of it has been generated, which
is not when it has been heard. Both carry the `response_id`.

*I send audio and nobody answers.* Without turn detection: `await session.send_audio(b"", commit=True)` (or
`session.commit_audio()`), then `await session.respond()`. Look for `error` events; `raw_model_event` shows
every frame.

*How do I show a transcript that grows?* `transcript_delta`: `item_id`, `role`, `delta`, for both sides. A whole
utterance comes as `response.audio_transcript.done` and `conversation.item.input_audio_transcription.completed`.

*How much of a reply was heard?* Give a `RealtimePlaybackTracker` as `model_config["playback_tracker"]` and tell it
what left the loudspeaker.

*May the model ask before it does something?* `@function_tool(needs_approval=True)`, or a rule: then
`tool_approval_required` comes, and `session.approve_tool_call(call_id)` or `session.reject_tool_call(call_id)`
answers, with `always=True` for good. Tools of a `HostedMCPTool` are answered in the same way.

*How do I show it a picture?* `session.send_message({"type": "message", "role": "user", "content": [{"type":
"input_image", "image_url": "data:..."}, {"type": "input_text", "text": "What is this?"}]})`.

Each of these answers is run by `tests/realtime/test_guide_questions_*.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from speakerd.realtime.agents import (
    FunctionTool,
    GuardrailFunctionOutput,
    Handoff,
    HostedMCPTool,
    MCPConfig,
    OutputGuardrail,
    OutputGuardrailResult,
    RealtimeAgent,
    RealtimeAgentHooks,
    RealtimeRunHooks,
    Tool,
    ToolAbortedError,
    ToolArgumentsError,
    ToolErrorFormatterArgs,
    ToolGuardrailFunctionOutput,
    ToolInputGuardrail,
    ToolInputGuardrailData,
    ToolInputGuardrailTripwireTriggered,
    ToolOutputGuardrail,
    ToolOutputGuardrailData,
    ToolOutputGuardrailTripwireTriggered,
    UnknownToolCallError,
    default_tool_error_function,
    function_tool,
    output_guardrail,
    realtime_handoff,
    stay_silent,
    tool_input_guardrail,
    tool_output_guardrail,
)
from speakerd.realtime.errors import (
    ConnectFailedError,
    ConnectRefusedError,
    HostedToolsError,
    LeftOutError,
    ModelBehaviorError,
    NoAnswerError,
    NotConfirmedError,
    NotConnectedError,
    RealtimeLayerError,
    SessionNotice,
    SessionNotOpenError,
    SettingChangedError,
    SettingRefusedError,
    SetUpRefusedError,
    ThrottledError,
    ToolLimitError,
    ToolTimeoutError,
    UnknownToolError,
    UserError,
)
from speakerd.realtime.items import (
    AssistantAudio,
    AssistantMessageItem,
    AssistantText,
    InputAudio,
    InputImage,
    InputText,
    RealtimeItem,
    RealtimeMessageItem,
    RealtimeToolCallItem,
    SystemMessageItem,
    UserMessageItem,
    item_from_dict,
    text_of,
)
from speakerd.realtime.model import (
    RealtimeAudioConfig,
    RealtimeAudioFormat,
    RealtimeAudioInputConfig,
    RealtimeAudioOutputConfig,
    RealtimeClientMessage,
    RealtimeConnectionStatus,
    RealtimeGuardrailsSettings,
    RealtimeInputAudioNoiseReductionConfig,
    RealtimeInputAudioTranscriptionConfig,
    RealtimeModel,
    RealtimeModelAudioDoneEvent,
    RealtimeModelAudioEvent,
    RealtimeModelAudioInterruptedEvent,
    RealtimeModelConfig,
    RealtimeModelConnectionStatusEvent,
    RealtimeModelEndOfStreamEvent,
    RealtimeModelErrorEvent,
    RealtimeModelEvent,
    RealtimeModelExceptionEvent,
    RealtimeModelInputAudioCommittedEvent,
    RealtimeModelInputAudioTimeoutTriggeredEvent,
    RealtimeModelInputAudioTranscriptionCompletedEvent,
    RealtimeModelInputAudioTranscriptionDeltaEvent,
    RealtimeModelInputImageContent,
    RealtimeModelInputTextContent,
    RealtimeModelItemDeletedEvent,
    RealtimeModelItemTruncatedEvent,
    RealtimeModelItemUpdatedEvent,
    RealtimeModelListener,
    RealtimeModelMcpApprovalRequestEvent,
    RealtimeModelMcpCallEndedEvent,
    RealtimeModelMcpCallStartedEvent,
    RealtimeModelName,
    RealtimeModelOtherEvent,
    RealtimeModelOutputTextDeltaEvent,
    RealtimeModelRawClientMessage,
    RealtimeModelRawServerEvent,
    RealtimeModelSendAudio,
    RealtimeModelSendAudioClear,
    RealtimeModelSendAudioCommit,
    RealtimeModelSendContext,
    RealtimeModelSendEvent,
    RealtimeModelSendInterrupt,
    RealtimeModelSendMcpApproval,
    RealtimeModelSendRawMessage,
    RealtimeModelSendResponse,
    RealtimeModelSendSessionUpdate,
    RealtimeModelSendToolOutput,
    RealtimeModelSendUserInput,
    RealtimeModelSpeechStartedEvent,
    RealtimeModelSpeechStoppedEvent,
    RealtimeModelToolCallEvent,
    RealtimeModelTracingConfig,
    RealtimeModelTranscriptDeltaEvent,
    RealtimeModelTranscriptDoneEvent,
    RealtimeModelTurnEndedEvent,
    RealtimeModelTurnStartedEvent,
    RealtimeModelUsageEvent,
    RealtimeModelUserInput,
    RealtimeModelUserInputMessage,
    RealtimePlaybackState,
    RealtimePlaybackTracker,
    RealtimeReasoningConfig,
    RealtimeRunConfig,
    RealtimeSessionModelSettings,
    RealtimeToolExecutionConfig,
    RealtimeTurnDetectionConfig,
    RealtimeUserInput,
    RealtimeUserInputMessage,
)
from speakerd.realtime.prompts import (
    Prompt,
)
from speakerd.realtime.run_context import (
    RunContextWrapper,
    ToolContext,
)
from speakerd.realtime.session import (
    RealtimeAgentEndEvent,
    RealtimeAgentStartEvent,
    RealtimeAssistantTranscript,
    RealtimeAudio,
    RealtimeAudioEnd,
    RealtimeAudioInterrupted,
    RealtimeConnection,
    RealtimeError,
    RealtimeEventInfo,
    RealtimeGuardrailTripped,
    RealtimeHandoffEvent,
    RealtimeHistoryAdded,
    RealtimeHistoryUpdated,
    RealtimeInputAudioCommitted,
    RealtimeInputAudioTimeoutTriggered,
    RealtimeNoReplyDue,
    RealtimeRawModelEvent,
    RealtimeRunner,
    RealtimeSession,
    RealtimeSessionEvent,
    RealtimeSpeechStarted,
    RealtimeSpeechStopped,
    RealtimeToolApprovalRequired,
    RealtimeToolEnd,
    RealtimeToolStart,
    RealtimeTranscriptDelta,
    RealtimeUsage,
    RealtimeUserTranscript,
)
from speakerd.realtime.usage import (
    RealtimeModelCachedTokensDetails,
    RealtimeModelInputTokensDetails,
    RealtimeModelOutputTokensDetails,
    Usage,
)

if TYPE_CHECKING:
    from speakerd.realtime.transport import OpenAIRealtimeWebSocketModel

__all__ = [
    "AssistantAudio",
    "AssistantMessageItem",
    "AssistantText",
    "ConnectFailedError",
    "ConnectRefusedError",
    "FunctionTool",
    "GuardrailFunctionOutput",
    "Handoff",
    "HostedMCPTool",
    "HostedToolsError",
    "InputAudio",
    "InputImage",
    "InputText",
    "LeftOutError",
    "MCPConfig",
    "ModelBehaviorError",
    "NoAnswerError",
    "NotConfirmedError",
    "NotConnectedError",
    "OpenAIRealtimeWebSocketModel",
    "OutputGuardrail",
    "OutputGuardrailResult",
    "Prompt",
    "RealtimeAgent",
    "RealtimeAgentEndEvent",
    "RealtimeAgentHooks",
    "RealtimeAgentStartEvent",
    "RealtimeAssistantTranscript",
    "RealtimeAudio",
    "RealtimeAudioConfig",
    "RealtimeAudioEnd",
    "RealtimeAudioFormat",
    "RealtimeAudioInputConfig",
    "RealtimeAudioInterrupted",
    "RealtimeAudioOutputConfig",
    "RealtimeClientMessage",
    "RealtimeConnection",
    "RealtimeConnectionStatus",
    "RealtimeError",
    "RealtimeEventInfo",
    "RealtimeGuardrailTripped",
    "RealtimeGuardrailsSettings",
    "RealtimeHandoffEvent",
    "RealtimeHistoryAdded",
    "RealtimeHistoryUpdated",
    "RealtimeInputAudioCommitted",
    "RealtimeInputAudioNoiseReductionConfig",
    "RealtimeInputAudioTimeoutTriggered",
    "RealtimeInputAudioTranscriptionConfig",
    "RealtimeItem",
    "RealtimeLayerError",
    "RealtimeMessageItem",
    "RealtimeModel",
    "RealtimeModelAudioDoneEvent",
    "RealtimeModelAudioEvent",
    "RealtimeModelAudioInterruptedEvent",
    "RealtimeModelCachedTokensDetails",
    "RealtimeModelConfig",
    "RealtimeModelConnectionStatusEvent",
    "RealtimeModelEndOfStreamEvent",
    "RealtimeModelErrorEvent",
    "RealtimeModelEvent",
    "RealtimeModelExceptionEvent",
    "RealtimeModelInputAudioCommittedEvent",
    "RealtimeModelInputAudioTimeoutTriggeredEvent",
    "RealtimeModelInputAudioTranscriptionCompletedEvent",
    "RealtimeModelInputAudioTranscriptionDeltaEvent",
    "RealtimeModelInputImageContent",
    "RealtimeModelInputTextContent",
    "RealtimeModelInputTokensDetails",
    "RealtimeModelItemDeletedEvent",
    "RealtimeModelItemTruncatedEvent",
    "RealtimeModelItemUpdatedEvent",
    "RealtimeModelListener",
    "RealtimeModelMcpApprovalRequestEvent",
    "RealtimeModelMcpCallEndedEvent",
    "RealtimeModelMcpCallStartedEvent",
    "RealtimeModelName",
    "RealtimeModelOtherEvent",
    "RealtimeModelOutputTextDeltaEvent",
    "RealtimeModelOutputTokensDetails",
    "RealtimeModelRawClientMessage",
    "RealtimeModelRawServerEvent",
    "RealtimeModelSendAudio",
    "RealtimeModelSendAudioClear",
    "RealtimeModelSendAudioCommit",
    "RealtimeModelSendContext",
    "RealtimeModelSendEvent",
    "RealtimeModelSendInterrupt",
    "RealtimeModelSendMcpApproval",
    "RealtimeModelSendRawMessage",
    "RealtimeModelSendResponse",
    "RealtimeModelSendSessionUpdate",
    "RealtimeModelSendToolOutput",
    "RealtimeModelSendUserInput",
    "RealtimeModelSpeechStartedEvent",
    "RealtimeModelSpeechStoppedEvent",
    "RealtimeModelToolCallEvent",
    "RealtimeModelTracingConfig",
    "RealtimeModelTranscriptDeltaEvent",
    "RealtimeModelTranscriptDoneEvent",
    "RealtimeModelTurnEndedEvent",
    "RealtimeModelTurnStartedEvent",
    "RealtimeModelUsageEvent",
    "RealtimeModelUserInput",
    "RealtimeModelUserInputMessage",
    "RealtimeNoReplyDue",
    "RealtimePlaybackState",
    "RealtimePlaybackTracker",
    "RealtimeRawModelEvent",
    "RealtimeReasoningConfig",
    "RealtimeRunConfig",
    "RealtimeRunHooks",
    "RealtimeRunner",
    "RealtimeSession",
    "RealtimeSessionEvent",
    "RealtimeSessionModelSettings",
    "RealtimeSpeechStarted",
    "RealtimeSpeechStopped",
    "RealtimeToolApprovalRequired",
    "RealtimeToolCallItem",
    "RealtimeToolEnd",
    "RealtimeToolExecutionConfig",
    "RealtimeToolStart",
    "RealtimeTranscriptDelta",
    "RealtimeTurnDetectionConfig",
    "RealtimeUsage",
    "RealtimeUserInput",
    "RealtimeUserInputMessage",
    "RealtimeUserTranscript",
    "RunContextWrapper",
    "SessionNotOpenError",
    "SessionNotice",
    "SetUpRefusedError",
    "SettingChangedError",
    "SettingRefusedError",
    "SystemMessageItem",
    "ThrottledError",
    "Tool",
    "ToolAbortedError",
    "ToolArgumentsError",
    "ToolContext",
    "ToolErrorFormatterArgs",
    "ToolGuardrailFunctionOutput",
    "ToolInputGuardrail",
    "ToolInputGuardrailData",
    "ToolInputGuardrailTripwireTriggered",
    "ToolLimitError",
    "ToolOutputGuardrail",
    "ToolOutputGuardrailData",
    "ToolOutputGuardrailTripwireTriggered",
    "ToolTimeoutError",
    "UnknownToolCallError",
    "UnknownToolError",
    "Usage",
    "UserError",
    "UserMessageItem",
    "default_tool_error_function",
    "function_tool",
    "item_from_dict",
    "output_guardrail",
    "realtime_handoff",
    "stay_silent",
    "text_of",
    "tool_input_guardrail",
    "tool_output_guardrail",
]


def __getattr__(name: str) -> Any:
    """Load the WebSocket model at its first use: only it needs `websockets`, the one costly import."""
    if name != "OpenAIRealtimeWebSocketModel":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from speakerd.realtime.transport import OpenAIRealtimeWebSocketModel  # noqa: PLC0415

    return OpenAIRealtimeWebSocketModel


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
