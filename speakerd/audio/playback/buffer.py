"""The buffer between the model, which speaks faster than real time, and a device; it can be cut off at any sample.

The device's callback pulls exactly as many samples as it must write; all other counts are derived from that one.

*Items.* Speech arrives as chunks of items (`item_id`, `content_index`); `ItemProgress` counts for each the samples
received, pulled and, with the device's latency subtracted, heard.

*Flow.* The first sound, and the first after an underrun, waits until `prebuffer_ms` are queued or the item is
finished. Whenever the queue runs empty, the last `ramp` samples fade to zero, and what comes next fades in, so
neither an underrun nor an unfinished word clicks. A flush plays the next `ramp` samples, fading to zero, and drops
the rest.

*Bounds.* Chunks are kept as they came, 48 kB a second: ten minutes are 29 MB, which a board with 512 MB can afford,
and nothing a model says in one turn is longer. From 90 % of the limit on, `append` returns False: the chunk was
taken, and the sender should pause until `has_room`. A sender that does not pause gets PlaybackOverflowError; speech
is never dropped silently.

*Gain.* One gain for speech (volume x duck) and one for earcons (volume); both move gradually (`GainRamp`).

Thread-safe: every method may be called from any thread; the lock is held for list operations and for the copy
of one block, never while memory is freed.
"""

from collections import deque
from dataclasses import replace
from threading import Lock
from typing import Final, assert_never

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.errors import PlaybackOverflowError
from speakerd.audio.events import PlaybackDrained, PlaybackResumed, PlaybackStarted, PlaybackUnderrun
from speakerd.audio.pcm import WIRE_RATE, Samples, gain_of, samples_of, to_int16
from speakerd.audio.playback.gain import GainRamp, volume_gain
from speakerd.audio.playback.progress import ItemProgress, PlayedItem
from speakerd.audio.settings import VoiceMode

PlaybackEvent = PlaybackStarted | PlaybackDrained | PlaybackUnderrun | PlaybackResumed

HIGH_WATER: Final = 0.9
"""Part of the limit above which `append` asks the sender to pause; below LOW_WATER `has_room` is true again."""
LOW_WATER: Final = 0.8
KEPT_ITEMS: Final = 32
"""How many items that were heard to their end `positions` includes, and of how many flushed ones late chunks are
dropped."""
KEPT_EVENTS: Final = 256
MAX_EARCONS_S: Final = 30


class PlaybackBuffer:
    """Speech and earcons waiting to be played, at 24 kHz. Thread-safe."""

    def __init__(
        self,
        *,
        prebuffer_ms: float = 60,
        ramp_ms: float = 5,
        limit_s: float = 600,
        duck_db: float = -12,
        volume: float = 100,
    ) -> None:
        self._lock = Lock()
        self._prebuffer = round(prebuffer_ms * WIRE_RATE / 1000)
        self._ramp = max(1, round(ramp_ms * WIRE_RATE / 1000))
        self._limit_s = limit_s
        self._limit = round(limit_s * WIRE_RATE)
        self._duck_gain = gain_of(duck_db)
        self._volume = min(max(volume, 0.0), 100.0)
        self._voice: VoiceMode = "normal"
        self._speech_gain = GainRamp(volume_gain(self._volume))
        self._earcon_gain = GainRamp(volume_gain(self._volume))

        self._chunks: deque[tuple[ItemProgress, Samples]] = deque()
        self._head = 0  # samples already pulled of the first chunk
        self._queued = 0
        self._pending: deque[ItemProgress] = deque()  # not heard to their end, in order of arrival
        self._past: deque[ItemProgress] = deque()  # heard to their end, the last KEPT_ITEMS
        self._known: dict[tuple[str, int], ItemProgress] = {}  # all of both
        self._flushed: deque[str] = deque(maxlen=KEPT_ITEMS)  # ids whose late chunks are dropped
        self._playing = False  # False: filling the pre-buffer, or nothing to play
        self._ran_out = False  # in the middle of an item, and nothing was played since
        self._fade_in = False
        self._fade_out: NDArray[np.float32] = np.empty(
            0, dtype=np.float32
        )  # what is still played after a flush
        self._undrained = False  # speech was queued, and not all of it was heard
        self._earcons: deque[Samples] = deque()
        self._earcon_head = 0
        self._only_earcon = False
        self._full = False

        self._clock = 0  # samples pulled since the start, silence included
        self._latency = 0
        self._events: deque[PlaybackEvent] = deque(maxlen=KEPT_EVENTS)
        self._underruns = 0
        self._allocate(WIRE_RATE // 50)

    def _allocate(self, size: int) -> None:
        """Make work space for pulls of up to `size` samples."""
        self._wide = np.zeros(size, dtype=np.float32)
        self._mixed = np.zeros(size, dtype=np.float32)
        self._out = np.zeros(size, dtype="<i2")
        self._counting = np.arange(1, max(size, self._ramp) + 1, dtype=np.float32)

    # -- the sender's side ---------------------------------------------------------------------------------

    def append(self, item_id: str, content_index: int, pcm: bytes) -> bool:
        """Queue speech. Returns False if the sender should pause until `has_room`; the chunk was taken.

        Items follow each other, so a new one finishes those before it. Chunks of a flushed item, which were on
        their way when it was cut off, are dropped until `finish_item` ends it.

        Raises:
            PlaybackOverflowError: the buffer is full.
            BadBlockError: `pcm` ends in half a sample.
        """
        samples = samples_of(pcm)
        with self._lock:
            if item_id in self._flushed:
                return not self._full
            if self._queued + samples.size > self._limit:
                raise PlaybackOverflowError(
                    f"more than {self._limit_s:g} s of speech wait to be played: the sender must pause when "
                    "append() returns False, or audio.playback_limit_s be raised"
                )
            item = self._progress_of(item_id, content_index)
            item.finished = False
            if samples.size:
                item.received += samples.size
                self._chunks.append((item, samples))
                self._queued += samples.size
                self._undrained = True
            self._full = self._full or self._queued > HIGH_WATER * self._limit
            return not self._full

    def finish_item(self, item_id: str) -> None:
        """Mark an item as complete: it plays to its end. Ignored if it is unknown or complete already."""
        with self._lock:
            for item in self._pending:
                if item.item_id == item_id:
                    item.finished = True
            if item_id in self._flushed:
                self._flushed.remove(item_id)

    def flush(self, *, ramp_ms: float | None = None) -> tuple[PlayedItem, ...]:
        """Stop speaking: the next samples fade to zero, within `ramp_ms`, and the rest is dropped. Ends a duck.

        Returns, in order, the items not played to their end, with how much of each will have been heard once the
        device has played what it was given. Earcons continue.
        """
        ramp = self._ramp if ramp_ms is None else max(1, round(ramp_ms * WIRE_RATE / 1000))
        with self._lock:
            cut = []
            for item in self._pending:
                played = item.heard(self._clock)
                if played < item.received or not item.finished:
                    cut.append(item.snapshot(played))
                    if item.item_id not in self._flushed:
                        self._flushed.append(item.item_id)
            if self._playing:
                self._fade_out = self._faded(ramp)
            dropped, self._chunks = self._chunks, deque()
            for item in self._pending:
                del self._known[item.item_id, item.content_index]
            self._pending.clear()
            self._head = 0
            self._queued = 0
            self._playing = False
            self._undrained = self._ran_out = False
            self._full = False
            self._voice = "normal"
        del dropped  # a long answer's memory is freed outside the lock
        return tuple(cut)

    def release_item_ids(self) -> None:
        """A new session begins, whose server may use the ids of finished and flushed items again."""
        with self._lock:
            while self._past:
                self._forget_oldest()
            self._flushed.clear()

    def play_earcon(self, pcm: bytes) -> None:
        """Mix one of the speaker's own short sounds into speech; several follow each other.

        An earcon is dropped if more than 30 s of them would wait: it would come too late to mean anything.
        """
        samples = samples_of(pcm)
        with self._lock:
            waiting = sum(earcon.size for earcon in self._earcons)
            if samples.size and waiting + samples.size <= MAX_EARCONS_S * WIRE_RATE:
                self._earcons.append(samples)

    def stop_earcons(self) -> None:
        """Cut all earcons off, with the ramp of a flush."""
        with self._lock:
            if self._earcons:
                rest = self._earcons[0][self._earcon_head :][: self._ramp].astype(np.float32)
                rest *= self._counting[: rest.size][::-1] / (rest.size + 1)
                self._earcons.clear()
                self._earcons.append(to_int16(rest))
                self._earcon_head = 0

    def set_voice(self, mode: VoiceMode) -> None:
        """Play speech in this mode, until another is set or a flush makes it normal."""
        with self._lock:
            self._voice = mode

    @property
    def volume(self) -> float:
        """0 to 100 on a perceptual curve; a new value is reached gradually, without a click."""
        return self._volume

    @volume.setter
    def volume(self, value: float) -> None:
        with self._lock:
            self._volume = min(max(float(value), 0.0), 100.0)

    @property
    def latency_s(self) -> float:
        """Seconds from pull to ear, as the device reports it; set by the owner of the device."""
        return self._latency / WIRE_RATE

    @latency_s.setter
    def latency_s(self, value: float) -> None:
        with self._lock:
            self._latency = max(0, round(value * WIRE_RATE))

    # -- state ---------------------------------------------------------------------------------------------

    def positions(self) -> tuple[PlayedItem, ...]:
        """Return how much of each item has been heard by now: the last finished ones and all queued, in order."""
        with self._lock:
            at_ear = self._clock - self._latency
            return tuple(item.snapshot(item.heard(at_ear)) for item in (*self._past, *self._pending))

    def position(self, item_id: str, content_index: int) -> PlayedItem | None:
        """Return how much of one item has been heard by now; None if it is unknown, or is not kept any more."""
        with self._lock:
            item = self._known.get((item_id, content_index))
            return None if item is None else item.snapshot(item.heard(self._clock - self._latency))

    @property
    def queued_s(self) -> float:
        """Seconds of speech not yet pulled."""
        return self._queued / WIRE_RATE

    @property
    def has_room(self) -> bool:
        """Whether a sender that was asked to pause may continue."""
        return not self._full

    @property
    def active(self) -> bool:
        """Whether speech is queued, is being played, or is still in the device."""
        return self._undrained

    @property
    def only_earcon(self) -> bool:
        """Whether the last pull held an earcon and no speech."""
        return self._only_earcon

    @property
    def clock(self) -> int:
        """Samples pulled since the start, silence included."""
        return self._clock

    @property
    def underruns(self) -> int:
        """How often the queue ran empty in the middle of an item."""
        return self._underruns

    def take_events(self, now: float) -> list[PlaybackEvent]:
        """Return the events since the last call, with `now` as their time."""
        with self._lock:
            made, self._events = self._events, deque(maxlen=KEPT_EVENTS)
        return [replace(event, at=now) for event in made]

    # -- the device's side ---------------------------------------------------------------------------------

    def pull(self, n_samples: int) -> bytes:
        """Return exactly `n_samples` of PCM for the device, silence if nothing is queued. Never blocks for long."""
        with self._lock:
            if n_samples > self._wide.size:
                self._allocate(n_samples)
            wide = self._wide[:n_samples]
            wide.fill(0)
            audible = False
            if self._may_play():
                self._mix_speech(wide)
                audible = True
            if self._fade_out.size:
                self._mix_fade_out(wide)
                audible = True
            self._only_earcon = bool(self._earcons) and not audible
            if self._earcons:
                self._mix_earcons(wide)
                audible = True
            self._clock += n_samples
            self._note_heard()
            if not audible:
                return bytes(2 * n_samples)
            out = self._out[:n_samples]
            np.rint(wide, out=wide)
            np.clip(wide, -32_768, 32_767, out=wide)
            out[:] = wide
            return out.tobytes()

    def _progress_of(self, item_id: str, content_index: int) -> ItemProgress:
        item = self._known.get((item_id, content_index))
        if item is not None:
            if item in self._past:
                self._past.remove(item)
                self._pending.append(item)
            return item
        for earlier in self._pending:
            earlier.finished = True
        item = self._known[item_id, content_index] = ItemProgress(item_id, content_index)
        self._pending.append(item)
        return item

    def _forget_oldest(self) -> None:
        item = self._past.popleft()
        del self._known[item.item_id, item.content_index]

    def _may_play(self) -> bool:
        """Whether speech is played in this block: it starts once the pre-buffer is full."""
        if not self._playing and self._queued:
            last = self._chunks[-1][0]
            if self._queued >= self._prebuffer or last.finished:
                self._playing = True
                if self._ran_out:
                    self._ran_out = False
                    self._events.append(PlaybackResumed(self._chunks[0][0].item_id, 0.0))
        return self._playing

    def _mix_speech(self, wide: NDArray[np.float32]) -> None:
        filled = 0
        item = None
        while filled < wide.size and self._chunks:
            item, samples = self._chunks[0]
            count = min(samples.size - self._head, wide.size - filled)
            wide[filled : filled + count] += samples[self._head : self._head + count]
            item.pull(self._clock + filled, count)
            filled += count
            self._head += count
            if self._head == samples.size:
                self._chunks.popleft()
                self._head = 0
        self._queued -= filled
        if self._full and self._queued < LOW_WATER * self._limit:
            self._full = False
        speech = wide[:filled]
        if self._fade_in:
            self._fade_in = False
            count = min(self._ramp, filled)
            speech[:count] *= self._counting[:count] / (count + 1)
        if not self._queued:
            self._playing = False
            self._fade_in = True
            count = min(self._ramp, filled)
            speech[filled - count :] *= self._counting[:count][::-1] / (count + 1)
            if item is not None and not item.finished:
                self._underruns += 1
                self._ran_out = True
                self._events.append(PlaybackUnderrun(item.item_id, 0.0))
        self._speech_gain.target = volume_gain(self._volume) * self._voice_gain()
        self._speech_gain.apply(speech, self._counting)

    def _voice_gain(self) -> float:
        match self._voice:
            case "normal":
                return 1.0
            case "ducked":
                return self._duck_gain
            case _:
                assert_never(self._voice)

    def _mix_earcons(self, wide: NDArray[np.float32]) -> None:
        self._earcon_gain.target = volume_gain(self._volume)
        mixed = self._mixed[: wide.size]
        mixed.fill(0)
        filled = 0
        while filled < wide.size and self._earcons:
            earcon = self._earcons[0]
            count = min(earcon.size - self._earcon_head, wide.size - filled)
            mixed[filled : filled + count] = earcon[self._earcon_head : self._earcon_head + count]
            filled += count
            self._earcon_head += count
            if self._earcon_head == earcon.size:
                self._earcons.popleft()
                self._earcon_head = 0
        self._earcon_gain.apply(mixed, self._counting)
        wide += mixed

    def _mix_fade_out(self, wide: NDArray[np.float32]) -> None:
        count = min(self._fade_out.size, wide.size)
        wide[:count] += self._fade_out[:count]
        self._fade_out = self._fade_out[count:]

    def _faded(self, ramp: int) -> NDArray[np.float32]:
        """The next `ramp` samples of speech at their present gain, fading to zero."""
        parts: list[Samples] = []
        wanted = ramp
        head = self._head
        for _, samples in self._chunks:
            parts.append(samples[head : head + wanted])
            head = 0
            wanted -= parts[-1].size
            if wanted <= 0:
                break
        fading = np.concatenate(parts).astype(np.float32) if parts else np.empty(0, dtype=np.float32)
        self._speech_gain.apply(fading, np.arange(1, fading.size + 1, dtype=np.float32))
        # A raised cosine: a ramp with corners would be audible.
        fading *= 0.5 + 0.5 * np.cos(np.linspace(0, np.pi, fading.size + 1, dtype=np.float32)[1:])
        return fading

    def _note_heard(self) -> None:
        """Note which items began, and which ended, at the ear by now."""
        at_ear = self._clock - self._latency
        for item in self._pending:
            if not item.spans and not item.finished:
                break
            heard = item.heard(at_ear)
            if heard and not item.started:
                item.started = True
                self._events.append(PlaybackStarted(item.item_id, 0.0))
            if heard < item.received:
                break
        while self._pending and self._pending[0].done:
            self._past.append(self._pending.popleft())
            if len(self._past) > KEPT_ITEMS:
                self._forget_oldest()
        if self._undrained and not self._pending:
            self._undrained = self._ran_out = False
            self._events.append(PlaybackDrained(0.0))
