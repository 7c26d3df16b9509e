"""The settings of the voice model: which one answers, and how it is reached. They belong to no other room.

The daemon turns a `ModelSettings` into the session layer's configuration; nothing here knows the wire.
"""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal, TypeAlias

from annotated_types import Ge, Le
from pydantic import JsonValue

INSTRUCTIONS = """\
You are the voice of a small speaker in a home. You are heard, not read: answer in one to three short
sentences, without lists, markup or emoji, in the language you were spoken to. Say so when you do not know.
When what you heard makes no sense, ask briefly. Use your tools for the time, timers and the volume. When
the person says goodbye, or that this is all, end the conversation with the tool made for that.
"""


ProviderName: TypeAlias = Literal[
    "openai",
    "azure",
    "azure-voice-live",
    "xai",
    "qwen",
    "localai",
    "speech-to-speech",
    "vllm-omni",
    "speaches",
    "custom",
]


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """The realtime voice model, and how it is reached."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    provider: ProviderName = "openai"
    """Whose server it is: address, auth, dialect, voice, transcription, turns; what stands here wins over it."""
    dialect: Literal[""] | ProviderName = ""
    """Whose form of the protocol the server speaks. Empty: the provider's."""
    backend: Literal["remote", "offline"] = "remote"
    """remote: the server at `url`. offline: the embedded one, in this process; no key, no network."""
    fallback: Literal["none", "offline"] = "none"
    """offline: the embedded server answers while the remote one cannot be reached; needs [offline]."""
    url: str = "wss://api.openai.com/v1/realtime"
    """WebSocket address. Azure: wss://RESOURCE.openai.azure.com/openai/v1/realtime, with auth = "api-key"."""
    model: str = "gpt-realtime-2.1"
    """Name of the model (on Azure: of the deployment). Sent as ?model= unless the url has it. Empty: not at all."""
    auth: Literal["bearer", "api-key", "none"] = "bearer"
    """How the key is sent: Authorization: Bearer, header api-key (Azure), or not at all (home servers)."""
    api_key_file: str = ""
    """File of mode 0600 with the key alone. Empty: the credential that scripts/install made."""
    headers: dict[str, str] = field(default_factory=dict)
    """Further headers of the handshake. Shown masked. A secret belongs into the key file rather than here."""
    safety_identifier: str = ""
    """Sent as OpenAI-Safety-Identifier when not empty: a stable pseudonym of the household, no name."""
    connection: Literal["on_wake", "warm"] = "on_wake"
    """on_wake: connected only in conversations; speech is kept meanwhile. warm: always; answers sooner."""
    connect_timeout_s: Annotated[float, Ge(1), Le(60)] = 10.0
    """Seconds for name, TLS and handshake together, before it counts as not reachable."""
    rotate_after_min: Annotated[float, Ge(1), Le(59)] = 55.0
    """Minutes. The hosted service ends sessions at 60; we renew between turns before that."""
    voice: str = "marin"
    """Voice of the answers; which ones there are is the server's business. Empty: the server's own choice."""
    speed: Annotated[float, Ge(0.25), Le(1.5)] = 1.0
    """Speed of speech, 1.0 = natural."""
    language: str = ""
    """Language of the speakers as ISO 639-1 (en, de, ...): helps the transcription. Empty: it is guessed."""
    instructions: str = INSTRUCTIONS
    """What the model is told about itself at the start of each session."""
    transcription: str = "gpt-transcribe"
    """Model that writes down what you said, for captions and history. Empty: neither, and a bit cheaper."""
    turn_detection: Literal["local", "server_vad", "semantic_vad"] = "local"
    """Who decides that you have finished: our gate (sends least), or the model (must hear silence too)."""
    server_vad_threshold: Annotated[float, Ge(0), Le(1)] = 0.5
    """For server_vad: how sure it must be that it hears speech; higher for noisy rooms."""
    server_vad_prefix_ms: Annotated[int, Ge(0), Le(2000)] = 300
    """For server_vad: milliseconds kept from before the speech was noticed."""
    server_vad_silence_ms: Annotated[int, Ge(100), Le(10000)] = 600
    """For server_vad: milliseconds of silence that end a turn; longer for people who speak slowly."""
    semantic_eagerness: Literal["auto", "low", "medium", "high"] = "auto"
    """For semantic_vad: how soon it takes the floor (low waits up to 8 s, medium 4 s, high 2 s)."""
    noise_reduction: Literal["far_field", "near_field", "off"] = "far_field"
    """The server's own filter: far_field for a speaker across the room, near_field for a headset."""
    line: Literal["broadband", "telephone"] = "broadband"
    """telephone: sound as G.711, 12 kB/s each way instead of 64, for slow lines. Not every server takes it."""
    max_output_tokens: Annotated[int, Ge(0), Le(4096)] = 0
    """Longest answer in tokens (one token of sound = 50 ms). 0: the model's own limit."""
    tool_rounds: Annotated[int, Ge(1), Le(100)] = 10
    """Replies in a row that may call tools, for one question; then it must answer with what it has."""
    tool_seconds: Annotated[float, Ge(1), Le(3600)] = 120.0
    """The same by time: seconds from the first call of a tool for a question."""
    tool_tokens: Annotated[int, Ge(1000), Le(10_000_000)] = 100_000
    """The same by cost: tokens of one question, the conversation before it included each time."""
    reasoning_effort: Literal["default", "minimal", "low", "medium", "high", "xhigh"] = "default"
    """How long it thinks before it answers: more is slower and costs more. default: what the server does."""
    parallel_tool_calls: Literal["default", "on", "off"] = "default"
    """Whether one reply may call several tools at once. default: what the server does."""
    truncation: Literal["auto", "disabled"] = "auto"
    """auto: the server forgets the oldest turns when its context is full. disabled: it fails then instead."""
    extra: dict[str, JsonValue] = field(default_factory=dict)
    """Further fields of the server's `session` object, as it wants them, such as { temperature = 0.7 }."""
