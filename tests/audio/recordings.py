"""The recordings of human speech in tests/data, with their labels."""

import json
import wave
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DATA = Path(__file__).resolve().parent.parent / "data"
NAMES = ("librivox-0870", "librivox-0880", "librivox-0890", "goforward", "jfk")
LABELLED = NAMES[:3]
RATE = 16_000

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Word:
    begin_s: float
    end_s: float
    text: str


@dataclass(frozen=True)
class Recording:
    """16 kHz mono; `words` is empty where the labels know only the text."""

    name: str
    pcm: bytes
    text: str
    words: tuple[Word, ...]

    @property
    def path(self) -> Path:
        return DATA / f"{self.name}.wav"

    @property
    def samples(self) -> Floats:
        return np.frombuffer(self.pcm, dtype="<i2").astype(np.float64)

    @property
    def duration_s(self) -> float:
        return len(self.pcm) / 2 / RATE

    @property
    def spoken_s(self) -> float:
        """From the first word's begin to the last one's end."""
        return self.words[-1].end_s - self.words[0].begin_s if self.words else self.duration_s

    @property
    def speech_rms(self) -> float:
        """Over the labelled words (the whole recording where there are none), in sample units."""
        samples = self.samples
        if self.words:
            samples = np.concatenate(
                [samples[int(w.begin_s * RATE) : int(w.end_s * RATE)] for w in self.words]
            )
        return rms(samples)


def rms(samples: Floats) -> float:
    return float(np.sqrt(np.mean(samples**2))) if samples.size else 0.0


@cache
def load(name: str) -> Recording:
    """A recording by its name without ".wav"."""
    with wave.open(str(DATA / f"{name}.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        pcm = file.readframes(file.getnframes())
    label = json.loads((DATA / "labels.json").read_text())[f"{name}.wav"]
    words = tuple(Word(begin, end, text) for begin, end, text in label["words"] or ())
    return Recording(name, pcm, label["text"], words)


def to_pcm(samples: Floats) -> bytes:
    """Round and clip to 16 bits."""
    return np.clip(np.rint(samples), -32_768, 32_767).astype("<i2").tobytes()
