"""The queue between the model, which speaks faster than real time, and a device that can be cut off.

The device's callback pulls exactly as many samples as it must write; everything else hangs on that count.

*Items.* Speech arrives as chunks of items (`item_id`, `content_index`); `positions.py` counts for each the samples
received, handed over and, less the device's latency, heard.

*Flow.* The first sound, and the first after an underrun, waits until `prebuffer_ms` are there or the item is
finished. Whenever the queue runs dry, the last `ramp` samples fade to zero, and what comes next fades in: neither
an underrun nor an unfinished word clicks. A flush lets the next `ramp` samples out, falling to zero, and drops
the rest.

*Bounds.* Chunks are kept as they came, 48 kB a second: ten minutes are 29 MB, which a board of 512 MB can bear,
and nothing a model says in one turn is longer. `append` answers False from 90 % of the limit on: the chunk was
taken, the sender should pause (`has_room` tells when to go on). Only a sender that does not listen meets
PlaybackOverflowError; speech is never dropped in silence.

*Gain.* One gain for speech (volume x duck) and one for sounds (volume), which glide, never step (`gain.py`).

Thread-safe: every method may be called from any thread; the lock is held for list operations and for the copy
of one block, never while memory is given back.
"""

from collections import deque
from dataclasses import replace
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.errors import PlaybackOverflowError
from speakerd.audio.events import PlaybackDrained, PlaybackStarted, PlaybackUnderrun
from speakerd.audio.pcm import WIRE_RATE, Samples, gain_of, samples_of, to_int16
from speakerd.audio.playback.gain import GainRamp, volume_gain
from speakerd.audio.playback.progress import ItemProgress, PlayedItem

PlaybackEvent = PlaybackStarted | PlaybackDrained | PlaybackUnderrun

HIGH_WATER: Final = 0.9
"""Part of the limit from which `append` asks the sender to pause; below LOW_WATER there is `has_room` again."""
LOW_WATER: Final = 0.8
KEPT_ITEMS: Final = 32
"""Items heard to their end that `positions` still tells of, and flushed ones whose late chunks are refused."""
KEPT_EVENTS: Final = 256
MAX_SOUND_S: Final = 30


class PlaybackBuffer:
    """See the module. All sample counts are at 24 kHz."""

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
        self._ducked = False
        self._speech_gain = GainRamp(volume_gain(self._volume))
        self._sound_gain = GainRamp(volume_gain(self._volume))

        self._chunks: deque[tuple[ItemProgress, Samples]] = deque()
        self._head = 0  # samples of the first chunk already pulled
        self._queued = 0
        self._pending: deque[ItemProgress] = deque()  # in order of arrival
        self._past: deque[ItemProgress] = deque(maxlen=KEPT_ITEMS)  # heard to their end
        self._flushed: deque[str] = deque(maxlen=KEPT_ITEMS)  # late chunks of these are not wanted
        self._playing = False  # False: gathering the pre-buffer, or nothing to play
        self._fade_in = False
        self._tail: NDArray[np.float32] = np.empty(0, dtype=np.float32)  # what still sounds after a flush
        self._undrained = False
        self._sounds: deque[Samples] = deque()
        self._sound_head = 0
        self._sounding_own = False
        self._full = False

        self._clock = 0  # samples pulled in all
        self._latency = 0
        self._events: deque[PlaybackEvent] = deque(maxlen=KEPT_EVENTS)
        self._underruns = 0
        self._grow(WIRE_RATE // 50)

    def _grow(self, size: int) -> None:
        """Work space for pulls of up to `size` samples."""
        self._wide = np.zeros(size, dtype=np.float32)
        self._mixed = np.zeros(size, dtype=np.float32)
        self._out = np.zeros(size, dtype="<i2")
        self._one_two = np.arange(1, max(size, self._ramp) + 1, dtype=np.float32)

    # -- the sender's side ---------------------------------------------------------------------------------

    def append(self, item_id: str, content_index: int, pcm: bytes) -> bool:
        """Queue speech. False: taken, but pause until `has_room`. Raises PlaybackOverflowError, BadBlockError.

        The model says one thing after another, so a new part finishes those before it. Chunks of a flushed
        item, still under way when it was cut off, are dropped, until `finish_item` has ended it.
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
            item = self._item(item_id, content_index)
            item.finished = False
            if samples.size:
                item.received += samples.size
                self._chunks.append((item, samples))
                self._queued += samples.size
                self._undrained = True
            self._full = self._full or self._queued > HIGH_WATER * self._limit
            return not self._full

    def finish_item(self, item_id: str) -> None:
        """No more of this item will come: it may play out. Unknown or repeated: nothing happens."""
        with self._lock:
            for item in self._pending:
                if item.item_id == item_id:
                    item.finished = True
            if item_id in self._flushed:
                self._flushed.remove(item_id)

    def flush(self, *, ramp_ms: float | None = None, discarded_s: float = 0.0) -> tuple[PlayedItem, ...]:
        """Stop speaking: the next `ramp` samples fall to zero, the rest is dropped; the duck is lifted.

        Returns, in order, the items not played to their end, with what of them will have been heard once the
        device has played what it was handed; `discarded_s` of that it will not (an aborted stream). Sounds
        are not speech and go on.
        """
        ramp = self._ramp if ramp_ms is None else max(1, round(ramp_ms * WIRE_RATE / 1000))
        with self._lock:
            at_ear = self._clock - round(discarded_s * WIRE_RATE)
            cut = []
            for item in self._pending:
                played = item.heard(at_ear)
                if played < item.received or not item.finished:
                    cut.append(item.view(played))
                    if item.item_id not in self._flushed:
                        self._flushed.append(item.item_id)
            if self._playing:
                self._tail = self._fading(ramp)
            dropped, self._chunks = self._chunks, deque()
            self._pending.clear()
            self._head = 0
            self._queued = 0
            self._playing = False
            self._undrained = False
            self._full = False
            self._ducked = False
        del dropped  # a long answer's memory is given back outside the lock
        return tuple(cut)

    def release_item_ids(self) -> None:
        """A new session begins, whose server may number its items from the start again: the names are free."""
        with self._lock:
            self._past.clear()
            self._flushed.clear()

    def play_earcon(self, pcm: bytes) -> None:
        """Play one of the speaker's own sounds over whatever sounds; several follow each other.

        A sound that would make more than 30 s wait is dropped: it would come too late to mean anything.
        """
        samples = samples_of(pcm)
        with self._lock:
            waiting = sum(sound.size for sound in self._sounds)
            if samples.size and waiting + samples.size <= MAX_SOUND_S * WIRE_RATE:
                self._sounds.append(samples)

    def stop_earcons(self) -> None:
        """Cut the speaker's own sounds, with the same ramp."""
        with self._lock:
            if self._sounds:
                rest = self._sounds[0][self._sound_head :][: self._ramp].astype(np.float32)
                rest *= self._one_two[: rest.size][::-1] / (rest.size + 1)
                self._sounds.clear()
                self._sounds.append(to_int16(rest))
                self._sound_head = 0

    def duck(self) -> None:
        """Speech quieter, until `restore` or a flush."""
        with self._lock:
            self._ducked = True

    def restore(self) -> None:
        """Speech at its volume again."""
        with self._lock:
            self._ducked = False

    @property
    def volume(self) -> float:
        """0..100 on the perceptual curve; setting it glides there."""
        return self._volume

    @volume.setter
    def volume(self, value: float) -> None:
        with self._lock:
            self._volume = min(max(float(value), 0.0), 100.0)

    @property
    def latency_s(self) -> float:
        """From pull to ear, as the device reports it; set by whoever owns the device."""
        return self._latency / WIRE_RATE

    @latency_s.setter
    def latency_s(self, value: float) -> None:
        with self._lock:
            self._latency = max(0, round(value * WIRE_RATE))

    # -- what is known -------------------------------------------------------------------------------------

    def positions(self) -> tuple[PlayedItem, ...]:
        """Every remembered item in order of arrival, with the samples that have been heard by now."""
        with self._lock:
            at_ear = self._clock - self._latency
            return tuple(item.view(item.heard(at_ear)) for item in (*self._past, *self._pending))

    @property
    def queued_s(self) -> float:
        """Speech not yet handed to the device."""
        return self._queued / WIRE_RATE

    @property
    def has_room(self) -> bool:
        """Whether the sender may go on."""
        return not self._full

    @property
    def active(self) -> bool:
        """Speech is queued, sounds, or is still on its way to the ear."""
        return self._undrained

    @property
    def only_earcon(self) -> bool:
        """The last pull held one of the speaker's own sounds, and no speech."""
        return self._sounding_own

    @property
    def clock(self) -> int:
        """Samples pulled in all, silence included."""
        return self._clock

    @property
    def underruns(self) -> int:
        """How often speech ran out in the middle of an item."""
        return self._underruns

    def take_events(self, now: float) -> list[PlaybackEvent]:
        """What has happened since the last call, stamped with `now`."""
        with self._lock:
            made, self._events = self._events, deque(maxlen=KEPT_EVENTS)
        return [replace(event, at=now) for event in made]

    # -- the device's side ---------------------------------------------------------------------------------

    def pull(self, n_samples: int) -> bytes:
        """Exactly `n_samples` of PCM for the device, silence where there is nothing. Never blocks for long."""
        with self._lock:
            if n_samples > self._wide.size:
                self._grow(n_samples)
            wide = self._wide[:n_samples]
            wide.fill(0)
            audible = False
            if self._begin():
                self._pull_speech(wide)
                audible = True
            if self._tail.size:
                self._pull_tail(wide)
                audible = True
            self._sounding_own = bool(self._sounds) and not audible
            if self._sounds:
                self._pull_sounds(wide)
                audible = True
            self._clock += n_samples
            self._watch()
            if not audible:
                return bytes(2 * n_samples)
            out = self._out[:n_samples]
            np.rint(wide, out=wide)
            np.clip(wide, -32_768, 32_767, out=wide)
            out[:] = wide
            return out.tobytes()

    def _item(self, item_id: str, content_index: int) -> ItemProgress:
        for item in (*self._pending, *self._past):
            if item.item_id == item_id and item.content_index == content_index:
                if item in self._past:
                    self._past.remove(item)
                    self._pending.append(item)
                return item
        for item in self._pending:
            item.finished = True
        item = ItemProgress(item_id, content_index)
        self._pending.append(item)
        return item

    def _begin(self) -> bool:
        """Whether speech flows in this block: starts it when enough has been gathered."""
        if not self._playing and self._queued:
            last = self._chunks[-1][0]
            if self._queued >= self._prebuffer or last.finished:
                self._playing = True
        return self._playing

    def _pull_speech(self, wide: NDArray[np.float32]) -> None:
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
            speech[:count] *= self._one_two[:count] / (count + 1)
        if not self._queued:
            self._playing = False
            self._fade_in = True
            count = min(self._ramp, filled)
            speech[filled - count :] *= self._one_two[:count][::-1] / (count + 1)
            if item is not None and not item.finished:
                self._underruns += 1
                self._events.append(PlaybackUnderrun(item.item_id, 0.0))
        gain = volume_gain(self._volume)
        self._speech_gain.target = gain * self._duck_gain if self._ducked else gain
        self._speech_gain.apply(speech, self._one_two)

    def _pull_sounds(self, wide: NDArray[np.float32]) -> None:
        self._sound_gain.target = volume_gain(self._volume)
        mixed = self._mixed[: wide.size]
        mixed.fill(0)
        filled = 0
        while filled < wide.size and self._sounds:
            sound = self._sounds[0]
            count = min(sound.size - self._sound_head, wide.size - filled)
            mixed[filled : filled + count] = sound[self._sound_head : self._sound_head + count]
            filled += count
            self._sound_head += count
            if self._sound_head == sound.size:
                self._sounds.popleft()
                self._sound_head = 0
        self._sound_gain.apply(mixed, self._one_two)
        wide += mixed

    def _pull_tail(self, wide: NDArray[np.float32]) -> None:
        count = min(self._tail.size, wide.size)
        wide[:count] += self._tail[:count]
        self._tail = self._tail[count:]

    def _fading(self, ramp: int) -> NDArray[np.float32]:
        """The next `ramp` samples of speech at their present gain, falling to zero."""
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
        # A raised cosine: it has no corners to be heard.
        fading *= 0.5 + 0.5 * np.cos(np.linspace(0, np.pi, fading.size + 1, dtype=np.float32)[1:])
        return fading

    def _watch(self) -> None:
        """Note what has reached the ear by now: firsts and the last; forget what is long past."""
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
        while self._pending and self._pending[0].over:
            self._past.append(self._pending.popleft())
        if self._undrained and not self._pending:
            self._undrained = False
            self._events.append(PlaybackDrained(0.0))
