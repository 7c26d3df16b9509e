"""The audio room as one object: a device, the playback buffer, the speech pipeline, and the thread between them.

Threads: C and P are the device's for capture and playback, E is `audio-engine`, L is the caller's, normally the
event loop. C and P only move bytes. Everything that takes time runs in E: echo canceller, gate, barge-in, playback
events, device supervision. So a playback event comes up to one tick late. Nothing waits for L: an event loop that
stalls cannot be heard.

*Threads.* All methods may be called from any thread, `start` and `close` from one only. Those for the loudspeaker
take effect at once, under the buffer's lock; those for the microphone are queued behind the blocks captured so far
and run in E. `on_event` is called in E, too; it must return quickly and must not call `close`. If anything in E
raises, that is reported as `DeviceStuck`: the daemon then ends and is restarted, rather than running on deaf.

*Simulated time.* With a stepped device there is no thread E: a block is processed inside `step`, and whoever steps
calls `tick` after it (`SimulatedDevice.after_each_block`).
"""

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple, TypeAlias

from speakerd.audio.capture import (
    EchoReference,
    EffectiveEcho,
    ListenMode,
    PipelineParts,
    SpeechPipeline,
    TurnOwner,
    make_canceller,
    make_detector,
    make_wake_word,
)
from speakerd.audio.device import AudioDevice, BlockCounts
from speakerd.audio.events import AudioEvent, DeviceLost, DeviceReturned, DeviceStuck
from speakerd.audio.pcm import BLOCK_MS, FLOOR_DBFS, WIRE_BLOCK_BYTES, WIRE_RATE, Reblocker
from speakerd.audio.playback import Earcons, PlaybackBuffer, PlayedItem
from speakerd.audio.settings import AudioSettings, SoundName, SoundSettings, VoiceMode, WakeWordSettings
from speakerd.audio.supervision import DeviceSupervisor, SilenceWatch, XrunReporter

log = logging.getLogger(__name__)

OnEvent: TypeAlias = Callable[[AudioEvent], None]

_TICK_S: Final = 0.05
"""How often `tick` runs when no block comes."""
_JOIN_S: Final = 1.0
_DELAY_STEP_S: Final = 0.03
"""The canceller is told of a new delay only if it differs by more than a block and its jitter."""


class _Task(NamedTuple):
    """Work for the processing thread: a captured block, or a change that takes its place among the blocks."""

    run: Callable[[], list[AudioEvent]]
    is_block: bool = False


@dataclass(frozen=True, slots=True)
class EngineStats:
    """Since the start: seconds of sound captured and sent, openings of the gate, and faults."""

    heard_s: float
    sent_s: float
    openings: int
    capture_xruns: int
    playback_xruns: int
    underruns: int
    dropped_blocks: int
    """Captured blocks dropped because processing was more than `capture_queue_ms` behind."""
    noise_floor_dbfs: float

    def after(self, earlier: "EngineStats") -> "EngineStats":
        """Return these counts and those of an engine before this one; the noise floor is this one's."""
        return EngineStats(
            self.heard_s + earlier.heard_s,
            self.sent_s + earlier.sent_s,
            self.openings + earlier.openings,
            self.capture_xruns + earlier.capture_xruns,
            self.playback_xruns + earlier.playback_xruns,
            self.underruns + earlier.underruns,
            self.dropped_blocks + earlier.dropped_blocks,
            self.noise_floor_dbfs,
        )


class AudioEngine:
    """Microphone and loudspeaker of the speaker: speech in by `play`, everything that happens out by `on_event`."""

    def __init__(
        self,
        device: AudioDevice,
        settings: AudioSettings,
        *,
        on_event: OnEvent,
        owner: TurnOwner = "local",
        uplink_rate_hz: int = WIRE_RATE,
        wake_word: WakeWordSettings | None = None,
        parts: PipelineParts | None = None,
    ) -> None:
        """Make an engine that is not yet running.

        Args:
            device: the sound card, real or simulated.
            settings: devices, playback, echo, gate, barge-in and sounds.
            on_event: called with every event, in the processing thread.
            owner: who decides that a turn has ended, this room or the server.
            uplink_rate_hz: the rate at which captured speech is reported.
            wake_word: settings of the wake word; None turns it off.
            parts: canceller, detector and wake word to use instead of those the settings ask for; for tests.

        Raises:
            ExtraMissingError: the settings ask for a part that is not installed.
            BadModelError: the wake word's model cannot be read.
        """
        self._device = device
        self._settings = settings
        self._on_event = on_event
        self._parts = parts or PipelineParts(
            make_canceller(settings.echo),
            make_detector(settings.gate),
            make_wake_word(wake_word) if wake_word is not None else None,
        )
        self._pipeline = SpeechPipeline(settings, self._parts, owner=owner, uplink_rate_hz=uplink_rate_hz)
        self._buffer = PlaybackBuffer(
            prebuffer_ms=settings.prebuffer_ms,
            ramp_ms=settings.flush_ramp_ms,
            limit_s=settings.playback_limit_s,
            duck_db=settings.barge_in.duck_db,
            volume=settings.volume,
        )
        self._earcons = Earcons(settings.sounds)
        self._reference = EchoReference()
        self._written = Reblocker(WIRE_BLOCK_BYTES)
        self._supervisor = DeviceSupervisor(device, settings, self._on_block, self._pull)
        self._silence = SilenceWatch(settings.silent_capture_s)
        self._xruns = (XrunReporter("capture"), XrunReporter("playback"))
        self._tasks: queue.SimpleQueue[_Task] = queue.SimpleQueue()
        self._most_waiting = settings.capture_queue_ms // BLOCK_MS
        self._dropped = 0
        self._thread: threading.Thread | None = None
        self._closing = False
        self._processed = 0
        self._canceller_delay_s = 0.0

    # -- life ----------------------------------------------------------------------------------------------

    def start(self, *, wait_for_device: bool = False) -> None:
        """Open the device and begin. With `wait_for_device` a missing device is reported as lost and retried.

        Raises:
            DeviceError: only without `wait_for_device`; says what is wrong and what the user can do.
        """
        self._emit(self._supervisor.start(wait=wait_for_device))
        if not self._device.stepped:
            self._thread = threading.Thread(target=self._run, name="audio-engine", daemon=True)
            self._thread.start()

    def probe_device(self) -> None:
        """Find out whether `start` would find its device, as far as that can be found out. Raises DeviceError."""
        self._device.probe()

    def close(self) -> None:
        """Stop at once, without a fade (`fade_out` does that). Idempotent; takes two seconds at most."""
        self._closing = True
        self._supervisor.close()
        thread, self._thread = self._thread, None
        if thread is not None:
            self._tasks.put(_Task(list))  # wakes the thread; there is nothing to do
            thread.join(_JOIN_S)
            if thread.is_alive():
                log.error("the audio thread does not end; it is left running")

    # -- the loudspeaker -----------------------------------------------------------------------------------

    def play(self, item_id: str, content_index: int, pcm: bytes) -> bool:
        """Queue speech at 24 kHz. Returns False if the sender should pause until `has_room`; the chunk was taken.

        Raises:
            PlaybackOverflowError: the sender did not pause, and the buffer is full.
            BadBlockError: `pcm` ends in half a sample.
        """
        return self._buffer.append(item_id, content_index, pcm)

    def finish_item(self, item_id: str) -> None:
        """Mark the item as complete: it plays to its end, and then counts as finished."""
        self._buffer.finish_item(item_id)

    def flush(self) -> tuple[PlayedItem, ...]:
        """Stop speaking now. Returns for each item that was cut off how much of it will have been heard."""
        return self._buffer.flush()

    def release_item_ids(self) -> None:
        """A new session begins, whose server may use ids again that belong to items finished or cut off before."""
        self._buffer.release_item_ids()

    def fade_out(self) -> tuple[PlayedItem, ...]:
        """Stop speaking as `flush` does, but fade over `stop_fade_ms`, without waiting for it: the daemon ends."""
        return self._buffer.flush(ramp_ms=self._settings.stop_fade_ms)

    def set_voice(self, mode: VoiceMode) -> None:
        """Play speech in this mode, until another is set or a flush makes it normal."""
        self._buffer.set_voice(mode)

    def play_earcon(self, name: SoundName) -> None:
        """Play one of the speaker's own short sounds, unless it is set to "off"."""
        self._buffer.play_earcon(self._earcons.pcm(name))

    def play_sound(self, item_id: str, name: SoundName) -> None:
        """Queue one of the short sounds as the beginning of an item of speech, unless it is set to "off"."""
        self._buffer.append(item_id, 0, self._earcons.pcm(name))

    def set_sounds(self, sounds: SoundSettings) -> None:
        """Use these melodies from the next one on; one that is being played goes on."""
        self._earcons = Earcons(sounds)

    def stop_earcons(self) -> None:
        """Cut the speaker's own sounds off, such as the bell of a timer that was silenced."""
        self._buffer.stop_earcons()

    def set_volume(self, volume: float) -> None:
        """Set the volume, 0 to 100 on a perceptual curve; the gain moves there without a click."""
        self._buffer.volume = volume

    @property
    def volume(self) -> float:
        """The volume, 0 to 100."""
        return self._buffer.volume

    @property
    def has_room(self) -> bool:
        """Whether a sender that was asked to pause may continue."""
        return self._buffer.has_room

    @property
    def speaking(self) -> bool:
        """Whether speech is queued, is being played, or is still in the device."""
        return self._buffer.active

    def positions(self) -> tuple[PlayedItem, ...]:
        """How much of each item has been heard by now, with the device's latency taken into account."""
        self._buffer.latency_s = self.output_latency_s
        return self._buffer.positions()

    def position(self, item_id: str, content_index: int) -> PlayedItem | None:
        """How much of one item has been heard by now; None if it is unknown, or is not kept any more."""
        self._buffer.latency_s = self.output_latency_s
        return self._buffer.position(item_id, content_index)

    # -- the microphone ------------------------------------------------------------------------------------

    def listen(self, mode: ListenMode, since: float | None = None) -> None:
        """Change which sound may pass: none (`closed`), speech (`gated`) or all (`open`).

        `since`, a device time in the past, includes what was said from then on. From `open` to `closed`, what was
        said until now still passes: SpeechEnded comes within 100 ms.
        """
        self._submit(_Task(partial(self._pipeline.listen, mode, self._device.now(), since)))

    def server_ended(self) -> None:
        """The server has reported the end of speech. Ignored where this room ends the turns."""
        self._submit(_Task(lambda: self._pipeline.server_ended(self._device.now())))

    def discard_captured(self) -> None:
        """Drop all sound that was captured and has not passed yet: the microphone was muted."""
        self._submit(_Task(lambda: self._pipeline.discard_captured(self._device.now())))

    # -- state ---------------------------------------------------------------------------------------------

    @property
    def block_counts(self) -> BlockCounts:
        """Captured blocks processed and playback blocks delivered: the watchdog is fed only while both rise."""
        return BlockCounts(self._processed, self._device.block_counts.playback)

    def now(self) -> float:
        """Return the device's time, that of all events."""
        return self._device.now()

    @property
    def device_lost(self) -> bool:
        """Whether a lost device has been reported and has not returned yet."""
        return self._supervisor.lost

    @property
    def echo_mode(self) -> EffectiveEcho:
        """The echo mode in use: what `audio.echo = "auto"` resolved to."""
        return self._parts.canceller.mode

    @property
    def output_latency_s(self) -> float:
        """Seconds from the playback buffer to the ear: the device's own latency and `output_delay_ms`."""
        return self._device.output_latency_s + self._settings.output_delay_ms / 1000

    @property
    def stats(self) -> EngineStats:
        """Counts since the start."""
        gate = self._pipeline.statistics
        xruns = self._device.xruns
        return EngineStats(
            gate.heard_s,
            gate.sent_s,
            gate.openings,
            xruns.capture,
            xruns.playback,
            self._buffer.underruns,
            self._dropped,
            max(FLOOR_DBFS, self._pipeline.noise_floor_dbfs),
        )

    # -- the device's threads ------------------------------------------------------------------------------

    def _on_block(self, block: bytes, at: float) -> None:
        if self._tasks.qsize() >= 2 * self._most_waiting:
            self._dropped += 1  # the processing thread hangs: the queue must stay bounded
            return
        self._submit(_Task(partial(self._process, block, at), is_block=True))

    def _pull(self, samples: int) -> bytes:
        pulled = self._buffer.pull(samples)
        for block in self._written.push(pulled):  # a device may take less than a block at a time
            self._reference.put(block, self._buffer.only_earcon, self._device.now())
        return pulled

    # -- the processing thread -----------------------------------------------------------------------------

    def tick(self) -> None:
        """Report what happened in playback, and supervise the device.

        The processing thread calls it; in simulated time, whoever steps does, after each step.
        """
        now = self._device.now()
        self._buffer.latency_s = self.output_latency_s
        delay_s = self.output_latency_s + self._device.input_latency_s
        self._pipeline.echo_delay_s = delay_s
        events: list[AudioEvent] = [*self._buffer.take_events(now), *self._pipeline.tick(now)]
        for event in self._supervisor.tick(now):
            events.append(event)
            if isinstance(event, DeviceLost):
                events += self._pipeline.interrupted(now)
            elif isinstance(event, DeviceReturned):
                self._reference.clear()
        self._update_canceller_delay(delay_s)
        counts = self._device.xruns
        for reporter, count in zip(
            self._xruns, (counts.capture + self._dropped, counts.playback), strict=True
        ):
            report = reporter.update(count, now)
            if report is not None:
                events.append(report)
        self._emit(events)

    def _update_canceller_delay(self, delay_s: float) -> None:
        """Pass the device's delay on to the canceller when it has changed by more than jitter."""
        if abs(delay_s - self._canceller_delay_s) > _DELAY_STEP_S:
            self._canceller_delay_s = delay_s
            self._parts.canceller.set_delay(delay_s)

    def _run(self) -> None:
        try:
            while not self._closing:
                try:
                    task = self._tasks.get(timeout=_TICK_S)
                except queue.Empty:
                    self.tick()
                    continue
                if task.is_block and self._tasks.qsize() > self._most_waiting:
                    self._dropped += 1  # the oldest block is dropped: what is said now matters more
                else:
                    self._emit(task.run())
                self.tick()
        except Exception as error:  # whatever it is, the daemon must learn that sound has ended
            log.exception("the audio thread failed")
            self._emit([DeviceStuck(f"the audio thread failed: {error!r}", self._device.now())])

    def _process(self, block: bytes, at: float) -> list[AudioEvent]:
        self._processed += 1
        far, only_earcon = self._reference.take(at)
        events = self._pipeline.process(block, far, at, only_earcon=only_earcon)
        silent = self._silence.block(block, at)
        if silent is not None:
            events.append(silent)
            events += self._supervisor.reopen("capture", f"digital silence for {silent.seconds:.0f} s", at)
        return events

    def _submit(self, task: _Task) -> None:
        if self._device.stepped:
            self._emit(task.run())
        else:
            self._tasks.put(task)

    def _emit(self, events: list[AudioEvent]) -> None:
        for event in events:
            self._on_event(event)
