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
from speakerd.realtime.session.runner import (
    RealtimeRunner,
)
from speakerd.realtime.session.session import (
    RealtimeSession,
)

__all__ = [
    "RealtimeAgentEndEvent",
    "RealtimeAgentStartEvent",
    "RealtimeAssistantTranscript",
    "RealtimeAudio",
    "RealtimeAudioEnd",
    "RealtimeAudioInterrupted",
    "RealtimeConnection",
    "RealtimeError",
    "RealtimeEventInfo",
    "RealtimeGuardrailTripped",
    "RealtimeHandoffEvent",
    "RealtimeHistoryAdded",
    "RealtimeHistoryUpdated",
    "RealtimeInputAudioCommitted",
    "RealtimeInputAudioTimeoutTriggered",
    "RealtimeNoReplyDue",
    "RealtimeRawModelEvent",
    "RealtimeRunner",
    "RealtimeSession",
    "RealtimeSessionEvent",
    "RealtimeSpeechStarted",
    "RealtimeSpeechStopped",
    "RealtimeToolApprovalRequired",
    "RealtimeToolEnd",
    "RealtimeToolStart",
    "RealtimeTranscriptDelta",
    "RealtimeUsage",
    "RealtimeUserTranscript",
]
