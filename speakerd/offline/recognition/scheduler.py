"""Recognises several streams with one set of decoders, so that the result is ready soon after the last word.

The decoders follow one stream while its audio comes in. If another stream finishes meanwhile, the first is set
aside (its audio is kept) and later decoded again from its beginning: finished streams go first. Commands are
decoded at once; free speech, which costs ten times as much, only when nothing else is to be done (`work_ahead`) and
when an utterance turns out to be no command. Thus a slow board answers commands quickly and free speech late.

Free speech needs an estimate of room and microphone (the cepstral mean) and cannot wait for the whole utterance to
get it. It begins when `HEAD_BYTES` have come in, estimates from those, checks the estimate each time the audio has
doubled, and begins again if it was wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from speakerd.offline.recognition.confidence import Evidence, confidence
from speakerd.offline.recognition.messages import Recognition

if TYPE_CHECKING:
    from collections.abc import Callable

BYTES_PER_S: Final = 32_000
FREE_STEP: Final = 6_400
"""Bytes of free speech decoded between two reads of the pipe: 200 ms of audio, 20 to 60 ms of work."""
HEAD_BYTES: Final = 48_000
"""Bytes needed for a first estimate of the room: 1.5 s."""


class CommandDecoder(Protocol):
    """Finds the sentence of the grammar that fits best, and how well any other speech would have fitted."""

    def begin(self, phrases: tuple[str, ...]) -> None:
        """Begin an utterance; `phrases` are sentences beside the built-in ones."""
        ...

    def feed(self, pcm: bytes) -> None:
        """Decode more audio: 16 kHz, 16-bit."""
        ...

    def end(self) -> Evidence:
        """End the utterance; also called to abandon it."""
        ...


class FreeDecoder(Protocol):
    """Finds the words of any sentence."""

    def begin(self, heard: bytes) -> None:
        """Begin an utterance; `heard` is its audio so far, to estimate the room by, and passed to `feed`, too."""
        ...

    def misjudged(self, heard: bytes) -> bool:
        """Return whether `heard` contradicts the estimate of the room so much that it should begin again."""
        ...

    def feed(self, pcm: bytes) -> None:
        """Decode more audio: 16 kHz, 16-bit."""
        ...

    def end(self) -> str:
        """End the utterance and return its words; also called to abandon it."""
        ...


@dataclass(slots=True)
class _Stream:
    number: int
    phrases: tuple[str, ...]
    pcm: bytearray = field(default_factory=bytearray)
    work_s: float = 0.0


class RecognitionScheduler:
    """Decides which stream is decoded when. Not thread-safe.

    Args:
        commands: decodes commands.
        free: decodes free speech; None for commands only.
        threshold: confidence from which on a command counts.
        ahead: decode free speech while the audio comes in, instead of afterwards.
        clock: seconds, to measure the work.
    """

    def __init__(
        self,
        commands: CommandDecoder,
        free: FreeDecoder | None,
        *,
        threshold: float,
        ahead: bool,
        clock: Callable[[], float],
    ) -> None:
        self._commands = commands
        self._free = free
        self._threshold = threshold
        self._ahead = ahead and free is not None
        self._clock = clock
        self._streams: dict[int, _Stream] = {}
        self._current: _Stream | None = None
        self._free_fed = 0
        self._free_open = False
        self._judged_by = 0

    def begin(self, number: int, phrases: tuple[str, ...]) -> None:
        """Begin stream `number`; `phrases` are sentences beside the built-in ones."""
        self._streams[number] = _Stream(number, phrases)

    def feed(self, number: int, pcm: bytes) -> None:
        """Add audio to a stream; ignored if the stream was dropped."""
        stream = self._streams.get(number)
        if stream is None:
            return
        stream.pcm += pcm
        if self._current is None:
            self._take_up(stream)
        elif self._current is stream:
            self._timed(stream, lambda: self._commands.feed(pcm))

    def drop(self, number: int) -> None:
        """Drop a stream; ignored if there is none."""
        stream = self._streams.pop(number, None)
        if stream is not None and stream is self._current:
            self._put_aside()

    def work_ahead(self) -> bool:
        """Decode a little free speech ahead of time. Return whether there was something to decode."""
        stream = self._current
        if stream is None or not self._ahead or len(stream.pcm) < HEAD_BYTES:
            return False
        if self._free_open and self._free_fed >= len(stream.pcm):
            return False
        self._timed(stream, lambda: self._feed_free(stream, FREE_STEP))
        return True

    def finish(self, number: int) -> Recognition | None:
        """End a stream and return its result; None if it was dropped."""
        stream = self._streams.pop(number, None)
        if stream is None:
            return None
        told_at = self._clock()
        if self._current is not stream:
            if self._current is not None:
                self._put_aside()
            self._take_up(stream)
        evidence = self._commands.end()
        sure = confidence(evidence)
        text, kind = evidence.sentence, "command"
        if sure < self._threshold:
            text = self._understand_freely(stream) if evidence.speech_frames else ""
            kind, sure = ("free", 1.0 - sure) if text else ("none", 0.0)
        wait_s = self._clock() - told_at
        audio_s = len(stream.pcm) / BYTES_PER_S
        self._abandon_free()
        self._current = None
        return Recognition(text, kind, round(sure, 3), audio_s, stream.work_s + wait_s, wait_s)

    def _understand_freely(self, stream: _Stream) -> str:
        if self._free is None:
            return ""
        self._feed_free(stream, len(stream.pcm))
        self._free_open = False
        return self._free.end()

    def _take_up(self, stream: _Stream) -> None:
        self._current, self._free_fed = stream, 0
        self._commands.begin(stream.phrases)
        self._timed(stream, lambda: self._commands.feed(bytes(stream.pcm)))

    def _put_aside(self) -> None:
        self._commands.end()
        self._abandon_free()
        self._current = None

    def _feed_free(self, stream: _Stream, size: int) -> None:
        assert self._free is not None  # noqa: S101  # callers have checked
        if self._free_open and len(stream.pcm) >= 2 * self._judged_by:
            self._judged_by = len(stream.pcm)
            if self._free.misjudged(bytes(stream.pcm)):
                self._abandon_free()
        if not self._free_open:
            self._free.begin(bytes(stream.pcm))
            self._free_open, self._free_fed, self._judged_by = True, 0, len(stream.pcm)
        self._free.feed(bytes(stream.pcm[self._free_fed : self._free_fed + size]))
        self._free_fed = min(len(stream.pcm), self._free_fed + size)

    def _abandon_free(self) -> None:
        if self._free_open and self._free is not None:
            self._free_open = False
            self._free.end()

    def _timed(self, stream: _Stream, work: Callable[[], None]) -> None:
        began = self._clock()
        work()
        stream.work_s += self._clock() - began
