"""The settings of a run, of a model connection and of a model session, as typed dictionaries.

All keys are optional. A model session's settings may be written in the nested form of the current protocol
(`audio.input.turn_detection` …) or with the older flat names (`turn_detection`, `voice`, `input_audio_format` …);
the nested form takes precedence. The model converts both to the wire's form.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypedDict

if TYPE_CHECKING:
    from speakerd.realtime.agents import Handoff, OutputGuardrail, RealtimeRunHooks, Tool, ToolErrorFormatter
    from speakerd.realtime.dialects import Dialect
    from speakerd.realtime.items import RealtimeItem
    from speakerd.realtime.model.audio_format import RealtimeAudioFormat
    from speakerd.realtime.model.playback_tracker import RealtimePlaybackTracker
    from speakerd.realtime.prompts import Prompt

DEFAULT_URL: Final = "wss://api.openai.com/v1/realtime"
"""Where a model is reached when the configuration gives no `url`."""

RealtimeModelName: TypeAlias = str
"""A model's name as its server knows it, such as `gpt-realtime-2.1`; on Azure, the deployment's."""

RealtimeVoice: TypeAlias = str | Mapping[str, str]
"""The name of a voice, or `{"id": ...}` of a custom one."""


class RealtimeInputAudioTranscriptionConfig(TypedDict, total=False):
    """How the user's speech is transcribed."""

    language: str
    """The language to assume, in ISO-639-1, such as `fr`."""
    model: str
    prompt: str
    """Words to expect, or guidance, depending on the model."""


class RealtimeInputAudioNoiseReductionConfig(TypedDict, total=False):
    """The server's noise reduction: `near_field` for a headset, `far_field` for a speaker in the room."""

    type: Literal["near_field", "far_field"]


class RealtimeTurnDetectionConfig(TypedDict, total=False):
    """How the server finds the end of the user's turn."""

    type: Literal["server_vad", "semantic_vad"]
    create_response: bool
    interrupt_response: bool
    eagerness: Literal["auto", "low", "medium", "high"]
    """With `semantic_vad`: wait at most 8 s (low), 4 s (medium, auto) or 2 s (high)."""
    threshold: float
    """With `server_vad`: 0 to 1."""
    prefix_padding_ms: int
    silence_duration_ms: int
    """With `server_vad`: how much silence ends a turn. Raise it for slow speakers."""
    idle_timeout_ms: int | None
    model_version: str


class RealtimeAudioInputConfig(TypedDict, total=False):
    """The format and the processing of the user's audio."""

    format: RealtimeAudioFormat
    noise_reduction: RealtimeInputAudioNoiseReductionConfig | None
    transcription: RealtimeInputAudioTranscriptionConfig | None
    turn_detection: RealtimeTurnDetectionConfig | None
    """`None` turns it off: the program commits audio and asks for replies."""


class RealtimeAudioOutputConfig(TypedDict, total=False):
    """The format, voice and speed of the assistant's audio."""

    format: RealtimeAudioFormat
    voice: RealtimeVoice
    """Cannot be changed after the first audio: later changes are not sent."""
    speed: float
    """0.25 to 1.5."""


class RealtimeAudioConfig(TypedDict, total=False):
    """The settings of the audio in both directions."""

    input: RealtimeAudioInputConfig
    output: RealtimeAudioOutputConfig


class RealtimeModelTracingConfig(TypedDict, total=False):
    """How the server's tracing labels this session."""

    workflow_name: str
    group_id: str
    metadata: Mapping[str, Any]


class RealtimeReasoningConfig(TypedDict, total=False):
    """How much the model reasons before it speaks."""

    effort: Literal["minimal", "low", "medium", "high", "xhigh"]


class RealtimeSessionModelSettings(TypedDict, total=False):
    """The settings of a model session; the server decides about absent ones."""

    model_name: RealtimeModelName
    instructions: str
    prompt: Prompt | None
    output_modalities: Sequence[Literal["text", "audio"]]
    """`["audio"]` (with transcript) or `["text"]`."""
    audio: RealtimeAudioConfig
    max_output_tokens: int | Literal["inf"]
    tool_choice: Literal["auto", "none", "required"] | str | Mapping[str, Any]  # noqa: PYI051  # as above
    tools: Sequence[Tool]
    handoffs: Sequence[Handoff[Any]]
    tracing: Literal["auto"] | RealtimeModelTracingConfig | None
    truncation: Literal["auto", "disabled"] | Mapping[str, Any]
    reasoning: RealtimeReasoningConfig | None
    parallel_tool_calls: bool
    include: Sequence[str]
    """What events carry in addition, such as `item.input_audio_transcription.logprobs`."""
    extra: Mapping[str, Any]
    """Further fields of the server's `session` object, as it wants them; they hold over all others."""

    # The older flat names.
    modalities: Sequence[Literal["text", "audio"]]
    voice: RealtimeVoice
    speed: float
    input_audio_format: RealtimeAudioFormat
    output_audio_format: RealtimeAudioFormat
    input_audio_transcription: RealtimeInputAudioTranscriptionConfig | None
    input_audio_noise_reduction: RealtimeInputAudioNoiseReductionConfig | None
    turn_detection: RealtimeTurnDetectionConfig | None


class RealtimeModelConfig(TypedDict, total=False):
    """How to reach a model, and how its session begins."""

    api_key: str | Callable[[], str | Awaitable[str]] | None
    """The key, or a function that returns it, called at each connect. Absent: `OPENAI_API_KEY` is read."""
    url: str | None
    """`ws://` or `wss://`, path and query included. Absent: the hosted service."""
    headers: Mapping[str, str] | None
    """Headers of the handshake. If given, no `Authorization` header is added to them."""
    initial_model_settings: RealtimeSessionModelSettings
    playback_tracker: RealtimePlaybackTracker | None
    """Reports how much of the audio was really heard. Absent: playback is estimated from its arrival."""
    call_id: str | None
    """The id of a running call to attach to, instead of opening a session."""
    dialect: Dialect
    """In what the server differs from the current protocol: a row of `speakerd.realtime.dialects.DIALECTS`, or your
    own. Absent: in nothing."""
    raw_server_events: bool
    """Whether the model reports each frame of the server as a `raw_server_event`. Absent: as the run's `raw_events`
    says, which is True by default."""
    conversation: Callable[[], Sequence[RealtimeItem]]
    """Set by the session: returns the conversation so far, for a model that has to begin a new session."""


class RealtimeGuardrailsSettings(TypedDict, total=False):
    """When output guardrails run."""

    debounce_text_length: int
    """Guardrails run at each multiple of this many characters of an item's text (100), and at its end."""


class RealtimeToolExecutionConfig(TypedDict, total=False):
    """How tools are run."""

    max_concurrency: int
    """The most calls at a time (8); further ones wait."""
    max_threads: int
    """The most threads for tools that are plain functions (4)."""
    max_rounds: int
    """The most replies to tools that are asked for after one input of the user; then one without tools, then none.
    Absent: no limit."""
    max_turn_seconds: float
    """The same by time, from the first call of a tool."""
    max_turn_tokens: int
    """The same by the tokens of all responses since the user's input."""


class RealtimeRunConfig(TypedDict, total=False):
    """The settings of all sessions of one runner."""

    model_settings: RealtimeSessionModelSettings
    """Hold over what the agent says."""
    output_guardrails: Sequence[OutputGuardrail[Any]]
    """Run in addition to the agent's own."""
    guardrails_settings: RealtimeGuardrailsSettings
    hooks: RealtimeRunHooks[Any] | None
    """Callbacks on what happens in the run, whichever agent speaks."""
    tracing_disabled: bool
    async_tool_calls: bool
    """True: tools run beside the event stream. False: the event stream waits for each."""
    tool_error_formatter: ToolErrorFormatter | None
    """Returns the output for calls that were rejected, unknown, too many, or a second handoff."""
    tool_execution: RealtimeToolExecutionConfig
    raw_events: bool
    """True: everything the model reports comes as a `raw_model_event` too. False: it does not, and the model makes
    no `raw_server_event` either: one event for each chunk of audio instead of three."""
    max_history_items: int
    """The most items kept in the history (400); the oldest are dropped, also where all hold more than 16 million
    characters."""
    max_queued_events: int
    """The most events that may wait for a slow reader (4096) before the queue merges and drops some."""
