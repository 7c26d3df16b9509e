"""Speaks announcements: words of the local voice, played as speech, so that canceller and barge-in know of it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Protocol

from speakerd.daemon.core.local_voice import NoVoiceError
from speakerd.dialogue.events import AnnouncementEnded

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from speakerd.daemon.core.live_engine import LiveEngine
    from speakerd.dialogue.events import Event

_LOOK_FOR_ROOM_S = 0.1


class Voice(Protocol):
    """What makes speech of text."""

    async def prepare(self) -> None:
        """Find out whether it can speak. Raises NoVoiceError."""

    def speak(self, text: str) -> AsyncGenerator[bytes, None]:
        """Yield the sound of `text`: 24 kHz, 16 bit, mono. Raises NoVoiceError."""


class Announcer:
    """Speaks one announcement at a time; the dialogue decides when. Event loop only."""

    def __init__(self, *, engine: LiveEngine, voice: Voice, handle: Callable[[Event], None]) -> None:
        """`handle` gives an event to the dialogue."""
        self._engine = engine
        self._voice = voice
        self._handle = handle
        self._count = 0
        self._item: str | None = None
        """The item of the playback that is the announcement; None while nothing is announced."""
        self._complete = False
        """All of it has been handed to the loudspeaker."""
        self._task: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        engine.on_cut = self._was_cut

    async def prepare(self) -> None:
        """Find out whether there is a voice. Raises NoVoiceError."""
        await self._voice.prepare()

    def begin(self, text: str, *, chime: bool) -> None:
        """Speak `text`, after a chime if wanted. `AnnouncementEnded` tells the end, unless it is hushed."""
        self._count += 1
        self._item = f"announcement_{self._count}"
        self._complete = False
        self._task = asyncio.create_task(self._speak(self._item, text, chime=chime), name="announcement")

    def hush(self) -> None:
        """Fall silent; nothing is told of it. Idempotent."""
        self._leave()
        self._engine.cut_off_quietly()

    def close(self) -> None:
        """Make no more sound; what has been made may be heard. Idempotent."""
        self._leave()

    def owns(self, item_id: str) -> bool:
        """Whether that item of the playback is what is announced now."""
        return item_id == self._item

    def drained(self) -> bool:
        """Take the report that all there was has been heard; return whether it was an announcement."""
        if self._item is None:
            return False
        if self._complete:  # else the voice was slow for a moment, and goes on
            self._end("")
        return True

    def _leave(self) -> None:
        self._item = None
        task, self._task = self._task, None
        if task is not None and not task.done():
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
            task.cancel()

    def _end(self, problem: str) -> None:
        self._leave()
        self._handle(AnnouncementEnded(problem))

    def _was_cut(self) -> None:
        """Take the report that the playback was flushed: if it was not we who did it, the announcement is over."""
        if self._item is not None:
            self._leave()
            # Not within the event that did it.
            asyncio.get_running_loop().call_soon(self._handle, AnnouncementEnded("it was interrupted"))

    async def _speak(self, item: str, text: str, *, chime: bool) -> None:
        engine = self._engine
        if chime:
            engine.current.play_sound(item, "announcement")
        made = False
        try:
            async with aclosing(self._voice.speak(text)) as sound:
                async for pcm in sound:
                    made = True
                    if not engine.current.play(item, 0, pcm):
                        await self._wait_for_room()
        except NoVoiceError as error:
            engine.cut_off_quietly()
            self._task = None
            self._end(str(error))
            return
        engine.current.finish_item(item)
        self._task = None
        if made:
            self._complete = True
        else:
            self._end("the local voice makes no sound of these words")

    async def _wait_for_room(self) -> None:
        while not self._engine.current.has_room:  # noqa: ASYNC110  # the device's thread makes room, and no event tells of it
            await asyncio.sleep(_LOOK_FOR_ROOM_S)
