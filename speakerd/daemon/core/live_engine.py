"""The audio engine of the settings in force, and how much of each answer it has let be heard.

Other settings for sound mean another engine: the old one is closed, one is made on the device that the settings
name now, and everybody who uses `current` has it from then on. A device that is not there then is waited for,
as one that was unplugged.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from speakerd.audio.engine import AudioEngine
from speakerd.daemon.session import PlaybackTracker

if TYPE_CHECKING:
    from collections.abc import Callable

    from speakerd.audio.device import AudioDevice
    from speakerd.audio.events import AudioEvent
    from speakerd.audio.playback import PlayedItem
    from speakerd.audio.settings import AudioSettings
    from speakerd.config.settings import Settings
    from speakerd.daemon.live_settings import LiveSettings

log = logging.getLogger(__name__)


class LiveEngine:
    """Owns the one engine there is. Event loop only, but for `positions`, which any thread may ask."""

    def __init__(
        self,
        settings: LiveSettings,
        *,
        make_device: Callable[[AudioSettings], AudioDevice],
        die: Callable[[str], None],
    ) -> None:
        """Nothing is opened yet.

        Args:
            settings: Those of sound, the wake word and who ends a turn are read; the volume is not.
            make_device: Returns the device that the settings name, not started.
            die: Called with the reason where there can be no sound any more.
        """
        self._make_device = make_device
        self._die = die
        self._on_event: Callable[[AudioEvent], None] | None = None
        self._volume: int | None = None
        self._settings = settings.subscribe(
            "audio",
            "wake_word",
            "model.turn_detection",
            but=("audio.volume", "audio.driver", "audio.heartbeat_limit_s"),
            take=self._take,
        )
        self.current = self._make()
        """The engine in force."""
        self.tracker = PlaybackTracker(self.positions)
        """How much of each answer was heard."""
        self._changing: asyncio.Task[None] | None = None

    def _make(self) -> AudioEngine:
        settings = self._settings
        return AudioEngine(
            self._make_device(settings.audio),
            settings.audio,
            on_event=self._emit,
            owner="local" if settings.model.turn_detection == "local" else "server",
            wake_word=settings.wake_word if settings.wake_word.enabled else None,
        )

    def _emit(self, event: AudioEvent) -> None:
        if self._on_event is not None:
            self._on_event(event)

    async def start(self, on_event: Callable[[AudioEvent], None], *, wait_for_device: bool = False) -> None:
        """Open the device and begin; `on_event` is called in the audio thread with all that the engine reports.

        Raises DeviceError, unless a missing device is to be waited for.
        """
        self._on_event = on_event
        await asyncio.to_thread(self.current.start, wait_for_device=wait_for_device)

    async def close(self) -> None:
        """Stop at once. Idempotent."""
        if self._changing is not None:
            await self._changing
        await asyncio.to_thread(self.current.close)

    def _take(self, settings: Settings) -> None:
        self._settings = settings
        if self._changing is None or self._changing.done():
            self._changing = asyncio.create_task(self._change())

    async def _change(self) -> None:
        """Replace the engine, and again if the settings changed meanwhile."""
        made_of = None
        try:
            while made_of is not self._settings:
                made_of = self._settings
                await asyncio.to_thread(self.current.close)
                self.current = self._make()
                if self._volume is not None:
                    self.current.set_volume(self._volume)
                await asyncio.to_thread(self.current.start, wait_for_device=True)
        except (
            Exception
        ) as error:  # whatever it is: a speaker without sound must not go on as if nothing were
            log.exception("the new sound settings could not be applied")
            self._die(f"no sound after the reload: {error}")

    # -- the loudspeaker -----------------------------------------------------------------------------------

    def set_volume(self, percent: int) -> None:
        """Set the volume, of this engine and of those that will replace it."""
        self._volume = percent
        self.current.set_volume(percent)

    def positions(self) -> tuple[PlayedItem, ...]:
        """Return how much of every item has been heard by now."""
        return self.current.positions()

    def cut_off(self) -> None:
        """Stop speaking, and remember how much was heard: the session asks for it to truncate."""
        self.tracker.cut(self.current.flush())

    def cut_off_by_server(self, item_id: str) -> None:
        """Stop speaking because the session says so; nothing where that item was cut off here before."""
        if not self.tracker.was_cut(item_id):
            self.cut_off()

    def finish_all(self) -> None:
        """Play what has come of each item to its end, and wait for no more of it."""
        # Not every server says that an item's sound is complete, and none does once the connection is cut.
        for item in self.positions():
            self.current.finish_item(item.item_id)

    def begin_session(self) -> None:
        """A new session begins: names of items that were heard or cut off may come again."""
        self.current.release_item_ids()
        self.tracker.forget()

    @property
    def silent_after_s(self) -> float:
        """How long after a cut something is still heard: what the device holds, and the ramp at its end."""
        return self.current.output_latency_s + self._settings.audio.flush_ramp_ms / 1000

    @property
    def faded_after_s(self) -> float:
        """How long the fade at the end of the daemon is heard."""
        return self.current.output_latency_s + self._settings.audio.stop_fade_ms / 1000
