"""How sure it is that a command was said: the likelihood of the best sentence against that of any speech.

The grammar's decoder finds a command in everything. Two figures show whether one was said:

- the log-likelihood ratio per frame of speech between the best sentence and a free loop of phones, which can follow
  any speech (the classic filler model of utterance verification);
- the span of the sentence's words against what the phone loop calls speech. Read prose can be squeezed into two
  words with "silence" over the rest; a short word can be stretched over the silence around it.

A sentence that the recogniser left before its end is no sentence of the grammar. The constants are fitted on
recordings of a command (loud, soft, fast, slow, in noise, in echo, through filters) and of prose cut at word
boundaries: 24 of 25 commands pass, down to a noise 12 dB below the voice, and 3 of 182 pieces of prose, all of
them single words ("rather" for "louder").
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

MIDDLE_RATIO: Final = -2.0
"""Nats a frame at which a sentence that fits its speech is as likely said as not."""
STEEPNESS: Final = 2.0
LEAST_SPAN, GREATEST_SPAN = 0.6, 1.1
"""Between these spans a sentence fits its speech. The phone loop takes noise for speech: the lower one is low."""
TOO_SHORT_COST, TOO_LONG_COST = 6.0, 10.0
"""Nats a frame for each unit outside that range."""
LEAST_SPEECH_FRAMES: Final = 12
"""120 ms; anything shorter is a click or a breath."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the decoders found. Scores are natural logarithms, frames are 10 ms."""

    sentence: str
    complete: bool
    """Whether the words are a whole sentence of the grammar."""
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
    def span(self) -> float:
        """Length of the sentence's words, in lengths of the speech."""
        return self.sentence_frames / max(1, self.speech_frames)


def confidence(evidence: Evidence) -> float:
    """Return how sure it is that the sentence was said: 0 to 1, one half at the middle ratio."""
    if not evidence.complete or evidence.sentence_frames < LEAST_SPEECH_FRAMES:
        return 0.0
    misfit = TOO_SHORT_COST * max(0.0, LEAST_SPAN - evidence.span)
    misfit += TOO_LONG_COST * max(0.0, evidence.span - GREATEST_SPAN)
    balance = evidence.ratio - misfit - MIDDLE_RATIO
    return 1.0 / (1.0 + math.exp(min(50.0, -STEEPNESS * balance)))
