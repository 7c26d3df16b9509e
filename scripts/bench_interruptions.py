#!/usr/bin/env python3
"""How soon the speaker is silent after "stop", on the software sound card, and how true its positions are.

    .venv/bin/python scripts/bench_interruptions.py [COUNT]

Interrupts speech COUNT times (200), one to four items queued, at random moments; prints one table.

A machine that is busy with other work delays everything, and a card of software that ran dry once holds more
sound ever after. So the device is opened anew every `SESSION` interruptions, those after the first at which it
ran dry are left out, and so are those during which a process beside it, which does nothing but sleep for a
millisecond, was woken more than `LATE_S` late. What was left out is counted.
"""

import itertools
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from speakerd.audio.frames import WIRE_RATE
from tests.audio.interruptions import Interruption, interrupt, percentile
from tests.rig import SoundCard, first_in_line

SESSION = 10
LATE_S = 0.004
_SLEEPER = f"""
import time
while True:
    before = time.monotonic()
    time.sleep(0.001)
    if time.monotonic() - before > 0.001 + {LATE_S}:
        print(before, time.monotonic(), flush=True)
"""


def main() -> int:
    """Measure and print. 1 if a goal was missed."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    first_in_line()
    with SoundCard() as rig:
        os.environ.update(rig.settings)
        with subprocess.Popen([sys.executable, "-c", _SLEEPER], stdout=subprocess.PIPE, text=True) as sleeper:
            done: list[Interruption] = []
            tried = 0
            while len(done) < count and tried < 5 * count:
                session = list(interrupt(rig, SESSION, seed=tried))
                tried += SESSION
                done += itertools.takewhile(lambda one: not one.torn, session)
            sleeper.kill()
            late = [tuple(map(float, line.split())) for line in sleeper.communicate()[0].splitlines()]
    whole = [
        one for one in done if not any(begin < one.at + 0.05 and end > one.at - 0.1 for begin, end in late)
    ]
    silent = [one.silent_after_s * 1000 for one in whole]
    # The ramp of 5 ms is heard too, and is not counted as played.
    wrong = [float(abs(one.recorded - one.reported)) for one in whole]
    behind = [float(-one.position_error) for one in whole]
    per_ms = WIRE_RATE / 1000
    print(f"{len(whole)} interruptions ({tried - len(whole)} more fell into moments of a busy machine)")
    print(f"{'':44}{'p50':>8}{'p99':>8}{'max':>8}")
    for name, values, unit in (
        ("request to silence at the monitor, ms", silent, 1.0),
        ("reported against recorded samples, ms", wrong, per_ms),
        ("position asked in mid-word behind monitor, ms", behind, per_ms),
    ):
        figures = (percentile(values, 0.5), percentile(values, 0.99), max(values))
        print(f"{name:44}" + "".join(f"{figure / unit:8.1f}" for figure in figures))
    return 0 if percentile(silent, 0.99) <= 30 and max(wrong) <= 10 * per_ms else 1


if __name__ == "__main__":
    sys.exit(main())
