# ruff: noqa: I001 -- it would write a statement for each name

"""The port to a realtime model: its configuration, what it is asked, what it reports. No socket, no JSON.

- `port`: the interfaces of a model and of its listener;
- `inputs`, `events`: the requests to a model, and what it reports to its listeners;
- `config`: the settings, as typed dictionaries, and a check for misspelt ones;
- `playback_tracker`: tells the model how much of its audio was heard;
- `audio_format`: names of audio formats, bytes per millisecond.
"""

from speakerd.realtime.model.audio_format import (
    FORMATS as FORMATS,
    RealtimeAudioFormat as RealtimeAudioFormat,
    bytes_per_ms as bytes_per_ms,
    to_realtime_audio_format as to_realtime_audio_format,
)
from speakerd.realtime.model.config import (
    DEFAULT_URL as DEFAULT_URL,
    RealtimeAudioConfig as RealtimeAudioConfig,
    RealtimeAudioInputConfig as RealtimeAudioInputConfig,
    RealtimeAudioOutputConfig as RealtimeAudioOutputConfig,
    RealtimeGuardrailsSettings as RealtimeGuardrailsSettings,
    RealtimeInputAudioNoiseReductionConfig as RealtimeInputAudioNoiseReductionConfig,
    RealtimeInputAudioTranscriptionConfig as RealtimeInputAudioTranscriptionConfig,
    RealtimeModelConfig as RealtimeModelConfig,
    RealtimeModelName as RealtimeModelName,
    RealtimeModelTracingConfig as RealtimeModelTracingConfig,
    RealtimeReasoningConfig as RealtimeReasoningConfig,
    RealtimeRunConfig as RealtimeRunConfig,
    RealtimeSessionModelSettings as RealtimeSessionModelSettings,
    RealtimeToolExecutionConfig as RealtimeToolExecutionConfig,
    RealtimeTurnDetectionConfig as RealtimeTurnDetectionConfig,
)
from speakerd.realtime.model.events import (
    ErrorSubject as ErrorSubject,
    RealtimeConnectionStatus as RealtimeConnectionStatus,
    RealtimeModelAudioDoneEvent as RealtimeModelAudioDoneEvent,
    RealtimeModelAudioEvent as RealtimeModelAudioEvent,
    RealtimeModelAudioInterruptedEvent as RealtimeModelAudioInterruptedEvent,
    RealtimeModelConnectionStatusEvent as RealtimeModelConnectionStatusEvent,
    RealtimeModelEndOfStreamEvent as RealtimeModelEndOfStreamEvent,
    RealtimeModelErrorEvent as RealtimeModelErrorEvent,
    RealtimeModelEvent as RealtimeModelEvent,
    RealtimeModelExceptionEvent as RealtimeModelExceptionEvent,
    RealtimeModelInputAudioCommittedEvent as RealtimeModelInputAudioCommittedEvent,
    RealtimeModelInputAudioTimeoutTriggeredEvent as RealtimeModelInputAudioTimeoutTriggeredEvent,
    RealtimeModelInputAudioTranscriptionCompletedEvent as RealtimeModelInputAudioTranscriptionCompletedEvent,
    RealtimeModelInputAudioTranscriptionDeltaEvent as RealtimeModelInputAudioTranscriptionDeltaEvent,
    RealtimeModelItemDeletedEvent as RealtimeModelItemDeletedEvent,
    RealtimeModelItemTruncatedEvent as RealtimeModelItemTruncatedEvent,
    RealtimeModelItemUpdatedEvent as RealtimeModelItemUpdatedEvent,
    RealtimeModelMcpApprovalRequestEvent as RealtimeModelMcpApprovalRequestEvent,
    RealtimeModelMcpCallEndedEvent as RealtimeModelMcpCallEndedEvent,
    RealtimeModelMcpCallStartedEvent as RealtimeModelMcpCallStartedEvent,
    RealtimeModelOtherEvent as RealtimeModelOtherEvent,
    RealtimeModelOutputTextDeltaEvent as RealtimeModelOutputTextDeltaEvent,
    RealtimeModelRawServerEvent as RealtimeModelRawServerEvent,
    RealtimeModelSpeechStartedEvent as RealtimeModelSpeechStartedEvent,
    RealtimeModelSpeechStoppedEvent as RealtimeModelSpeechStoppedEvent,
    RealtimeModelToolCallEvent as RealtimeModelToolCallEvent,
    RealtimeModelTranscriptDeltaEvent as RealtimeModelTranscriptDeltaEvent,
    RealtimeModelTranscriptDoneEvent as RealtimeModelTranscriptDoneEvent,
    RealtimeModelTurnEndedEvent as RealtimeModelTurnEndedEvent,
    RealtimeModelTurnStartedEvent as RealtimeModelTurnStartedEvent,
    RealtimeModelUsageEvent as RealtimeModelUsageEvent,
    ResponseStatus as ResponseStatus,
)
from speakerd.realtime.model.inputs import (
    RealtimeClientMessage as RealtimeClientMessage,
    RealtimeModelInputImageContent as RealtimeModelInputImageContent,
    RealtimeModelInputTextContent as RealtimeModelInputTextContent,
    RealtimeModelRawClientMessage as RealtimeModelRawClientMessage,
    RealtimeModelSendAudio as RealtimeModelSendAudio,
    RealtimeModelSendAudioClear as RealtimeModelSendAudioClear,
    RealtimeModelSendAudioCommit as RealtimeModelSendAudioCommit,
    RealtimeModelSendContext as RealtimeModelSendContext,
    RealtimeModelSendEvent as RealtimeModelSendEvent,
    RealtimeModelSendInterrupt as RealtimeModelSendInterrupt,
    RealtimeModelSendMcpApproval as RealtimeModelSendMcpApproval,
    RealtimeModelSendRawMessage as RealtimeModelSendRawMessage,
    RealtimeModelSendResponse as RealtimeModelSendResponse,
    RealtimeModelSendSessionUpdate as RealtimeModelSendSessionUpdate,
    RealtimeModelSendToolOutput as RealtimeModelSendToolOutput,
    RealtimeModelSendUserInput as RealtimeModelSendUserInput,
    RealtimeModelUserInput as RealtimeModelUserInput,
    RealtimeModelUserInputMessage as RealtimeModelUserInputMessage,
    RealtimeUserInput as RealtimeUserInput,
    RealtimeUserInputMessage as RealtimeUserInputMessage,
)
from speakerd.realtime.model.playback_tracker import (
    RealtimePlaybackState as RealtimePlaybackState,
    RealtimePlaybackTracker as RealtimePlaybackTracker,
)
from speakerd.realtime.model.port import (
    RealtimeModel as RealtimeModel,
    RealtimeModelListener as RealtimeModelListener,
)
