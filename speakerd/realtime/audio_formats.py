"""Audio formats under the module name that code written for openai-agents imports them by."""

from speakerd.realtime.model import to_realtime_audio_format

__all__ = ["to_realtime_audio_format"]
