"""Readers and a president through the gate: every labelled word leaves the house, and comes back as text."""

from __future__ import annotations

from difflib import SequenceMatcher

import numpy as np
import pytest
from numpy.typing import NDArray

from speakerd.audio.resample import resample
from speakerd.cli.demo.report import words
from tests.audio.recordings import Recording, load
from tests.daemon.bench import Household, household
from tests.limits import limit
from tests.simulation.virtual_loop import in_virtual_time

Floats = NDArray[np.float64]


def likeness(piece: Floats, stream: Floats) -> float:
    """The best normalised correlation of `piece` with any place of `stream`: 1 is the same sound."""
    size = 1 << (len(stream) + len(piece)).bit_length()
    products = np.fft.irfft(np.fft.rfft(stream, size) * np.conj(np.fft.rfft(piece, size)), size)
    products = products[: len(stream) - len(piece) + 1]
    energy = np.cumsum(np.concatenate([[0.0], stream**2]))
    window = energy[len(piece) :] - energy[: -len(piece)]
    return float(np.max(products / np.sqrt(window * np.sum(piece**2) + 1e-9)))


@pytest.mark.parametrize(
    ("name", "hangover_ms"),
    [("librivox-0880", 700), ("librivox-0890", 700), ("jfk", 2_000)],  # a speech has the pauses of one
)
@in_virtual_time
async def test_every_word_leaves(name: str, hangover_ms: int) -> None:
    recording = load(name)
    # Without the canceller, whose high-pass turns phases: what left is compared with what was said by its samples.
    settings = {"audio": {"echo": "off", "gate": {"hangover_ms": hangover_ms}}}
    async with household(settings=settings) as house:
        house.panel.tap()
        said = house.device.say(recording.path, after_s=0.3)
        await house.until(lambda: said.done and house.phases[-1] == "speaking", within_s=30)
        sent = house.sound_sent()
    left = np.frombuffer(resample(sent, 24_000, 16_000), dtype="<i2").astype(np.float64)
    assert lost_words(recording, left) == []


@pytest.mark.realtime_clock  # the recogniser is a process with a clock of its own
@pytest.mark.timeout(limit(150))  # free speech is understood at real time or slower where the machine is busy
async def test_what_was_said_comes_back_as_text() -> None:
    recording = load("librivox-0880")
    settings = {"model": {"backend": "offline"}, "dialogue": {"response_timeout_s": limit(90)}}
    async with household(settings=settings) as house:
        await (
            house.assembly.embedded.url()
        )  # loading takes longer than anyone waits, where the machine is busy
        house.panel.tap()
        said = house.device.say(recording.path, after_s=0.3)
        await house.until(
            lambda: said.done and house.phases[-1] == "speaking" and bool(understood(house)),
            within_s=limit(120),
        )
        heard = words(" ".join(understood(house))).split()
    assert SequenceMatcher(None, words(recording.text).split(), heard).ratio() >= 0.5, heard


def understood(house: Household) -> list[str]:
    """What the person said, as the server has it."""
    return [
        entry["text"]
        for entry in house.entries
        if entry["event"] == "caption" and entry["final"] and entry["role"] == "user"
    ]


def lost_words(recording: Recording, left: Floats) -> list[str]:
    """Labelled words of which some part did not leave; without labels, seconds of loud speech that did not."""
    samples = recording.samples
    if recording.words:
        pieces = [(word.text, word.begin_s, word.end_s) for word in recording.words]
    else:
        loud = recording.speech_rms
        seconds = range(int(recording.duration_s))
        pieces = [(f"second {s}", float(s), s + 1.0) for s in seconds]
        pieces = [p for p in pieces if np.std(samples[int(p[1] * 16_000) : int(p[2] * 16_000)]) > 0.7 * loud]
    return [
        text
        for text, begin, end in pieces
        if likeness(samples[int(begin * 16_000) : int(end * 16_000)], left) < 0.9
    ]
