"""A press, a spoken question, its answer; the light beside all of it."""

import threading
import time
from pathlib import Path

from . import machine, speaker
from .sound import Ear, Room
from .table import check, figure, title

QUESTION = Path("/host/goforward.wav")
OUT = Path("/host/out")


def pressed() -> None:
    """A press listens, another ends it."""
    title("a press, and the light")
    check("idle: the light is off", machine.light_levels(1.0).count(1) == 0)
    with speaker.Watch() as watch:
        at = machine.press()
        listening = watch.phase("listening", at)
        check("a press: listening", listening, f"{1000 * (listening - at):.0f} ms after the pull")
        time.sleep(0.5)
        check("listening: the light is on", machine.light() == 1)
        at = machine.press()
        check("another press: idle", watch.phase("idle", at))
    time.sleep(0.5)
    check("the light is off again", machine.light() == 0)


def answered(room: Room) -> None:
    """A sentence in the room is heard, gated, answered; the answer comes out of the other card."""
    title("a spoken question, answered by the embedded server")
    before = machine.this_moment()
    with speaker.Watch() as watch, Ear() as ear:
        lights: dict[str, list[int]] = {}
        at = machine.press()
        check("a press: listening", watch.phase("listening", at))
        time.sleep(0.5)
        said_at = time.monotonic()
        lasts = room.say(QUESTION)
        _look(lights, "listening", 0.5)
        thinking = watch.phase("thinking", at)
        check("the gate ends the turn", thinking, f"{thinking - said_at - lasts:.1f} s after the sentence")
        looking = threading.Thread(target=_look, args=(lights, "thinking", 1.0))
        looking.start()
        speaking = watch.phase("speaking", at)
        looking.join()
        check("an answer is spoken", speaking, f"{speaking - thinking:.1f} s later")
        _look(lights, "speaking", 1.0)
        over = watch.phase("listening", speaking) or watch.phase("idle", speaking, 1.0)
        time.sleep(1.0)
        captions = {e["role"]: e["text"] for e in watch.of("caption", at) if e.get("final")}
        check("what was heard", "forward" in captions.get("user", ""), captions.get("user"))
        figure("what was answered", captions.get("assistant"))
        loud = ear.loud(speaking - 0.5)
        check(
            "the answer comes out of the card",
            len(loud) > 20,
            f"peak {ear.peak()}, {0.02 * len(loud):.1f} s of sound",
        )
        check("before the answer the card is silent", not ear.loud(at, speaking - 0.5))
        if loud:
            figure("end of its sound to end of 'speaking'", f"{over - loud[-1] - 0.02:.2f} s")
        ear.save(OUT / "answer.wav")
    for state, levels in lights.items():
        share = sum(levels) / len(levels)
        good = share > 0.95 if state == "listening" else share > 0
        check(f"{state}: the light", good, f"on for {100 * share:.0f} % of the time")
    speaker.to_idle()
    for turn in machine.journal(before, "SPEAKERD_EVENT=turn"):
        check(
            "the journal has the turn with its latencies",
            "SPEAKERD_COMMIT_TO_SOUND_MS" in turn,
            turn["MESSAGE"],
        )
        break
    else:
        check("the journal has the turn with its latencies", False)
        machine.show_journal(before)
    said = [
        entry["MESSAGE"] for entry in machine.journal(before) if "forward" in str(entry["MESSAGE"]).lower()
    ]
    check("but not a word of what was said", not said, said)


def _look(lights: dict[str, list[int]], state: str, seconds: float) -> None:
    lights[state] = machine.light_levels(seconds)
