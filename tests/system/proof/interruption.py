"""A press while it speaks."""

import time
from functools import partial
from pathlib import Path

from . import machine, speaker
from .relay import Relay
from .sound import BLOCK_S, Ear
from .table import check, figure, title

LONG = "repeat after me " + "one two three four five six seven eight nine ten " * 8
SILENCE_LIMIT_S = 0.2


def interrupted(relay: Relay) -> None:
    """Three times: silence by the recording, and the place of the cut as the server is told it."""
    title("a press while it speaks")
    before = machine.this_moment()
    with Ear() as ear:
        for number in range(1, 4):
            with speaker.Watch() as watch:
                begun = time.monotonic()
                speaker.ask("ask", text=LONG)
                speaking = watch.phase("speaking", begun)
                if not check(f"{number}. it speaks", speaking):
                    break
                machine.wait_until(partial(ear.loud, speaking), 20)
                time.sleep(0.7 + 0.9 * number)
                told = len(relay.truncations)
                at = machine.press()
                watch.phase("listening", at)
                time.sleep(1.0)
                silent = ear.silent_from(at)
                took = None if silent is None else silent - at
                check(
                    f"{number}. silence on the card",
                    took is not None and took < SILENCE_LIMIT_S,
                    _words(took),
                )
                first = next(iter(ear.loud(begun)), at)
                heard = (silent or at) - first
                cuts = relay.truncations[told:]
                cut = cuts[-1]["audio_end_ms"] / 1000 if cuts else 0.0
                check(
                    f"{number}. cut where it was heard",
                    cuts and abs(cut - heard) < 0.25,
                    f"told the server {cut:.2f} s, recorded {heard:.2f} s",
                )
            speaker.to_idle()
        ear.save(Path("/host/out/interruptions.wav"))
    for turn in machine.journal(before, "SPEAKERD_EVENT=turn"):
        figure("journal", turn["MESSAGE"])


def _words(took: float | None) -> str:
    if took is None:
        return "never"
    if took == 0:
        return "it was silent already, between two words"
    return f"{1000 * took:.0f} ms after the pull, blocks of {1000 * BLOCK_S:.0f}"
