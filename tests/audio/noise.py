"""Noises made in code from fixed seeds: pink noise, mains hum, music, slamming doors. 16 kHz, float, RMS 1."""

from collections.abc import Callable

import numpy as np

from tests.audio.recordings import RATE, Floats, rms


def white(seconds: float, seed: int) -> Floats:
    noise = np.random.default_rng(seed).standard_normal(int(seconds * RATE))
    return noise / rms(noise)


def pink(seconds: float, seed: int) -> Floats:
    """Equal power in every octave from 20 Hz up."""
    n = int(seconds * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(n))
    hertz = np.fft.rfftfreq(n, 1 / RATE)
    spectrum *= 1 / np.sqrt(np.maximum(hertz, 20))
    spectrum[0] = 0
    noise = np.fft.irfft(spectrum, n)
    return noise / rms(noise)


def hum(seconds: float, seed: int) -> Floats:
    """50 Hz and its harmonics, slowly wavering, over a little hiss: a bad power supply."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * RATE)) / RATE
    wave = np.zeros(t.size)
    for harmonic in range(1, 13):
        strength = rng.uniform(0.3, 1) / harmonic
        waver = 1 + 0.2 * np.sin(2 * np.pi * rng.uniform(0.1, 0.5) * t + rng.uniform(0, 6))
        wave += strength * waver * np.sin(2 * np.pi * 50 * harmonic * t + rng.uniform(0, 6))
    wave /= rms(wave)
    wave += 0.03 * rng.standard_normal(t.size)
    return wave / rms(wave)


CHORDS = ((0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14))
SCALE = (0, 2, 4, 7, 9, 12, 14, 16)


def _note(hertz: float, seconds: float, rng: np.random.Generator) -> Floats:
    t = np.arange(int(seconds * RATE)) / RATE
    wave = np.zeros(t.size)
    for harmonic in range(1, 7):
        if hertz * harmonic < RATE / 2:
            detune = 1 + rng.normal(0, 0.0005)
            wave += np.sin(2 * np.pi * hertz * harmonic * detune * t) / harmonic**1.4
    attack = np.minimum(t / 0.01, 1)
    note: Floats = wave * attack * np.exp(-t / (seconds * 0.6)) * np.minimum((seconds - t) / 0.02, 1).clip(0)
    return note


def music(seconds: float, seed: int) -> Floats:
    """A band at 110 beats a minute: chords, bass, a melody, drums."""
    rng = np.random.default_rng(seed)
    beat = 60 / 110
    total = int(seconds * RATE)
    mix = np.zeros(total + 4 * RATE)

    def add(sound: Floats, at: float, gain: float) -> None:
        begin = int(at * RATE)
        end = min(mix.size, begin + sound.size)
        mix[begin:end] += gain * sound[: end - begin]

    root = 220 * 2 ** (rng.integers(-3, 4) / 12)
    for index in range(int(seconds / beat) + 1):
        at = index * beat
        chord = CHORDS[index // 4 % len(CHORDS)]
        if index % 2 == 0:
            for step in chord:
                add(_note(root * 2 ** (step / 12), 2 * beat, rng), at, 0.3)
        add(_note(root / 2 * 2 ** (chord[0] / 12), beat, rng), at, 0.6)
        if rng.random() < 0.8:
            step = SCALE[rng.integers(len(SCALE))]
            add(_note(root * 2 * 2 ** (step / 12), beat * rng.choice([0.5, 1.0]), rng), at, 0.4)
        drum = rng.standard_normal(int(0.15 * RATE)) * np.exp(-np.arange(int(0.15 * RATE)) / (0.03 * RATE))
        if index % 2:
            add(drum, at, 0.4)
        hat = np.diff(rng.standard_normal(int(0.05 * RATE)), prepend=0)
        hat *= np.exp(-np.arange(hat.size) / (0.01 * RATE))
        add(hat, at + beat / 2, 0.2)
    mix = mix[:total]
    return mix / rms(mix)


def slams(seconds: float, seed: int) -> Floats:
    """A door, every second or three: a thump, a crack and the room's tail. RMS 1 over each one's first 150 ms."""
    rng = np.random.default_rng(seed)
    total = int(seconds * RATE)
    mix = np.zeros(total)
    t = np.arange(int(0.6 * RATE)) / RATE
    at = rng.uniform(0.2, 1.0)
    while at < seconds:
        thump = np.sin(2 * np.pi * rng.uniform(50, 120) * t) * np.exp(-t / rng.uniform(0.04, 0.12))
        crack = rng.standard_normal(t.size) * np.exp(-t / rng.uniform(0.01, 0.04))
        tail = np.convolve(
            rng.standard_normal(t.size) * np.exp(-t / rng.uniform(0.05, 0.1)), [0.25] * 4, "same"
        )
        slam = thump + 0.6 * crack + 0.25 * tail
        slam /= rms(slam[: int(0.15 * RATE)])
        begin = int(at * RATE)
        end = min(total, begin + slam.size)
        mix[begin:end] += slam[: end - begin]
        at += rng.uniform(1.0, 3.0)
    return mix


NOISES: dict[str, Callable[[float, int], Floats]] = {"pink": pink, "hum": hum, "music": music, "slams": slams}
