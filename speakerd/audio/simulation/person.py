"""A person in the simulated room, who speaks recordings one after the other and is silent otherwise."""

import threading
import wave
from collections import deque
from os import PathLike
from typing import Final

import numpy as np

from speakerd.audio.errors import BadBlockError
from speakerd.audio.pcm import MIC_BLOCK, MIC_RATE, Samples, gain_of, samples_of, to_int16
from speakerd.audio.resample import resample

MOST_WAITING: Final = 64
"""Utterances that may wait; more than that is an error of the script."""


class ScriptedUtterance:
    """One recording to be spoken. `started_at` and `ended_at` are times of the device, None until then."""

    def __init__(self, samples: Samples, after_s: float) -> None:
        self.samples = samples
        self.started_at: float | None = None
        self.ended_at: float | None = None
        self.pause = round(after_s * MIC_RATE)
        self._over = threading.Event()

    @property
    def done(self) -> bool:
        """Whether the last sample has been spoken."""
        return self._over.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the last sample has been spoken, in real time only. Returns False on timeout."""
        return self._over.wait(timeout)

    def finish(self, at: float) -> None:
        """Note that the last sample was spoken at `at`."""
        self.ended_at = at
        self._over.set()


class Person:
    """What the person contributes to the microphone, block by block. Thread-safe."""

    def __init__(self) -> None:
        self._waiting: deque[ScriptedUtterance] = deque()
        self._position = 0
        self._lock = threading.Lock()

    def say(
        self, what: bytes | str | PathLike[str], *, gain_db: float = 0.0, after_s: float = 0.0
    ) -> ScriptedUtterance:
        """Queue PCM (16 kHz mono int16) or a WAV file, to be spoken `after_s` after what is queued already.

        Raises:
            BufferError: more than `MOST_WAITING` utterances wait.
            OSError, wave.Error, BadBlockError: the recording cannot be read.
        """
        samples = samples_of(what) if isinstance(what, bytes) else read_wav(what, MIC_RATE)
        if gain_db:
            samples = to_int16(samples.astype(np.float32) * np.float32(gain_of(gain_db)))
        utterance = ScriptedUtterance(samples, after_s)
        with self._lock:
            if len(self._waiting) >= MOST_WAITING:
                raise BufferError(
                    f"{MOST_WAITING} utterances wait already: wait() for some before saying more"
                )
            self._waiting.append(utterance)
        return utterance

    def stop_talking(self) -> None:
        """Stop speaking, and drop what is queued."""
        with self._lock:
            for utterance in self._waiting:
                utterance.finish(utterance.started_at or 0.0)
            self._waiting.clear()
            self._position = 0

    @property
    def silent(self) -> bool:
        """Whether there is nothing left to be said."""
        return not self._waiting

    def block(self, now: float) -> Samples:
        """Return the next `MIC_BLOCK` samples, whose last is spoken at `now`; zeros while silent."""
        block = np.zeros(MIC_BLOCK, dtype=np.int16)
        filled = 0
        with self._lock:
            while self._waiting and filled < MIC_BLOCK:
                utterance = self._waiting[0]
                if utterance.pause:
                    silent = min(utterance.pause, MIC_BLOCK - filled)
                    utterance.pause -= silent
                    filled += silent
                    continue
                if utterance.started_at is None:
                    utterance.started_at = now - (MIC_BLOCK - filled) / MIC_RATE
                part = utterance.samples[self._position : self._position + MIC_BLOCK - filled]
                block[filled : filled + len(part)] = part
                filled += len(part)
                self._position += len(part)
                if self._position >= len(utterance.samples):
                    utterance.finish(now - (MIC_BLOCK - filled) / MIC_RATE)
                    self._waiting.popleft()
                    self._position = 0
        return block


def read_wav(path: str | PathLike[str], rate: int) -> Samples:
    """Read a 16-bit WAV file as mono samples at `rate`; of several channels it takes the first.

    Raises:
        OSError, wave.Error: the file does not exist, cannot be read, or is no WAV file.
        BadBlockError: its samples are not 16-bit.
    """
    with wave.open(str(path), "rb") as recording:
        if recording.getsampwidth() != 2:
            raise BadBlockError(f"{path} must have samples of 2 bytes, not {recording.getsampwidth()}")
        channels = recording.getnchannels()
        samples = samples_of(recording.readframes(recording.getnframes()))[::channels]
        found = recording.getframerate()
    return samples_of(resample(samples.tobytes(), found, rate))
