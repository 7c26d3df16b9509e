"""Hears the session: sound to the loudspeaker, words to the monitor, facts to the dialogue."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from speakerd.daemon.core.local_voice import NoVoiceError
from speakerd.daemon.session import details_of
from speakerd.dialogue.events import Connected, ConnectionLost, ResponseEnded, ServerSpeechStopped
from speakerd.host.journal import fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from speakerd.config.settings import Settings
    from speakerd.daemon.core.announcer import Voice
    from speakerd.daemon.core.live_engine import LiveEngine
    from speakerd.daemon.core.tool_host import ToolHost
    from speakerd.daemon.live_settings import LiveSettings
    from speakerd.daemon.metrics import TurnLog
    from speakerd.dialogue.events import Event
    from speakerd.realtime.session import RealtimeAgentEndEvent, RealtimeSessionEvent

log = logging.getLogger(__name__)

_LOOK_FOR_ROOM_S = 0.1


class SessionEvents:
    """Routes what the session reports. Event loop only."""

    def __init__(
        self,
        settings: LiveSettings,
        *,
        engine: LiveEngine,
        turns: TurnLog,
        tools: ToolHost,
        voice: Voice,
        handle: Callable[[Event], None],
        clock: Callable[[], float],
    ) -> None:
        """`voice` speaks answers that come as text; `handle` gives an event to the dialogue."""
        self._engine = engine
        self._turns = turns
        self._tools = tools
        self._handle = handle
        self._voice = voice
        self._clock = clock
        self._spoken_here: str | None = None
        """The response whose text was spoken by the local voice."""
        self._half_of: tuple[str, int] | None = None
        self._half = b""
        """Half of a sample that a delta ended with, and the part of an answer whose next delta has the rest."""
        self._take(settings.subscribe("log.transcripts", take=self._take, when="now"))

    def _take(self, settings: Settings) -> None:
        self._log_transcripts = settings.log.transcripts

    def fact(self, event: Event) -> None:
        """Take something that the dialogue must know; the engine hears of it first."""
        engine = self._engine
        if isinstance(event, ServerSpeechStopped):
            engine.current.server_ended()
        elif isinstance(event, Connected):
            engine.begin_session()
        elif isinstance(event, ConnectionLost | ResponseEnded):
            engine.finish_all()
        if isinstance(event, ResponseEnded) and event.response_id == self._spoken_here:
            event = replace(event, had_audio=True)
        self._handle(event)

    async def event(self, event: RealtimeSessionEvent) -> None:
        """Take an event of the session; return when the next one may come."""
        match event.type:
            case "audio":
                audio = event.audio
                pcm = self._whole_samples((audio.item_id, audio.content_index), audio.data)
                if not self._engine.current.play(audio.item_id, audio.content_index, pcm):
                    await self._wait_for_room()
                return
            case "audio_end":
                self._engine.current.finish_item(event.item_id)
            case "agent_end" if _is_written(event):
                await self._speak(event.response_id or "", event.output_text)
            case "audio_interrupted":
                self._engine.cut_off_by_server(event.item_id)
            case "transcript_delta":
                self._caption(event.role, event.item_id, event.delta, final=False)
            case "conversation.item.input_audio_transcription.completed":
                self._caption("user", event.item_id, event.transcript.strip(), final=True)
            case "response.audio_transcript.done":
                self._caption("assistant", event.item_id, event.transcript.strip(), final=True)
        for name, details in details_of(event):
            self._turns.detail(name, details, self._clock())

    def speech_dropped(self, seconds: float) -> None:
        """Take the report that so much speech was never sent."""
        self._turns.detail("speech_dropped", {"seconds": round(seconds, 2)}, self._clock())

    def _whole_samples(self, part: tuple[str, int], pcm: bytes) -> bytes:
        """Return what can be played of a delta: the sound is a stream of bytes, cut anywhere."""
        if part == self._half_of:
            pcm = self._half + pcm
        whole = len(pcm) - len(pcm) % 2
        self._half_of, self._half = (part, pcm[whole:]) if whole < len(pcm) else (None, b"")
        return pcm if whole == len(pcm) else pcm[:whole]

    def _caption(self, role: str, item_id: str, text: str, *, final: bool) -> None:
        self._turns.caption(role, item_id, text, final=final, now=self._clock())
        if final and role == "assistant":
            self._tools.answered(text)
        if final and self._log_transcripts:
            log.info("%s: %s", role, text, extra=fields(event="transcript", role=role))

    async def _speak(self, response_id: str, text: str) -> None:
        """Speak an answer by the local voice, as if the model had spoken it."""
        item_id = f"written_{response_id}"
        made = False
        try:
            async with aclosing(self._voice.speak(text)) as sound:
                async for pcm in sound:
                    made = True
                    if not self._engine.current.play(item_id, 0, pcm):
                        await self._wait_for_room()
        except NoVoiceError as error:
            log.warning("%s", error, extra=fields(event="answer_unspoken"))
            return
        if made:
            self._engine.current.finish_item(item_id)
            self._spoken_here = response_id

    async def _wait_for_room(self) -> None:
        """Wait until the loudspeaker has played some: the model is minutes ahead, its frames stay in the socket."""
        while not self._engine.current.has_room:  # noqa: ASYNC110  # the device's thread makes room, and no event tells of it
            await asyncio.sleep(_LOOK_FOR_ROOM_S)


def _is_written(event: RealtimeAgentEndEvent) -> bool:
    """Whether the answer is text alone, where sound was asked for: some servers cannot speak, or not always."""
    answered = event.status in (None, "completed") and not (event.had_audio or event.tool_calls)
    return answered and not event.out_of_band and bool(event.output_text.strip())
