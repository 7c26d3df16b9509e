"""pocketsphinx's decoders: commands by a grammar beside a loop of phones, and free speech by a language model.

The senones of all frames are computed (`compallsen`), so that scores of different searches can be compared: each is
relative to the best senone of its frame. The beams of the grammar are far wider than the defaults: the grammar is
small enough, and narrow beams lose a command in little noise. The cepstral mean starts from the model's for each
utterance, so that earlier speech and speakers have no influence.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pocketsphinx

from speakerd.offline.grammar import jsgf, matches, words_of
from speakerd.offline.recognition.confidence import Evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_SCORE_SHIFT: Final = 1024
"""pocketsphinx divides path scores by 2**10 before it returns them as probabilities."""
_MOST_GRAMMARS: Final = 8
"""Sessions with different tools have different grammars; the least recently used ones are dropped."""
_QUIET: Final = {"loglevel": "FATAL"}
_TELLING: Final = 3
"""The first cepstral coefficients distinguish rooms and microphones: loudness and slope of the spectrum."""
_FAR: Final = 5.0
"""With a mean this far off, the words lost are worth more than the time to begin again."""


class SphinxCommands:
    """A `CommandDecoder`. `on_unknown` is called with words that the pronouncing dictionary lacks."""

    def __init__(self, folder: Path, on_unknown: Callable[[list[str]], None]) -> None:
        self._pronunciations = _Pronunciations(Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict")))
        self._on_unknown = on_unknown
        self._known = words_of()
        small = folder / "commands.dict"
        small.write_text("\n".join(self._pronunciations.lines(self._known)) + "\n")
        # No lattice is searched at the end (`bestpath`): with these beams that takes seconds, and finds the same.
        self._grammar = pocketsphinx.Decoder(
            lm=None,
            dict=str(small),
            compallsen=True,
            beam=1e-80,
            pbeam=1e-80,
            wbeam=1e-60,
            bestpath=False,
            **_QUIET,
        )
        self._filler = pocketsphinx.Decoder(
            lm=None, dict=str(small), compallsen=True, lw=2.0, pip=1.0, allphone_ci=True, **_QUIET
        )
        self._filler.add_allphone_file("phones", pocketsphinx.get_model_path("en-us/en-us-phone.lm.bin"))
        self._filler.activate_search("phones")
        self._mean = self._grammar.get_cmn(False)
        self._grammars: dict[tuple[str, ...], tuple[str, tuple[str, ...]]] = {}
        self._phrases: tuple[str, ...] = ()
        self._counter = 0
        self.begin(())
        self.end()

    def begin(self, phrases: tuple[str, ...]) -> None:
        """Begin an utterance; `phrases` are sentences beside the built-in ones."""
        name, self._phrases = self._search(phrases)
        self._grammar.activate_search(name)
        for decoder in (self._grammar, self._filler):
            decoder.set_cmn(self._mean)
            decoder.start_utt()

    def feed(self, pcm: bytes) -> None:
        """Decode more audio: 16 kHz, 16-bit."""
        if pcm:
            self._grammar.process_raw(pcm)
            self._filler.process_raw(pcm)

    def end(self) -> Evidence:
        """End the utterance and return what was found."""
        self._grammar.end_utt()
        self._filler.end_utt()
        best, filler = self._grammar.hyp(), self._filler.hyp()
        if best is None or filler is None or not best.hypstr:
            return Evidence("", False, 0.0, 0.0, 0, _frames(self._filler, "SIL"))
        return Evidence(
            sentence=best.hypstr,
            complete=matches(best.hypstr, self._phrases),
            score=_nats(best),
            filler_score=_nats(filler),
            sentence_frames=_frames(self._grammar, "<"),
            speech_frames=_frames(self._filler, "SIL"),
        )

    def _search(self, phrases: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        found = self._grammars.pop(phrases, None)
        if found is None:
            usable = self._learn(phrases)
            self._counter += 1
            found = (f"grammar{self._counter}", usable)
            self._grammar.add_jsgf_string(found[0], jsgf(usable))
        self._grammars[phrases] = found
        if len(self._grammars) > _MOST_GRAMMARS:
            oldest = next(iter(self._grammars))
            self._grammar.remove_search(self._grammars.pop(oldest)[0])
        return found

    def _learn(self, phrases: Iterable[str]) -> tuple[str, ...]:
        """Add the words of the phrases to the decoder; return the phrases whose words are all known."""
        wanted = {word for phrase in phrases for word in phrase.split()} - self._known
        lines = self._pronunciations.lines(wanted) if wanted else []
        for line in lines:
            word, _, phones = line.partition(" ")
            self._grammar.add_word(word, phones, False)
            self._known.add(word.partition("(")[0])
        unknown = sorted(wanted - self._known)
        if unknown:
            self._on_unknown(unknown)
        return tuple(phrase for phrase in phrases if set(phrase.split()) <= self._known)


class SphinxFree:
    """A `FreeDecoder` with pocketsphinx's own English language model.

    Runs without pocketsphinx's second pass and with limited numbers of states and words: on our recordings as
    accurate, in half the time, and with a tenth of the wait after the last word. The mean is estimated from the
    audio.
    """

    def __init__(self, folder: Path) -> None:
        self._decoder = pocketsphinx.Decoder(fwdflat=False, maxhmmpf=10_000, maxwpf=20, **_QUIET)
        nothing = folder / "nothing.dict"
        nothing.write_text("stop S T AA P\n")
        # Only its front end is used: it measures the mean.
        self._meter = pocketsphinx.Decoder(lm=None, dict=str(nothing), **_QUIET)
        self._meter.add_jsgf_string("nothing", "#JSGF V1.0;\ngrammar n;\npublic <n> = stop;\n")
        self._meter.activate_search("nothing")
        self._model_mean = self._meter.get_cmn(False)
        self._mean = self._model_mean

    def begin(self, heard: bytes) -> None:
        """Begin an utterance; the room is estimated from its audio so far."""
        self._mean = self._measure(heard)
        self._decoder.set_cmn(self._mean)
        self._decoder.start_utt()

    def misjudged(self, heard: bytes) -> bool:
        """Return whether the mean of `heard` is far from the one that the utterance began with."""
        pairs = zip(_numbers(self._mean), _numbers(self._measure(heard)), strict=True)
        return max(abs(before - now) for before, now in list(pairs)[:_TELLING]) > _FAR

    def _measure(self, heard: bytes) -> str:
        self._meter.set_cmn(self._model_mean)
        self._meter.start_utt()
        if heard:
            self._meter.process_raw(heard, no_search=True)
        self._meter.end_utt()
        mean: str = self._meter.get_cmn(False)
        return mean

    def feed(self, pcm: bytes) -> None:
        """Decode more audio: 16 kHz, 16-bit."""
        if pcm:
            self._decoder.process_raw(pcm)

    def end(self) -> str:
        """End the utterance and return its words."""
        self._decoder.end_utt()
        best = self._decoder.hyp()
        return "" if best is None else str(best.hypstr)


class _Pronunciations:
    """The large dictionary, read when words are looked up and not kept: it would be 30 MB of Python strings."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def lines(self, words: set[str]) -> list[str]:
        """Return the lines of these words, all pronunciations included."""
        with self._path.open(encoding="utf-8") as file:
            return [line.rstrip("\n") for line in file if line.split(" ", 1)[0].partition("(")[0] in words]


def _numbers(mean: str) -> list[float]:
    return [float(part) for part in mean.split(",")]


def _nats(hypothesis: Any) -> float:
    return math.log(max(float(hypothesis.score), 1e-300)) * _SCORE_SHIFT


def _frames(decoder: Any, silence: str) -> int:
    segments = decoder.seg() or ()
    spoken = (entry for entry in segments if not entry.word.startswith((silence, "+", "[", "(NULL")))
    return sum(entry.end_frame - entry.start_frame + 1 for entry in spoken)
