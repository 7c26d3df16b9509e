"""The settings of `[model]` in the session layer's words. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from speakerd.realtime.dialects import DIALECTS, EXTRA, OPENAI, Dialect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from speakerd.config.model_settings import ModelSettings
    from speakerd.realtime.model import (
        RealtimeAudioInputConfig,
        RealtimeAudioOutputConfig,
        RealtimeInputAudioTranscriptionConfig,
        RealtimeModelConfig,
        RealtimePlaybackTracker,
        RealtimeSessionModelSettings,
        RealtimeToolExecutionConfig,
        RealtimeTurnDetectionConfig,
    )


TurnKind: TypeAlias = Literal["local", "server_vad", "semantic_vad"]

TURNS: Final = ("model.turn_detection", "model.provider", "model.dialect", "model.backend", "model.line")
"""The settings that say who finds the end of a turn, and at which rate speech is sent."""


def dialect_of(model: ModelSettings) -> Dialect:
    """Return in what the server of the settings differs from the current protocol."""
    return DIALECTS[model.dialect or model.provider]


def turn_kind(model: ModelSettings) -> TurnKind:
    """Return who finds the end of a turn: as the settings say, or by the server where it cannot be as they say."""
    dialect, wanted = dialect_of(model), model.turn_detection
    if model.backend == "offline":
        return wanted
    if wanted == "local":
        return "server_vad" if dialect.no_detection == "never" else wanted
    return wanted if wanted in dialect.detections else "server_vad"


TELEPHONE_RATE_HZ: Final = 8_000
"""The rate of G.711."""

EMBEDDED_RATE_HZ: Final = OPENAI.input_rate_hz
"""The rate of speech that the embedded server takes."""


def input_rate_hz(model: ModelSettings) -> int:
    """Return the rate at which speech is sent."""
    if on_the_telephone(model):
        return TELEPHONE_RATE_HZ
    return EMBEDDED_RATE_HZ if model.backend == "offline" else dialect_of(model).input_rate_hz


def on_the_telephone(model: ModelSettings) -> bool:
    """Return whether sound goes as G.711, where the settings ask for it and the server takes it."""
    return model.line == "telephone" and model.backend != "offline" and dialect_of(model).takes_g711


@dataclass(frozen=True, slots=True)
class Compromise:
    """A setting that the server of the settings cannot follow: what is the case instead, and what to do."""

    key: str
    what: str
    cure: str


def compromises(model: ModelSettings) -> list[Compromise]:
    """Return what of the settings the server cannot do, as far as is known of it."""
    if model.backend == "offline":
        return []
    dialect, found = dialect_of(model), list[Compromise]()
    kind = turn_kind(model)
    if kind != model.turn_detection:
        what = f"a server of {dialect.name} cannot do that: it finds the end of your turns by {kind}"
        cure = f'Write turn_detection = "{kind}". A held button still ends a turn, and so does a pause.'
        found.append(Compromise("model.turn_detection", what, cure))
    if dialect.wants_model and not model.model and "model=" not in model.url:
        what = f"a server of {dialect.name} has to be told which of its models is to answer"
        found.append(Compromise("model.model", what, "Set model.model to its name there."))
    if model.line == "telephone" and not dialect.takes_g711:
        what = (
            f"it is not known that a server of {dialect.name} takes G.711, so sound goes as it does without"
        )
        found.append(Compromise("model.line", what, 'Write line = "broadband", or leave it out.'))
    if model.connection == "warm" and dialect.idle_s is not None:
        what = f"a server of {dialect.name} closes a connection that is silent for {dialect.idle_s:g} s"
        cure = 'Set model.connection = "on_wake", or it is opened anew all day.'
        found.append(Compromise("model.connection", what, cure))
    return found


def address(model: ModelSettings) -> str:
    """Return the `url` of the settings, with `?model=` where it does not name a model itself."""
    parts = urlsplit(model.url)
    query = parse_qs(parts.query, keep_blank_values=True)
    if "model" in query or not model.model:
        return model.url
    query["model"] = [model.model]
    return urlunsplit(parts._replace(query=urlencode(query, doseq=True)))


def turn_detection(model: ModelSettings) -> RealtimeTurnDetectionConfig | None:
    """Return how the server finds the end of a turn; None if our own gate does."""
    kind = turn_kind(model)
    if kind == "server_vad":
        return {
            "type": "server_vad",
            "threshold": model.server_vad_threshold,
            "prefix_padding_ms": model.server_vad_prefix_ms,
            "silence_duration_ms": model.server_vad_silence_ms,
            "create_response": True,
            "interrupt_response": True,
        }
    if kind == "semantic_vad":
        return {
            "type": "semantic_vad",
            "eagerness": model.semantic_eagerness,
            "create_response": True,
            "interrupt_response": True,
        }
    return None


def session_settings(model: ModelSettings, *, embedded: bool = False) -> RealtimeSessionModelSettings:
    """Return the settings a session begins with; what is left to the model is not among them.

    `embedded`: it is one with the embedded server.
    """
    telephone = on_the_telephone(model) and not embedded
    rate = EMBEDDED_RATE_HZ if embedded else input_rate_hz(model)
    spoken = "pcm16" if rate == EMBEDDED_RATE_HZ else {"type": "audio/pcm", "rate": rate}
    sound: RealtimeAudioInputConfig = {
        "format": "g711_ulaw" if telephone else spoken,
        "turn_detection": turn_detection(model),
    }
    if model.noise_reduction != "off":
        sound["noise_reduction"] = {"type": model.noise_reduction}
    if model.transcription:
        transcription: RealtimeInputAudioTranscriptionConfig = {"model": model.transcription}
        if model.language:
            transcription["language"] = model.language
        sound["transcription"] = transcription
    made: RealtimeAudioOutputConfig = {
        "format": "g711_ulaw" if telephone else "pcm16",
        "speed": model.speed,
    }
    if model.voice:
        made["voice"] = model.voice
    settings: RealtimeSessionModelSettings = {
        "output_modalities": ["audio"],
        "audio": {"input": sound, "output": made},
        "truncation": model.truncation,
    }
    if model.model:
        settings["model_name"] = model.model
    if model.extra and not embedded:
        settings["extra"] = model.extra
    if model.max_output_tokens:
        settings["max_output_tokens"] = model.max_output_tokens
    if model.reasoning_effort != "default":
        settings["reasoning"] = {"effort": model.reasoning_effort}
    if model.parallel_tool_calls != "default":
        settings["parallel_tool_calls"] = model.parallel_tool_calls == "on"
    return settings


_SETTINGS: Final[Mapping[str, str]] = {
    "model": "model.model",
    "instructions": "model.instructions",
    "tools": "tools",
    "truncation": "model.truncation",
    "max_output_tokens": "model.max_output_tokens",
    "reasoning": "model.reasoning_effort",
    "parallel_tool_calls": "model.parallel_tool_calls",
    "audio.output.voice": "model.voice",
    "audio.output.speed": "model.speed",
    "audio.input.noise_reduction": "model.noise_reduction",
    "audio.input.transcription": "model.transcription",
    "audio.input.transcription.language": "model.language",
    "audio.input.turn_detection": "model.turn_detection",
    "audio.input.turn_detection.threshold": "model.server_vad_threshold",
    "audio.input.turn_detection.prefix_padding_ms": "model.server_vad_prefix_ms",
    "audio.input.turn_detection.silence_duration_ms": "model.server_vad_silence_ms",
    "audio.input.turn_detection.eagerness": "model.semantic_eagerness",
    "tool_choice": "tools",
    # As other servers call them.
    "input_audio_format": "model.dialect",
    "input_audio_sampling_rate": "model.dialect",
    "output_audio_format": "model.dialect",
    "modalities": "model.dialect",
    "reasoning_effort": "model.reasoning_effort",
    "voice": "model.voice",
    "speed": "model.speed",
    "turn_detection": "model.turn_detection",
    "input_audio_transcription": "model.transcription",
    "input_audio_transcription.language": "model.language",
    "audio.input.transcription.language_hint": "model.language",
    "input_audio_noise_reduction": "model.noise_reduction",
    "max_response_output_tokens": "model.max_output_tokens",
}
"""What `session_settings` and the agent write to, and the setting that it comes from."""


def setting_of(parameter: str) -> str | None:
    """Return the setting that a parameter of `session.update` comes from, as servers name it in their errors.

    None: it comes from none. For a part of a value it is the setting of the whole.
    """
    words = re.findall(r"[^.\[\]]+", parameter.removeprefix("session."))
    if words[:1] == [EXTRA]:
        return "model.extra"
    for length in range(len(words), 0, -1):
        if (setting := _SETTINGS.get(".".join(words[:length]))) is not None:
            return setting
    return None


def tool_limits(model: ModelSettings) -> RealtimeToolExecutionConfig:
    """Return what one question may spend on tools."""
    return {
        "max_rounds": model.tool_rounds,
        "max_turn_seconds": model.tool_seconds,
        "max_turn_tokens": model.tool_tokens,
    }


def handshake_headers(model: ModelSettings, key: str | None) -> dict[str, str]:
    """Return all headers of the handshake: those of the settings, the safety identifier, the key."""
    headers = dict(model.headers)
    if model.safety_identifier:
        headers["OpenAI-Safety-Identifier"] = model.safety_identifier
    if key and model.auth == "bearer":
        headers["Authorization"] = f"Bearer {key}"
    elif key and model.auth == "api-key":
        headers["api-key"] = key
    return headers


def connection(
    model: ModelSettings,
    tracker: RealtimePlaybackTracker,
    key: Callable[[], str | None],
    *,
    url: str | None = None,
) -> RealtimeModelConfig:
    """Return how to reach the model; the embedded server's `url` replaces that of the settings and needs no key.

    `key` is asked at each handshake, so that a session that outlives a key is healed with the next one.
    """
    if url is not None:
        return {"url": url, "headers": {}, "playback_tracker": tracker}
    return {
        "url": address(model),
        "dialect": dialect_of(model),
        "headers": _HeadersOfNow(lambda: handshake_headers(model, key())),
        "api_key": lambda: key() or "",
        "playback_tracker": tracker,
    }


class _HeadersOfNow(Mapping[str, str]):
    """Headers that are made anew whenever they are looked at."""

    def __init__(self, make: Callable[[], dict[str, str]]) -> None:
        self._make = make

    def __getitem__(self, name: str) -> str:
        return self._make()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._make())

    def __len__(self) -> int:
        return len(self._make())
