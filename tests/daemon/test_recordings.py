"""Readers and a president through the gate: every labelled word leaves the house, and comes back as text."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from difflib import SequenceMatcher

import numpy as np
import pytest
from numpy.typing import NDArray

from speakerd.audio.resample import resample
from speakerd.audio.simulation.device import SimulatedDevice
from speakerd.cli.demo.report import words
from speakerd.cli.demo.settings import demo_settings
from speakerd.daemon.assemble import assemble
from speakerd.daemon.session.uplink_queue import Outbox, Outgoing, Sound
from speakerd.panel.simulated import SimulatedPanel
from tests.audio.recordings import Recording, load

Floats = NDArray[np.float64]


class RecordingOutbox(Outbox):
    """Keeps what left."""

    def __init__(self) -> None:
        super().__init__()
        self.left = bytearray()

    def take(self) -> Outgoing | None:
        item = super().take()
        if isinstance(item, Sound):
            self.left += item.pcm
        return item


def likeness(piece: Floats, stream: Floats) -> float:
    """The best normalised correlation of `piece` with any place of `stream`: 1 is the same sound."""
    size = 1 << (len(stream) + len(piece)).bit_length()
    products = np.fft.irfft(np.fft.rfft(stream, size) * np.conj(np.fft.rfft(piece, size)), size)
    products = products[: len(stream) - len(piece) + 1]
    energy = np.cumsum(np.concatenate([[0.0], stream**2]))
    window = energy[len(piece) :] - energy[: -len(piece)]
    return float(np.max(products / np.sqrt(window * np.sum(piece**2) + 1e-9)))


@pytest.mark.timeout(150)  # free speech is understood at real time or slower where the machine is busy
@pytest.mark.parametrize(
    ("name", "hangover_ms", "least_alike"),
    [
        ("librivox-0880", 700, 0.5),
        ("librivox-0890", 700, 0.5),
        ("jfk", 2_000, 0.15),  # a speech, with the pauses of one; hall noise is hard on the recogniser
    ],
)
async def test_every_word_leaves_and_text_comes_back(name: str, hangover_ms: int, least_alike: float) -> None:
    device = SimulatedDevice()
    panel = SimulatedPanel()
    settings = demo_settings()
    # On a busy machine a tap may last longer than a hold must: here all presses are taps.
    taps = replace(settings.panel, gestures=replace(settings.panel.gestures, hold="none"))
    # Without the canceller, whose high-pass turns phases: what left is compared with what was said by its samples.
    gate = replace(settings.audio.gate, hangover_ms=hangover_ms)
    patient = replace(settings.audio, gate=gate, echo="off")
    changed = settings.model_copy(update={"panel": taps, "audio": patient})
    assembly = assemble(changed, device=device, panel=panel)
    speaker = assembly.speaker
    outbox = speaker.link.outbox = RecordingOutbox()
    entries = speaker.monitor.subscribe(10_000)
    opened = asyncio.Event()
    running = asyncio.create_task(speaker.run(ready=opened.set))
    understood: list[str] = []
    recording = load(name)
    await assembly.embedded.url()  # loading takes longer than anyone waits, where the machine is busy
    try:
        await opened.wait()
        panel.tap()
        utterance = device.say(recording.path, after_s=0.3)
        async with asyncio.timeout(120):
            phase = ""
            async for entry in entries:
                if entry["event"] == "state":
                    phase = entry["phase"]
                elif entry["event"] == "caption" and entry["final"] and entry["role"] == "user":
                    understood.append(entry["text"])
                if utterance.done and phase == "speaking" and understood:
                    break
    finally:
        speaker.stop()
        await running
        await assembly.close()
    left = np.frombuffer(resample(bytes(outbox.left), 24_000, 16_000), dtype="<i2").astype(np.float64)
    assert lost_words(recording, left) == []
    said = words(recording.text).split()
    heard = words(" ".join(understood)).split()
    assert SequenceMatcher(None, said, heard).ratio() >= least_alike, heard


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
