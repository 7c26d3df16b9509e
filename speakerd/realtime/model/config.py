"""The settings of a run, of a model connection and of a model session, as typed dictionaries.

All keys are optional. A model session's settings may be written in the nested form of the current protocol
(`audio.input.turn_detection` …) or with the older flat names (`turn_detection`, `voice`, `input_audio_format` …);
where both are given the nested one holds. The model brings both to the wire's form.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from speakerd.realtime.agents import Handoff, OutputGuardrail, Tool, ToolErrorFormatter
    from speakerd.realtime.items import RealtimeItem
    from speakerd.realtime.model.audio_format import RealtimeAudioFormat
    from speakerd.realtime.model.playback_tracker import RealtimePlaybackTracker
    from speakerd.realtime.prompts import Prompt

DEFAULT_URL: Final = "wss://api.openai.com/v1/realtime"
"""Where a model is reached when the configuration gives no `url`."""

RealtimeModelName: TypeAlias = str
"""A model's name as its server knows it, such as `gpt-realtime`; on Azure, the deployment's."""

RealtimeVoice: TypeAlias = str | Mapping[str, str]
"""A voice's name, or `{"id": ...}` of a voice of one's own."""


class RealtimeInputAudioTranscriptionConfig(TypedDict, total=False):
    """How the user's speech is transcribed."""

    language: str
    """ISO-639-1, such as `fr`: the language to be assumed."""
    model: str
    prompt: str
    """Words to expect, or guidance, according to the model."""


class RealtimeInputAudioNoiseReductionConfig(TypedDict, total=False):
    """What the server does against noise: `near_field` for a headset, `far_field` for a speaker in the room."""

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
    """How the user's audio is taken."""

    format: RealtimeAudioFormat
    noise_reduction: RealtimeInputAudioNoiseReductionConfig | None
    transcription: RealtimeInputAudioTranscriptionConfig | None
    turn_detection: RealtimeTurnDetectionConfig | None
    """`None` switches it off: the program commits audio and asks for replies."""


class RealtimeAudioOutputConfig(TypedDict, total=False):
    """How the assistant sounds."""

    format: RealtimeAudioFormat
    voice: RealtimeVoice
    """Locked from the first audio on: later changes are not sent."""
    speed: float
    """0.25 to 1.5."""


class RealtimeAudioConfig(TypedDict, total=False):
    """Audio in both directions."""

    input: RealtimeAudioInputConfig
    output: RealtimeAudioOutputConfig


class RealtimeModelTracingConfig(TypedDict, total=False):
    """What the server's tracing calls this session."""

    workflow_name: str
    group_id: str
    metadata: Mapping[str, Any]


class RealtimeReasoningConfig(TypedDict, total=False):
    """How long the model thinks before it speaks."""

    effort: Literal["minimal", "low", "medium", "high", "xhigh"]


class RealtimeSessionModelSettings(TypedDict, total=False):
    """The settings of a model session; those absent are left to the server."""

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
    tracing: RealtimeModelTracingConfig | Literal["auto"] | None
    truncation: Literal["auto", "disabled"] | Mapping[str, Any]
    reasoning: RealtimeReasoningConfig | None
    parallel_tool_calls: bool

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

    api_key: str | Callable[[], str | Awaitable[str]]
    """Or what fetches it, asked at each connect. Absent: the environment's `OPENAI_API_KEY`."""
    url: str
    """`ws://` or `wss://`, path and query included. Absent: the hosted service."""
    headers: Mapping[str, str]
    """Sent at the handshake. Where given, no `Authorization` is made: put it among them."""
    initial_model_settings: RealtimeSessionModelSettings
    playback_tracker: RealtimePlaybackTracker
    """Who knows how much of the audio was really heard. Absent: it is taken to be played as it comes."""
    call_id: str
    """Attach to a call that runs, instead of opening a session."""
    raw_server_events: bool
    """Whether the model reports each frame of the server as a `raw_server_event`. Absent: as the run's `raw_events`
    says, which is True by default."""
    conversation: Callable[[], Sequence[RealtimeItem]]
    """Set by the session: what was said so far, cut to what was heard, for a model that has to begin anew."""


class RealtimeGuardrailsSettings(TypedDict, total=False):
    """When output guardrails run."""

    debounce_text_length: int
    """At each multiple of so many characters of an item's transcript (100), and once at its end."""


class RealtimeToolExecutionConfig(TypedDict, total=False):
    """How tools are run."""

    max_concurrency: int
    """So many calls at a time (8); further ones wait."""
    max_threads: int
    """So many threads for tools that are plain functions (4)."""


class RealtimeRunConfig(TypedDict, total=False):
    """The settings of every session that one runner makes."""

    model_settings: RealtimeSessionModelSettings
    """Hold over what the agent says."""
    output_guardrails: Sequence[OutputGuardrail[Any]]
    """Run beside the agent's own."""
    guardrails_settings: RealtimeGuardrailsSettings
    tracing_disabled: bool
    async_tool_calls: bool
    """True: a tool runs beside the event stream. False: the stream waits for it."""
    tool_error_formatter: ToolErrorFormatter
    """Words what the model is told of calls that were rejected, unknown, too many, or a second handoff."""
    tool_execution: RealtimeToolExecutionConfig
    raw_events: bool
    """True: everything the model reports comes as a `raw_model_event` too. False: it does not, and the model makes
    no `raw_server_event` either: one event for each chunk of audio instead of three."""
    max_history_items: int
    """So many items are kept (400); the oldest go first."""
    max_queued_events: int
    """So many events may wait for a slow reader (4096) before the queue sheds what can be done without."""


_NESTED: dict[tuple[type, str], type] = {
    (RealtimeRunConfig, "model_settings"): RealtimeSessionModelSettings,
    (RealtimeRunConfig, "guardrails_settings"): RealtimeGuardrailsSettings,
    (RealtimeRunConfig, "tool_execution"): RealtimeToolExecutionConfig,
    (RealtimeModelConfig, "initial_model_settings"): RealtimeSessionModelSettings,
    (RealtimeSessionModelSettings, "audio"): RealtimeAudioConfig,
    (RealtimeAudioConfig, "input"): RealtimeAudioInputConfig,
    (RealtimeAudioConfig, "output"): RealtimeAudioOutputConfig,
}


def unknown_settings(given: Mapping[str, Any], kind: type, path: str = "") -> Iterator[str]:
    """A sentence for each key of `given` that `kind`, a typed dictionary, does not have, at any depth."""
    known = kind.__annotations__
    for key, value in given.items():
        if key not in known:
            import difflib  # noqa: PLC0415  # only mistakes need it

            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}"
            yield f"the setting {path}{key} is unknown and has no effect: {hint}"
        elif (inner := _NESTED.get((kind, key))) is not None and isinstance(value, dict):
            yield from unknown_settings(value, inner, f"{path}{key}.")
