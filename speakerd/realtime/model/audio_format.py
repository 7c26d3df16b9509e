"""Audio formats of the wire: their names, and how many bytes a millisecond takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

from speakerd.realtime.errors import UserError

RealtimeAudioFormat: TypeAlias = Literal["pcm16", "g711_ulaw", "g711_alaw"] | str | Mapping[str, Any]  # noqa: PYI051  # the names help the reader and the editor
"""`pcm16` is 16-bit little-endian mono at 24 kHz; the others are 8 kHz. The wire's own mapping is accepted too."""

FORMATS: Final[Mapping[str, Mapping[str, Any]]] = {
    "pcm16": {"type": "audio/pcm", "rate": 24000},
    "audio/pcm": {"type": "audio/pcm", "rate": 24000},
    "pcm": {"type": "audio/pcm", "rate": 24000},
    "g711_ulaw": {"type": "audio/pcmu"},
    "audio/pcmu": {"type": "audio/pcmu"},
    "pcmu": {"type": "audio/pcmu"},
    "g711_alaw": {"type": "audio/pcma"},
    "audio/pcma": {"type": "audio/pcma"},
    "pcma": {"type": "audio/pcma"},
}
"""The wire's form of each format, by its older flat name, by its current one, and by that without `audio/`."""

PCM16_BYTES_PER_MS: Final = 48.0


def _plain_format(audio_format: object) -> object:
    """Return a format given as an object of another library, such as openai's `AudioPCMU`, as a dict."""
    dump = getattr(audio_format, "model_dump", None)
    return {k: v for k, v in dump().items() if v is not None} if callable(dump) else audio_format


def to_realtime_audio_format(input_audio_format: str | Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return an audio format in the wire's form; it may be given by name, or in that form already.

    Raises:
        UserError: there is no format of that name.
    """
    if input_audio_format is None:
        return None
    plain = _plain_format(input_audio_format)
    if isinstance(plain, Mapping):
        return dict(plain)
    if not isinstance(input_audio_format, str) or input_audio_format not in FORMATS:
        raise UserError(f"there is no audio format {input_audio_format!r}: it is one of {', '.join(FORMATS)}")
    return dict(FORMATS[input_audio_format])


def bytes_per_ms(audio_format: object) -> float:
    """Return how many bytes one millisecond of that format takes; anything unknown counts as `pcm16`."""
    known = FORMATS.get(audio_format, {}) if isinstance(audio_format, str) else _plain_format(audio_format)
    if not isinstance(known, Mapping):
        return PCM16_BYTES_PER_MS
    if known.get("type") in ("audio/pcmu", "audio/pcma", "g711_ulaw", "g711_alaw"):
        return 8.0
    rate = known.get("rate")
    return 2 * rate / 1000 if isinstance(rate, int | float) and rate > 0 else PCM16_BYTES_PER_MS
