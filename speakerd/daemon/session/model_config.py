"""The settings of `[model]` in the session layer's words. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from speakerd.config.model_settings import ModelSettings
    from speakerd.realtime.model import (
        RealtimeAudioInputConfig,
        RealtimeInputAudioTranscriptionConfig,
        RealtimeModelConfig,
        RealtimePlaybackTracker,
        RealtimeSessionModelSettings,
        RealtimeToolExecutionConfig,
        RealtimeTurnDetectionConfig,
    )


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
    if model.turn_detection == "server_vad":
        return {
            "type": "server_vad",
            "threshold": model.server_vad_threshold,
            "prefix_padding_ms": model.server_vad_prefix_ms,
            "silence_duration_ms": model.server_vad_silence_ms,
            "create_response": True,
            "interrupt_response": True,
        }
    if model.turn_detection == "semantic_vad":
        return {
            "type": "semantic_vad",
            "eagerness": model.semantic_eagerness,
            "create_response": True,
            "interrupt_response": True,
        }
    return None


def session_settings(model: ModelSettings) -> RealtimeSessionModelSettings:
    """Return the settings a session begins with; what is left to the model is not among them."""
    sound: RealtimeAudioInputConfig = {"format": "pcm16", "turn_detection": turn_detection(model)}
    if model.noise_reduction != "off":
        sound["noise_reduction"] = {"type": model.noise_reduction}
    if model.transcription:
        transcription: RealtimeInputAudioTranscriptionConfig = {"model": model.transcription}
        if model.language:
            transcription["language"] = model.language
        sound["transcription"] = transcription
    settings: RealtimeSessionModelSettings = {
        "model_name": model.model,
        "output_modalities": ["audio"],
        "audio": {"input": sound, "output": {"format": "pcm16", "voice": model.voice, "speed": model.speed}},
        "truncation": model.truncation,
    }
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
    # As older servers call them.
    "voice": "model.voice",
    "speed": "model.speed",
    "turn_detection": "model.turn_detection",
    "input_audio_transcription": "model.transcription",
    "input_audio_noise_reduction": "model.noise_reduction",
    "max_response_output_tokens": "model.max_output_tokens",
}
"""What `session_settings` and the agent write to, and the setting that it comes from."""


def setting_of(parameter: str) -> str | None:
    """Return the setting that a parameter of `session.update` comes from, as servers name it in their errors.

    None: it comes from none. For a part of a value it is the setting of the whole.
    """
    words = re.findall(r"[^.\[\]]+", parameter.removeprefix("session."))
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
