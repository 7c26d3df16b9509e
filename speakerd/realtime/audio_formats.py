"""Audio formats under the module name that code written for openai-agents imports them by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from speakerd.realtime.errors import UserError
from speakerd.realtime.model import FORMATS, plain_format

__all__ = ["to_realtime_audio_format"]


def to_realtime_audio_format(input_audio_format: str | Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return an audio format in the wire's form; it may be given by name, or in that form already.

    Raises:
        UserError: there is no format of that name.
    """
    if input_audio_format is None:
        return None
    plain = plain_format(input_audio_format)
    if isinstance(plain, Mapping):
        return dict(plain)
    if not isinstance(input_audio_format, str) or input_audio_format not in FORMATS:
        raise UserError(f"there is no audio format {input_audio_format!r}: it is one of {', '.join(FORMATS)}")
    return dict(FORMATS[input_audio_format])
