"""How well barge-in tells a person from the speaker's own echo.

The speaker talks without end (recordings, one after another, with the gaps of speech); now and then a person
speaks over it. The loop is closed as in the real speaker: a suspicion ducks the voice, a confirmation stops it
until the person has finished. A confirmation with nobody speaking is a false barge-in; one within `FOUND_S` of
the person's first word is a true one, and its latency counts from that word's begin.
"""

from dataclasses import dataclass, field
from statistics import median

import numpy as np

from speakerd.audio.capture.echo_canceller import EchoCanceller, EffectiveEcho, make_canceller
from speakerd.audio.capture.echo_reference import EchoReference
from speakerd.audio.capture.pipeline import PipelineParts, SpeechPipeline
from speakerd.audio.capture.vad import make_detector
from speakerd.audio.events import BargeInConfirmed, BargeInRejected, BargeInSuspected
from speakerd.audio.pcm import dbfs, samples_of
from speakerd.audio.playback.buffer import PlaybackBuffer
from speakerd.audio.settings import AudioSettings
from tests.audio.recordings import RATE, Floats
from tests.audio.rooms import BLOCK, Room, RoomPlan
from tests.audio.voices import FAR_RMS, interruption, own_voice

FOUND_S = 1.5
JITTER_S = 0.003
"""Of the callbacks, as their times tell."""


@dataclass
class BargeInScore:
    seconds: float = 0.0
    false: int = 0
    suspected: int = 0
    said: int = 0
    found: int = 0
    latencies_ms: list[float] = field(default_factory=list)

    @property
    def false_per_minute(self) -> float:
        return self.false / (self.seconds / 60)

    @property
    def found_share(self) -> float:
        return self.found / self.said if self.said else 1.0

    @property
    def latency_ms(self) -> float:
        return median(self.latencies_ms) if self.latencies_ms else float("nan")


@dataclass(frozen=True)
class Moment:
    """10 ms of a run, for a plot; levels in dBFS."""

    at: float
    far_dbfs: float
    mic_dbfs: float
    clean_dbfs: float
    gate_open: bool
    person: bool
    ducked: bool


class Overheard:
    """A canceller that also keeps its last block, for a plot."""

    def __init__(self, canceller: EchoCanceller) -> None:
        self._canceller = canceller
        self.last = b""

    @property
    def mode(self) -> EffectiveEcho:
        return self._canceller.mode

    def process(self, mic: bytes, far: bytes, *, far_silent: bool, mid_sentence: bool = False) -> bytes:
        self.last = self._canceller.process(mic, far, far_silent=far_silent, mid_sentence=mid_sentence)
        return self.last

    def set_delay(self, delay_s: float) -> None:
        self._canceller.set_delay(delay_s)

    def reset(self) -> None:
        self._canceller.reset()


def run_room(
    plan: RoomPlan,
    settings: AudioSettings,
    *,
    seconds: float,
    near_db: float | None = None,
    every_s: float = 9.0,
    trace: list[Moment] | None = None,
) -> BargeInScore:
    """The speaker talks for `seconds`; with `near_db` someone interrupts at that level relative to the echo."""
    room = Room(plan)
    playback = PlaybackBuffer(duck_db=settings.barge_in.duck_db, limit_s=3600)
    canceller = Overheard(make_canceller("cancel"))
    parts = PipelineParts(canceller, make_detector(settings.gate))
    pipeline = SpeechPipeline(settings, parts)
    pipeline.echo_delay_s = plan.delay_ms / 1000
    pipeline.listen("gated", 0.0)
    far_end = EchoReference()
    jitter = np.random.default_rng(1)
    voice = own_voice()
    score = BargeInScore(seconds=seconds)
    echo_rms = FAR_RMS * 10 ** (plan.echo_db / 20)
    near: Floats = np.zeros(0)
    cursor = said_at = 0
    next_near = 8.0
    word_at = float("-inf")
    answered = True
    ducked = False
    resume_at = 0.0
    item = 0
    for index in range(int(seconds * 100)):
        now = (index + 1) / 100
        if playback.queued_s < 1 and now >= resume_at:
            playback.append(f"item-{item}", 0, next(voice))
        if near_db is not None and now >= next_near and cursor >= near.size:
            near, begin = interruption(said_at, echo_rms * 10 ** (near_db / 20))
            said_at += 1
            cursor = 0
            word_at = now + begin
            answered = False
            next_near = now + every_s + 1.7 * (said_at % 3)
            score.said += 1
        while room.wants:
            played = playback.pull(240)
            far_end.put(played, playback.only_earcon, room.wanted_at + jitter.uniform(0, JITTER_S))
            room.play(played)
        far, _ = far_end.take(now + jitter.uniform(0, JITTER_S))
        speaking = near[cursor : cursor + BLOCK]
        cursor += BLOCK
        mic = room.hear(speaking)
        for event in pipeline.process(mic, far, now):
            if isinstance(event, BargeInSuspected):
                playback.set_voice("ducked")
                ducked = True
                score.suspected += 1
            elif isinstance(event, BargeInRejected):
                playback.set_voice("normal")
                ducked = False
            elif isinstance(event, BargeInConfirmed):
                playback.flush()
                ducked = False
                item += 1
                pause = max(0.0, (near.size - cursor) / RATE)
                resume_at = now + pause + 0.5
                if cursor < near.size + RATE // 2 and now >= word_at - 0.1:
                    if not answered and now - word_at <= FOUND_S:
                        score.found += 1
                        score.latencies_ms.append((now - word_at) * 1000)
                    answered = True
                else:
                    score.false += 1
        if trace is not None:
            far_db, mic_db, clean_db = (dbfs(samples_of(pcm)) for pcm in (far, mic, canceller.last))
            person = word_at <= now and cursor < near.size
            trace.append(Moment(now, far_db, mic_db, clean_db, pipeline.gate_open, person, ducked))
    return score
