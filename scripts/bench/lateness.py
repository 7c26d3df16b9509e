"""Tells when the machine had no time for us: then a figure in milliseconds says nothing about our code."""

import subprocess
import sys
from typing import Self

LATE_S = 0.004
"""Woken later than this after a sleep of a millisecond, a process was kept from its work."""
_SLEEPER = f"""
import time
while True:
    before = time.monotonic()
    time.sleep(0.001)
    if time.monotonic() - before > 0.001 + {LATE_S}:
        print(before, time.monotonic(), flush=True)
"""


class Lateness:
    """Watches, by a process beside us that only sleeps, for as long as it is entered; asked afterwards."""

    def __enter__(self) -> Self:
        self._sleeper = subprocess.Popen([sys.executable, "-c", _SLEEPER], stdout=subprocess.PIPE, text=True)
        self._late: list[tuple[float, float]] = []
        return self

    def __exit__(self, *_: object) -> None:
        self._sleeper.kill()
        words = [line.split() for line in self._sleeper.communicate()[0].splitlines()]
        self._late = [(float(pair[0]), float(pair[1])) for pair in words if len(pair) == 2]

    def between(self, begin: float, end: float) -> bool:
        """Whether the machine was late in that time, by the monotonic clock."""
        return any(late < end and until > begin for late, until in self._late)
