"""A model whose sound is other on the line than in this house.

Two reasons: the embedded server stands in for one that takes another rate; a slow line carries G.711 and no more.
"""

from __future__ import annotations

import dataclasses
import logging
from typing import TYPE_CHECKING, Any

from speakerd.audio import g711
from speakerd.audio.pcm import WIRE_RATE
from speakerd.audio.resample import Resampler
from speakerd.realtime.model import (
    RealtimeModelAudioDoneEvent,
    RealtimeModelAudioEvent,
    RealtimeModelListener,
    RealtimeModelSendAudio,
    RealtimeModelSendAudioClear,
    RealtimeModelSendAudioCommit,
)
from speakerd.realtime.transport import OpenAIRealtimeWebSocketModel

if TYPE_CHECKING:
    from speakerd.realtime.model import RealtimeModelEvent, RealtimeModelSendEvent

log = logging.getLogger(__name__)

_LEAST_BYTES = g711.RATE // 10
"""G.711 leaves by 100 ms: the event around each piece of sound costs as much as 10 ms of it."""


def model_for(
    from_hz: int, to_hz: int, *, telephone: bool = False, **options: Any
) -> OpenAIRealtimeWebSocketModel:
    """Return the model that takes speech at `from_hz`; a plain one where nothing is to be converted."""
    if from_hz == to_hz and not telephone:
        return OpenAIRealtimeWebSocketModel(**options)
    return ConvertingModel(from_hz, to_hz, telephone=telephone, **options)


class ConvertingModel(OpenAIRealtimeWebSocketModel):
    """Takes speech at `from_hz` and sends it at `to_hz`; with `telephone` as G.711, and takes answers as such."""

    def __init__(self, from_hz: int, to_hz: int, *, telephone: bool = False, **options: Any) -> None:
        """`options` are those of the model."""
        super().__init__(**options)
        self._resampler = Resampler(from_hz, to_hz)
        self._telephone = telephone
        self._waiting = b""
        self._decoder = _Decoder()
        if telephone:
            super().add_listener(self._decoder)

    async def send_event(self, event: RealtimeModelSendEvent) -> None:
        """Send it; speech is converted on the way."""
        if isinstance(event, RealtimeModelSendAudio):
            sound = self._converted(event.audio, last=event.commit)
            if not sound and not event.commit:
                return
            event = dataclasses.replace(event, audio=sound)
        elif isinstance(event, RealtimeModelSendAudioCommit):
            if rest := self._converted(b"", last=True):
                await super().send_event(RealtimeModelSendAudio(rest))
        elif isinstance(event, RealtimeModelSendAudioClear):
            self._resampler.clear()
            self._waiting = b""
        await super().send_event(event)

    def _converted(self, pcm: bytes, *, last: bool) -> bytes:
        sound = self._resampler.process(pcm)
        if last:
            sound += self._resampler.finish()
        if not self._telephone:
            return sound
        self._waiting += g711.encode(sound)
        if len(self._waiting) < _LEAST_BYTES and not last:
            return b""
        sound, self._waiting = self._waiting, b""
        return sound

    def add_listener(self, listener: RealtimeModelListener) -> None:
        """Pass every event to `listener` from now on, answers as PCM at 24 kHz."""
        if self._telephone:
            self._decoder.add(listener)
        else:
            super().add_listener(listener)

    def remove_listener(self, listener: RealtimeModelListener) -> None:
        """Stop passing events to `listener`."""
        self._decoder.remove(listener)
        super().remove_listener(listener)


class _Decoder(RealtimeModelListener):
    """Passes events on, with G.711 in them as PCM at 24 kHz."""

    def __init__(self) -> None:
        self._listeners: tuple[RealtimeModelListener, ...] = ()
        self._resampler = Resampler(g711.RATE, WIRE_RATE)
        self._last: RealtimeModelAudioEvent | None = None

    def add(self, listener: RealtimeModelListener) -> None:
        if listener not in self._listeners:
            self._listeners = (*self._listeners, listener)

    def remove(self, listener: RealtimeModelListener) -> None:
        self._listeners = tuple(known for known in self._listeners if known is not listener)

    async def on_event(self, event: RealtimeModelEvent) -> None:
        """Convert it, if it has sound, and pass it on."""
        if isinstance(event, RealtimeModelAudioEvent):
            if self._last is not None and self._last.item_id != event.item_id:
                self._resampler.clear()
            self._last = event
            event = dataclasses.replace(event, data=self._resampler.process(g711.decode(event.data)))
            if not event.data:
                return
        elif isinstance(event, RealtimeModelAudioDoneEvent) and self._last is not None:
            last, self._last = self._last, None
            if last.item_id == event.item_id and (rest := self._resampler.finish()):
                await self._pass(dataclasses.replace(last, data=rest))
        await self._pass(event)

    async def _pass(self, event: RealtimeModelEvent) -> None:
        for listener in self._listeners:
            try:
                await listener.on_event(event)
            except Exception:  # whatever it is, the other listeners get the event
                log.exception("a listener failed on %s", event.type)
