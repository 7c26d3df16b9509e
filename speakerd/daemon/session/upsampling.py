"""A model whose speech comes at another rate than its server takes: for the embedded server in another's place."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from speakerd.audio.resample import Resampler
from speakerd.realtime.model import (
    RealtimeModelSendAudio,
    RealtimeModelSendAudioClear,
    RealtimeModelSendAudioCommit,
)
from speakerd.realtime.transport import OpenAIRealtimeWebSocketModel

if TYPE_CHECKING:
    from speakerd.realtime.model import RealtimeModelSendEvent


class UpsamplingModel(OpenAIRealtimeWebSocketModel):
    """Takes speech at `from_hz`, and sends it at `to_hz`."""

    def __init__(self, from_hz: int, to_hz: int, **options: Any) -> None:
        """`options` are those of the model."""
        super().__init__(**options)
        self._resampler = Resampler(from_hz, to_hz)

    async def send_event(self, event: RealtimeModelSendEvent) -> None:
        """Send it; speech is converted on the way."""
        if isinstance(event, RealtimeModelSendAudio):
            pcm = self._resampler.process(event.audio)
            if event.commit:
                pcm += self._resampler.finish()
            event = dataclasses.replace(event, audio=pcm)
        elif isinstance(event, RealtimeModelSendAudioCommit):
            await super().send_event(RealtimeModelSendAudio(self._resampler.finish()))
        elif isinstance(event, RealtimeModelSendAudioClear):
            self._resampler.clear()
        await super().send_event(event)
