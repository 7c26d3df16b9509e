"""People speak over the speaker, on the software sound card with a room: how soon is it silent?

Everything is real but the air: the person's words go into the microphone's sink, the speaker's own voice comes
back there from the room, PortAudio captures the sum, the canceller and barge-in decide, the playback is
flushed, and the monitor tells when the last sample sounded. The flush is called where the decision falls; in
the daemon the event loop lies between, which `scripts/bench/run press` measures.

Without a room, nothing comes back and nothing is cancelled: that tells what the way itself costs. With one it
takes longer than in the simulated rooms, since the canceller holds back the person's first syllables as well.
The delay of a room made of processes wanders by several milliseconds; whether that is the cause has not been
shown.
"""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from scripts.bench.lateness import Lateness
from speakerd.audio.devices.portaudio import PyAudioDevice
from speakerd.audio.engine import AudioEngine
from speakerd.audio.events import (
    AudioEvent,
    BargeInConfirmed,
    BargeInRejected,
    BargeInSuspected,
    SpeechEnded,
)
from speakerd.audio.pcm import MIC_RATE
from speakerd.audio.settings import AudioSettings, GateSettings
from tests.audio.device_contract import likeness
from tests.audio.engine_bench import wait_for
from tests.audio.interruptions import SETTLE_S
from tests.audio.voices import FAR_RMS, interruption, own_voice
from tests.rig import SoundCard

ECHO_DB = -10.0
LEARN_S = 7.0
"""So long the speaker talks alone before the first interruption."""
PATIENCE_S = 2.5
LEAD_S = 0.1
"""Of the recording, before its first word."""
EARLY_S = 0.1
"""A breath before the first word, as its label has it, may decide it."""
SAID_S = 1.5
SESSION = 5
"""Barge-ins between two openings of the device."""
SETTINGS = AudioSettings(
    input="mic", output="speaker", echo="cancel", volume=100, gate=GateSettings(silero="off")
)


@dataclass(frozen=True)
class BargeIn:
    """What one of them came to; None: it went on speaking."""

    at: float
    """When the first word began, by the monotonic clock; it had stopped before that: when that was noticed."""
    decided_after_s: float | None
    silent_after_s: float | None
    """From the first word to the last sample at the monitor that is not zero."""
    false: bool
    """It stopped before anybody spoke."""
    torn: bool
    """The device ran dry: says nothing about us."""


class _Talk:
    """An engine that answers its own barge-ins."""

    def __init__(self, settings: AudioSettings) -> None:
        self.engine = AudioEngine(PyAudioDevice(settings), settings, on_event=self._hear)
        self.decided_at: float | None = None
        self.ended = 0

    def taken(self) -> float | None:
        """When it last decided that somebody interrupts."""
        return self.decided_at

    def _hear(self, event: AudioEvent) -> None:
        if isinstance(event, BargeInSuspected):
            self.engine.set_voice("ducked")
        elif isinstance(event, BargeInRejected):
            self.engine.set_voice("normal")
        elif isinstance(event, BargeInConfirmed):
            self.engine.flush()
            self.decided_at = time.monotonic()
        elif isinstance(event, SpeechEnded):
            self.ended += 1


def barge_in_often(rig: SoundCard, count: int, *, echo: bool) -> tuple[list[BargeIn], int]:
    """About `count` of a machine that had time for them, and how many more were left out."""
    done: list[BargeIn] = []
    tried = 0
    with Lateness() as lateness:
        while len(done) < count and tried < 3 * count:
            for one in barge_in(rig, SESSION, echo=echo, seed=tried):
                tried += 1
                if one.torn:
                    break
                done.append(one)
    whole = [one for one in done if not lateness.between(one.at - 0.5, one.at + (one.silent_after_s or 1))]
    return whole, tried - len(whole)


def barge_in(rig: SoundCard, count: int, *, echo: bool, seed: int = 1) -> Iterator[BargeIn]:
    """Interrupt it `count` times, each time as loud as its echo; without `echo`, there is none."""
    chance = random.Random(seed)
    voice = own_voice()
    room = rig.room(f"--echo-db={ECHO_DB}", "--delay-ms=10") if echo else None
    talk = _Talk(SETTINGS if echo else replace(SETTINGS, echo="off"))
    talk.engine.start()
    try:
        talk.engine.listen("gated")
        for number in range(count):
            for part in range(8):
                talk.engine.play(f"{number}-{part}", 0, next(voice))
            talk.decided_at, torn = None, talk.engine.stats.playback_xruns
            time.sleep((LEARN_S if echo and number == 0 else 0) + chance.uniform(1, 2))
            too_early = talk.taken()
            if too_early is not None:
                torn_now = talk.engine.stats.playback_xruns != torn
                yield BargeIn(too_early, None, None, false=True, torn=torn_now)
            else:
                yield _one(rig, talk, seed + number)
    finally:
        talk.engine.close()
        if room is not None:
            room.kill()
            room.wait()


def _one(rig: SoundCard, talk: _Talk, who: int) -> BargeIn:
    torn, ended = talk.engine.stats.playback_xruns, talk.ended
    samples, begin = interruption(who, FAR_RMS * 10 ** (ECHO_DB / 20))
    first = max(0, round((begin - LEAD_S) * MIC_RATE))
    said = np.clip(np.rint(samples[first : first + round(SAID_S * MIC_RATE)]), -32_768, 32_767).astype("<i2")
    microphone, loudspeaker = rig.mic.mark, rig.speaker.mark
    rig.say(said.tobytes()).wait()
    give_up = time.monotonic() + PATIENCE_S
    while talk.taken() is None and time.monotonic() < give_up:
        time.sleep(0.01)
    decided_at = talk.taken()
    if decided_at is None:
        talk.engine.flush()
    else:
        wait_for(lambda: talk.ended > ended, 10, "the person has finished")
    time.sleep(SETTLE_S)
    rig.mic.wait_until(time.monotonic())
    rig.speaker.wait_until(time.monotonic())
    at, _ = likeness(rig.mic.since(microphone), said)
    word_at = rig.mic.time_of(microphone + at) + begin - first / MIC_RATE
    silent_at = rig.speaker.time_of(loudspeaker + int(np.flatnonzero(rig.speaker.since(loudspeaker))[-1]) + 1)
    torn_now = talk.engine.stats.playback_xruns != torn
    if decided_at is None:
        return BargeIn(word_at, None, None, false=False, torn=torn_now)
    false = decided_at < word_at - EARLY_S
    return BargeIn(word_at, decided_at - word_at, silent_at - word_at, false=false, torn=torn_now)
