"""Was that a command? The likelihood of the grammar's best sentence against that of any sounds whatever.

The grammar's decoder is made to find a command in everything. Whether one was said shows in two figures:

- the log-likelihood ratio per frame of speech between the best sentence and a free loop of phones, which can follow
  any speech (the classic filler model of utterance verification);
- the coverage: how much of what the phone loop calls speech the sentence's words account for. Read prose can be
  squeezed into two words with "silence" over the rest.

A sentence that the recogniser broke off before its end is no sentence of the grammar. The constants are fitted on
recordings of commands and of prose, cut at word boundaries, clean and with noise (`tests/offline/test_verdict.py`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

MIDDLE_RATIO: Final = -2.0
"""Nats a frame at which a fully covering sentence is as likely said as not."""
STEEPNESS: Final = 2.0
FULL_COVERAGE: Final = 0.85
"""From here on coverage costs nothing: words' edges are found a little differently by the two."""
UNCOVERED_COST: Final = 12.0
"""Nats a frame for each unit of speech that is not accounted for."""
LEAST_SPEECH_FRAMES: Final = 12
"""120 ms: shorter is a click or a breath, whatever it is called."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the decoders found. Scores are natural logarithms, frames are 10 ms."""

    sentence: str
    complete: bool
    """The words are a whole sentence of the grammar."""
    score: float
    filler_score: float
    sentence_frames: int
    """Frames in the sentence's words."""
    speech_frames: int
    """Frames that the phone loop calls speech."""

    @property
    def ratio(self) -> float:
        """Log-likelihood ratio per frame of the sentence."""
        return (self.score - self.filler_score) / max(1, self.sentence_frames)

    @property
    def coverage(self) -> float:
        """Share of the speech that the sentence accounts for, at most 1."""
        return min(1.0, self.sentence_frames / max(1, self.speech_frames))


def confidence(evidence: Evidence) -> float:
    """How sure it is that the sentence was said: 0 to 1, one half at the middle ratio."""
    if not evidence.complete or evidence.sentence_frames < LEAST_SPEECH_FRAMES:
        return 0.0
    uncovered = max(0.0, FULL_COVERAGE - evidence.coverage)
    balance = evidence.ratio - UNCOVERED_COST * uncovered - MIDDLE_RATIO
    return 1.0 / (1.0 + math.exp(min(50.0, -STEEPNESS * balance)))
