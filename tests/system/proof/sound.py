"""The room around the cards: what the microphone hears, and what comes out of the loudspeaker.

`Room` plays into Mic,1, which Mic,0 hears: never silence, since no real room is silent, and a microphone that gives
nothing but zeros is reopened. `Ear` records from Spk,1 what is played at Spk,0, and notes when each block came.
"""

import array
import contextlib
import random
import subprocess
import threading
import time
import wave
from fcntl import fcntl
from pathlib import Path
from typing import IO, Self

ROOM_RATE_HZ = 16_000
EAR_RATE_HZ = 24_000
BLOCK_S = 0.02
QUIET = 60
"""Of 32767: what is below is silence."""
_F_SETPIPE_SZ = 1031


class Room:
    """Faint noise, and recordings in it. Used as a context."""

    def __init__(self) -> None:
        chance = random.Random(1)
        noise = array.array("h", (chance.randint(-12, 12) for _ in range(ROOM_RATE_HZ)))
        self._noise = noise.tobytes()
        self._pending = b""
        self._lock = threading.Lock()
        self._open = True
        words = [
            "aplay",
            "-q",
            "-D",
            "plughw:Mic,1",
            "-t",
            "raw",
            "-f",
            "S16_LE",
            "-r",
            str(ROOM_RATE_HZ),
            "-c",
            "1",
        ]
        self._player = subprocess.Popen(
            [*words, "--buffer-time=200000"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self._player.stdin is not None
        self._pipe = self._player.stdin
        # As little as there can be on the way: what is said is heard soon.
        fcntl(self._pipe, _F_SETPIPE_SZ, 4096)
        self._thread = threading.Thread(target=self._play, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open = False
        self._player.kill()
        self._player.wait()
        self._thread.join()
        with contextlib.suppress(BrokenPipeError):  # what was not played any more
            self._pipe.close()

    def say(self, recording: Path) -> float:
        """Play a 16 kHz recording from now on; how many seconds it lasts."""
        with wave.open(str(recording)) as sound:
            pcm = sound.readframes(sound.getnframes())
        with self._lock:
            self._pending += pcm
        return len(pcm) / 2 / ROOM_RATE_HZ

    def _play(self) -> None:
        position, size = 0, 2 * ROOM_RATE_HZ // 10
        while self._open:
            with self._lock:
                block, self._pending = self._pending[:size], self._pending[size:]
            if len(block) < size:
                missing = size - len(block)
                block += (self._noise + self._noise)[position : position + missing]
                position = (position + missing) % len(self._noise)
            try:
                self._pipe.write(block)
                self._pipe.flush()
            except OSError:
                return


class Ear:
    """Records until the context ends. Times are monotonic seconds at which a block's first sample was taken."""

    def __init__(self) -> None:
        words = [
            "arecord",
            "-q",
            "-D",
            "plughw:Spk,1",
            "-t",
            "raw",
            "-f",
            "S16_LE",
            "-r",
            str(EAR_RATE_HZ),
            "-c",
            "1",
        ]
        self._recorder = subprocess.Popen(
            [*words, "--buffer-time=400000", "--period-time=20000"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        self.peaks: list[tuple[float, int]] = []
        self.pcm = bytearray()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._recorder.kill()
        self._recorder.wait()
        self._thread.join()

    def loud(self, begin: float, end: float = float("inf")) -> list[float]:
        """When it was not silent: the times of those blocks."""
        return [at for at, peak in list(self.peaks) if peak > QUIET and begin <= at < end]

    def peak(self, begin: float = 0.0, end: float = float("inf")) -> int:
        """The loudest sample."""
        return max((peak for at, peak in list(self.peaks) if begin <= at < end), default=0)

    def silent_from(self, at: float, for_s: float = 0.4) -> float | None:
        """The end of the last loud block that is followed by so much silence, from `at` on."""
        last = at
        for when in self.loud(at):
            if when - last > for_s:
                break
            last = when + BLOCK_S
        return last if self.peaks and self.peaks[-1][0] - last > for_s else None

    def save(self, path: Path) -> None:
        """Everything heard, as a file for people."""
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(EAR_RATE_HZ)
            file.writeframes(bytes(self.pcm))

    def _listen(self) -> None:
        pipe = self._recorder.stdout
        size = 2 * round(BLOCK_S * EAR_RATE_HZ)
        while pipe is not None and (block := _whole(pipe, size)):
            at = time.monotonic() - BLOCK_S
            samples = array.array("h", block)
            highest, lowest = max(samples), min(samples)
            self.peaks.append((at, max(highest, -lowest)))
            self.pcm += block


def _whole(pipe: IO[bytes], size: int) -> bytes:
    """So many bytes; fewer than that are none."""
    block = b""
    while len(block) < size:
        more = pipe.read(size - len(block))
        if not more:
            return b""
        block += more
    return block
