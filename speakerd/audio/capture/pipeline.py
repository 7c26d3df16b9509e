"""The way of the sound from the microphone to the dialogue, as one pure object.

Every 10 ms it takes a block from the microphone and the block that was handed to the loudspeaker at that time, and
answers with events: echo canceller, then frames of 20 ms, voice detector and noise floor, then the gate or, while
the loudspeaker sounds, barge-in. What passes the gate is brought to 24 kHz; each sentence has a resampler of its
own beginning, so nothing of one sentence leaks into the next.

While the speaker speaks and for `echo_tail_ms` after, only barge-in opens the gate. In half duplex nothing does,
an open gate is shut, and what was heard is forgotten: it was the speaker itself.

The speaker's own short sounds are another matter: people talk over them, above all over the one that says "I
listen". Frames heard during one count as no onset (unless the canceller knows the room and has taken it out), but
they are kept, and leave with the sentence that began under them.

Push-to-talk ends at the moment of the release, by the microphone's time: what was spoken before it is then still
inside the card; it passes when it comes, and SpeechEnded follows it, at the latest `RELEASE_LIMIT_S` after the
release. `discard_captured` ends that waiting at once: after a mute nothing passes.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from speakerd.audio.capture.barge_in import BargeInDetector
from speakerd.audio.capture.echo_canceller import EchoCanceller, PassThrough
from speakerd.audio.capture.gate import (
    AnalysedFrame,
    Gate,
    GateClosed,
    GateOpened,
    GateOutput,
    GateStatistics,
    ListenMode,
    TurnOwner,
)
from speakerd.audio.capture.noise_floor import NoiseFloor
from speakerd.audio.capture.vad import VoiceDetector, WebRtcDetector
from speakerd.audio.capture.wake_word import WakeWordDetector
from speakerd.audio.errors import BadBlockError
from speakerd.audio.events import (
    AudioEvent,
    BargeInConfirmed,
    BargeInRejected,
    BargeInSuspected,
    Level,
    SpeechAudio,
    SpeechEnded,
    SpeechEndReason,
    SpeechStarted,
    WakeWordHeard,
)
from speakerd.audio.pcm import (
    BLOCK_S,
    FLOOR_DBFS,
    FRAME_S,
    MIC_BLOCK_BYTES,
    MIC_FRAME_BYTES,
    MIC_RATE,
    SAMPLE_BYTES,
    WIRE_BLOCK_BYTES,
    WIRE_RATE,
    dbfs,
    gain_of,
    samples_of,
    to_int16,
)
from speakerd.audio.resample import Resampler
from speakerd.audio.settings import AudioSettings

HOLD_DB = 1.5
"""An open gate is held open by frames this much nearer to the noise than those that open it."""
LEARN_S = 5.0
"""Sound the canceller needs to find a room; until then what it leaves over is no sign of a person."""
LEARN_DBFS = -45.0
"""Quieter sound teaches it nothing."""
RELEASE_LIMIT_S = 0.1
"""For longer than this no card that can be talked through keeps its sound."""
LEVEL_INTERVAL_S = 0.1
"""Ten a second: what a light or a meter can show."""


@dataclass(frozen=True, slots=True)
class PipelineParts:
    """What the pipeline is made of; the defaults need no extra."""

    canceller: EchoCanceller
    detector: VoiceDetector
    wake_word: WakeWordDetector | None = None

    @classmethod
    def bare(cls, settings: AudioSettings) -> "PipelineParts":
        """No canceller, no second opinion, no wake word."""
        return cls(PassThrough("off"), WebRtcDetector(settings.gate.aggressiveness))


class SpeechPipeline:
    """See the module. Not thread-safe: one owner, the processing thread."""

    def __init__(
        self, settings: AudioSettings, parts: PipelineParts | None = None, *, owner: TurnOwner = "local"
    ) -> None:
        parts = parts or PipelineParts.bare(settings)
        self._settings = settings
        self._canceller = parts.canceller
        self._detector = parts.detector
        self._wake_word = parts.wake_word
        self._word_missed_sound = False
        self._gate = Gate(settings.gate, owner)
        self._barge_in = BargeInDetector(settings.barge_in)
        self._floor = NoiseFloor()
        self._upsampler = Resampler(MIC_RATE, WIRE_RATE)
        self._gain = gain_of(settings.input_gain_db)
        self.echo_delay_s = 0.0
        """From the queue to the loudspeaker and from the microphone to here, as the device reports it."""
        self._half: bytes = b""
        self._heard_until = float("-inf")  # the end of the last block
        self._released_at: float | None = None  # push-to-talk is over, but for what was said before this
        self._learnt_s = 0.0
        self._speech_ends = float("-inf")  # until when the speaker may hear its own speech,
        self._own_ends = float("-inf")  # ... and its own sounds
        self._sent_until = 0.0
        self._mic_level: deque[float] = deque(maxlen=round(LEVEL_INTERVAL_S / BLOCK_S))
        self._far_level: deque[float] = deque(maxlen=round(LEVEL_INTERVAL_S / BLOCK_S))
        self._blocks = 0

    # -- what is known -------------------------------------------------------------------------------------

    @property
    def mode(self) -> ListenMode:
        """closed, gated or open."""
        return self._gate.mode

    @property
    def gate_open(self) -> bool:
        """Whether sound passes now."""
        return self._gate.is_open

    @property
    def statistics(self) -> GateStatistics:
        """Seconds heard and sent, openings."""
        return self._gate.statistics

    @property
    def noise_floor_dbfs(self) -> float:
        """The room's own noise."""
        return self._floor.level_dbfs

    @property
    def owner(self) -> TurnOwner:
        """Who ends the turn."""
        return self._gate.owner

    @owner.setter
    def owner(self, value: TurnOwner) -> None:
        self._gate.owner = value

    # -- what the dialogue wants ---------------------------------------------------------------------------

    def listen(self, mode: ListenMode, now: float, since: float | None = None) -> list[AudioEvent]:
        """Change what may pass; `since` reaches back to what was already said (`Gate.listen`).

        From `open` to `closed` it comes into force with the sound of `now`, which is still to be processed.
        """
        if mode == "closed" and self._gate.mode == "open" and self._is_owed(now):
            if self._released_at is None:
                self._released_at = now
            return []
        events = self._let_go(now)
        events += self._events(self._gate.listen(mode, now, since))
        if mode != "gated" and self._barge_in.cancel():
            events.append(BargeInRejected(now))
        return events

    def server_ended(self, now: float) -> list[AudioEvent]:
        """The server has reported the end of speech (server turns)."""
        return self._events(self._gate.server_ended(now))

    def discard_captured(self, now: float) -> list[AudioEvent]:
        """Drop all that was heard and has not passed, of a release too: the microphone was muted."""
        self._half = b""
        events: list[AudioEvent] = []
        if self._released_at is not None:
            self._gate.shut(now, "closed")
            self._let_go(now)
            self._upsampler.clear()  # it holds a few milliseconds, of which nothing passes either
            events.append(SpeechEnded(now, "closed"))
        self._gate.discard_history()
        return events

    def tick(self, now: float) -> list[AudioEvent]:
        """Time passes, with or without blocks; `now` by the clock of `listen`."""
        late = self._released_at is not None and now >= self._released_at + RELEASE_LIMIT_S
        return self._let_go(now) if late else []

    def interrupted(self, now: float, reason: SpeechEndReason = "device_lost") -> list[AudioEvent]:
        """The stream of blocks has a gap (device lost): shut the gate, forget, relearn the echo."""
        self._half = b""
        self._learnt_s = 0.0
        self._word_missed_sound = True
        self._canceller.reset()
        self._detector.reset()
        events = self._events(self._gate.shut(now, reason))
        self._let_go(now)
        self._gate.discard_history()
        if self._barge_in.cancel():
            events.append(BargeInRejected(now))
        return events

    # -- the sound -----------------------------------------------------------------------------------------

    def process(
        self, mic_block: bytes, far_block: bytes, now: float, *, only_earcon: bool = False
    ) -> list[AudioEvent]:
        """10 ms of the microphone (16 kHz) and of what was played (24 kHz); `now` is the end of the first.

        `only_earcon`: the far block holds one of the speaker's own sounds and no speech.
        Raises BadBlockError.
        """
        if len(mic_block) != MIC_BLOCK_BYTES:
            raise BadBlockError(f"a microphone block must be {MIC_BLOCK_BYTES} bytes, not {len(mic_block)}")
        if len(far_block) != WIRE_BLOCK_BYTES:
            raise BadBlockError(f"a far-end block must be {WIRE_BLOCK_BYTES} bytes, not {len(far_block)}")
        far = samples_of(far_block)
        silent = not far.any()
        tail_s = self.echo_delay_s + self._settings.echo_tail_ms / 1000
        if not silent:
            if only_earcon:
                self._own_ends = now + tail_s
            else:
                self._speech_ends = now + tail_s
        if self._gain != 1.0:
            mic_block = to_int16(samples_of(mic_block).astype(np.float32) * np.float32(self._gain)).tobytes()
        clean = self._canceller.process(
            mic_block, far_block, far_silent=silent, mid_sentence=self._gate.is_open
        )
        events = self._levels(mic_block, far_block, now, silent=silent)
        events += self._listen_for_word(clean, now)
        self._half += clean
        if len(self._half) == MIC_FRAME_BYTES:
            pcm, self._half = self._half, b""
            events += self._frame(pcm, now)
        self._heard_until = now
        if self._released_at is not None and not self._is_owed(self._released_at):
            events += self._let_go(now)
        return events

    def _is_owed(self, until: float) -> bool:
        """Whether sound from before `until` is still to come to the gate."""
        return self._gate.is_open and (self._heard_until < until or bool(self._half))

    def _let_go(self, now: float) -> list[AudioEvent]:
        """End push-to-talk, if it was released."""
        if self._released_at is None:
            return []
        self._released_at = None
        return self._events(self._gate.listen("closed", now))

    def _frame(self, pcm: bytes, now: float) -> list[AudioEvent]:
        playing = now <= self._speech_ends
        own = now <= self._own_ends
        deaf = playing and self._canceller.mode == "half_duplex"
        samples = samples_of(pcm)
        level = dbfs(samples)
        gate = self._settings.gate
        excess = self._floor.excess_db(samples, learn=not playing and not own)
        margin = gate.margin_db - (HOLD_DB if self._gate.is_open else 0.0)
        loud = level > gate.min_level_dbfs and excess > margin
        # Over the speaker's own voice a second opinion comes too late, and levels say more.
        voiced = self._detector.is_speech(pcm, ask=loud and self._gate.mode == "gated" and not playing)
        frame = AnalysedFrame(
            pcm, now - FRAME_S, voiced and loud, level, over_earcon=own and not self._cancels
        )
        if deaf:
            out = self._gate.shut(now, "own_voice") if self._gate.mode == "gated" else []
            if self._gate.mode != "open":
                self._gate.discard_history()
                return self._events(out)
        if not playing:
            events: list[AudioEvent] = [BargeInRejected(now)] if self._barge_in.cancel() else []
            return events + self._events(self._gate.process(frame))
        return self._frame_while_playing(frame, now)

    def _frame_while_playing(self, frame: AnalysedFrame, now: float) -> list[AudioEvent]:
        events = self._events(self._gate.process(frame, may_open=False))
        if self._gate.is_open or self._gate.mode != "gated" or not self._may_barge_in:
            return events
        verdict = self._barge_in.process(frame)
        if verdict == "suspected":
            events.append(BargeInSuspected(now))
        elif verdict == "rejected":
            events.append(BargeInRejected(now))
        elif verdict == "confirmed":
            events.append(BargeInConfirmed(now))
            events += self._events(self._gate.force_open(self._barge_in.since))
        return events

    @property
    def _cancels(self) -> bool:
        """Whether what is left of our own sound is too little to be taken for a voice."""
        return self._canceller.mode == "cancel" and self._learnt_s >= LEARN_S

    @property
    def _may_barge_in(self) -> bool:
        return self._settings.barge_in.enabled and (self._cancels or self._canceller.mode == "off")

    def _listen_for_word(self, clean: bytes, now: float) -> list[AudioEvent]:
        if self._wake_word is None:
            return []
        if self._gate.is_open:
            self._word_missed_sound = True
            return []
        if self._word_missed_sound:
            # What it heard last may have been the word itself: without this it would report it once more.
            self._wake_word.reset()
            self._word_missed_sound = False
        word = self._wake_word.process(clean, now)
        return [WakeWordHeard(word, now)] if word is not None else []

    def _levels(self, mic: bytes, far: bytes, now: float, *, silent: bool) -> list[AudioEvent]:
        self._mic_level.append(dbfs(samples_of(mic)))
        far_dbfs = FLOOR_DBFS if silent else dbfs(samples_of(far))
        self._far_level.append(far_dbfs)
        if far_dbfs > LEARN_DBFS:
            self._learnt_s += BLOCK_S
        self._blocks += 1
        if self._blocks % (self._mic_level.maxlen or 1):
            return []
        return [Level(max(self._mic_level), max(self._far_level), self._gate.is_open, now)]

    def _events(self, outputs: list[GateOutput]) -> list[AudioEvent]:
        """The gate's answers as events, the frames at 24 kHz, joined."""
        events: list[AudioEvent] = []
        passed = bytearray()
        for output in outputs:
            if isinstance(output, GateOpened):
                self._upsampler.clear()
                self._sent_until = output.at
                events.append(SpeechStarted(output.at))
            elif isinstance(output, GateClosed):
                passed += self._upsampler.finish()
                self._emit(events, passed)
                events.append(SpeechEnded(output.at, output.reason))
            else:
                passed += self._upsampler.process(output.frame.pcm)
        self._emit(events, passed)
        return events

    def _emit(self, events: list[AudioEvent], pcm: bytearray) -> None:
        if pcm:
            events.append(SpeechAudio(bytes(pcm), self._sent_until))
            self._sent_until += len(pcm) / (WIRE_RATE * SAMPLE_BYTES)
            pcm.clear()
