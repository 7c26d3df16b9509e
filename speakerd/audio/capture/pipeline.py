"""From the microphone's blocks to speech events, as one pure object.

Every 10 ms it takes a block from the microphone and the block that the loudspeaker was given at that time, and
returns events: echo canceller, then frames of 20 ms, voice detector and noise floor, then the gate or, while the
speaker speaks, barge-in. What passes the gate is resampled to 24 kHz; the resampler is cleared before each
sentence, so nothing of one sentence leaks into the next.

While the speaker speaks, and for `echo_tail_ms` after, only barge-in opens the gate. In half duplex nothing does:
an open gate is shut, and what was heard is discarded, since it was the speaker itself.

Earcons, the speaker's own short sounds, are treated differently: people talk over them, above all over the one
that says "I am listening". Frames heard during one do not count towards an onset, unless the canceller knows the
room and has removed the earcon; but they are kept, and leave with the sentence that began during them.

Push-to-talk ends at the moment of the release, by the microphone's time. What was spoken before it is then still in
the card; it passes when it arrives, and SpeechEnded follows it, at most `RELEASE_LIMIT_S` after the release.
`discard_captured` ends that waiting at once: after a mute nothing passes.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final, NamedTuple, assert_never

import numpy as np

from speakerd.audio.capture.barge_in import BargeInDetector
from speakerd.audio.capture.echo_canceller import EchoCanceller, PassThrough
from speakerd.audio.capture.gate import (
    AnalysedFrame,
    Gate,
    GateClosed,
    GateOpened,
    GateOutput,
    GatePassed,
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

HOLD_DB: Final = 1.5
"""Frames this much nearer to the noise than those that open the gate still hold it open."""
LEARN_S: Final = 5.0
"""Seconds of sound the canceller needs to learn a room; until then what it leaves over is no sign of a person."""
LEARN_DBFS: Final = -45.0
"""The canceller learns nothing from quieter sound."""
RELEASE_LIMIT_S: Final = 0.1
"""No card that is usable for conversation holds captured sound back for longer than this."""
LEVEL_BLOCKS: Final = 10
"""Blocks between two Level events: ten events a second, as many as a light or a meter can show."""
_NEVER: Final = float("-inf")


@dataclass(frozen=True, slots=True)
class PipelineParts:
    """The replaceable parts of the pipeline."""

    canceller: EchoCanceller
    detector: VoiceDetector
    wake_word: WakeWordDetector | None = None

    @classmethod
    def bare(cls, settings: AudioSettings) -> "PipelineParts":
        """Parts that need no extra: no canceller, webrtcvad alone, no wake word."""
        return cls(PassThrough("off"), WebRtcDetector(settings.gate.aggressiveness))


class _OwnSound(NamedTuple):
    """Which of the speaker's own sound the microphone may be hearing at a moment; both may overlap."""

    speech: bool
    earcon: bool


class SpeechPipeline:
    """Turns blocks of the microphone and the loudspeaker into events. Not thread-safe: one thread owns it."""

    def __init__(
        self,
        settings: AudioSettings,
        parts: PipelineParts | None = None,
        *,
        owner: TurnOwner = "local",
        uplink_rate_hz: int = WIRE_RATE,
    ) -> None:
        """`uplink_rate_hz`: the rate at which what passes is reported; that of the microphone costs nothing."""
        parts = parts or PipelineParts.bare(settings)
        self._settings = settings
        self._canceller = parts.canceller
        self._detector = parts.detector
        self._wake_word = parts.wake_word
        self._word_missed_sound = False
        self._gate = Gate(settings.gate, owner)
        self._barge_in = BargeInDetector(settings.barge_in)
        self._floor = NoiseFloor()
        self._uplink_rate_hz = uplink_rate_hz
        self._upsampler = Resampler(MIC_RATE, uplink_rate_hz)
        self._gain = gain_of(settings.input_gain_db)
        self.echo_delay_s = 0.0
        """Latency of playback and capture together, as the device reports it."""
        self._first_half = b""  # of a frame: one block
        self._captured_until = _NEVER  # the end of the last block
        self._released_at: float | None = (
            None  # push-to-talk was released; sound from before is still to come
        )
        self._learnt_s = 0.0
        self._speech_until = _NEVER  # until then the microphone may hear the speaker's own speech,
        self._earcon_until = _NEVER  # and one of its earcons
        self._sent_until = 0.0
        self._mic_levels: deque[float] = deque(maxlen=LEVEL_BLOCKS)
        self._far_levels: deque[float] = deque(maxlen=LEVEL_BLOCKS)
        self._blocks = 0

    # -- state ---------------------------------------------------------------------------------------------

    @property
    def mode(self) -> ListenMode:
        """Which sound may pass: none (`closed`), speech (`gated`) or all (`open`)."""
        return self._gate.mode

    @property
    def gate_open(self) -> bool:
        """Whether sound passes now."""
        return self._gate.is_open

    @property
    def statistics(self) -> GateStatistics:
        """Seconds captured and sent, and how often the gate opened."""
        return self._gate.statistics

    @property
    def noise_floor_dbfs(self) -> float:
        """The level of the room's own noise."""
        return self._floor.level_dbfs

    # -- requests ------------------------------------------------------------------------------------------

    def listen(self, mode: ListenMode, now: float, since: float | None = None) -> list[AudioEvent]:
        """Change which sound may pass. `since` includes what was said from then on (see `Gate.listen`).

        From `open` to `closed` the change takes effect behind the sound of `now`, which has yet to be processed.
        """
        if mode == "closed" and self._gate.mode == "open" and self._is_incomplete(now):
            if self._released_at is None:
                self._released_at = now
            return []
        events = self._finish_release(now)
        events += self._events(self._gate.listen(mode, now, since))
        if mode != "gated":
            events += self._cancel_barge_in(now)
        return events

    def server_ended(self, now: float) -> list[AudioEvent]:
        """The server has reported the end of speech. Ignored where this room ends the turns."""
        return self._events(self._gate.server_ended(now))

    def discard_captured(self, now: float) -> list[AudioEvent]:
        """Drop all sound that was captured and has not passed, also that of a release: the microphone was muted."""
        self._first_half = b""
        events: list[AudioEvent] = []
        if self._released_at is not None:
            self._gate.shut(now, "closed")
            self._finish_release(now)
            self._upsampler.clear()  # it holds a few milliseconds, which must not pass either
            events.append(SpeechEnded(now, "closed"))
        self._gate.discard_history()
        return events

    def tick(self, now: float) -> list[AudioEvent]:
        """Let time pass, with or without blocks: ends a release whose sound does not arrive."""
        late = self._released_at is not None and now >= self._released_at + RELEASE_LIMIT_S
        return self._finish_release(now) if late else []

    def interrupted(self, now: float, reason: SpeechEndReason = "device_lost") -> list[AudioEvent]:
        """Blocks are missing because the device was lost: shut the gate, discard, learn the echo anew."""
        self._first_half = b""
        self._learnt_s = 0.0
        self._word_missed_sound = True
        self._canceller.reset()
        self._detector.reset()
        events = self._events(self._gate.shut(now, reason))
        self._finish_release(now)
        self._gate.discard_history()
        return events + self._cancel_barge_in(now)

    # -- the sound -----------------------------------------------------------------------------------------

    def process(
        self, mic_block: bytes, far_block: bytes, now: float, *, only_earcon: bool = False
    ) -> list[AudioEvent]:
        """Take 10 ms of the microphone (16 kHz) and of the loudspeaker (24 kHz).

        Args:
            mic_block: what was captured up to `now`.
            far_block: what was played meanwhile.
            now: the time of the microphone block's end.
            only_earcon: whether `far_block` holds an earcon and no speech.

        Raises:
            BadBlockError: a block of the wrong size.
        """
        if len(mic_block) != MIC_BLOCK_BYTES:
            raise BadBlockError(f"a microphone block must be {MIC_BLOCK_BYTES} bytes, not {len(mic_block)}")
        if len(far_block) != WIRE_BLOCK_BYTES:
            raise BadBlockError(f"a far-end block must be {WIRE_BLOCK_BYTES} bytes, not {len(far_block)}")
        silent = not samples_of(far_block).any()
        if not silent:
            until = now + self.echo_delay_s + self._settings.echo_tail_ms / 1000
            if only_earcon:
                self._earcon_until = until
            else:
                self._speech_until = until
        if self._gain != 1.0:
            mic_block = to_int16(samples_of(mic_block).astype(np.float32) * np.float32(self._gain)).tobytes()
        clean = self._canceller.process(
            mic_block, far_block, far_silent=silent, mid_sentence=self._gate.is_open
        )
        events = self._levels(mic_block, far_block, now, silent=silent)
        events += self._detect_wake_word(clean, now)
        self._first_half += clean
        if len(self._first_half) == MIC_FRAME_BYTES:
            pcm, self._first_half = self._first_half, b""
            events += self._frame(pcm, now)
        self._captured_until = now
        if self._released_at is not None and not self._is_incomplete(self._released_at):
            events += self._finish_release(now)
        return events

    def _is_incomplete(self, until: float) -> bool:
        """Whether the open gate has yet to receive sound from before `until`."""
        return self._gate.is_open and (self._captured_until < until or bool(self._first_half))

    def _finish_release(self, now: float) -> list[AudioEvent]:
        """End push-to-talk, if it was released."""
        if self._released_at is None:
            return []
        self._released_at = None
        return self._events(self._gate.listen("closed", now))

    def _frame(self, pcm: bytes, now: float) -> list[AudioEvent]:
        own = _OwnSound(now <= self._speech_until, now <= self._earcon_until)
        frame = self._analyse(pcm, now, own)
        if not own.speech:
            return self._cancel_barge_in(now) + self._events(self._gate.process(frame))
        if self._canceller.mode == "half_duplex" and self._gate.mode != "open":
            return self._discard_own_voice(now)
        events = self._events(self._gate.process(frame, may_open=False))
        if not self._gate.is_open and self._gate.mode == "gated" and self._may_barge_in:
            events += self._detect_barge_in(frame, now)
        return events

    def _analyse(self, pcm: bytes, now: float, own: _OwnSound) -> AnalysedFrame:
        """Measure a frame against the noise floor and ask the detector. Every frame must come here, in order."""
        samples = samples_of(pcm)
        level = dbfs(samples)
        gate = self._settings.gate
        excess = self._floor.excess_db(samples, learn=not (own.speech or own.earcon))
        margin = gate.margin_db - (HOLD_DB if self._gate.is_open else 0.0)
        loud = level > gate.min_level_dbfs and excess > margin
        # While the speaker speaks, a second opinion comes too late, and levels say more.
        voiced = self._detector.is_speech(pcm, ask=loud and self._gate.mode == "gated" and not own.speech)
        over_earcon = own.earcon and not self._cancels
        return AnalysedFrame(pcm, now - FRAME_S, voiced and loud, level, over_earcon)

    def _discard_own_voice(self, now: float) -> list[AudioEvent]:
        """Half duplex: shut the gate, and discard what was heard, since it was the speaker itself."""
        events = self._events(self._gate.shut(now, "own_voice")) if self._gate.mode == "gated" else []
        self._gate.discard_history()
        return events

    def _detect_barge_in(self, frame: AnalysedFrame, now: float) -> list[AudioEvent]:
        match self._barge_in.process(frame):
            case "suspected":
                return [BargeInSuspected(now)]
            case "rejected":
                return [BargeInRejected(now)]
            case "confirmed":
                opened = self._events(self._gate.force_open(self._barge_in.since))
                return [BargeInConfirmed(now), *opened]
            case None:
                return []
            case never:
                assert_never(never)

    def _cancel_barge_in(self, now: float) -> list[AudioEvent]:
        return [BargeInRejected(now)] if self._barge_in.cancel() else []

    @property
    def _cancels(self) -> bool:
        """Whether what is left of our own sound is too little to be taken for a voice."""
        return self._canceller.mode == "cancel" and self._learnt_s >= LEARN_S

    @property
    def _may_barge_in(self) -> bool:
        return self._settings.barge_in.enabled and (self._cancels or self._canceller.mode == "off")

    def _detect_wake_word(self, clean: bytes, now: float) -> list[AudioEvent]:
        if self._wake_word is None:
            return []
        if self._gate.is_open:
            self._word_missed_sound = True
            return []
        if self._word_missed_sound:
            # The last sound it got may have been the word itself, which it would report once more.
            self._wake_word.reset()
            self._word_missed_sound = False
        word = self._wake_word.process(clean, now)
        return [WakeWordHeard(word, now)] if word is not None else []

    def _levels(self, mic: bytes, far: bytes, now: float, *, silent: bool) -> list[AudioEvent]:
        self._mic_levels.append(dbfs(samples_of(mic)))
        far_dbfs = FLOOR_DBFS if silent else dbfs(samples_of(far))
        self._far_levels.append(far_dbfs)
        if far_dbfs > LEARN_DBFS:
            self._learnt_s += BLOCK_S
        self._blocks += 1
        if self._blocks % LEVEL_BLOCKS:
            return []
        return [Level(max(self._mic_levels), max(self._far_levels), self._gate.is_open, now)]

    def _events(self, outputs: list[GateOutput]) -> list[AudioEvent]:
        """The gate's outputs as events; frames in a row are resampled for the uplink and joined."""
        if not outputs:
            return []
        events: list[AudioEvent] = []
        passed = bytearray()
        for output in outputs:
            if isinstance(output, GatePassed):
                passed += self._upsampler.process(output.frame.pcm)
            elif isinstance(output, GateOpened):
                self._upsampler.clear()
                self._sent_until = output.at
                events.append(SpeechStarted(output.at))
            elif isinstance(output, GateClosed):
                passed += self._upsampler.finish()
                self._emit(events, passed)
                events.append(SpeechEnded(output.at, output.reason))
            else:
                assert_never(output)
        self._emit(events, passed)
        return events

    def _emit(self, events: list[AudioEvent], pcm: bytearray) -> None:
        if pcm:
            events.append(SpeechAudio(bytes(pcm), self._sent_until))
            self._sent_until += len(pcm) / (self._uplink_rate_hz * SAMPLE_BYTES)
            pcm.clear()
