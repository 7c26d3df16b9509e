"""The port to a realtime model, and what knows how much of its audio was heard.

A session talks to a `RealtimeModel` and hears from it as a `RealtimeModelListener`; the rest of the layer knows
nothing of sockets. `websocket.py` has the real one, `testing/` one that plays a script.

A model's own settings, its configuration and its events are in `config.py`, `model_inputs.py`, `model_events.py`.
"""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, TypedDict

from speakerd.realtime.model.config import RealtimeModelConfig

if TYPE_CHECKING:
    from speakerd.realtime.model.config import RealtimeAudioFormat
    from speakerd.realtime.model.events import RealtimeModelEvent
    from speakerd.realtime.model.inputs import RealtimeModelSendEvent

__all__ = [
    "RealtimeModel",
    "RealtimeModelConfig",
    "RealtimeModelListener",
    "RealtimePlaybackState",
    "RealtimePlaybackTracker",
]

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
        self._bytes_per_ms = 48.0
        self._played: dict[tuple[str, int], float] = {}
        self._current: tuple[str, int] | None = None

    def on_play_bytes(self, item_id: str, item_content_index: int, bytes: bytes) -> None:  # noqa: A002  # the documented name
        """These bytes of that part, in the session's output format, have been played."""
        self.on_play_ms(item_id, item_content_index, len(bytes) / self._bytes_per_ms)

    def on_play_ms(self, item_id: str, item_content_index: int, ms: float) -> None:
        """So many further milliseconds of that part have been played."""
        part = (item_id, item_content_index)
        self._played[part] = self._played.pop(part, 0.0) + ms
        self._current = part
        if len(self._played) > _ITEMS_REMEMBERED:
            del self._played[next(iter(self._played))]

    def on_interrupted(self) -> None:
        """Playback was cut off: nothing is being played now."""
        self._current = None

    def set_audio_format(self, format: RealtimeAudioFormat) -> None:  # noqa: A002  # the documented name
        """Say what the bytes are; called by the model when the session's output format is known."""
        name = format if isinstance(format, str) else str(format.get("type", "audio/pcm"))
        rate = 24_000 if isinstance(format, str) else int(format.get("rate", 24_000))
        g711 = name in ("g711_ulaw", "g711_alaw", "audio/pcmu", "audio/pcma")
        self._bytes_per_ms = 8.0 if g711 else 2 * rate / 1000

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


class RealtimeModelListener(abc.ABC):
    """Who is told what the model says."""

    @abc.abstractmethod
    async def on_event(self, event: RealtimeModelEvent) -> None:
        """Take one event. The model waits for the return before it tells the next: be quick."""


class RealtimeModel(abc.ABC):
    """A connection to a realtime model. One session uses it at a time; after `close()` it may connect again."""

    @abc.abstractmethod
    async def connect(self, options: RealtimeModelConfig) -> None:
        """Connect, begin a session with the given settings, and start telling events to the listeners.

        Returns when the session can be used. Raises when it cannot be had.
        """

    @abc.abstractmethod
    def add_listener(self, listener: RealtimeModelListener) -> None:
        """Tell `listener` every event from now on. A listener added twice is told once."""

    @abc.abstractmethod
    def remove_listener(self, listener: RealtimeModelListener) -> None:
        """Tell it no more. Unknown listeners are ignored."""

    @abc.abstractmethod
    async def send_event(self, event: RealtimeModelSendEvent) -> None:
        """Do what is asked. While the connection is being healed, requests are kept and done afterwards."""

    @abc.abstractmethod
    async def close(self) -> None:
        """End the session and the connection. Idempotent; safe to call from a listener."""
