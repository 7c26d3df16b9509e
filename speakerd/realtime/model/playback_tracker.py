"""Tells the model how much of its audio was heard: fed by the program that plays it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from speakerd.realtime.bounded import BoundedDict
from speakerd.realtime.model.audio_format import PCM16_BYTES_PER_MS, bytes_per_ms

if TYPE_CHECKING:
    from speakerd.realtime.model.audio_format import RealtimeAudioFormat

_ITEMS_REMEMBERED = 64
"""Parts whose played length is kept: far more than one reply has, few enough to be forgotten about."""


class RealtimePlaybackState(TypedDict):
    """What was being played last."""

    current_item_id: str | None
    current_item_content_index: int | None
    elapsed_ms: float | None
    """How much of that part was heard."""


class RealtimePlaybackTracker:
    """How much of each audio part was heard, told by whoever plays it.

    Give one to `model_config["playback_tracker"]` and feed it from what really left the device, by bytes or by
    milliseconds, in the order of playing. Without one, a model has to take audio as heard when it comes.

    Not thread-safe: call it on the event loop's thread.
    """

    def __init__(self) -> None:
        self._bytes_per_ms = PCM16_BYTES_PER_MS
        self._played: BoundedDict[tuple[str, int], float] = BoundedDict(_ITEMS_REMEMBERED)
        self._current: tuple[str, int] | None = None

    def on_play_bytes(self, item_id: str, item_content_index: int, bytes: bytes) -> None:  # noqa: A002  # the documented name
        """These bytes of that part, in the session's output format, have been played."""
        self.on_play_ms(item_id, item_content_index, len(bytes) / self._bytes_per_ms)

    def on_play_ms(self, item_id: str, item_content_index: int, ms: float) -> None:
        """So many further milliseconds of that part have been played."""
        part = (item_id, item_content_index)
        self._played[part] = self._played.pop(part, 0.0) + ms
        self._current = part

    def on_interrupted(self) -> None:
        """Playback was cut off: nothing is being played now."""
        self._current = None

    def set_audio_format(self, format: RealtimeAudioFormat) -> None:  # noqa: A002  # the documented name
        """Say what the bytes are; called by the model when the session's output format is known."""
        self._bytes_per_ms = bytes_per_ms(format)

    def get_state(self) -> RealtimePlaybackState:
        """The part played last and how much of it was heard; all `None` when nothing is being played."""
        if self._current is None:
            return {"current_item_id": None, "current_item_content_index": None, "elapsed_ms": None}
        item_id, content_index = self._current
        return {
            "current_item_id": item_id,
            "current_item_content_index": content_index,
            "elapsed_ms": self._played[self._current],
        }

    def played_ms(self, item_id: str, content_index: int = 0) -> float:
        """How much of that part was heard; 0 for one that was never played (or long ago)."""
        return self._played.get((item_id, content_index), 0.0)
