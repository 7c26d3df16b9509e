"""The settings of `[model]` in the session layer's words. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

if TYPE_CHECKING:
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
    return settings


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
    key: str | None,
    *,
    url: str | None = None,
) -> RealtimeModelConfig:
    """Return how to reach the model; the embedded server's `url` replaces that of the settings and needs no key."""
    headers = {} if url is not None else handshake_headers(model, key)
    return {"url": url or address(model), "headers": headers, "playback_tracker": tracker}
