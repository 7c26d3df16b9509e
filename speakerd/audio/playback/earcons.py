"""Earcons, the speaker's own short sounds, synthesised: no files, no licences, at any level.

A melody is a sequence of notes: tones of 1 kHz and more with two faint overtones, about a tenth of a second long
and faded at both ends. So no speech detector takes them for a voice, and none clicks. `buzz` and `low` are lower,
since they must be told from the others by ear alone.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.pcm import FULL_SCALE, WIRE_RATE, gain_of, to_int16
from speakerd.audio.settings import Melody, SoundName, SoundSettings

FADE_S: Final = 0.008
OVERTONES: Final = ((1, 1.0), (2, 0.15), (3, 0.05))


@dataclass(frozen=True, slots=True)
class Note:
    """A tone of `hertz` for `seconds`, then a rest of `rest_s`; with `ring_s` > 0 it decays like a bell."""

    hertz: float
    seconds: float
    rest_s: float = 0.0
    ring_s: float = 0.0


MELODIES: Final[dict[Melody, tuple[Note, ...]]] = {
    "off": (),
    "rise": (Note(1047, 0.06), Note(1568, 0.08)),
    "fall": (Note(1568, 0.06), Note(1047, 0.08)),
    "ping": (Note(1319, 0.12, ring_s=0.03),),
    "knock": (Note(1047, 0.05, 0.06), Note(1047, 0.05)),
    "buzz": (Note(466, 0.09, 0.05), Note(440, 0.12)),
    "low": (Note(1175, 0.05), Note(587, 0.09)),
    "high": (Note(587, 0.05), Note(1175, 0.09)),
    "bell": (*(Note(1760, 0.1, 0.03, ring_s=0.05),) * 3, Note(2217, 0.25, 0.4, ring_s=0.08)),
}


def render(melody: Melody, level_db: float) -> bytes:
    """Return the melody at 24 kHz with its peak at `level_db` (dBFS); empty for "off"."""
    parts: list[NDArray[np.float32]] = []
    for note in MELODIES[melody]:
        parts += [_tone(note), np.zeros(round(note.rest_s * WIRE_RATE), dtype=np.float32)]
    if not parts:
        return b""
    wave = np.concatenate(parts)
    wave *= np.float32(gain_of(level_db) * (FULL_SCALE - 1) / float(np.abs(wave).max()))
    return to_int16(wave).tobytes()


def _tone(note: Note) -> NDArray[np.float32]:
    time = np.arange(round(note.seconds * WIRE_RATE)) / WIRE_RATE
    wave = sum(gain * np.sin(2 * np.pi * note.hertz * times * time) for times, gain in OVERTONES)
    edges = np.minimum(1, np.minimum(time, note.seconds - time) / FADE_S)
    # A raised cosine: the corners of a straight ramp would be audible as a tick.
    envelope = 0.5 - 0.5 * np.cos(np.pi * edges)
    if note.ring_s:
        envelope *= np.exp(-time / note.ring_s)
    return np.asarray(wave * envelope, dtype=np.float32)


class Earcons:
    """All earcons of the settings, rendered once."""

    def __init__(self, settings: SoundSettings) -> None:
        melodies: dict[SoundName, Melody] = {
            "wake": settings.wake,
            "end": settings.end,
            "error": settings.error,
            "offline": settings.offline,
            "mute": settings.mute,
            "unmute": settings.unmute,
            "timer": settings.timer,
            "announcement": settings.announcement,
            "working": settings.working,
        }
        self._pcm = {name: render(melody, settings.level_db) for name, melody in melodies.items()}

    def pcm(self, name: SoundName) -> bytes:
        """Return the earcon at 24 kHz; empty if it is set to "off"."""
        return self._pcm[name]
