"""The room of the rig: what `speaker` plays comes back at `mic`, with reverberation and noise, in real time.

    python -m tests.rig_room [--echo-db -6] [--delay-ms 5] [--distortion 0] [--noise-dbfs -66]

Prints "open" when it runs. The server mixes what else is said into `mic`.
"""

import argparse
import subprocess
import sys

import numpy as np

from speakerd.audio.pcm import FULL_SCALE, MIC_BLOCK, MIC_BLOCK_BYTES, MIC_RATE, gain_of
from speakerd.audio.simulation.room import Room, RoomShape


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--echo-db", type=float, default=-6)
    parser.add_argument("--delay-ms", type=float, default=5)
    parser.add_argument("--distortion", type=float, default=0)
    parser.add_argument("--noise-dbfs", type=float, default=-66)
    words = parser.parse_args()
    room = Room(RoomShape(echo_db=words.echo_db, delay_ms=words.delay_ms, distortion=words.distortion))
    noise = np.random.default_rng(2)
    level = gain_of(words.noise_dbfs) * FULL_SCALE
    form = [f"--rate={MIC_RATE}", "--channels=1", "--format=s16le", "--raw"]
    speaker = subprocess.Popen(
        ["parec", "-d", "speaker.monitor", "--latency-msec=10", *form], stdout=subprocess.PIPE
    )
    mic = subprocess.Popen(["pacat", "-d", "mic", "--latency-msec=30", *form], stdin=subprocess.PIPE)
    assert speaker.stdout is not None
    assert mic.stdin is not None
    first = True
    while len(block := speaker.stdout.read(MIC_BLOCK_BYTES)) == MIC_BLOCK_BYTES:
        heard = room.echo(block) + noise.standard_normal(MIC_BLOCK) * level
        mic.stdin.write(np.clip(np.rint(heard), -32_768, 32_767).astype("<i2").tobytes())
        mic.stdin.flush()
        if first:
            first = False
            sys.stdout.write("open\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
