"""Who speaks in a test: the speaker itself without end, and the people who interrupt it."""

from collections.abc import Iterator

import numpy as np
import soxr

from tests.audio.recordings import LABELLED, RATE, Floats, load, rms

FAR_RMS = 2_600.0
"""Of the speaker's own words as played: -22 dBFS."""


def own_voice() -> Iterator[bytes]:
    """What the speaker says for ever, 24 kHz: the recordings in turn, 0.4 s between them."""
    sentences = []
    for name in (*LABELLED, "jfk"):
        recording = load(name)
        samples = soxr.resample(recording.samples, RATE, 24_000) * (FAR_RMS / recording.speech_rms)
        sentences.append(np.clip(np.rint(samples), -32_768, 32_767).astype("<i2").tobytes())
    while True:
        for sentence in sentences:
            yield sentence
            yield bytes(24_000 * 2 * 4 // 10)


def interruption(index: int, level_rms: float) -> tuple[Floats, float]:
    """Someone's words at a level, and when in them the first word begins."""
    name = ("goforward", "librivox-0880", "librivox-0890", "librivox-0870")[index % 4]
    recording = load(name)
    samples = recording.samples
    if recording.words:
        begin, speech = recording.words[0].begin_s, recording.speech_rms
    else:
        begin, speech = _first_sound(samples)
    return samples * (level_rms / speech), begin


def _first_sound(samples: Floats) -> tuple[float, float]:
    """Where an unlabelled recording begins to speak, and its level from there on."""
    frames = samples[: samples.size // 160 * 160].reshape(-1, 160)
    loud = np.sqrt((frames**2).mean(axis=1))
    speaking = np.flatnonzero(loud > 0.1 * loud.max())
    first = int(speaking[0])
    return first / 100, rms(frames[speaking].ravel())
