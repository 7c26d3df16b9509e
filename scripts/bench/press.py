"""From the edge of the button to listening, and to the silence of an answer: software sound card, mock pins.

scripts/bench/run press [COUNT]
"""

import argparse
import asyncio
import os
import sys

from tests.audio.interruptions import percentile
from tests.daemon.presses import press
from tests.rig import SoundCard, first_in_line


async def measure(count: int) -> list[tuple[str, list[float]]]:
    """Press `count` times each way; milliseconds."""
    with SoundCard() as rig:
        os.environ.update(rig.settings)
        done = [one async for one in press(rig, count)]
    return [
        ("edge to listening", [one.listening_s * 1000 for one in done]),
        ("edge to silence at the monitor", [one.silent_s * 1000 for one in done]),
    ]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("count", nargs="?", type=int, default=60, help="presses each way (60)")
    count = parser.parse_args().count
    first_in_line()
    print(f"{'':36}{'p50':>9}{'p99':>9}{'max':>9}")
    for name, values in asyncio.run(measure(count)):
        figures = (percentile(values, 0.5), percentile(values, 0.99), max(values))
        print(f"{name + ', ms':36}" + "".join(f"{figure:9.1f}" for figure in figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
