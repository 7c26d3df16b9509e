"""The server's end of the recogniser: starts the worker process, sends it audio, receives the recognised text.

One process serves all sessions. If it dies, the open utterances fail with a message, and a new process is started
for the next one, at most once in `RESTART_PAUSE_S`.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from speakerd.offline.errors import RecognizerError, RecognizerMissingError
from speakerd.offline.recognition import (
    AUDIO,
    BEGIN,
    DROP,
    ERROR,
    FINISH,
    READY,
    RESULT,
    UNKNOWN_WORDS,
    Message,
    MessageDecoder,
    Recognition,
    encode,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from speakerd.offline.settings import OfflineSettings

logger = logging.getLogger("speakerd.offline.recognizer")

LOAD_TIMEOUT_S: Final = 60.0
"""A Pi Zero with a worn card takes about ten."""
RESTART_PAUSE_S: Final = 2.0
MAX_BACKLOG_BYTES: Final = 64 * 1024 * 1024
"""Audio that the process has not read yet; with more of it the utterances fail instead of filling the memory."""
_STOP_S: Final = 2.0
_READ_BYTES: Final = 65_536


@dataclass(slots=True)
class _Waiting:
    heard: Callable[[Recognition], None]
    failed: Callable[[str], None]


class Recognizer:
    """Owns the worker process. Methods and callbacks belong to the event loop's thread."""

    def __init__(self, settings: OfflineSettings) -> None:
        self._settings = settings
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[None] | None = None
        self._starting: asyncio.Task[None] | None = None
        self._streams: dict[int, _Waiting] = {}
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._counter = 0
        self._started_at = float("-inf")
        self._closing = False

    async def start(self) -> None:
        """Start the process and wait until it is loaded. Raises RecognizerMissingError, RecognizerError."""
        if importlib.util.find_spec("pocketsphinx") is None:
            raise RecognizerMissingError
        await self._launch()

    @property
    def pid(self) -> int | None:
        """The id of the process; None while there is none."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process is not None else None

    def begin(
        self, phrases: tuple[str, ...], heard: Callable[[Recognition], None], failed: Callable[[str], None]
    ) -> int:
        """Begin an utterance and return its number. One of the callbacks is called once, unless it is dropped."""
        self._counter += 1
        self._streams[self._counter] = _Waiting(heard, failed)
        self._send(encode(BEGIN, self._counter, {"phrases": phrases}))
        return self._counter

    def feed(self, stream: int, pcm: bytes) -> None:
        """Add audio to an utterance: 16 kHz, 16-bit, mono."""
        if stream in self._streams:
            self._send(encode(AUDIO, stream, pcm))

    def finish(self, stream: int) -> None:
        """End an utterance; its result comes through the callbacks."""
        if stream in self._streams:
            self._send(encode(FINISH, stream))

    def drop(self, stream: int) -> None:
        """Cancel an utterance; neither callback is called."""
        if self._streams.pop(stream, None) is not None:
            self._send(encode(DROP, stream))

    async def close(self) -> None:
        """End the process and drop the open utterances. Idempotent."""
        self._closing = True
        self._streams.clear()
        self._held.clear()
        for task in (self._starting, self._reader):
            if task is not None:
                task.cancel()
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            if process.stdin is not None:
                process.stdin.close()
            try:
                async with asyncio.timeout(_STOP_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        await asyncio.gather(
            *(task for task in (self._starting, self._reader) if task), return_exceptions=True
        )

    # The process

    async def _launch(self) -> None:
        self._started_at = time.monotonic()
        # The package may be run from a source tree that is on the path of this process only.
        path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]).rstrip(
            os.pathsep
        )
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "speakerd.offline.recognition.worker",
            "--free-speech",
            self._settings.free_speech,
            "--confidence",
            str(self._settings.confidence),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
        )
        self._ready = asyncio.get_running_loop().create_future()
        self._reader = asyncio.create_task(self._read(self._process), name="offline recogniser")
        try:
            async with asyncio.timeout(LOAD_TIMEOUT_S):
                await self._ready
        except TimeoutError:
            self._process.kill()
            raise RecognizerError(f"it did not load within {LOAD_TIMEOUT_S:g} s") from None
        self._flush()

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101  # it was made with a pipe
        decoder = MessageDecoder()
        while data := await process.stdout.read(_READ_BYTES):
            for message in decoder.feed(data):
                self._take(message)
        code = await process.wait()
        self._lost(f"its process ended with code {code}")

    def _take(self, message: Message) -> None:
        if message.kind == RESULT:
            waiting = self._streams.pop(message.stream, None)
            if waiting is not None:
                waiting.heard(Recognition(**message.json))
        elif message.kind == READY and self._ready is not None and not self._ready.done():
            self._ready.set_result(None)
        elif message.kind == UNKNOWN_WORDS:
            words = ", ".join(message.json["words"])
            logger.warning(
                "sentences with words that the recogniser's dictionary lacks are left out: %s", words
            )
        elif message.kind == ERROR:
            reason = str(message.json["message"])
            logger.error("the offline recogniser: %s", reason)
            waiting = self._streams.pop(message.stream, None)
            if waiting is not None:
                waiting.failed(reason)
            elif self._ready is not None and not self._ready.done():
                self._ready.set_exception(RecognizerError(reason))

    def _lost(self, reason: str) -> None:
        """The process has ended: fail the open utterances. The next utterance starts another process."""
        if self._closing:
            return
        self._process = None
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(RecognizerError(reason))
        if self._streams:
            logger.error("the offline recogniser was lost: %s", reason)
        waiting, self._streams = list(self._streams.values()), {}
        self._held, self._held_bytes = [], 0
        for entry in waiting:
            entry.failed(reason)

    def _send(self, data: bytes) -> None:
        if self._closing:
            return
        stdin = None if self._process is None else self._process.stdin
        loaded = self._ready is not None and self._ready.done() and self._ready.exception() is None
        if stdin is not None and loaded and not stdin.is_closing() and not self._held:
            if stdin.transport.get_write_buffer_size() + len(data) > MAX_BACKLOG_BYTES:
                self._lost("it does not keep up")
                return
            stdin.write(data)
            return
        self._held.append(data)
        self._held_bytes += len(data)
        if self._held_bytes > MAX_BACKLOG_BYTES:
            self._lost("it did not load in time")
        elif self._starting is None or self._starting.done():
            self._starting = asyncio.create_task(self._start_again(), name="offline recogniser start")

    async def _start_again(self) -> None:
        """Start for the first utterance of a lazy start, or after the process was lost."""
        if self._process is not None:
            return  # It is loading; `_launch` sends what is held.
        await asyncio.sleep(max(0.0, self._started_at + RESTART_PAUSE_S - time.monotonic()))
        try:
            await self.start()
        except (RecognizerError, RecognizerMissingError, OSError) as error:
            logger.error("%s", error)
            self._lost(str(error))

    def _flush(self) -> None:
        held, self._held, self._held_bytes = self._held, [], 0
        for data in held:
            self._send(data)
