# ruff: noqa: I001 -- it would write a statement for each name

"""What runs while a conversation lives: the session, its events, tool calls, guardrails and history.

- `runner`: holds an agent and settings, and makes sessions;
- `session`: the public class; `state`: what its parts share;
- `config_checks`: what settings may hold, and what a program is told otherwise;
- `model_event_handlers`: what the session does about each event of its model;
- `events`: what the program is told; `event_queue`: the bounded queue it reads them from;
- `tool_runner`, `pending_calls`, `tool_budget`, `thread_pool`, `hosted_tool_approvals`: calls of tools;
- `guardrail_runner`: checks of what the assistant says; `task_queue`: a worker that does one thing after the other;
- `history`: the record of the conversation, as it was said and heard.
"""

from speakerd.realtime.session.events import (
    RealtimeAgentEndEvent as RealtimeAgentEndEvent,
    RealtimeAgentStartEvent as RealtimeAgentStartEvent,
    RealtimeAssistantTranscript as RealtimeAssistantTranscript,
    RealtimeAudio as RealtimeAudio,
    RealtimeAudioEnd as RealtimeAudioEnd,
    RealtimeAudioInterrupted as RealtimeAudioInterrupted,
    RealtimeConnection as RealtimeConnection,
    RealtimeError as RealtimeError,
    RealtimeEventInfo as RealtimeEventInfo,
    RealtimeGuardrailTripped as RealtimeGuardrailTripped,
    RealtimeHandoffEvent as RealtimeHandoffEvent,
    RealtimeHistoryAdded as RealtimeHistoryAdded,
    RealtimeHistoryUpdated as RealtimeHistoryUpdated,
    RealtimeInputAudioCommitted as RealtimeInputAudioCommitted,
    RealtimeInputAudioTimeoutTriggered as RealtimeInputAudioTimeoutTriggered,
    RealtimeNoReplyDue as RealtimeNoReplyDue,
    RealtimeRawModelEvent as RealtimeRawModelEvent,
    RealtimeSessionEvent as RealtimeSessionEvent,
    RealtimeSpeechStarted as RealtimeSpeechStarted,
    RealtimeSpeechStopped as RealtimeSpeechStopped,
    RealtimeToolApprovalRequired as RealtimeToolApprovalRequired,
    RealtimeToolEnd as RealtimeToolEnd,
    RealtimeToolStart as RealtimeToolStart,
    RealtimeTranscriptDelta as RealtimeTranscriptDelta,
    RealtimeUsage as RealtimeUsage,
    RealtimeUserTranscript as RealtimeUserTranscript,
)
from speakerd.realtime.session.runner import (
    RealtimeRunner as RealtimeRunner,
)
from speakerd.realtime.session.session import (
    RealtimeSession as RealtimeSession,
)
