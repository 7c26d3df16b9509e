"""Interrupts speech on the software sound card, many times, and looks at the monitor when it fell silent.

For each interruption one to four items are queued, and at a random moment the playback is flushed. The sound is
noise without a single zero sample, at full volume, so the recording tells to the sample where speech began and
where it ended.
"""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.devices.portaudio import PyAudioDevice
from speakerd.audio.engine import AudioEngine
from speakerd.audio.pcm import WIRE_RATE
from speakerd.audio.settings import AudioSettings
from tests.audio.engine_bench import wait_for
from tests.rig import SoundCard

SETTLE_S = 0.15
"""After this nothing of what was flushed can still sound."""


@dataclass(frozen=True)
class Interruption:
    """What one of them came to."""

    silent_after_s: float
    """From the request to the last sample that is not zero, at the monitor."""
    reported: int
    """Samples that the queue says will have been heard."""
    recorded: int
    """Samples that were."""
    position_error: int
    """Samples by which `positions`, asked while it spoke, was ahead of the monitor at that moment."""
    at: float
    """When it was requested, by the monotonic clock."""
    torn: bool
    """The machine was too busy, and the device ran dry in between: says nothing about us."""


def nonzero_noise(samples: int, seed: int) -> bytes:
    """Noise in which every sample is heard: none is zero."""
    noise = np.random.default_rng(seed).integers(1000, 9000, samples)
    noise[::2] *= -1
    return noise.astype("<i2").tobytes()


def interrupt(rig: SoundCard, count: int, *, seed: int = 1) -> Iterator[Interruption]:
    """Interrupt `count` times."""
    settings = AudioSettings(input="mic", output="speaker", echo="off", volume=100)
    chance = random.Random(seed)
    with speaking(settings) as engine:
        for number in range(count):
            yield _one(rig, engine, chance, f"{seed}-{number}")


@contextmanager
def speaking(settings: AudioSettings) -> Iterator[AudioEngine]:
    """An engine on the rig, its playback running."""
    device = PyAudioDevice(settings)
    engine = AudioEngine(device, settings, on_event=lambda _: None)
    engine.start()
    try:
        wait_for(lambda: device.block_counts.playback > 10, 10, "blocks are played")
        yield engine
    finally:
        engine.close()


def wait_until_heard(rig: SoundCard, mark: int) -> None:
    """Return once something sounds at the monitor."""
    wait_for(lambda: bool(rig.speaker.since(mark).any()), 10, "something sounds")


def _one(rig: SoundCard, engine: AudioEngine, chance: random.Random, name: str) -> Interruption:
    mark, torn = rig.speaker.mark, engine.stats.playback_xruns
    lengths = [chance.randint(1200, 9600) for _ in range(chance.randint(1, 4))]
    lengths[-1] += WIRE_RATE  # never through before it is cut
    for index, length in enumerate(lengths):
        engine.play(f"{name}-{index}", 0, nonzero_noise(length, chance.randint(0, 10_000)))
        engine.finish_item(f"{name}-{index}")
    wait_until_heard(rig, mark)
    time.sleep(chance.uniform(0.02, 0.4))
    asked_at = time.monotonic()
    positions = engine.positions()
    requested_at = time.monotonic()
    cut = {item.item_id: item for item in engine.flush()}
    done_by = time.monotonic()
    time.sleep(SETTLE_S)
    rig.speaker.wait_until(done_by + SETTLE_S)
    recording = rig.speaker.since(mark)
    sounding = np.flatnonzero(recording)
    first, last = int(sounding[0]), int(sounding[-1])
    reported = 0
    for index, length in enumerate(lengths):
        item = cut.get(f"{name}-{index}")
        reported += length if item is None else item.played_samples
    said = sum(item.played_samples for item in positions if item.item_id.startswith(f"{name}-"))
    truth = (asked_at - rig.speaker.time_of(mark + first)) * WIRE_RATE
    return Interruption(
        rig.speaker.time_of(mark + last + 1) - requested_at,
        reported,
        int(np.count_nonzero(recording)),  # zeros in between are a gap that a busy machine tore
        round(said - truth),
        requested_at,
        torn=engine.stats.playback_xruns != torn,
    )


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of them lie."""
    return float(np.quantile(values, share))


def click_db(sound: NDArray[np.int16], end: int) -> float:
    """Energy above 4 kHz in the 20 ms around `end`, relative to all energy in the 20 ms before: a click is wide."""
    size = WIRE_RATE // 50
    window = np.hanning(size)
    around = np.fft.rfft(sound[end - size // 2 : end + size // 2].astype(np.float64) * window)
    before = np.fft.rfft(sound[end - 2 * size : end - size].astype(np.float64) * window)
    high = np.fft.rfftfreq(size, 1 / WIRE_RATE) > 4000
    return float(10 * np.log10(np.sum(np.abs(around[high]) ** 2) / np.sum(np.abs(before) ** 2)))
