"""(Being built.)."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from speakerd.realtime.agent import RealtimeAgent
    from speakerd.realtime.config import (
        RealtimeAudioConfig,
        RealtimeAudioFormat,
        RealtimeAudioInputConfig,
        RealtimeAudioOutputConfig,
        RealtimeGuardrailsSettings,
        RealtimeInputAudioNoiseReductionConfig,
        RealtimeInputAudioTranscriptionConfig,
        RealtimeModelConfig,
        RealtimeModelName,
        RealtimeModelTracingConfig,
        RealtimeRunConfig,
        RealtimeSessionModelSettings,
        RealtimeToolExecutionConfig,
        RealtimeTurnDetectionConfig,
        RealtimeUserInput,
    )
    from speakerd.realtime.errors import (
        ConnectFailedError,
        ConnectRefusedError,
        ModelBehaviorError,
        NotConnectedError,
        RealtimeLayerError,
        ToolTimeoutError,
        UserError,
    )
    from speakerd.realtime.events import (
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
        RealtimeRawModelEvent,
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
    from speakerd.realtime.guardrails import (
        GuardrailFunctionOutput,
        OutputGuardrail,
        OutputGuardrailResult,
        output_guardrail,
    )
    from speakerd.realtime.handoffs import Handoff, realtime_handoff
    from speakerd.realtime.hooks import RealtimeAgentHooks
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
        RealtimeModel,
        RealtimeModelListener,
        RealtimePlaybackState,
        RealtimePlaybackTracker,
    )
    from speakerd.realtime.model_events import (
        RealtimeModelAudioDoneEvent,
        RealtimeModelAudioEvent,
        RealtimeModelAudioInterruptedEvent,
        RealtimeModelConnectionStatusEvent,
        RealtimeModelEndOfStreamEvent,
        RealtimeModelErrorEvent,
        RealtimeModelEvent,
        RealtimeModelExceptionEvent,
        RealtimeModelInputAudioTimeoutTriggeredEvent,
        RealtimeModelInputAudioTranscriptionCompletedEvent,
        RealtimeModelItemDeletedEvent,
        RealtimeModelItemUpdatedEvent,
        RealtimeModelOtherEvent,
        RealtimeModelRawServerEvent,
        RealtimeModelToolCallEvent,
        RealtimeModelTranscriptDeltaEvent,
        RealtimeModelTurnEndedEvent,
        RealtimeModelTurnStartedEvent,
        RealtimeModelUsageEvent,
    )
    from speakerd.realtime.model_inputs import (
        RealtimeModelSendAudio,
        RealtimeModelSendEvent,
        RealtimeModelSendInterrupt,
        RealtimeModelSendRawMessage,
        RealtimeModelSendSessionUpdate,
        RealtimeModelSendToolOutput,
        RealtimeModelSendUserInput,
    )
    from speakerd.realtime.prompts import Prompt
    from speakerd.realtime.run_context import RunContextWrapper, ToolContext
    from speakerd.realtime.runner import RealtimeRunner
    from speakerd.realtime.session import RealtimeSession
    from speakerd.realtime.tool import FunctionTool, HostedMCPTool, Tool, function_tool
    from speakerd.realtime.tool_errors import (
        ToolArgumentsError,
        ToolErrorFormatterArgs,
        UnknownToolCallError,
        default_tool_error_function,
    )
    from speakerd.realtime.usage import Usage
    from speakerd.realtime.websocket import OpenAIRealtimeWebSocketModel

_HOMES = {
    "agent": "RealtimeAgent",
    "config": (
        "RealtimeAudioConfig RealtimeAudioFormat RealtimeAudioInputConfig RealtimeAudioOutputConfig "
        "RealtimeGuardrailsSettings RealtimeInputAudioNoiseReductionConfig "
        "RealtimeInputAudioTranscriptionConfig RealtimeModelConfig RealtimeModelName "
        "RealtimeModelTracingConfig RealtimeRunConfig RealtimeSessionModelSettings "
        "RealtimeToolExecutionConfig RealtimeTurnDetectionConfig RealtimeUserInput"
    ),
    "errors": (
        "ConnectFailedError ConnectRefusedError ModelBehaviorError NotConnectedError RealtimeLayerError "
        "ToolTimeoutError UserError"
    ),
    "events": (
        "RealtimeAgentEndEvent RealtimeAgentStartEvent RealtimeAssistantTranscript RealtimeAudio "
        "RealtimeAudioEnd RealtimeAudioInterrupted RealtimeConnection RealtimeError RealtimeEventInfo "
        "RealtimeGuardrailTripped RealtimeHandoffEvent RealtimeHistoryAdded RealtimeHistoryUpdated "
        "RealtimeInputAudioCommitted RealtimeInputAudioTimeoutTriggered RealtimeRawModelEvent "
        "RealtimeSessionEvent RealtimeSpeechStarted RealtimeSpeechStopped RealtimeToolApprovalRequired "
        "RealtimeToolEnd RealtimeToolStart RealtimeTranscriptDelta RealtimeUsage RealtimeUserTranscript"
    ),
    "guardrails": "GuardrailFunctionOutput OutputGuardrail OutputGuardrailResult output_guardrail",
    "handoffs": "Handoff realtime_handoff",
    "hooks": "RealtimeAgentHooks",
    "items": (
        "AssistantAudio AssistantMessageItem AssistantText InputAudio InputImage InputText RealtimeItem "
        "RealtimeMessageItem RealtimeToolCallItem SystemMessageItem UserMessageItem item_from_dict "
        "text_of"
    ),
    "model": "RealtimeModel RealtimeModelListener RealtimePlaybackState RealtimePlaybackTracker",
    "model_events": (
        "RealtimeModelAudioDoneEvent RealtimeModelAudioEvent RealtimeModelAudioInterruptedEvent "
        "RealtimeModelConnectionStatusEvent RealtimeModelEndOfStreamEvent RealtimeModelErrorEvent "
        "RealtimeModelEvent RealtimeModelExceptionEvent RealtimeModelInputAudioTimeoutTriggeredEvent "
        "RealtimeModelInputAudioTranscriptionCompletedEvent RealtimeModelItemDeletedEvent "
        "RealtimeModelItemUpdatedEvent RealtimeModelOtherEvent RealtimeModelRawServerEvent "
        "RealtimeModelToolCallEvent RealtimeModelTranscriptDeltaEvent RealtimeModelTurnEndedEvent "
        "RealtimeModelTurnStartedEvent RealtimeModelUsageEvent"
    ),
    "model_inputs": (
        "RealtimeModelSendAudio RealtimeModelSendEvent RealtimeModelSendInterrupt "
        "RealtimeModelSendRawMessage RealtimeModelSendSessionUpdate RealtimeModelSendToolOutput "
        "RealtimeModelSendUserInput"
    ),
    "prompts": "Prompt",
    "run_context": "RunContextWrapper ToolContext",
    "runner": "RealtimeRunner",
    "session": "RealtimeSession",
    "tool": "FunctionTool HostedMCPTool Tool function_tool",
    "tool_errors": (
        "ToolArgumentsError ToolErrorFormatterArgs UnknownToolCallError default_tool_error_function"
    ),
    "usage": "Usage",
    "websocket": "OpenAIRealtimeWebSocketModel",
}
"""Which file each public name lives in. A file is loaded when a name of it is first asked for."""

_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

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
    "InputAudio",
    "InputImage",
    "InputText",
    "ModelBehaviorError",
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
    "RealtimeConnection",
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
    "RealtimeModelConfig",
    "RealtimeModelConnectionStatusEvent",
    "RealtimeModelEndOfStreamEvent",
    "RealtimeModelErrorEvent",
    "RealtimeModelEvent",
    "RealtimeModelExceptionEvent",
    "RealtimeModelInputAudioTimeoutTriggeredEvent",
    "RealtimeModelInputAudioTranscriptionCompletedEvent",
    "RealtimeModelItemDeletedEvent",
    "RealtimeModelItemUpdatedEvent",
    "RealtimeModelListener",
    "RealtimeModelName",
    "RealtimeModelOtherEvent",
    "RealtimeModelRawServerEvent",
    "RealtimeModelSendAudio",
    "RealtimeModelSendEvent",
    "RealtimeModelSendInterrupt",
    "RealtimeModelSendRawMessage",
    "RealtimeModelSendSessionUpdate",
    "RealtimeModelSendToolOutput",
    "RealtimeModelSendUserInput",
    "RealtimeModelToolCallEvent",
    "RealtimeModelTracingConfig",
    "RealtimeModelTranscriptDeltaEvent",
    "RealtimeModelTurnEndedEvent",
    "RealtimeModelTurnStartedEvent",
    "RealtimeModelUsageEvent",
    "RealtimePlaybackState",
    "RealtimePlaybackTracker",
    "RealtimeRawModelEvent",
    "RealtimeRunConfig",
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
    "RealtimeUserTranscript",
    "RunContextWrapper",
    "SystemMessageItem",
    "Tool",
    "ToolArgumentsError",
    "ToolContext",
    "ToolErrorFormatterArgs",
    "ToolTimeoutError",
    "UnknownToolCallError",
    "Usage",
    "UserError",
    "UserMessageItem",
    "default_tool_error_function",
    "function_tool",
    "item_from_dict",
    "output_guardrail",
    "realtime_handoff",
    "text_of",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
