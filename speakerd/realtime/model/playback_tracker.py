"""Tells the model how much of its audio was heard: fed by the program that plays it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from speakerd.realtime.bounded import BoundedDict
from speakerd.realtime.model.audio_format import PCM16_BYTES_PER_MS, bytes_per_ms

if TYPE_CHECKING:
    from speakerd.realtime.model.audio_format import RealtimeAudioFormat

_ITEMS_REMEMBERED = 64
"""Parts whose played length is kept: far more than one reply has."""


class RealtimePlaybackState(TypedDict):
    """The part that was being played last."""

    current_item_id: str | None
    current_item_content_index: int | None
    elapsed_ms: float | None
    """How many milliseconds of that part were heard."""


class RealtimePlaybackTracker:
    """How much of each audio part was heard, as reported by the program that plays it.

    Pass one as `model_config["playback_tracker"]` and feed it with what really left the device, in bytes or in
    milliseconds, in the order of playing. Without one, the model estimates playback from the arrival of the audio.

    Not thread-safe: call it on the event loop's thread.
    """

    def __init__(self) -> None:
        self._bytes_per_ms = PCM16_BYTES_PER_MS
        self._played: BoundedDict[tuple[str, int], float] = BoundedDict(_ITEMS_REMEMBERED)
        self._current: tuple[str, int] | None = None

    def on_play_bytes(self, item_id: str, item_content_index: int, bytes: bytes) -> None:  # noqa: A002  # the documented name
        """Report that these bytes of that part, in the session's output format, have been played."""
        self.on_play_ms(item_id, item_content_index, len(bytes) / self._bytes_per_ms)

    def on_play_ms(self, item_id: str, item_content_index: int, ms: float) -> None:
        """Report that so many further milliseconds of that part have been played."""
        part = (item_id, item_content_index)
        self._played[part] = self._played.pop(part, 0.0) + ms
        self._current = part

    def on_interrupted(self) -> None:
        """Report that playback was interrupted: nothing is being played now."""
        self._current = None

    def set_audio_format(self, format: RealtimeAudioFormat) -> None:  # noqa: A002  # the documented name
        """Set the format of the bytes; called by the model when the session's output format is known."""
        self._bytes_per_ms = bytes_per_ms(format)

    def get_state(self) -> RealtimePlaybackState:
        """Return the part played last and how much of it was heard; all `None` if nothing is being played."""
        if self._current is None:
            return {"current_item_id": None, "current_item_content_index": None, "elapsed_ms": None}
        item_id, content_index = self._current
        return {
            "current_item_id": item_id,
            "current_item_content_index": content_index,
            "elapsed_ms": self._played[self._current],
        }

    def played_ms(self, item_id: str, content_index: int = 0) -> float:
        """Return how many milliseconds of that part were heard; 0 if it was never played, or long ago."""
        return self._played.get((item_id, content_index), 0.0)
