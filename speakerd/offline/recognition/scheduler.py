"""Recognising several streams with one set of decoders, so that an answer is ready when the words end.

The decoders follow one stream while its sound comes in. If another one ends meanwhile, the first is put aside (its
sound is kept) and taken up again from its beginning: what has ended goes before what has not. Commands are decoded
at once; free speech, which costs ten times as much, only when there is nothing else to do (`idle`) and when an
utterance turns out to be no command. So a slow board answers commands quickly and free speech late.

Free speech needs to know the room and the microphone (the mean of what is heard) and cannot wait for all of the
words to learn it. So it begins when `HEAD_BYTES` are there, judges by those, judges again whenever there is twice
as much, and begins anew if it was wrong.
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
"""Bytes of free speech decoded between two looks at the pipe: 200 ms of sound, 20 to 60 ms of work."""
HEAD_BYTES: Final = 48_000
"""1.5 s."""


class CommandDecoder(Protocol):
    """Finds the sentence of the grammar that fits best, and how well anything at all would have fitted."""

    def begin(self, phrases: tuple[str, ...]) -> None:
        """A new utterance, with these sentences beside the built-in ones."""
        ...

    def feed(self, pcm: bytes) -> None:
        """More of it: 16 kHz, 16-bit."""
        ...

    def end(self) -> Evidence:
        """It is over. Also called to abandon it."""
        ...


class FreeDecoder(Protocol):
    """Finds the words of any sentence."""

    def begin(self, heard: bytes) -> None:
        """A new utterance; `heard` is what is known of it, to judge the room by. Its sound is fed all the same."""
        ...

    def misjudged(self, heard: bytes) -> bool:
        """Whether this much of the utterance sounds so different that it had better be begun anew."""
        ...

    def feed(self, pcm: bytes) -> None:
        """More of it: 16 kHz, 16-bit."""
        ...

    def end(self) -> str:
        """It is over: the words. Also called to abandon it."""
        ...


@dataclass(slots=True)
class _Stream:
    number: int
    phrases: tuple[str, ...]
    pcm: bytearray = field(default_factory=bytearray)
    work_s: float = 0.0


class RecognitionScheduler:
    """Not thread-safe. `clock` measures work only."""

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
        """A stream begins."""
        self._streams[number] = _Stream(number, phrases)

    def feed(self, number: int, pcm: bytes) -> None:
        """More of it. Sound of a stream that was forgotten is none of our business."""
        stream = self._streams.get(number)
        if stream is None:
            return
        stream.pcm += pcm
        if self._current is None:
            self._take_up(stream)
        elif self._current is stream:
            self._timed(stream, lambda: self._commands.feed(pcm))

    def drop(self, number: int) -> None:
        """Nobody wants it any more."""
        stream = self._streams.pop(number, None)
        if stream is not None and stream is self._current:
            self._put_aside()

    def work_ahead(self) -> bool:
        """Use a quiet moment for free speech. Whether there was something to do."""
        stream = self._current
        if stream is None or not self._ahead or len(stream.pcm) < HEAD_BYTES:
            return False
        if self._free_open and self._free_fed >= len(stream.pcm):
            return False
        self._timed(stream, lambda: self._feed_free(stream, FREE_STEP))
        return True

    def finish(self, number: int) -> Recognition | None:
        """The stream is over: what was it? None if it was forgotten."""
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
        assert self._free is not None  # noqa: S101  # callers have asked
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
