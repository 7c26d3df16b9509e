"""What the embedded server costs: memory, share of real time, and how soon it answers.

    scripts/bench/run offline [--rounds N]

Times of work are processor time of the recogniser's process, so that other programs do not count; waits are wall
time. The recordings of tests/data are sent as fast as they last, like a microphone's.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from speakerd.audio.resample import resample
from speakerd.offline import OfflineServer, OfflineSettings

ROOT = Path(__file__).resolve().parents[2]
STEP_MS = 40
RECORDINGS = ("goforward.wav", "librivox-0880.wav", "librivox-0890.wav", "librivox-0870.wav", "jfk.wav")


def rss_mb(pid: int) -> float:
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def cpu_s(pid: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def send(socket: ClientConnection, kind: str, **fields: Any) -> None:
    """A client event."""
    await socket.send(json.dumps({"type": kind, **fields}))


async def turn(socket: ClientConnection, pcm: bytes) -> tuple[str, float, float]:
    """One spoken question: transcript, seconds from the commit to it, and to the first sound of the answer."""
    step = STEP_MS * 48
    for start in range(0, len(pcm), step):
        await send(
            socket, "input_audio_buffer.append", audio=base64.b64encode(pcm[start : start + step]).decode()
        )
        await asyncio.sleep(STEP_MS / 1000)
    began = time.monotonic()
    await send(socket, "input_audio_buffer.commit")
    await send(socket, "response.create")
    transcript, understood, sound = "", 0.0, 0.0
    async for message in socket:
        event = json.loads(message)
        if event["type"].endswith("transcription.completed"):
            transcript, understood = event["transcript"], time.monotonic() - began
        elif event["type"] == "response.output_audio.delta" and not sound:
            sound = time.monotonic() - began
        elif event["type"] == "response.done":
            break
    return transcript, understood, sound


async def measure(mode: str, rounds: int) -> None:
    """One setting of `free_speech`, all recordings."""
    settings = OfflineSettings(port=0, free_speech=mode, pace=0)  # type: ignore[arg-type]  # one of the three
    began = time.monotonic()
    async with OfflineServer(settings) as server, connect(server.url, compression=None) as socket:
        pid = server.recognizer.pid or 0
        print(f"\nfree_speech = {mode}: ready in {time.monotonic() - began:.2f} s, ", end="")
        print(f"recogniser {rss_mb(pid):.0f} MB, server {rss_mb(os.getpid()):.0f} MB")
        audio = {"input": {"turn_detection": None, "transcription": {"model": "any"}}}
        await send(socket, "session.update", session={"type": "realtime", "audio": audio})
        for name in RECORDINGS:
            pcm = resample((ROOT / "tests/data" / name).read_bytes()[44:], 16_000, 24_000)
            before, runs = cpu_s(pid), [await turn(socket, pcm) for _ in range(rounds)]
            share = (cpu_s(pid) - before) / rounds / (len(pcm) / 48_000)
            heard, first = (
                statistics.median(run[1] for run in runs),
                statistics.median(run[2] for run in runs),
            )
            print(
                f"  {name:18} {share:5.2f} of real time, {heard * 1000:5.0f} ms to the words, "
                f"{first * 1000:5.0f} ms to the sound: {runs[-1][0] or '(no command)'}"
            )
        print(f"  afterwards: recogniser {rss_mb(pid):.0f} MB, server {rss_mb(os.getpid()):.0f} MB")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    for mode in ("while_listening", "after", "off"):
        asyncio.run(measure(mode, arguments.rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
