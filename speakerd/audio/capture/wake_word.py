"""Wake-word detection: microWakeWord behind a port (extra `wakeword`), off by default.

The detector gets the canceller's output while the gate is shut, 10 ms at a time. It computes a feature frame for
every block and runs a small network for every third; no sound is kept.
"""

from pathlib import Path
from typing import Any, Protocol

from speakerd.audio.errors import BadModelError, ExtraMissingError
from speakerd.audio.settings import WakeWordSettings


class WakeWordDetector(Protocol):
    """Detects one word in a stream of sound."""

    def process(self, block: bytes, now: float) -> str | None:
        """Take 10 ms at 16 kHz that end at `now`. Returns the word if it has just been heard, else None."""
        ...

    def reset(self) -> None:
        """Discard all state: there was a gap in the sound."""
        ...


class MicroWakeWordDetector:
    """microWakeWord's streaming network. Raises ExtraMissingError, BadModelError."""

    def __init__(self, settings: WakeWordSettings) -> None:
        try:
            import pymicro_wakeword  # noqa: PLC0415  # an extra: loaded only where wanted
        except ImportError as error:
            raise ExtraMissingError("wake_word.enabled", "wakeword") from error
        self._model: Any = _load(pymicro_wakeword, settings.model)
        self._features: Any = pymicro_wakeword.MicroWakeWordFeatures()
        self._threshold = settings.threshold or float(self._model.probability_cutoff)
        self._refractory_s = settings.refractory_s
        self._ignore_until = float("-inf")

    @property
    def word(self) -> str:
        """The word that the model detects."""
        return str(self._model.wake_word)

    def process(self, block: bytes, now: float) -> str | None:
        """Take 10 ms. Returns the word once: hits within `refractory_s` after one are ignored."""
        heard = False
        for features in self._features.process_streaming(block):
            probability = self._model.process_streaming_prob(features)
            heard = heard or (probability is not None and probability > self._threshold)
        if not heard or now < self._ignore_until:
            return None
        self._ignore_until = now + self._refractory_s
        return self.word

    def reset(self) -> None:
        """Discard the features and the network's state."""
        self._features.reset()
        self._model.reset()


def _load(library: Any, model: str) -> Any:
    known = [entry.value for entry in library.Model]
    if model in known:
        try:
            return library.MicroWakeWord.from_builtin(library.Model(model))
        except OSError as error:  # it was taken out, and this process had imported it before
            raise ExtraMissingError("wake_word.enabled", "wakeword") from error
    hint = f"built in are {', '.join(known)}, otherwise give the path of a microWakeWord .json"
    path = Path(model)
    if not path.is_file():
        raise BadModelError(f"wake_word.model {model!r}: there is no such model and no such file; {hint}")
    try:
        return library.MicroWakeWord.from_config(path)
    except (OSError, ValueError, KeyError) as error:
        raise BadModelError(f"wake_word.model {model!r}: cannot be read ({error}); {hint}") from error


def make_wake_word(settings: WakeWordSettings) -> WakeWordDetector | None:
    """Make the detector for the settings; None if it is off. Raises ExtraMissingError, BadModelError."""
    return MicroWakeWordDetector(settings) if settings.enabled else None
