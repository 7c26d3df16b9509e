"""Memory of the daemon while a server sends as fast as it can: `speakerd run` as a process, five minutes a kind.

    scripts/bench/run flood [--seconds N] [--kind NAME ...]

The server is a process of its own on loopback and never waits for anything but the socket. What it sends:

- audio: one answer that never ends, in deltas of 100 ms;
- captions: the same, of what is said, in pieces of 8 KB;
- items: finished items of the conversation, each with 256 KB of text;
- unknown: events of a type that nobody knows, 64 KB each;
- large: audio in deltas of 20 s, 1.3 MB on the wire;
- mixed: 100 ms of audio and 8 KB of captions in turn.

A row has the memory before the first frame and at the end of each fifth of the time, the highest, what the server
could send, the phase that the control socket tells at the end, and how soon SIGTERM ends it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import sys
import tempfile
import time
from itertools import chain, count, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from speakerd.realtime.testing import server_events as s
from tests.daemon.process import Daemon

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 300
SETTLED_S = 2.0
CONFIG = """
[audio]
driver = "simulated"
echo = "off"
[model]
backend = "remote"
url = "ws://127.0.0.1:{port}/v1/realtime"
auth = "none"
[panel]
kind = "none"
"""
PROSE = "All work and no play makes Jack a dull boy. " * 186


def audio() -> Iterator[str]:
    """An answer that never ends."""
    return repeat(json.dumps(s.audio_delta("resp_1", "item_1", bytes(4800))))


def large() -> Iterator[str]:
    """The same in large frames."""
    return repeat(json.dumps(s.audio_delta("resp_1", "item_1", bytes(960_000))))


def captions() -> Iterator[str]:
    """What is said, and no sound."""
    return repeat(json.dumps(s.transcript_delta("resp_1", "item_1", PROSE)))


def mixed() -> Iterator[str]:
    """Both in turn."""
    return chain.from_iterable(zip(audio(), captions(), strict=True))


def items() -> Iterator[str]:
    """A conversation that grows."""
    for number in count():
        item = s.message_item(f"item_{number}", "assistant", [{"type": "output_text", "text": 32 * PROSE}])
        yield json.dumps({"type": "conversation.item.done", "item": item})


def unknown() -> Iterator[str]:
    """Events of the future."""
    return repeat(json.dumps({"type": "response.hologram.delta", "delta": "x" * 65_536}))


KINDS = {
    "audio": audio,
    "large": large,
    "captions": captions,
    "items": items,
    "unknown": unknown,
    "mixed": mixed,
}


def flood(kind: str, pipe: Any, sent: Any) -> None:
    """The server's process: confirms the settings, then sends for ever; counts the bytes."""

    async def handler(socket: ServerConnection) -> None:
        await socket.send(json.dumps(s.session_created()))
        await socket.recv()
        await socket.send(json.dumps(s.session_updated()))
        await asyncio.sleep(SETTLED_S)
        for event in (s.response_created(), *s.spoken_begin("resp_1", "item_1")):
            await socket.send(json.dumps(event))
        with contextlib.suppress(ConnectionClosed):
            for frame in KINDS[kind]():
                await socket.send(frame)
                sent.value += len(frame)

    async def run() -> None:
        async with serve(handler, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
            pipe.send(next(iter(server.sockets)).getsockname()[1])
            await asyncio.Future()

    asyncio.run(run())


def rss_mb(pid: int) -> float:
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def measure(kind: str, seconds: float) -> str:
    """One row."""
    here, there = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    sent = context.Value("q", 0)
    server = context.Process(target=flood, args=(kind, there, sent), daemon=True)
    server.start()
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(Path(folder), CONFIG.format(port=here.recv()))
        try:
            daemon.wait_ready()
            daemon.ask("wake")
            time.sleep(SETTLED_S / 2)
            levels = [rss_mb(daemon.process.pid)]
            highest = now = levels[0]
            begun = time.monotonic()
            for fifth in range(1, 6):
                while time.monotonic() < begun + fifth * seconds / 5:
                    time.sleep(0.2)
                    now = rss_mb(daemon.process.pid)
                    highest = max(highest, now)
                levels.append(now)
            phase = daemon.ask("status")["phase"]
            if os.environ.get("SHOW"):
                print(daemon.log.read_text()[-1500:], file=sys.stderr)
            began = time.monotonic()
            code = daemon.stop()
            ended = time.monotonic() - began
        finally:
            daemon.process.kill()
            daemon.process.wait()
            server.terminate()
    fifths = ", ".join(f"{level:.0f}" for level in levels[1:])
    return (
        f"| {kind} | {levels[0]:.0f} | {fifths} | {highest:.0f} | {sent.value / 1e6:.0f} | {phase} "
        f"| {ended:.1f} s, exit code {code} |"
    )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"for each kind ({SECONDS})")
    parser.add_argument("--kind", nargs="*", choices=KINDS, default=list(KINDS))
    options = parser.parse_args()
    print("| it sends | MB before | by fifths | highest | MB sent | phase at the end | SIGTERM |")
    print("| --- | ---: | --- | ---: | ---: | --- | --- |")
    for kind in options.kind:
        print(measure(kind, options.seconds), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
