"""The figures of the scene: the table at its end, and whether it succeeded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from speakerd.audio.pcm import WIRE_RATE, dbfs, samples_of

if TYPE_CHECKING:
    from pathlib import Path

    from speakerd.audio.engine import EngineStats

_LEAST_SPEECH_S = 1.0
_AUDIBLE_DBFS = -50.0


def words(text: str) -> str:
    """Return the words in lower case with single spaces and no marks, to compare two writings of them."""
    return " ".join(re.findall(r"[a-z0-9']+", text.lower()))


class Report:
    """Collects the figures of the scene from the live view."""

    def __init__(self) -> None:
        self.stats: EngineStats | None = None
        self.echo: str = "off"
        self.latencies: dict[str, list[float]] = {}
        self.said: dict[str, list[str]] = {"user": [], "assistant": []}

    def note(self, entry: dict[str, Any]) -> None:
        """Take one entry of the live view."""
        if entry["event"] == "latency":
            self.latencies.setdefault(entry["name"], []).append(entry["seconds"])
        elif entry["event"] == "caption" and entry["final"]:
            self.said.setdefault(entry["role"], []).append(entry["text"])

    def verdict(self, wanted: str, played: bytes) -> str | None:
        """Return what went wrong; None if the words were recognised and the answers heard."""
        understood = [words(text) for text in self.said["user"]]
        if understood.count(wanted) < 2:
            return f"{wanted!r} was said twice, understood was: {understood}"
        if len(self.said["assistant"]) < 2:
            return f"two answers were expected, there were {len(self.said['assistant'])}"
        if "interrupt_to_silence" not in self.latencies:
            return "the interruption was not noticed"
        audible = _audible_s(played)
        if audible < _LEAST_SPEECH_S:
            return f"the loudspeaker sounded for {audible:.1f} s only"
        return None

    def table(self, wav: Path) -> str:
        """Return the figures as a table."""
        stats = self.stats
        rows: list[tuple[str, str]] = []
        if stats is not None:
            saved = stats.heard_s - stats.sent_s
            rows += [
                ("heard by the microphone", f"{stats.heard_s:6.1f} s"),
                ("sent to the model", f"{stats.sent_s:6.1f} s in {stats.openings} sentences"),
                ("never left the house", f"{saved:6.1f} s ({saved / max(stats.heard_s, 0.1):.0%})"),
            ]
        names = {
            "press_to_listening": "press -> listening",
            "speech_end_to_sound": "end of speech -> first sound",
            "interrupt_to_silence": "interruption -> silence",
        }
        for name, title in names.items():
            values = self.latencies.get(name, [])
            rows.append((title, ", ".join(milliseconds(value) for value in values) or "-"))
        rows.append(("echo", self.echo))
        rows.append(("the room's sound", str(wav)))
        width = max(len(title) for title, _ in rows)
        return "\n" + "\n".join(f"  {title.ljust(width)}  {value}" for title, value in rows)


def milliseconds(seconds: float) -> str:
    """Return milliseconds, with a decimal for short times."""
    value = 1000 * seconds
    return f"{value:.1f} ms" if value < 10 else f"{value:.0f} ms"


def _audible_s(played: bytes) -> float:
    """Return the seconds of playback that are louder than silence, in blocks of 20 ms."""
    samples = samples_of(played)
    block = WIRE_RATE // 50
    whole = samples[: len(samples) // block * block].reshape(-1, block)
    return float(np.count_nonzero([dbfs(row) > _AUDIBLE_DBFS for row in whole])) / 50
