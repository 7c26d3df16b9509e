"""The scene as a picture: who spoke when, what of it left the house, what the light showed.

Everything in it comes from one run: the marks, states and captions of the live view, the recordings that the person
spoke, the sound that left the loudspeaker. The picture is an SVG with a background of its own and two sets of
colours, so that it can be read on a light page and on a dark one.
"""

from __future__ import annotations

import asyncio
import math
import sys
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from speakerd.audio.pcm import FULL_SCALE, MIC_RATE, WIRE_RATE, samples_of
from speakerd.cli.demo.command import RECORDINGS
from speakerd.cli.demo.scene import play
from speakerd.cli.demo.settings import demo_settings
from speakerd.panel.colors import NAMED
from speakerd.panel.looks import TABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from speakerd.audio.pcm import Samples
    from speakerd.audio.simulation import ScriptedUtterance

WIDTH: Final = 960
HEIGHT: Final = 418
_LEFT: Final = 96
_RIGHT: Final = 20
_MARGIN_S: Final = 0.9
"""Shown before the first press and after the end of the conversation."""

_PERSON_Y, _SENT_Y, _SPEAKER_Y, _LIGHT_Y, _AXIS_Y = 110, 178, 236, 330, 384
_WAVE: Final = 27
"""Half the height of a voice at its loudest."""
_BAR: Final = 3.0
_SENT_HEIGHT: Final = 24
_LIGHT_HEIGHT: Final = 26
_LINE: Final = 15
_CHARACTER: Final = 6.3
"""Width of a character of the captions, somewhat more than the mean of the usual fonts."""
_RANGE_DB: Final = 30.0
"""From the loudest bar of a voice down to the first that is not drawn."""
_NOTHING: Final = 1e-12
"""Power that is added to any other, so that silence has a logarithm."""
_FAINT: Final = 0.3
"""A light less bright than this is drawn as off: it waits."""

_COLOURS: Final = {
    # class: (property, on a light page, on a dark page)
    "card": ("fill:{};stroke:#8b949e55", "#ffffff", "#0d1117"),
    "text": ("fill:{}", "#1f2328", "#e6edf3"),
    "soft": ("fill:{}", "#59636e", "#9198a1"),
    "grid": ("stroke:{}", "#d9dee3", "#262c36"),
    "hand": ("fill:{}", "#59636e", "#b1bac4"),
    "line": ("stroke:{};fill:none", "#59636e", "#9198a1"),
    "person": ("stroke:{}", "#d9580f", "#ff9d57"),
    "persons": ("fill:{}", "#b04a0c", "#ffad70"),
    "inside": ("fill:{};font-size:12px", "#ffffff", "#331600"),
    "speaker": ("stroke:{}", "#1a8a45", "#3fb968"),
    "speakers": ("fill:{}", "#157038", "#56d37f"),
    "cut": ("stroke:{}", "#cf222e", "#ff7b72"),
    "cuts": ("fill:{}", "#cf222e", "#ff7b72"),
    "off": ("fill:{}", "#eceff2", "#21262d"),
}


class TimedAudio(NamedTuple):
    """A voice in the room: its first sample sounded at `at`."""

    at: float
    samples: Samples
    rate: int


@dataclass
class _Item:
    role: str
    at: float
    text: str = ""


@dataclass
class Timeline:
    """Collects from the live view, then draws.

    Attributes:
        hangover_s: The silence by which a sentence is known to have ended (`audio.gate.hangover_ms`).
        tail_s: The part of that silence that is sent (`audio.gate.tail_ms`).
    """

    hangover_s: float
    tail_s: float
    _marks: list[tuple[str, float]] = field(default_factory=list)
    _lights: list[tuple[str, float]] = field(default_factory=list)
    _items: dict[str, _Item] = field(default_factory=dict)
    _latencies: list[tuple[str, float, float]] = field(default_factory=list)
    _end: float | None = None

    def note(self, entry: Mapping[str, Any]) -> None:
        """Take one entry of the live view."""
        match entry:
            case {"event": "mark", "at": at, "name": name}:
                self._marks.append((name, at))
            case {"event": "latency", "at": at, "name": name, "seconds": seconds}:
                self._latencies.append((name, at, seconds))
            case {"event": "state", "at": at, "light": light}:
                if self._lights and light == "idle":
                    self._end = at
                if not self._lights or self._lights[-1][0] != light:
                    self._lights.append((light, at))
            case {
                "event": "caption",
                "at": at,
                "role": role,
                "item_id": item_id,
                "text": text,
                "final": final,
            }:
                item = self._items.setdefault(item_id, _Item(role, at))
                item.text = text if final else item.text + text

    def draw(self, said: Iterable[ScriptedUtterance], played: TimedAudio) -> str:
        """The picture. `said` is what the person spoke, in that order.

        Raises:
            ValueError: the run had no press, or its conversation did not end.
        """
        presses = self._times("press")
        if not presses or self._end is None:
            raise ValueError("there is nothing to draw: no conversation began and ended")
        scale = _Scale(presses[0], self._end)
        person = [
            TimedAudio(one.started_at, one.samples, MIC_RATE) for one in said if one.started_at is not None
        ]
        parts = [
            *_frame(scale),
            *self._pressed(scale, presses),
            *(part for voice in person for part in _voice(scale, voice, _PERSON_Y, "person")),
            *self._words("user", scale, [_span(voice) for voice in person], bottom=_PERSON_Y - _WAVE - 10),
            *self._sent(scale),
            *_voice(scale, played, _SPEAKER_Y, "speaker"),
            *self._words("assistant", scale, self._answers(), top=_SPEAKER_Y + _WAVE + 16),
            *self._waits(scale),
            *self._cut(scale),
            *self._light(scale),
        ]
        return "\n".join([_head(), *parts, "</svg>"]) + "\n"

    def _times(self, name: str) -> list[float]:
        return [at for mark, at in self._marks if mark == name]

    def _answers(self) -> list[tuple[float, float]]:
        """From the first to the last sound of each answer."""
        ends = [*(at for _, at in self._lights), *self._times("silence")]
        return [
            (begin, min((end for end in ends if end > begin + 0.2), default=begin))
            for begin in self._times("first_sound")
        ]

    def _pressed(self, scale: _Scale, presses: list[float]) -> Iterator[str]:
        for at in presses:
            x = scale.x(at)
            yield f'<path class="line" stroke-dasharray="2 4" d="M{x} 44V{_AXIS_Y - 12}"/>'
            yield f'<circle class="hand" cx="{x}" cy="34" r="6"/>'
        first = scale.x(presses[0])
        waits = [
            f"{1000 * seconds:.1f} ms" for name, _, seconds in self._latencies if name == "press_to_listening"
        ]
        beside = f"a press: it listens after {waits[0]}" if waits else "a press"
        yield _text(first + 13, 38, beside, "soft")
        yield _text(scale.x(presses[-1]) - 13, 38, "a press ends it", "soft", anchor="end")

    def _words(
        self, role: str, scale: _Scale, spans: list[tuple[float, float]], *, top: float = 0, bottom: float = 0
    ) -> Iterator[str]:
        """What was said, under or above its voice, as much of it as there is room for."""
        items = [item for item in self._items.values() if item.role == role]
        kind = "persons" if role == "user" else "speakers"
        for index, (item, (begin, end)) in enumerate(zip(items, spans, strict=False)):
            after = spans[index + 1][0] if index + 1 < len(spans) else scale.last
            room = scale.x(min(end + 1.0, after)) - scale.x(begin) - 6
            lines = _wrapped(f"“{item.text.strip()}”", int(room / _CHARACTER), 3)
            first = top or bottom - _LINE * (len(lines) - 1)
            for number, line in enumerate(lines):
                yield _text(scale.x(begin), first + number * _LINE, line, kind)

    def _sent(self, scale: _Scale) -> Iterator[str]:
        """What left the house; and, hollow, the silence by which the end was known."""
        ends = self._times("speech_end")
        sent = 0.0
        for begin in self._times("speech_start"):
            end = min((at for at in ends if at > begin), default=None)
            if end is None:
                continue
            x, width = scale.x(begin), scale.width(end + self.tail_s - begin)
            wait = scale.width(self.hangover_s - self.tail_s)
            y = _SENT_Y - _SENT_HEIGHT / 2
            yield (
                f'<rect class="persons" fill-opacity=".85" x="{x}" y="{y}" width="{width}" '
                f'height="{_SENT_HEIGHT}" rx="4"/>'
            )
            yield (
                f'<rect class="person" fill="none" stroke-dasharray="3 2" x="{x + width:.1f}" y="{y + 0.5}" '
                f'width="{wait}" height="{_SENT_HEIGHT - 1}" rx="4"/>'
            )
            seconds = end + self.tail_s - begin
            sent += seconds
            yield _text(x + width / 2, _SENT_Y + 4.5, f"{seconds:.1f} s", "inside", anchor="middle")
        whole = scale.last - scale.first - 2 * _MARGIN_S
        yield _text(_LEFT - 12, _SENT_Y + 16, f"{sent:.0f} of {whole:.0f} s", "soft", anchor="end")

    def _waits(self, scale: _Scale) -> Iterator[str]:
        for name, at, seconds in self._latencies:
            if name == "speech_end_to_sound":
                begin, end = scale.x(at - seconds), scale.x(at)
                y = _SENT_Y + 24
                yield f'<path class="line" d="M{begin} {y - 5}v5H{end}v-5"/>'
                yield _text(end - 5, y + 14, f"{seconds:.1f} s", "soft", anchor="end")

    def _cut(self, scale: _Scale) -> Iterator[str]:
        for name, at, seconds in self._latencies:
            if name == "interrupt_to_silence":
                x = scale.x(at)
                yield (
                    f'<path class="cut" fill="none" stroke-width="1.5" '
                    f'd="M{x} {_PERSON_Y + _WAVE + 6}V{_SPEAKER_Y + _WAVE + 4}"/>'
                )
                told = f"interrupted: silent in {1000 * seconds:.0f} ms"
                yield _text(x + 7, _PERSON_Y + _WAVE + 15, told, "cuts")

    def _light(self, scale: _Scale) -> Iterator[str]:
        y = _LIGHT_Y
        lights = [("idle", scale.first), *self._lights[1:]]
        for index, (state, at) in enumerate(lights):
            begin = max(at, scale.first)
            end = min(lights[index + 1][1] if index + 1 < len(lights) else scale.last, scale.last)
            if state == "idle" and index:
                end = scale.last
            if end <= begin or state == "stopping":
                continue
            look = TABLE[state].look  # type: ignore[index]  # the live view carries the panel's own names
            dark = look.brightness < _FAINT
            width = max(scale.width(end - begin), 2.0)
            fill = 'class="off"' if dark else f'fill="{NAMED[look.color]}"'
            yield f'<rect {fill} x="{scale.x(begin)}" y="{y}" width="{width}" height="{_LIGHT_HEIGHT}"/>'
            if width > _CHARACTER * len(state) + 4:
                name = "soft" if dark else ("on" if _is_deep(NAMED[look.color]) else "under")
                yield _text(scale.x(begin) + width / 2, y + 17.5, state, name, anchor="middle")
            elif state == "thinking":
                x = scale.x(begin) + width / 2
                yield f'<path fill="none" stroke="{NAMED[look.color]}" d="M{x} {y + _LIGHT_HEIGHT}v5"/>'
                yield _text(x, y + _LIGHT_HEIGHT + 16, state, "soft", anchor="middle")


class _Scale:
    """Seconds to the left, pixels to the right."""

    def __init__(self, first_press: float, end: float) -> None:
        self.zero = first_press
        self.first, self.last = first_press - _MARGIN_S, end + _MARGIN_S
        self._per_s = (WIDTH - _LEFT - _RIGHT) / (self.last - self.first)

    def x(self, at: float) -> float:
        return round(_LEFT + (at - self.first) * self._per_s, 1)

    def width(self, seconds: float) -> float:
        return round(seconds * self._per_s, 1)

    def seconds(self, x: float) -> float:
        return self.first + (x - _LEFT) / self._per_s


def _head() -> str:
    base = (
        "text{font:13px -apple-system,'Segoe UI','Noto Sans',Helvetica,Arial,sans-serif}"
        ".name{font-weight:600}.soft{font-size:12px}.on{fill:#fff;font-size:12px}"
        ".under{fill:#04260f;font-size:12px}.person,.speaker{stroke-linecap:round}"
    )
    light, dark = (
        "".join(f".{name}{{{entry[0].replace('{}', entry[which])}}}" for name, entry in _COLOURS.items())
        for which in (1, 2)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img">\n'
        "<title>A conversation with the speaker, from a press to the next: what was said, what of it left the "
        "house, what was answered, and what the light showed</title>\n"
        f"<style>{base}{light}@media(prefers-color-scheme:dark){{{dark}}}</style>\n"
        f'<rect class="card" x=".5" y=".5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="8"/>'
    )


def _frame(scale: _Scale) -> Iterator[str]:
    """The names of the lanes, the axis, a faint line every five seconds."""
    names = {
        38: "button",
        _PERSON_Y + 4.5: "people",
        _SENT_Y: "sent",
        _SPEAKER_Y + 4.5: "speaker",
        _LIGHT_Y + 17.5: "light",
    }
    for y, name in names.items():
        yield _text(_LEFT - 12, y, name, "text name", anchor="end")
    for second in range(0, int(scale.last - scale.zero) + 1, 5):
        x = scale.x(scale.zero + second)
        if second:
            yield f'<path class="grid" d="M{x} 50V{_AXIS_Y}"/>'
        yield _text(x, _AXIS_Y + 18, f"{second} s", "soft", anchor="middle")
    for y in (_PERSON_Y, _SENT_Y, _SPEAKER_Y):
        yield f'<path class="grid" d="M{_LEFT} {y}H{WIDTH - _RIGHT}"/>'


def _voice(scale: _Scale, voice: TimedAudio, y: float, name: str) -> Iterator[str]:
    """A bar every `_BAR` pixels, as high as the sound there is loud."""
    power = _power(voice.samples)
    levels: list[tuple[float, float]] = []
    x = float(_LEFT)
    while x < WIDTH - _RIGHT:
        begin, end = ((scale.seconds(edge) - voice.at) * voice.rate for edge in (x, x + _BAR))
        part = power[max(0, int(begin)) : max(0, int(end))]
        if len(part):
            levels.append((x + _BAR / 2, 10 * math.log10(float(np.mean(part)) + _NOTHING)))
        x += _BAR
    loudest = max((level for _, level in levels), default=0.0)
    bars = [(at, round(_WAVE * (1 - (loudest - level) / _RANGE_DB), 1)) for at, level in levels]
    path = "".join(f"M{at:.1f} {y - height:.1f}v{2 * height:.1f}" for at, height in bars if height >= 1)
    yield f'<path class="{name}" stroke-width="1.9" fill="none" d="{path}"/>'


def _span(voice: TimedAudio) -> tuple[float, float]:
    """From its first sound to its last, without the silence around them."""
    power = _power(voice.samples)
    loud = np.flatnonzero(power > float(np.max(power, initial=0.0)) * 10 ** (-_RANGE_DB / 10))
    first, last = (int(loud[0]), int(loud[-1])) if len(loud) else (0, len(power))
    return voice.at + first / voice.rate, voice.at + last / voice.rate


def _power(samples: Samples) -> NDArray[np.float64]:
    power: NDArray[np.float64] = np.square(samples.astype(np.float64) / FULL_SCALE)
    return power


def _wrapped(text: str, columns: int, most: int) -> list[str]:
    """`text` in at most `most` lines; what does not fit is left out, and said to be."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > columns:
            if len(lines) == most:
                kept = lines[-1].rsplit(" ", 1)[0] if len(lines[-1]) + 2 > columns else lines[-1]
                lines[-1] = f"{kept} …"
                return lines
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _text(x: float, y: float, text: str, name: str, *, anchor: str = "start") -> str:
    where = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text class="{name}" x="{x:g}" y="{y:g}"{where}>{escape(text, quote=False)}</text>'


def _is_deep(colour: str) -> bool:
    """Whether white writing can be read on it better than dark."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue < 128


def played_until(played: bytes, at: float) -> TimedAudio:
    """What left the loudspeaker, of which the last sample sounded at `at`."""
    samples = samples_of(played)
    return TimedAudio(at - len(samples) / WIRE_RATE, samples, WIRE_RATE)


class _Drawing:
    """A spectator of the demo's scene who draws it into a file when it has gone well."""

    def __init__(self, file: Path) -> None:
        gate = demo_settings().audio.gate
        self._timeline = Timeline(hangover_s=gate.hangover_ms / 1000, tail_s=gate.tail_ms / 1000)
        self._file = file
        self.note = self._timeline.note

    def ended(self, said: list[ScriptedUtterance], played: bytes, at: float) -> str:
        self._file.write_text(self._timeline.draw(said, played_until(played, at)), "utf-8")
        return f"The scene as a picture: {self._file}"


def main() -> int:
    """Play the demo's scene and draw it; exit code 0, 1 (not understood, no picture) or 2 (usage)."""
    if len(sys.argv) != 2:
        print("usage: scripts/demo --timeline FILE.svg", file=sys.stderr)
        return 2
    return asyncio.run(play(RECORDINGS, Path("demo.wav"), _Drawing(Path(sys.argv[1]))))


if __name__ == "__main__":
    sys.exit(main())
