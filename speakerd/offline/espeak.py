"""Text to speech: one espeak-ng process for each answer, its output resampled to 24 kHz as it arrives.

espeak-ng writes WAV of 22 050 Hz, 16-bit, mono to stdout as fast as it is read, a sentence in a few milliseconds.
The text is passed on stdin, so that no text can be taken for an option.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from typing import TYPE_CHECKING, Final

from speakerd.audio.resample import Resampler
from speakerd.offline.errors import SpeechError, VoiceMissingError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from speakerd.offline.settings import OfflineSettings

logger = logging.getLogger("speakerd.offline.espeak")

ESPEAK_RATE: Final = 22_050
WIRE_RATE: Final = 24_000
_HEADER_BYTES: Final = 44
_READ_BYTES: Final = 8192
_LIST_TIMEOUT_S: Final = 10.0
_SLOWEST_WPM, _FASTEST_WPM = 80, 450


class SpeechSynthesizer:
    """Makes speech of text. Any number of texts may be spoken at a time."""

    def __init__(self, settings: OfflineSettings) -> None:
        self._settings = settings
        self._program: str | None = None
        self._known: frozenset[str] = frozenset()

    async def start(self) -> None:
        """Find espeak-ng and list its voices. Raises VoiceMissingError, SpeechError."""
        self._program = shutil.which("espeak-ng")
        if self._program is None:
            raise VoiceMissingError
        process = await asyncio.create_subprocess_exec(
            self._program,
            "--voices",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(_LIST_TIMEOUT_S):
                out, err = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise SpeechError(-9, f"it did not list its voices within {_LIST_TIMEOUT_S:g} s") from None
        if process.returncode:
            raise SpeechError(process.returncode, err.decode(errors="replace").strip())
        rows = (line.split() for line in out.decode(errors="replace").splitlines()[1:])
        self._known = frozenset(row[1] for row in rows if len(row) > 1)
        if not self.knows(self._settings.voice):
            logger.warning("espeak-ng has no voice %r; it speaks en-us", self._settings.voice)

    def knows(self, name: str) -> bool:
        """Return whether espeak-ng has this voice; a variant after "+" is not checked."""
        return name.partition("+")[0].lower() in self._known

    async def speak(self, text: str, name: str, speed: float) -> AsyncGenerator[bytes, None]:
        """Yield the audio of a text, 24 kHz, 16-bit, mono, as it is made. Closing the generator ends the process.

        A `name` that espeak-ng does not know (a hosted model's) is spoken by the voice of the settings.
        Raises VoiceMissingError, SpeechError.
        """
        if self._program is None:
            raise VoiceMissingError
        process = await asyncio.create_subprocess_exec(
            self._program,
            "-v",
            next((known for known in (name, self._settings.voice) if self.knows(known)), "en-us"),
            "-s",
            str(round(min(_FASTEST_WPM, max(_SLOWEST_WPM, self._settings.speed_wpm * speed)))),
            "-p",
            str(self._settings.pitch),
            "-b",
            "1",
            "--stdin",
            "--stdout",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async for pcm in _sound_of(process, text):
                yield pcm
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            # Not wait(): its output may fill the pipe, and until that is read its end is not noticed.
            await process.communicate()


async def _sound_of(process: asyncio.subprocess.Process, text: str) -> AsyncGenerator[bytes, None]:
    assert process.stdin is not None  # noqa: S101  # made with pipes
    assert process.stdout is not None  # noqa: S101
    assert process.stderr is not None  # noqa: S101
    # A lone surrogate cannot be encoded.
    process.stdin.write(text.replace("\0", " ").encode("utf-8", "replace") + b"\n")
    process.stdin.close()
    with contextlib.suppress(asyncio.IncompleteReadError):
        await process.stdout.readexactly(_HEADER_BYTES)
    stream = Resampler(ESPEAK_RATE, WIRE_RATE)
    odd = b""
    while data := await process.stdout.read(_READ_BYTES):
        data = odd + data
        whole = len(data) - len(data) % 2
        odd = data[whole:]
        if pcm := stream.process(data[:whole]):
            yield pcm
    code = await process.wait()
    if code:
        raise SpeechError(code, (await process.stderr.read()).decode(errors="replace").strip())
    if pcm := stream.finish():
        yield pcm
