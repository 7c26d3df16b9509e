"""The audio room as one object: a device, the playback queue, the pipeline, and the thread that joins them.

    device's capture thread ──blocks──▶ queue ──▶ processing thread ──events──▶ on_event
    device's playback thread ◀──pull── PlaybackBuffer ◀──play, flush── the asyncio side
                             └──what was written──▶ EchoReference ──▶ processing thread

The device's threads only move bytes. Everything that costs time happens in the processing thread: echo
canceller, gate, barge-in, the reports of the playback, the looking after the device. Nothing here waits for
the asyncio side: an event loop that stalls is not heard.

*Threads.* All methods may be called from any thread, `start` and `close` from one. Those that concern the
loudspeaker act at once, under the queue's own lock; those that concern the microphone are done in order with
the captured blocks, by the processing thread. `on_event` is called there too; it must be quick and must not
call `close`. If it or anything else in that thread raises, that is reported as `DeviceStuck`: the daemon ends
and is started anew rather than being deaf.

*Simulated time.* With a stepped device there is no thread: a block is worked off inside `step`, and whoever
steps calls `tick` after it (`SimulatedDevice.after_each_block`).
"""

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

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
from speakerd.audio.pcm import BLOCK_MS, FLOOR_DBFS, WIRE_BLOCK_BYTES, Reblocker
from speakerd.audio.playback import Earcons, PlaybackBuffer, PlayedItem
from speakerd.audio.settings import AudioSettings, SoundName, WakeWordSettings
from speakerd.audio.supervision import DeviceSupervisor, SilenceWatch, XrunReporter

log = logging.getLogger(__name__)

OnEvent: TypeAlias = Callable[[AudioEvent], None]

_TICK_S: Final = 0.05
"""How often the device is looked after when no block comes."""
_JOIN_S: Final = 1.0
_DELAY_STEP_S: Final = 0.03
"""More than a block and its jitter."""


@dataclass(frozen=True, slots=True)
class EngineStats:
    """Since the start: seconds of sound heard and passed, openings of the gate, and what went wrong."""

    heard_s: float
    sent_s: float
    openings: int
    capture_xruns: int
    playback_xruns: int
    underruns: int
    dropped_blocks: int
    """Captured blocks thrown away because processing was more than `capture_queue_ms` behind."""
    noise_floor_dbfs: float


class AudioEngine:
    """See the module."""

    def __init__(
        self,
        device: AudioDevice,
        settings: AudioSettings,
        *,
        on_event: OnEvent,
        owner: TurnOwner = "local",
        wake_word: WakeWordSettings | None = None,
        parts: PipelineParts | None = None,
    ) -> None:
        """`owner`: who ends a turn. `parts` replaces canceller, detector and wake word, for tests.

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
        self._pipeline = SpeechPipeline(settings, self._parts, owner=owner)
        self._buffer = PlaybackBuffer(
            prebuffer_ms=settings.prebuffer_ms,
            ramp_ms=settings.flush_ramp_ms,
            limit_s=settings.playback_limit_s,
            duck_db=settings.barge_in.duck_db,
            volume=settings.volume,
        )
        self._earcons = Earcons(settings.sounds)
        self._far = EchoReference()
        self._written = Reblocker(WIRE_BLOCK_BYTES)
        self._supervisor = DeviceSupervisor(device, settings, self._captured, self._wanted)
        self._silence = SilenceWatch(settings.silent_capture_s)
        self._xruns = (XrunReporter("capture"), XrunReporter("playback"))
        self._work: queue.SimpleQueue[tuple[bytes, float] | Callable[[], list[AudioEvent]]] = (
            queue.SimpleQueue()
        )
        self._most_waiting = settings.capture_queue_ms // BLOCK_MS
        self._dropped = 0
        self._thread: threading.Thread | None = None
        self._closing = False
        self._processed = 0
        self._told_delay_s = 0.0

    # -- life ----------------------------------------------------------------------------------------------

    def start(self, *, wait_for_device: bool = False) -> None:
        """Open the device and begin. With `wait_for_device` a missing one is reported as lost, and awaited.

        Raises:
            DeviceError: without `wait_for_device`: what is wrong, and what the user can do.
        """
        self._emit(self._supervisor.start(wait=wait_for_device))
        if not self._device.stepped:
            self._thread = threading.Thread(target=self._run, name="audio-engine", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop at once, without a fade (`fade_out` does that). Idempotent; takes two seconds at the worst."""
        self._closing = True
        self._supervisor.close()
        thread, self._thread = self._thread, None
        if thread is not None:
            self._work.put(list)
            thread.join(_JOIN_S)
            if thread.is_alive():
                log.error("the audio thread does not end; it is left running")

    # -- the loudspeaker -----------------------------------------------------------------------------------

    def play(self, item_id: str, content_index: int, pcm: bytes) -> bool:
        """Queue speech, 24 kHz. False: taken, but the sender should pause until `room`.

        Raises:
            PlaybackOverflowError: the sender did not pause, and the queue is full.
            BadBlockError: half a sample.
        """
        return self._buffer.append(item_id, content_index, pcm)

    def finish_item(self, item_id: str) -> None:
        """No more of this item will come."""
        self._buffer.finish_item(item_id)

    def flush(self) -> tuple[PlayedItem, ...]:
        """Stop speaking now. Returns how far each item cut off will have been heard."""
        return self._buffer.flush()

    def forget_past(self) -> None:
        """A new session begins: names of items that have been heard or cut off may come again."""
        self._buffer.forget_past()

    def fade_out(self) -> tuple[PlayedItem, ...]:
        """As `flush`, but over `stop_fade_ms`: for the end of the daemon. Returns before it has sounded."""
        return self._buffer.flush(ramp_ms=self._settings.stop_fade_ms)

    def duck(self) -> None:
        """Speech quieter, until `restore` or a flush."""
        self._buffer.duck()

    def restore(self) -> None:
        """Speech at its volume again."""
        self._buffer.restore()

    def play_earcon(self, name: SoundName) -> None:
        """Play one of the speaker's own sounds, unless it is set to off."""
        self._buffer.play_earcon(self._earcons.pcm(name))

    def stop_earcons(self) -> None:
        """Cut the speaker's own sounds (a timer that was silenced)."""
        self._buffer.stop_earcons()

    def set_volume(self, volume: float) -> None:
        """0 to 100 on a perceptual curve; glides there."""
        self._buffer.volume = volume

    @property
    def volume(self) -> float:
        """0 to 100."""
        return self._buffer.volume

    @property
    def room(self) -> bool:
        """Whether a sender that was asked to pause may go on."""
        return self._buffer.room

    @property
    def speaking(self) -> bool:
        """Speech is queued, sounds, or is still on its way to the ear."""
        return self._buffer.active

    def positions(self) -> tuple[PlayedItem, ...]:
        """How much of every item has been heard by now, the device's latency allowed for."""
        self._buffer.latency_s = self.output_latency_s
        return self._buffer.positions()

    # -- the microphone ------------------------------------------------------------------------------------

    def listen(self, mode: ListenMode, since: float | None = None) -> None:
        """Change what may pass: `closed`, `gated` or `open`; `since` reaches back to what was already said.

        From `open` to `closed`, what was said until now still passes: SpeechEnded comes within 100 ms.
        """
        now = self._device.now()
        self._do(lambda: self._pipeline.listen(mode, now, since))

    def server_ended(self) -> None:
        """The server has reported the end of speech (server turns)."""
        self._do(lambda: self._pipeline.server_ended(self._device.now()))

    def forget(self) -> None:
        """Drop what was heard and has not passed: the microphone was muted."""
        self._do(lambda: self._pipeline.forget(self._device.now()))

    # -- what is known -------------------------------------------------------------------------------------

    @property
    def block_counts(self) -> BlockCounts:
        """Captured blocks worked off and played blocks handed over: the watchdog is fed only while both rise."""
        return BlockCounts(self._processed, self._device.block_counts.playback)

    @property
    def device_lost(self) -> bool:
        """The device is gone, that has been reported, and it is being reopened."""
        return self._supervisor.lost

    @property
    def echo_mode(self) -> EffectiveEcho:
        """What `audio.echo = "auto"` came to."""
        return self._parts.canceller.mode

    @property
    def output_latency_s(self) -> float:
        """From the queue to the ear: the device's own, and `output_delay_ms`."""
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

    def _captured(self, block: bytes, at: float) -> None:
        if self._device.stepped:
            self._emit(self._process(block, at))
            return
        if self._work.qsize() >= 2 * self._most_waiting:
            self._dropped += 1  # the processing thread stands still: nothing may grow for ever
            return
        self._work.put((block, at))

    def _wanted(self, samples: int) -> bytes:
        pulled = self._buffer.pull(samples)
        for block in self._written.push(pulled):  # a device may take less than a block at a time
            self._far.put(block, self._buffer.only_earcon, self._device.now())
        return pulled

    # -- the processing thread -----------------------------------------------------------------------------

    def tick(self) -> None:
        """Look after device and playback. Called by the thread of its own; in simulated time, after each step."""
        now = self._device.now()
        self._buffer.latency_s = self.output_latency_s
        self._pipeline.echo_delay_s = self.output_latency_s + self._device.input_latency_s
        events: list[AudioEvent] = [*self._buffer.take_events(now), *self._pipeline.tick(now)]
        for event in self._supervisor.tick(now):
            events.append(event)
            if isinstance(event, DeviceLost):
                events += self._pipeline.interrupted(now)
            elif isinstance(event, DeviceReturned):
                self._far.clear()
        self._tell_delay()
        counts = self._device.xruns
        for reporter, count in zip(
            self._xruns, (counts.capture + self._dropped, counts.playback), strict=True
        ):
            report = reporter.update(count, now)
            if report is not None:
                events.append(report)
        self._emit(events)

    def _tell_delay(self) -> None:
        """Give the canceller the devices' delay when it has changed by more than jitter."""
        delay_s = self.output_latency_s + self._device.input_latency_s
        if abs(delay_s - self._told_delay_s) > _DELAY_STEP_S:
            self._told_delay_s = delay_s
            self._parts.canceller.set_delay(delay_s)

    def _run(self) -> None:
        try:
            while not self._closing:
                try:
                    work = self._work.get(timeout=_TICK_S)
                except queue.Empty:
                    self.tick()
                    continue
                if callable(work):
                    self._emit(work())
                elif self._work.qsize() > self._most_waiting:
                    self._dropped += 1  # the oldest goes: what is said now matters more
                else:
                    self._emit(self._process(*work))
                self.tick()
        except Exception as error:  # whatever it is, the daemon must hear that sound has ended
            log.exception("the audio thread failed")
            self._emit([DeviceStuck(f"the audio thread failed: {error!r}", self._device.now())])

    def _process(self, block: bytes, at: float) -> list[AudioEvent]:
        self._processed += 1
        far, only_earcon = self._far.take(at)
        events = self._pipeline.process(block, far, at, only_earcon=only_earcon)
        silent = self._silence.block(block, at)
        if silent is not None:
            events.append(silent)
            events += self._supervisor.reopen("capture", f"digital silence for {silent.seconds:.0f} s", at)
        return events

    def _do(self, work: Callable[[], list[AudioEvent]]) -> None:
        if self._device.stepped:
            self._emit(work())
        else:
            self._work.put(work)

    def _emit(self, events: list[AudioEvent]) -> None:
        for event in events:
            self._on_event(event)
