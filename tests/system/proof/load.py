"""Other programs want the processor too: four that never rest, while it listens and while it speaks."""

import itertools
import time

from . import machine, speaker
from .interruption import LONG
from .sound import BLOCK_S, Ear
from .table import check, title

HOGS = 4
LOADED_S = 12.0
PAUSE_S = 0.45
"""The voice itself makes pauses; what is longer than this would be a hole."""


def shared() -> None:
    """No block of either direction is lost, and a press is answered as ever."""
    title(f"{HOGS} programs that never rest beside it")
    hogs = [f"hog{number}" for number in range(HOGS)]
    for name in hogs:
        machine.run("systemd-run", "--quiet", f"--unit={name}", "sh", "-c", "while :; do :; done")
    try:
        with speaker.Watch() as watch, Ear() as ear:
            before = speaker.ask("status")["sound"]
            begun = time.monotonic()
            speaker.ask("ask", text=LONG)
            speaking = watch.phase("speaking", begun)
            check("it speaks", speaking, f"{speaking - begun:.1f} s after the question")
            machine.wait_until(lambda: ear.loud(begun), 60)
            time.sleep(LOADED_S)
            loud = ear.loud(begun)
            gaps = [b - a - BLOCK_S for a, b in itertools.pairwise(loud)]
            check("no hole in the voice", loud and max(gaps) < PAUSE_S, f"longest pause {max(gaps):.2f} s")
            machine.wait_until(lambda: ear.loud(time.monotonic() - 0.1), 5, 0.01)
            at = machine.press()
            listening = watch.phase("listening", at)
            time.sleep(1.0)
            silent = ear.silent_from(at)
            check("a press: listening", listening, f"{1000 * (listening - at):.0f} ms after the pull")
            check("silence on the card", silent, f"{1000 * ((silent or at) - at):.0f} ms after the pull")
            time.sleep(LOADED_S)
            after = speaker.ask("status")["sound"]
    finally:
        machine.run("systemctl", "stop", *hogs)
    for what in ("capture_xruns", "playback_xruns", "underruns", "dropped_blocks"):
        check(f"no {what.replace('_', ' ')}", after[what] == before[what], after[what] - before[what])
    speaker.to_idle()
