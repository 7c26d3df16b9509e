"""Finds where speech begins and ends in a stream: `server_vad`, and `semantic_vad` by its waiting times only.

webrtcvad classifies frames of 20 ms at 16 kHz; in addition a frame must be louder than the noise floor, since
webrtcvad alone takes 5 dB of noise for speech. The protocol's `threshold` (0 to 1) sets how strict both are. Speech
begins when enough of the last frames are voiced, and ends after the silence that the client asked for. A real
semantic detector weighs the words; this one waits longer or shorter depending on `eagerness`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import webrtcvad

RATE: Final = 16_000
FRAME_MS: Final = 20
FRAME_BYTES: Final = RATE * FRAME_MS // 1000 * 2
ONSET_WINDOW: Final = 8
ONSET_FRAMES: Final = 5
"""Voiced among the last `ONSET_WINDOW`: 100 ms of voice, which a click or a slam does not have."""
EAGERNESS_SILENCE_MS: Final = {"low": 1600, "medium": 900, "auto": 900, "high": 500}
"""Silence that ends a `semantic_vad` turn here. A hosted one may wait 8, 4 and 2 s for an unfinished thought."""
FLOOR_RISE_DB: Final = 0.02
"""How fast the noise floor may rise: dB per frame (1 dB/s); it falls at once."""


@dataclass(frozen=True, slots=True)
class SpeechOnset:
    """Speech began at `at_ms` of the stream; the prefix padding is not subtracted yet."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class SpeechOffset:
    """Speech ended: at `at_ms` of the stream the silence was long enough."""

    at_ms: int


class TurnDetector:
    """Finds beginnings and ends of speech in one stream of 16 kHz PCM."""

    def __init__(self, turn_detection: dict[str, Any]) -> None:
        self._silence_frames = max(1, _silence_ms(turn_detection) // FRAME_MS)
        threshold = float(turn_detection.get("threshold", 0.5))
        self._vad = webrtcvad.Vad(min(3, int(threshold * 4)))
        self._margin_db = 3.0 + 10.0 * threshold
        self._least_dbfs = -65.0 + 20.0 * threshold
        self._floor_dbfs = -60.0
        self._recent: deque[bool] = deque(maxlen=ONSET_WINDOW)
        self._quiet_frames = 0
        self._rest = b""
        self._frames = 0
        self.speaking = False

    def feed(self, pcm: bytes) -> list[SpeechOnset | SpeechOffset]:
        """Take audio of any length and return what was found in it, in order."""
        data = self._rest + pcm if self._rest else pcm
        whole = len(data) - len(data) % FRAME_BYTES
        self._rest = data[whole:]
        found: list[SpeechOnset | SpeechOffset] = []
        for start in range(0, whole, FRAME_BYTES):
            change = self._frame(data[start : start + FRAME_BYTES])
            if change is not None:
                found.append(change)
        return found

    def _frame(self, frame: bytes) -> SpeechOnset | SpeechOffset | None:
        self._frames += 1
        voiced = self._voiced(frame)
        if not self.speaking:
            self._recent.append(voiced)
            if sum(self._recent) < ONSET_FRAMES:
                return None
            self.speaking, self._quiet_frames = True, 0
            heard = len(self._recent)
            self._recent.clear()
            return SpeechOnset(max(0, self._frames - heard) * FRAME_MS)
        self._quiet_frames = 0 if voiced else self._quiet_frames + 1
        if self._quiet_frames < self._silence_frames:
            return None
        self.speaking = False
        return SpeechOffset(self._frames * FRAME_MS)

    def _voiced(self, frame: bytes) -> bool:
        samples = np.frombuffer(frame, dtype="<i2").astype(np.float32)
        level = 10.0 * float(np.log10(np.mean(samples * samples) / 32768.0**2 + 1e-10))
        self._floor_dbfs = min(level, self._floor_dbfs + FLOOR_RISE_DB)
        loud = level > max(self._least_dbfs, self._floor_dbfs + self._margin_db)
        return loud and bool(self._vad.is_speech(frame, RATE))


def _silence_ms(turn_detection: dict[str, Any]) -> int:
    if turn_detection["type"] == "semantic_vad":
        return EAGERNESS_SILENCE_MS[turn_detection["eagerness"]]
    return int(turn_detection["silence_duration_ms"])
