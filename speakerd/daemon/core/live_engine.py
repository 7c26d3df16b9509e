"""The audio engine of the settings in force, and how much of each answer it has let be heard.

Other settings for sound mean another engine, made and tried beside the old one: its models are loaded, and its
device is looked for. Between turns the old one is closed and the new one opens the device; where the device that
the new settings name cannot be opened then, the old engine is made again.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING

from speakerd.audio.engine import AudioEngine
from speakerd.audio.errors import BadModelError, DeviceError, ExtraMissingError, setting_of
from speakerd.audio.events import DeviceLost, DeviceReturned
from speakerd.daemon.live_settings import PreparedChange, UnworkableSettingError
from speakerd.daemon.model_config import TURNS, input_rate_hz, turn_kind
from speakerd.daemon.session import PlaybackTracker

if TYPE_CHECKING:
    from collections.abc import Callable

    from speakerd.audio.capture import ListenMode
    from speakerd.audio.device import AudioDevice
    from speakerd.audio.engine import EngineStats
    from speakerd.audio.events import AudioEvent, Direction
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
        self._listening: ListenMode = "closed"
        self._lost: set[Direction] = set()
        self.on_cut: Callable[[], None] = lambda: None
        """Called when what was being said is cut off, whoever does it."""
        self._exchange = asyncio.Lock()
        self._settings = settings.subscribe(
            "audio",
            "wake_word",
            *TURNS,
            but=("audio.volume", "audio.sounds", "wake_word.pre_roll_ms"),
            prepare=self._prepare,
        )
        self._sounds = settings.subscribe("audio.sounds", take=self._take_sounds, when="now").audio.sounds
        self.current = self._make(self._settings)
        """The engine in force."""
        self._earlier: EngineStats | None = None
        self.tracker = PlaybackTracker(self.position, self.positions)
        """How much of each answer was heard."""

    def _make(self, settings: Settings) -> AudioEngine:
        return AudioEngine(
            self._make_device(settings.audio),
            settings.audio,
            on_event=self._emit,
            owner="local" if turn_kind(settings.model) == "local" else "server",
            uplink_rate_hz=input_rate_hz(settings.model),
            wake_word=settings.wake_word if settings.wake_word.enabled else None,
        )

    def _emit(self, event: AudioEvent) -> None:
        if isinstance(event, DeviceLost):
            self._lost.add(event.direction)
        elif isinstance(event, DeviceReturned):
            self._lost.discard(event.direction)
        if self._on_event is not None:
            self._on_event(event)

    async def start(self, on_event: Callable[[AudioEvent], None], *, wait_for_device: bool = False) -> None:
        """Open the device and begin; `on_event` is called in the audio thread with all that the engine reports.

        Raises DeviceError, unless a missing device is to be waited for.
        """
        async with self._exchange:
            self._on_event = on_event
            await asyncio.to_thread(self.current.start, wait_for_device=wait_for_device)

    async def close(self) -> None:
        """Stop the sound at once and close the device; no event comes after it. Idempotent."""
        async with self._exchange:
            await asyncio.to_thread(self.current.close)
            self._on_event = None

    # -- other settings ------------------------------------------------------------------------------------

    def _take_sounds(self, settings: Settings) -> None:
        self._sounds = settings.audio.sounds
        self.current.set_sounds(self._sounds)

    async def _prepare(self, settings: Settings) -> PreparedChange:
        try:
            engine = await asyncio.to_thread(self._make, settings)
            if _device_of(settings) != _device_of(self._settings):
                await asyncio.to_thread(engine.probe_device)
        except ExtraMissingError as error:
            raise UnworkableSettingError(error.setting, str(error)) from error
        except BadModelError as error:
            raise UnworkableSettingError("wake_word.model", str(error)) from error
        except DeviceError as error:
            raise UnworkableSettingError(setting_of(error.direction), str(error)) from error
        return PreparedChange(partial(self._replace, engine, settings))

    async def _replace(self, engine: AudioEngine, settings: Settings) -> None:
        """Put `engine` in the place of the one there is.

        Raises UnworkableSettingError where its device cannot be opened; the old settings are then in force again.
        """
        async with self._exchange:
            if self._on_event is None:
                self._settings, self.current = settings, self._dressed(engine)
                return
            # A device that was there, and is asked for again, is waited for: it may just be unplugged.
            known = _device_of(settings) == _device_of(self._settings)
            try:
                await asyncio.to_thread(self.current.close)
                try:
                    await self._open(engine, wait_for_device=known)
                except DeviceError as error:
                    await asyncio.to_thread(engine.close)
                    await self._open(self._make(self._settings), wait_for_device=True)
                    raise UnworkableSettingError(setting_of(error.direction), str(error)) from error
            except UnworkableSettingError:
                raise
            except (
                Exception
            ) as error:  # whatever it is: a speaker without sound must not go on as if nothing were
                log.exception("the new sound settings could not be applied")
                self._die(f"no sound after the reload: {error}")
            else:
                self._settings = settings

    @property
    def stats(self) -> EngineStats:
        """Counts since the start of the daemon, over all engines there have been."""
        now = self.current.stats
        return now if self._earlier is None else now.after(self._earlier)

    async def _open(self, engine: AudioEngine, *, wait_for_device: bool) -> None:
        self._earlier = self.stats
        self.current = self._dressed(engine)
        await asyncio.to_thread(engine.start, wait_for_device=wait_for_device)
        if not engine.device_lost:
            # The old engine has reported the loss of its device, and the new one does not know of it.
            for direction in tuple(self._lost):
                self._emit(DeviceReturned(direction, engine.now()))
        if self._listening != "closed":
            engine.listen(self._listening)

    def _dressed(self, engine: AudioEngine) -> AudioEngine:
        engine.set_sounds(self._sounds)
        if self._volume is not None:
            engine.set_volume(self._volume)
        return engine

    # -- the microphone ------------------------------------------------------------------------------------

    def listen(self, mode: ListenMode, since: float | None) -> None:
        """Set which sound may pass, of this engine and of one that replaces it now (`AudioEngine.listen`)."""
        self._listening = mode
        self.current.listen(mode, since)

    # -- the loudspeaker -----------------------------------------------------------------------------------

    def set_volume(self, percent: int) -> None:
        """Set the volume, of this engine and of those that will replace it."""
        self._volume = percent
        self.current.set_volume(percent)

    def positions(self) -> tuple[PlayedItem, ...]:
        """Return how much of every item has been heard by now."""
        return self.current.positions()

    def silenced(self, item_id: str) -> bool:
        """Whether nothing of that item is to be heard, nor was heard to its end: it was cut off."""
        return all(item.item_id != item_id for item in self.positions())

    def position(self, item_id: str, content_index: int) -> PlayedItem | None:
        """Return how much of one item has been heard by now; None if it is unknown, or is not kept any more."""
        return self.current.position(item_id, content_index)

    def cut_off(self) -> None:
        """Stop speaking, and remember how much was heard: the session asks for it to truncate."""
        self.tracker.cut(self.current.flush())
        self.on_cut()

    def cut_off_quietly(self) -> None:
        """Stop speaking what is none of the session's; whoever speaks it knows."""
        self.current.flush()

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


def _device_of(settings: Settings) -> tuple[str | int, ...]:
    """What decides which device is opened, and how."""
    audio = settings.audio
    return (
        audio.driver,
        audio.input,
        audio.output,
        audio.input_channel,
        audio.input_rate_hz,
        audio.output_rate_hz,
    )
