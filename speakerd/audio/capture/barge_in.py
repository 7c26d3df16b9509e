"""Barge-in: does someone speak over the speaker's own voice? Duck, decide, then flush or restore.

It takes frames after the echo canceller while the loudspeaker sounds. A frame counts when it is voiced and louder
than a level that the rest of the echo seldom reaches. `suspect_frames` of them among the last `onset_window` raise
a suspicion: the voice is ducked, which also makes the next frames easier to judge. `onset_frames` confirm it,
unless the sound only dies away as a slam does. A suspicion not confirmed within `decide_ms` is rejected.
"""

from collections import deque
from typing import Literal, TypeAlias

from speakerd.audio.capture.gate import AnalysedFrame, dies_away
from speakerd.audio.pcm import FRAME_S
from speakerd.audio.settings import BargeInSettings

BargeInDecision: TypeAlias = Literal["suspected", "confirmed", "rejected"]


class BargeInDetector:
    """Detects speech over the speaker's own voice. Not thread-safe: one thread owns it."""

    def __init__(self, settings: BargeInSettings) -> None:
        self._settings = settings
        self._window: deque[bool] = deque(maxlen=settings.onset_window)
        self._levels: deque[float] = deque(maxlen=settings.onset_window)
        self._suspected_at: float | None = None
        self.since = 0.0
        """The time at which the speech that was last suspected or confirmed began."""

    def process(self, frame: AnalysedFrame) -> BargeInDecision | None:
        """Take the next frame captured while the loudspeaker sounds. Returns a decision when it changes."""
        loud = frame.voiced and not frame.over_earcon and frame.level_dbfs > self._settings.level_dbfs
        self._window.append(loud)
        count = sum(self._window)
        self._levels.append(frame.level_dbfs)
        if count >= self._settings.onset_frames and not dies_away(self._levels):
            self._note_begin(frame)
            self._clear()
            return "confirmed"
        if self._suspected_at is None:
            if count >= self._settings.suspect_frames:
                self._note_begin(frame)
                self._suspected_at = frame.end
                return "suspected"
            return None
        if count == 0 or frame.end - self._suspected_at >= self._settings.decide_ms / 1000:
            return self.cancel()
        return None

    def cancel(self) -> BargeInDecision | None:
        """Drop an open suspicion, because playback or listening has ended. Returns "rejected" if there was one."""
        was, self._suspected_at = self._suspected_at, None
        self._window.clear()
        return "rejected" if was is not None else None

    def _note_begin(self, frame: AnalysedFrame) -> None:
        if self._suspected_at is None:
            first = list(self._window).index(True)
            self.since = frame.end - (len(self._window) - first) * FRAME_S

    def _clear(self) -> None:
        self._suspected_at = None
        self._window.clear()
