"""The connection of one client: its `ServerSession` between a WebSocket, the recogniser, the voice and the clock.

Three tasks, and one for each answer that is being spoken: the reader passes frames to the session, the writer sends
its events, the timer calls it at its deadline. All run in one event loop, so the session needs no lock. Unsent data
is bounded: no speech is made for a client that does not read, and beyond `MAX_UNSENT_BYTES` it is disconnected.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections import deque
from typing import TYPE_CHECKING, Final, assert_never

from websockets.exceptions import ConnectionClosed

from speakerd.offline.errors import OfflineError
from speakerd.offline.protocol import (
    CloseConnection,
    DropUtterance,
    Effect,
    FinishUtterance,
    StartSpeaking,
    StartUtterance,
    StopSpeaking,
    UtteranceAudio,
)

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection

    from speakerd.offline.espeak import SpeechSynthesizer
    from speakerd.offline.protocol import Output, ServerSession
    from speakerd.offline.recognition import Recognition
    from speakerd.offline.recognizer import Recognizer

logger = logging.getLogger("speakerd.offline")

MAX_UNSENT_BYTES: Final = 32 * 1024 * 1024
"""Some ten minutes of speech as JSON: a client this far behind has stopped reading."""
PLENTY_MS: Final = 4000
"""Speech made ahead of what is due; with more than this the voice pauses."""
PLENTY_BYTES: Final = 1024 * 1024
"""Unsent JSON; with more than this the voice pauses, too."""
_REST_S: Final = 0.05


class ClientHandler:
    """Serves one client until either side ends it. Owns nothing that outlives `run`."""

    def __init__(
        self,
        socket: ServerConnection,
        session: ServerSession,
        recognizer: Recognizer,
        voice: SpeechSynthesizer,
    ) -> None:
        self._socket = socket
        self._session = session
        self._recognizer = recognizer
        self._voice = voice
        self._unsent: deque[str] = deque()
        self._unsent_bytes = 0
        self._something_to_send = asyncio.Event()
        self._deadline_changed = asyncio.Event()
        self._closing: CloseConnection | None = None
        self._streams: dict[str, int] = {}
        self._speakers: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Serve until the connection ends, from either side. Nothing is left running afterwards."""
        helpers = [
            asyncio.create_task(self._write(), name="offline writer"),
            asyncio.create_task(self._keep_time(), name="offline timer"),
        ]
        reader = asyncio.create_task(self._read(), name="offline reader")
        try:
            done, _ = await asyncio.wait((reader, *helpers), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                await task
        except ConnectionClosed:
            pass
        finally:
            tasks = [reader, *helpers, *self._speakers.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for stream in self._streams.values():
                self._recognizer.drop(stream)
            self._streams.clear()

    def abort(self) -> None:
        """Close the TCP connection without a closing handshake."""
        self._socket.transport.abort()

    async def _read(self) -> None:
        self._perform(self._session.start(time.monotonic()))
        async for message in self._socket:
            self._perform(self._session.receive(message, time.monotonic()))

    async def _write(self) -> None:
        while True:
            await self._something_to_send.wait()
            while self._unsent:
                text = self._unsent.popleft()
                self._unsent_bytes -= len(text)
                await self._socket.send(text)
            self._something_to_send.clear()
            if self._closing is not None:
                await self._socket.close(self._closing.code, self._closing.reason)
                return

    async def _keep_time(self) -> None:
        while True:
            self._deadline_changed.clear()
            deadline = self._session.deadline
            wait_s = None if deadline is None else max(0.0, deadline - time.monotonic())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._deadline_changed.wait()
                continue
            self._perform(self._session.tick(time.monotonic()))

    def _perform(self, output: Output) -> None:
        for event in output.events:
            text = json.dumps(event)
            self._unsent.append(text)
            self._unsent_bytes += len(text)
        if self._unsent_bytes > MAX_UNSENT_BYTES and self._closing is None:
            logger.warning("a client does not read what it asked for; cutting it off")
            self._unsent.clear()
            self._unsent_bytes = 0
            self.abort()
            return
        for effect in output.effects:
            self._start(effect)
        if self._unsent or self._closing is not None:
            self._something_to_send.set()
        self._deadline_changed.set()

    def _start(self, effect: Effect) -> None:
        match effect:
            case StartUtterance(utterance, phrases):
                self._streams[utterance] = self._recognizer.begin(
                    phrases,
                    lambda found: self._recognized(utterance, found),
                    lambda message: self._recognition_failed(utterance, message),
                )
            case UtteranceAudio(utterance, pcm) if utterance in self._streams:
                self._recognizer.feed(self._streams[utterance], pcm)
            case FinishUtterance(utterance) if utterance in self._streams:
                self._recognizer.finish(self._streams[utterance])
            case FinishUtterance(utterance):
                # Its recognition failed before it was over, and its stream has ended.
                self._perform(
                    self._session.recognition_failed(utterance, "the recogniser was lost", time.monotonic())
                )
            case DropUtterance(utterance) if utterance in self._streams:
                self._recognizer.drop(self._streams.pop(utterance))
            case StartSpeaking():
                task = asyncio.create_task(self._speak(effect), name=f"offline voice {effect.response_id}")
                self._speakers[effect.response_id] = task
                task.add_done_callback(lambda done: self._speaker_done(effect.response_id, done))
            case StopSpeaking(response_id):
                speaker = self._speakers.pop(response_id, None)
                if speaker is not None:
                    speaker.cancel()
            case CloseConnection():
                self._closing = effect
            case UtteranceAudio() | DropUtterance():
                pass  # its stream has ended already
            case _:
                assert_never(effect)

    def _recognized(self, utterance: str, found: Recognition) -> None:
        logger.debug(
            "heard %s speech of %.1f s in %.0f ms, confidence %.2f",
            found.kind,
            found.audio_s,
            found.wait_s * 1000,
            found.confidence,
        )
        self._streams.pop(utterance, None)
        self._perform(self._session.recognized(utterance, found.text, time.monotonic()))

    def _recognition_failed(self, utterance: str, message: str) -> None:
        self._streams.pop(utterance, None)
        self._perform(self._session.recognition_failed(utterance, message, time.monotonic()))

    async def _speak(self, effect: StartSpeaking) -> None:
        error: str | None = None
        try:
            async with contextlib.aclosing(
                self._voice.speak(effect.text, effect.voice, effect.speed)
            ) as sound:
                async for pcm in sound:
                    self._perform(self._session.speech(effect.response_id, pcm, time.monotonic()))
                    while self._plenty(effect.response_id):  # noqa: ASYNC110  # a pause, no wait for an event
                        await asyncio.sleep(_REST_S)
        except (OfflineError, OSError) as failure:
            logger.error("%s", failure)
            error = str(failure)
        self._perform(self._session.speech_ended(effect.response_id, error, time.monotonic()))

    def _plenty(self, response_id: str) -> bool:
        return self._session.waiting_ms(response_id) > PLENTY_MS or self._unsent_bytes > PLENTY_BYTES

    def _speaker_done(self, response_id: str, task: asyncio.Task[None]) -> None:
        if self._speakers.get(response_id) is task:
            del self._speakers[response_id]
        if not task.cancelled() and task.exception() is not None:
            logger.error("the offline voice broke", exc_info=task.exception())
