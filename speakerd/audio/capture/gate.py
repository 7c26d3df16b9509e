"""The speech gate: which of the captured sound may leave the house, and when a sentence begins and ends.

It takes analysed frames (20 ms, voiced or not) and returns `GateOpened`, `GatePassed` and `GateClosed`.

*Modes.* `closed`: nothing passes. `open` (push-to-talk): everything passes. `gated`: the gate decides.

*Opening.* `onset_frames` voiced frames among the last `onset_window` open the gate; a click or a slam is shorter
than that. What passes first is the pre-roll: from `pre_roll_ms` before the first of those voiced frames, but no
frame passes twice, and none from before listening began. Frames are kept in a history of `lookback_s` even while
closed, so that listening may begin in the past: at the press of the button, or before the wake word's end. The
frames of that past are then processed as if the gate had been listening.

*Closing, local turns.* After `hangover_ms` without a voiced frame the sentence is over. Of that silence `tail_ms`
is sent at once; the rest is held back and follows only if speech continues. So a breath in the middle of a
sentence is complete, and the silence after it is not sent.

*Closing, server turns.* The server decides when the sentence is over, so everything passes, silence too, until
`server_ended()`; if the gate stopped sending, the conversation would hang. If the server has not reported after
`server_patience_s` of silence, or the turn lasts `longest_turn_s`, the gate closes by itself with that reason.

*After a turn that was too long* the gate opens again only after `hangover_ms` of silence; otherwise a noise that
is taken for speech would hold it open for ever.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, Literal, TypeAlias

from speakerd.audio.events import SpeechEndReason
from speakerd.audio.pcm import FRAME_MS, FRAME_S
from speakerd.audio.settings import GateSettings

ListenMode: TypeAlias = Literal["closed", "gated", "open"]
TurnOwner: TypeAlias = Literal["local", "server"]


DYING_DB: Final = 5.0
"""A sound that has fallen by this much without rising again is dying away."""
FALTER_DB: Final = 0.5
"""A rise by less than this does not count as rising."""


@dataclass(frozen=True, slots=True)
class AnalysedFrame:
    """20 ms of sound at 16 kHz, and what was measured in it. `at` is the time of the first sample."""

    pcm: bytes = field(repr=False)
    at: float
    voiced: bool
    level_dbfs: float
    over_earcon: bool = False
    """Whether one of the speaker's own short sounds was playing, which may have been taken for a voice."""

    @property
    def end(self) -> float:
        """The time at which the frame's last sample ends."""
        return self.at + FRAME_S


@dataclass(frozen=True, slots=True)
class GateOpened:
    """A sentence begins: frames follow, the first of them begins at `at`."""

    at: float


@dataclass(frozen=True, slots=True)
class GatePassed:
    """One frame of the sentence may leave the house."""

    frame: AnalysedFrame


@dataclass(frozen=True, slots=True)
class GateClosed:
    """The sentence is over: no frame follows until the gate opens again."""

    at: float
    reason: SpeechEndReason


GateOutput: TypeAlias = GateOpened | GatePassed | GateClosed


@dataclass(frozen=True, slots=True)
class GateStatistics:
    """Seconds of sound captured and sent since the start, and how often the gate opened."""

    heard_s: float = 0.0
    sent_s: float = 0.0
    openings: int = 0


def dies_away(levels: Iterable[float]) -> bool:
    """Whether a sound only falls from its loudest frame on, as a slam does and speech does not for long."""
    heard = list(levels)
    fall = heard[heard.index(max(heard)) :]
    steady = all(after < before + FALTER_DB for before, after in pairwise(fall))
    return steady and fall[0] - fall[-1] > DYING_DB


def _frames(milliseconds: float) -> int:
    return max(0, round(milliseconds / FRAME_MS))


class Gate:
    """Decides frame by frame what passes. Not thread-safe: one thread owns it."""

    def __init__(self, settings: GateSettings, owner: TurnOwner = "local") -> None:
        self._settings = settings
        self._owner: TurnOwner = owner
        self.mode: ListenMode = "closed"
        before = _frames(settings.pre_roll_ms) + settings.onset_window
        self._history: deque[AnalysedFrame] = deque(maxlen=max(before, _frames(settings.lookback_s * 1000)))
        self._window: deque[bool] = deque(maxlen=settings.onset_window)
        self._levels: deque[float] = deque(maxlen=settings.onset_window)
        self._earliest = 0.0  # no sound from before this time may pass
        self._begin = 0.0  # the time from which listening was last requested
        self._heard_until = 0.0
        self._open = False
        self._opened_at = 0.0
        self._silent_frames = 0
        self._held: list[AnalysedFrame] = []
        self._must_hear_silence = False
        self._heard = 0
        self._sent = 0
        self._openings = 0

    @property
    def is_open(self) -> bool:
        """Whether frames pass now."""
        return self._open

    @property
    def statistics(self) -> GateStatistics:
        """Seconds captured and sent, and openings, since the start."""
        return GateStatistics(self._heard * FRAME_S, self._sent * FRAME_S, self._openings)

    def listen(self, mode: ListenMode, now: float, since: float | None = None) -> list[GateOutput]:
        """Change the mode. With `since` as if it had been changed at that time, as far back as the history goes.

        Nothing happens if the gate already has that mode. A sentence continues when the mode changes from gated
        to open in the middle of it.
        """
        if mode == self.mode:
            return []
        before, self.mode = self.mode, mode
        if mode == "closed":
            return self._close(now, "released" if before == "open" else "closed")
        if self._open:
            return self._close(now, "released") if before == "open" else []
        begin = now if since is None else since
        self._begin = begin
        self._earliest = max(self._earliest, begin)
        past = [frame for frame in self._history if frame.end > self._earliest]
        if mode == "open":
            return self._open_with(past, max(begin, self._heard_until))
        self.discard_history()
        return [output for frame in past for output in self._judge(frame)]

    def discard_history(self) -> None:
        """Drop the history, so that nothing captured so far can pass: after a mute, or an echo not cancelled."""
        self._history.clear()
        self._forget_onset()

    def process(self, frame: AnalysedFrame, *, may_open: bool = True) -> list[GateOutput]:
        """Take the next frame. With `may_open` False the gate does not open: barge-in decides about that."""
        self._heard += 1
        self._heard_until = frame.end
        return self._judge(frame, may_open=may_open)

    def force_open(self, since: float) -> list[GateOutput]:
        """Open now, for barge-in, with the pre-roll before `since`. Does nothing unless gated and shut."""
        if self.mode != "gated" or self._open:
            return []
        return self._open_from(since)

    def server_ended(self, now: float) -> list[GateOutput]:
        """The server has reported the end of speech: close. Speech that continues opens the gate again."""
        if self._owner != "server" or self.mode != "gated":
            return []
        return self._close(now, "server")

    def shut(self, now: float, reason: SpeechEndReason) -> list[GateOutput]:
        """Close for a reason outside the gate; the mode stays as it is."""
        return self._close(now, reason)

    def _judge(self, frame: AnalysedFrame, *, may_open: bool = True) -> list[GateOutput]:
        if self._open:
            return self._process_open(frame)
        self._history.append(frame)
        if self.mode != "gated":
            return []
        return self._process_shut(frame, may_open=may_open)

    # -- shut ----------------------------------------------------------------------------------------------

    def _process_shut(self, frame: AnalysedFrame, *, may_open: bool) -> list[GateOutput]:
        self._silent_frames = 0 if frame.voiced else self._silent_frames + 1
        if self._silent_frames >= _frames(self._settings.hangover_ms):
            self._must_hear_silence = False
        self._window.append(frame.voiced and not frame.over_earcon)
        self._levels.append(frame.level_dbfs)
        if not may_open or self._must_hear_silence or sum(self._window) < self._settings.onset_frames:
            return []
        if dies_away(self._levels):
            return []
        first = len(self._history) - len(self._window) + list(self._window).index(True)
        return self._open_from(self._begin_under_earcon(first))

    def _begin_under_earcon(self, first: int) -> float:
        """When speech whose first counted frame is `history[first]` began, perhaps while an earcon played."""
        frames = list(self._history)
        while first > 0 and frames[first - 1].over_earcon and frames[first - 1].voiced:
            first -= 1
        return frames[max(0, first)].at

    def _forget_onset(self) -> None:
        self._window.clear()
        self._levels.clear()

    def _open_from(self, voiced_at: float) -> list[GateOutput]:
        begin = max(self._earliest, voiced_at - self._settings.pre_roll_ms / 1000)
        return self._open_with(
            [frame for frame in self._history if frame.end > begin + FRAME_S / 2], voiced_at
        )

    def _open_with(self, frames: list[AnalysedFrame], now: float) -> list[GateOutput]:
        self._open = True
        self._openings += 1
        self._opened_at = frames[0].at if frames else now
        self._silent_frames = 0
        self._forget_onset()
        self._held.clear()
        self._history.clear()
        out: list[GateOutput] = [GateOpened(self._opened_at)]
        for frame in frames:
            out += self._pass(frame)
        return out

    # -- open ----------------------------------------------------------------------------------------------

    def _process_open(self, frame: AnalysedFrame) -> list[GateOutput]:
        if self.mode == "open":
            # A card delivers sound late: some of it may be from before the press. The frame before is no measure
            # of that, since in a burst several have the same time.
            return self._pass(frame) if frame.end > self._begin else []
        self._silent_frames = 0 if frame.voiced else self._silent_frames + 1
        out = self._flow(frame)
        if frame.end - self._opened_at >= self._settings.longest_turn_s:
            self._must_hear_silence = True
            return out + self._close(frame.end, "too_long")
        if self._owner == "server":
            if self._silent_frames * FRAME_S >= self._settings.server_patience_s:
                return out + self._close(frame.end, "server_silent")
        elif self._silent_frames >= _frames(self._settings.hangover_ms):
            return out + self._close(frame.end, "silence")
        return out

    def _flow(self, frame: AnalysedFrame) -> list[GateOutput]:
        if self._owner == "local" and self._silent_frames > _frames(self._settings.tail_ms):
            self._held.append(frame)
            return []
        out: list[GateOutput] = []
        for held in self._held:
            out += self._pass(held)
        self._held.clear()
        return out + self._pass(frame)

    def _pass(self, frame: AnalysedFrame) -> list[GateOutput]:
        self._sent += 1
        self._earliest = frame.end
        return [GatePassed(frame)]

    def _close(self, now: float, reason: SpeechEndReason) -> list[GateOutput]:
        if not self._open:
            return []
        self._open = False
        self._silent_frames = 0
        self._forget_onset()
        # What was held back has not been sent: it may be the next sentence's pre-roll.
        self._history.extend(self._held)
        self._held.clear()
        return [GateClosed(now, reason)]
