"""How much of each answer was heard: the session layer's playback tracker, read off the sound device.

Reads the playback buffer's positions (samples that left the loudspeaker, the device's latency taken off) at the
moment it is asked, so that a truncation is exact whoever starts it: a press, a voice, or the server's own turn
detection. What a flush cut off is remembered here, since the buffer forgets it then.

Event loop only; the positions themselves are safe to read from any thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from speakerd.realtime.bounded import BoundedDict
from speakerd.realtime.model import RealtimePlaybackState, RealtimePlaybackTracker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from speakerd.audio.playback import PlayedItem

_CUT_REMEMBERED = 32
"""Parts of answers that were cut off and may still be asked about."""

SAMPLES_PER_MS = 24


class PlaybackTracker(RealtimePlaybackTracker):
    """A `RealtimePlaybackTracker` that reads the positions of the playback buffer when it is asked."""

    def __init__(
        self,
        position: Callable[[str, int], PlayedItem | None],
        positions: Callable[[], Iterable[PlayedItem]],
    ) -> None:
        """`position` returns that of one part, if it is known; `positions` those of all, in order."""
        super().__init__()
        self._position = position
        self._positions = positions
        self._cut: BoundedDict[tuple[str, int], PlayedItem] = BoundedDict(_CUT_REMEMBERED)

    def cut(self, items: Iterable[PlayedItem]) -> None:
        """Remember how far these were heard: a flush stopped them."""
        for item in items:
            self._cut[item.item_id, item.content_index] = item

    def was_cut(self, item_id: str) -> bool:
        """Whether a flush stopped that item."""
        return any(cut_item == item_id for cut_item, _ in self._cut)

    def forget(self) -> None:
        """Forget what was cut off: a new session begins, and may use the same item ids again."""
        self._cut.clear()

    def played_ms(self, item_id: str, content_index: int = 0) -> float:
        """Return how many milliseconds of that part were heard."""
        item = self._cut.get((item_id, content_index))
        if item is None:
            item = self._position(item_id, content_index)
        return 0.0 if item is None else item.played_samples / SAMPLES_PER_MS

    def get_state(self) -> RealtimePlaybackState:
        """Return the part that is audible now, or was last: the latest one begun and not heard to its end."""
        began = [item for item in (*self._cut.values(), *self._positions()) if item.played_samples]
        unfinished = [item for item in began if item.played_samples < item.received_samples]
        current = unfinished[-1] if unfinished else began[-1] if began else None
        if current is None:
            return {"current_item_id": None, "current_item_content_index": None, "elapsed_ms": None}
        return {
            "current_item_id": current.item_id,
            "current_item_content_index": current.content_index,
            "elapsed_ms": current.played_samples / SAMPLES_PER_MS,
        }
