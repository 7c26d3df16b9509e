"""The picture of the demo's scene, and the one that the README shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from scripts.timeline import HEIGHT, WIDTH, TimedAudio, Timeline, played_until
from speakerd.audio.simulation.person import ScriptedUtterance
from speakerd.panel.colors import NAMED
from speakerd.panel.looks import TABLE
from tests.daemon.bench import GO_FORWARD, answering, household
from tests.simulation.virtual_loop import in_virtual_time

if TYPE_CHECKING:
    from collections.abc import Iterator

SVG = "{http://www.w3.org/2000/svg}"
COMMITTED = Path(__file__).parents[2] / "scripts" / "demo.svg"
HANGOVER_S, TAIL_S = 0.7, 0.24


def tone(seconds: float, rate: int) -> np.ndarray[Any, np.dtype[np.int16]]:
    return (9_000 * np.sin(np.arange(int(seconds * rate)) / 5)).astype(np.int16)


def utterance(at: float, seconds: float) -> ScriptedUtterance:
    said = ScriptedUtterance(tone(seconds, 16_000), 0.0)
    said.started_at = at
    return said


def state(at: float, light: str) -> dict[str, Any]:
    return {"event": "state", "at": at, "light": light, "phase": light, "uplink": "open"}


def mark(at: float, name: str) -> dict[str, Any]:
    return {"event": "mark", "at": at, "name": name}


def caption(at: float, role: str, item: str, text: str, *, final: bool = True) -> dict[str, Any]:
    return {"event": "caption", "at": at, "role": role, "item_id": item, "text": text, "final": final}


def conversation(question: str = "what is it", answer: str = "It is late.") -> Iterator[dict[str, Any]]:
    """A press at 100 s, a question from 101 to 103, an answer from 104, cut off at 108, the end at 110."""
    yield state(99.0, "idle")
    yield mark(100.0, "press")
    yield {"event": "latency", "at": 100.0, "name": "press_to_listening", "seconds": 0.0003}
    yield state(100.0, "listening")
    yield mark(100.8, "speech_start")
    yield mark(103.0, "speech_end")
    yield state(103.7, "thinking")
    yield caption(103.8, "user", "i1", question)
    yield mark(104.0, "first_sound")
    yield {"event": "latency", "at": 104.0, "name": "speech_end_to_sound", "seconds": 1.0}
    yield state(104.0, "speaking")
    for word in answer.split():
        yield caption(104.1, "assistant", "i2", word + " ", final=False)
    yield mark(108.0, "silence")
    yield {"event": "latency", "at": 108.0, "name": "interrupt_to_silence", "seconds": 0.026}
    yield state(108.0, "listening")
    yield state(110.0, "idle")
    yield state(110.2, "stopping")


def drawn(*entries: dict[str, Any]) -> ET.Element:
    timeline = Timeline(hangover_s=HANGOVER_S, tail_s=TAIL_S)
    for entry in entries:
        timeline.note(entry)
    answer = np.concatenate([tone(4.0, 24_000), np.zeros(2 * 24_000, dtype=np.int16)])
    return ET.fromstring(timeline.draw([utterance(101.0, 2.0)], played_until(answer.tobytes(), 110.0)))


def texts(picture: ET.Element) -> list[str]:
    return ["".join(text.itertext()) for text in picture.iter(f"{SVG}text")]


def boxes(picture: ET.Element, **wanted: str) -> list[tuple[float, float]]:
    """Left and right edge of each box with these attributes."""
    return [
        (float(box.attrib["x"]), float(box.attrib["x"]) + float(box.attrib["width"]))
        for box in picture.iter(f"{SVG}rect")
        if all(box.get(name) == value for name, value in wanted.items())
    ]


def bars(picture: ET.Element, voice: str) -> list[float]:
    paths = [path.attrib["d"] for path in picture.iter(f"{SVG}path") if path.get("stroke-width") == "1.9"
             and path.get("class") == voice]  # fmt: skip
    return [float(x) for path in paths for x in re.findall(r"M([\d.]+) ", path)]


def seconds(x: float, picture: ET.Element) -> float:
    """The time that a place stands for, by the picture's own axis."""
    ticks = {
        int(text.text[:-2]): float(text.attrib["x"])
        for text in picture.iter(f"{SVG}text")
        if text.text is not None and re.fullmatch(r"\d+ s", text.text)
    }
    return 100 + 5 * (x - ticks[0]) / (ticks[5] - ticks[0])


def test_each_voice_stands_where_it_was_heard() -> None:
    picture = drawn(*conversation())
    person = [seconds(x, picture) for x in bars(picture, "person")]
    assert person[0] == pytest.approx(101.0, abs=0.1)
    assert person[-1] == pytest.approx(103.0, abs=0.1)
    speaker = [seconds(x, picture) for x in bars(picture, "speaker")]
    assert speaker[0] == pytest.approx(104.0, abs=0.1)
    assert speaker[-1] == pytest.approx(108.0, abs=0.1)


def test_what_was_sent_and_the_silence_that_was_not() -> None:
    picture = drawn(*conversation())
    ((begin, end),) = boxes(picture, **{"class": "persons"})
    assert seconds(begin, picture) == pytest.approx(100.8, abs=0.02)
    assert seconds(end, picture) == pytest.approx(103.0 + TAIL_S, abs=0.02)
    ((_, waited),) = boxes(picture, **{"class": "person"})
    assert seconds(waited, picture) == pytest.approx(103.0 + HANGOVER_S, abs=0.03)
    assert "2.4 s" in texts(picture)
    assert "2 of 10 s" in texts(picture)


def test_the_light_has_its_own_colours_and_times() -> None:
    picture = drawn(*conversation())
    blue, violet, green = (NAMED[TABLE[state].look.color] for state in ("listening", "thinking", "speaking"))
    (first, second), (pulse,), (voice,) = (boxes(picture, fill=colour) for colour in (blue, violet, green))
    assert [round(seconds(x, picture), 1) for x in (*first, *pulse, *voice, *second)] == [
        100.0, 103.7, 103.7, 104.0, 104.0, 108.0, 108.0, 110.0,
    ]  # fmt: skip


def test_the_latencies_are_written_beside() -> None:
    written = texts(drawn(*conversation()))
    assert "a press: it listens after 0.3 ms" in written
    assert "1.0 s" in written
    assert "interrupted: silent in 26 ms" in written


def test_words_are_what_was_said_and_not_markup() -> None:
    written = texts(drawn(*conversation("<b>fish & chips</b>")))
    assert any("<b>fish & chips</b>" in text for text in written)


def test_words_for_which_there_is_no_room_are_left_out_and_that_is_said() -> None:
    lines = [text for text in texts(drawn(*conversation(answer="many words " * 60))) if "words" in text]
    assert len(lines) == 3
    assert lines[-1].endswith(" …")


def test_nothing_stands_outside_the_picture() -> None:
    picture = drawn(*conversation("a long question " * 20, "a long answer " * 20))
    for text in picture.iter(f"{SVG}text"):
        assert 0 <= float(text.attrib["x"]) <= WIDTH
        assert 0 <= float(text.attrib["y"]) <= HEIGHT
    for begin, end in boxes(picture):
        assert 0 <= begin <= end <= WIDTH


def test_a_run_without_a_conversation_is_no_picture() -> None:
    timeline = Timeline(hangover_s=HANGOVER_S, tail_s=TAIL_S)
    timeline.note(state(1.0, "idle"))
    with pytest.raises(ValueError, match="no conversation"):
        timeline.draw([], TimedAudio(0.0, np.zeros(0, dtype=np.int16), 24_000))


@in_virtual_time
async def test_the_live_view_of_a_real_speaker_is_enough_for_it() -> None:
    async with household(answering()) as house:
        house.panel.tap()
        said = house.device.say(GO_FORWARD, after_s=0.2)
        await house.phase("speaking")
        await house.phase("listening")
        house.panel.tap()
        await house.phase("idle")
        timeline = Timeline(hangover_s=HANGOVER_S, tail_s=TAIL_S)
        for entry in house.entries:
            timeline.note(entry)
        picture = ET.fromstring(timeline.draw([said], played_until(house.device.played, house.device.now())))
    (sent,) = boxes(picture, **{"class": "persons"})
    person, speaker = bars(picture, "person"), bars(picture, "speaker")
    assert sent[0] < person[len(person) // 2] < sent[1] < speaker[0]
    written = " ".join(texts(picture))
    assert "“go forward ten meters”" in written
    assert "“Certainly.”" in written


def test_the_picture_of_the_readme_is_one_of_these_and_up_to_date() -> None:
    """Made anew by `scripts/demo --timeline scripts/demo.svg`, when its form or the light's colours have changed."""
    text = COMMITTED.read_text("utf-8")
    picture = ET.fromstring(text)
    assert len(text) < 40_000
    for light in ("listening", "thinking", "speaking"):
        assert boxes(picture, fill=NAMED[TABLE[light].look.color]), light
    style = drawn(*conversation()).find(f"{SVG}style")
    committed = picture.find(f"{SVG}style")
    assert style is not None
    assert committed is not None
    assert committed.text == style.text
    assert len(boxes(picture, **{"class": "persons"})) == 3
    assert any(re.fullmatch(r"interrupted: silent in \d+ ms", line) for line in texts(picture))
