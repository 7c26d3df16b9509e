"""How well the gate keeps words and leaves noise out: recordings in noise, by their labels.

Each labelled recording is spoken once, or several times with noise of other seeds, after `LEAD_S` of noise alone.
A word is kept if every sample of its labelled interval left; a sentence's first word is clipped if its own was not.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from speakerd.audio.capture.echo_canceller import PassThrough
from speakerd.audio.capture.pipeline import PipelineParts, SpeechPipeline
from speakerd.audio.capture.vad import make_detector
from speakerd.audio.events import SpeechAudio, SpeechStarted
from speakerd.audio.settings import AudioSettings
from tests.audio.noise import NOISES
from tests.audio.recordings import LABELLED, RATE, Recording, load, to_pcm

LEAD_S = 3.0
TRAIL_S = 2.0
SPEECH_RMS = 1500.0
"""Of the words, -27 dBFS: someone two metres away."""
HISS_RMS = 4.0
"""The microphone's own noise: -78 dBFS."""
SILENCE = bytes(480)


@dataclass
class GateScore:
    words: int = 0
    kept: int = 0
    firsts: int = 0
    firsts_clipped: int = 0
    sent_s: float = 0.0
    spoken_s: float = 0.0
    lost: list[str] = field(default_factory=list)

    @property
    def kept_share(self) -> float:
        return self.kept / self.words if self.words else 1.0

    @property
    def sent_per_spoken(self) -> float:
        return self.sent_s / self.spoken_s if self.spoken_s else 0.0

    def add(self, other: "GateScore") -> None:
        for name in ("words", "kept", "firsts", "firsts_clipped", "sent_s", "spoken_s"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.lost += other.lost


def new_pipeline(settings: AudioSettings) -> SpeechPipeline:
    pipeline = SpeechPipeline(settings, PipelineParts(PassThrough("off"), make_detector(settings.gate)))
    pipeline.listen("gated", 0.0)
    return pipeline


def sent_intervals(pipeline: SpeechPipeline, pcm: bytes) -> list[tuple[float, float]]:
    """What left, as [begin, end) in seconds of the input: each sentence leaves without gaps."""
    intervals: list[tuple[float, float]] = []
    for index in range(len(pcm) // 320):
        for event in pipeline.process(pcm[index * 320 : index * 320 + 320], SILENCE, (index + 1) / 100):
            if isinstance(event, SpeechStarted):
                intervals.append((event.at, event.at))
            elif isinstance(event, SpeechAudio):
                begin, end = intervals[-1]
                intervals[-1] = (begin, end + len(event.pcm) / 48_000)
    return intervals


def mix(recording: Recording, noise: str | None, snr_db: float, seed: int) -> bytes:
    """The recording at SPEECH_RMS after LEAD_S of the noise, which goes on under and after it."""
    speech = recording.samples * (SPEECH_RMS / recording.speech_rms)
    total = np.concatenate([np.zeros(int(LEAD_S * RATE)), speech, np.zeros(int(TRAIL_S * RATE))])
    total += np.random.default_rng(seed).standard_normal(total.size) * HISS_RMS
    if noise is not None:
        made = NOISES[noise](total.size / RATE + 0.1, seed)[: total.size]
        total += made * SPEECH_RMS * 10 ** (-snr_db / 20)
    return to_pcm(total)


def score_sentence(
    settings: AudioSettings, name: str, noise: str | None, snr_db: float, seed: int
) -> GateScore:
    recording = load(name)
    sent = sent_intervals(new_pipeline(settings), mix(recording, noise, snr_db, seed))
    score = GateScore(spoken_s=recording.spoken_s, firsts=1)
    for index, word in enumerate(recording.words):
        begin, end = word.begin_s + LEAD_S, word.end_s + LEAD_S
        score.words += 1
        if any(b <= begin + 1e-6 and e >= end - 0.001 for b, e in sent):
            score.kept += 1
            continue
        score.lost.append(f"{noise}/{snr_db:g} dB/{seed}: {name} {word.text}")
        score.firsts_clipped += index == 0
    # What left of the lead alone is a false opening, and counted there.
    window = (LEAD_S - settings.gate.pre_roll_ms / 1000, LEAD_S + recording.duration_s + TRAIL_S)
    score.sent_s = sum(max(0.0, min(e, window[1]) - max(b, window[0])) for b, e in sent)
    return score


def score_speech(
    settings: AudioSettings, noise: str | None, snr_db: float, seeds: Iterable[int]
) -> GateScore:
    """All labelled recordings in one noise at one level."""
    score = GateScore()
    for seed in seeds:
        for index, name in enumerate(LABELLED):
            score.add(score_sentence(settings, name, noise, snr_db, seed * 10 + index))
    return score


@dataclass(frozen=True)
class FalseAlarms:
    openings_per_minute: float
    sent_s_per_minute: float


def false_alarms(
    settings: AudioSettings, noise: str, snr_db: float, seconds: float, seed: int
) -> FalseAlarms:
    """What leaves of the noise alone, at the level it has at that distance from speech."""
    made = NOISES[noise](seconds, seed)
    made = made * SPEECH_RMS * 10 ** (-snr_db / 20)
    made += np.random.default_rng(seed).standard_normal(made.size) * HISS_RMS
    pipeline = new_pipeline(settings)
    sent_intervals(pipeline, to_pcm(made))
    statistics = pipeline.statistics
    return FalseAlarms(statistics.openings * 60 / seconds, statistics.sent_s * 60 / seconds)
